//! Openings of a commitment, by coverage-guided fuzzing; see `../opening.rs`.
#![no_main]

#[path = "../opening.rs"]
mod opening;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| opening::survives(bytes));
