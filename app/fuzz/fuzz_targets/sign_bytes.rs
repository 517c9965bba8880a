//! Bytes as what is signed, by coverage-guided fuzzing; see `../entries/sign_bytes.rs`.
#![no_main]

#[path = "../entries/canonical.rs"]
mod canonical;
#[path = "../entries/input.rs"]
mod input;
#[path = "../entries/sign_bytes.rs"]
mod sign_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sign_bytes::survives(bytes));
