//! Bytes offered to the mempool and put into blocks, by coverage-guided fuzzing; see `../entries/check_tx.rs`.
#![no_main]

#[path = "../entries/check_tx.rs"]
mod check_tx;
#[path = "../entries/input.rs"]
mod input;
#[path = "../entries/made.rs"]
mod made;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_tx::survives(bytes));
