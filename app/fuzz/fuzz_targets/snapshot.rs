//! Bytes as a snapshot, by coverage-guided fuzzing; see `../entries/snapshot.rs`.
#![no_main]

#[path = "../entries/input.rs"]
mod input;
#[path = "../entries/snapshot.rs"]
mod snapshot;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| snapshot::survives(bytes));
