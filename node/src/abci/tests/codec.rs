//! Framing: whatever arrives and however it is cut, the reader neither panics nor takes memory
//! for what did not arrive.

use std::io::{self, Read};

use proptest::prelude::*;
use tendermint_proto::v0_38::abci::{Request, RequestEcho};

use super::super::codec::{CodecError, Reader};
use super::{echo, framed, query};

/// A stream that gives at most so many bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(buffer.len()).min(self.1);
        let (head, rest) = self.0.split_at(count);
        buffer[..count].copy_from_slice(head);
        self.0 = rest;
        Ok(count)
    }
}

fn read_all(bytes: &[u8], step: usize, limit: usize) -> (Vec<Request>, Option<CodecError>) {
    let mut reader = Reader::new(Trickle(bytes, step), limit);
    let mut requests = vec![];
    loop {
        match reader.read_message() {
            Ok(Some(request)) => requests.push(request),
            Ok(None) => return (requests, None),
            Err(error) => return (requests, Some(error)),
        }
    }
}

fn request(text: String, size: usize) -> Request {
    let call = if size == 0 {
        echo(text)
    } else {
        query(&vec![7; size])
    };
    Request { value: Some(call) }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1usize..50) {
        read_all(&bytes, step, 200);
    }

    #[test]
    fn messages_come_out_as_they_went_in_however_the_stream_is_cut(
        messages in prop::collection::vec((".{0,20}", prop::sample::select(vec![0usize, 0, 1, 127, 128, 70_000])), 0..8),
        step in prop::sample::select(vec![1usize, 2, 3, 100, 65_536, 1 << 20]),
    ) {
        let requests: Vec<_> = messages.into_iter().map(|(text, size)| request(text, size)).collect();
        let bytes: Vec<u8> = requests.iter().flat_map(framed).collect();
        let (read, error) = read_all(&bytes, step, 1 << 20);
        prop_assert_eq!(read, requests);
        prop_assert!(error.is_none());
    }

    #[test]
    fn a_stream_cut_within_a_message_says_so(text in ".{1,50}", cut in any::<prop::sample::Index>()) {
        let bytes = framed(&request(text, 0));
        let cut = 1 + cut.index(bytes.len() - 1);
        let (read, error) = read_all(&bytes[..cut], 7, 1 << 20);
        prop_assert!(read.is_empty());
        prop_assert!(matches!(error, Some(CodecError::Truncated)));
    }
}

#[test]
fn a_message_at_the_limit_is_read_and_one_above_is_refused() {
    let bytes = framed(&request("abc".into(), 0));
    let size = bytes.len() - 1;
    assert_eq!(read_all(&bytes, 1, size).0.len(), 1);
    let (read, error) = read_all(&bytes, 1, size - 1);
    assert!(read.is_empty());
    assert!(
        matches!(error, Some(CodecError::TooLarge { got, max }) if got == size as u64 && max == size - 1)
    );
}

#[test]
fn a_length_alone_takes_no_memory() {
    // 2^60 bytes announced, none sent; then a length that fits the limit, none sent either.
    for (limit, refused) in [(1 << 20, true), (usize::MAX, false)] {
        let mut bytes = vec![];
        prost::encoding::encode_varint(1 << 60, &mut bytes);
        let error = read_all(&bytes, 1, limit).1;
        match error {
            Some(CodecError::TooLarge { .. }) => assert!(refused),
            Some(CodecError::Truncated) => assert!(!refused),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn lengths_that_are_no_varint_are_refused() {
    for bytes in [
        vec![0xff; 10],
        [vec![0xff; 9], vec![0x7f]].concat(),
        vec![0x80; 10],
    ] {
        assert!(
            matches!(read_all(&bytes, 3, 100).1, Some(CodecError::Length)),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_message_that_is_no_protobuf_is_refused() {
    assert!(matches!(
        read_all(&[2, 0xff, 0xff], 3, 100).1,
        Some(CodecError::Message(_))
    ));
}

#[test]
fn an_empty_message_is_a_message() {
    let (read, error) = read_all(&[0, 0], 1, 10);
    assert_eq!(read, vec![Request::default(), Request::default()]);
    assert!(error.is_none());
    let _: RequestEcho = Reader::new(&[0u8][..], 10).read_message().unwrap().unwrap();
}
