//! Bytes as JSON of messages and as messages, by coverage-guided fuzzing; see `../entries/transcoding.rs`.
//! What transcodes is a file of the node, which is taken alone: the node would bring its engines along.
#![no_main]
#![allow(dead_code)]

#[path = "../entries/input.rs"]
mod input;
#[path = "../../../node/src/proto_json.rs"]
mod proto_json;
#[path = "../entries/transcoding.rs"]
mod transcoding;
#[path = "../../../node/src/tree.rs"]
mod tree;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| transcoding::survives(bytes));
