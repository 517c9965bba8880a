//! Bytes as a transaction, by coverage-guided fuzzing; see `../entries/transaction.rs`.
#![no_main]

#[path = "../entries/canonical.rs"]
mod canonical;
#[path = "../entries/input.rs"]
mod input;
#[path = "../entries/made.rs"]
mod made;
#[path = "../entries/transaction.rs"]
mod transaction;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| transaction::survives(bytes));
