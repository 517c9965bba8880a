//! Bytes as a message in amino JSON, by coverage-guided fuzzing; see `../entries/amino.rs`.
#![no_main]

#[path = "../entries/amino.rs"]
mod amino;
#[path = "../entries/canonical.rs"]
mod canonical;
#[path = "../entries/input.rs"]
mod input;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| amino::survives(bytes));
