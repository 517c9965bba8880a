//! Bytes as the app state of a genesis file, by coverage-guided fuzzing; see `../entries/genesis.rs`.
#![no_main]

#[path = "../entries/genesis.rs"]
mod genesis;
#[path = "../entries/input.rs"]
mod input;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| genesis::survives(bytes));
