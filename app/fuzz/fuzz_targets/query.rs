//! Bytes as a query, by coverage-guided fuzzing; see `../entries/query.rs`.
#![no_main]

#[path = "../entries/input.rs"]
mod input;
#[path = "../entries/query.rs"]
mod query;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| query::survives(bytes));
