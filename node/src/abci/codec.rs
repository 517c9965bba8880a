//! Framing: a protobuf varint with the length, then the message. Both directions are alike.

use std::io::{self, Read};

use prost::Message;

/// Length of the longest varint of a 64-bit number.
const MAX_VARINT_BYTES: usize = 10;

/// Size of the read buffer while messages are small.
const BUFFER_BYTES: usize = 64 << 10;

/// A buffer that grew above this is let go once it is empty.
const KEEP_BUFFER_BYTES: usize = 4 << 20;

/// What can be wrong with a stream of messages. The stream is of no use afterwards.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The length is no varint of 64 bits.
    #[error("the length of a message does not parse: expected a varint of at most 10 bytes")]
    Length,
    /// The message is larger than the limit; nothing of it was read.
    #[error("a message of {got} bytes is above the limit of {max}; raise the limit if the peer may send that much")]
    TooLarge {
        /// Announced length, bytes.
        got: u64,
        /// The limit, bytes.
        max: usize,
    },
    /// The message is no protobuf of its type.
    #[error("a message does not decode: {0}")]
    Message(#[from] prost::DecodeError),
    /// A request without content, or of a kind that this version does not know.
    #[error("a request of an unknown kind; expected ABCI of CometBFT 0.38")]
    UnknownRequest,
    /// The peer closed the stream within a message.
    #[error("the stream ended within a message")]
    Truncated,
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Io(#[from] io::Error),
}

/// Appends a message and its length to `out`.
pub fn encode(message: &impl Message, out: &mut Vec<u8>) {
    let length = message.encoded_len();
    out.reserve(length.saturating_add(MAX_VARINT_BYTES));
    prost::encoding::encode_varint(length as u64, out);
    message.encode_raw(out);
}

/// Reads messages from a stream. Each byte is copied once; memory grows with what has arrived,
/// not with what was announced.
pub struct Reader<R> {
    stream: R,
    buffer: Vec<u8>,
    /// Bytes `start..end` of the buffer have arrived and are not yet decoded.
    start: usize,
    end: usize,
    max_message_bytes: usize,
}

/// Where the next message lies in the buffer.
enum Frame {
    /// At `start..end`, wholly there.
    Whole { start: usize, end: usize },
    /// Not wholly there; at least so many bytes are missing.
    Missing(usize),
}

impl<R: Read> Reader<R> {
    /// Reads from `stream`; refuses messages above `max_message_bytes`.
    pub fn new(stream: R, max_message_bytes: usize) -> Self {
        Self {
            stream,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            max_message_bytes,
        }
    }

    /// The next message, or `None` if the stream ended between two messages.
    ///
    /// # Errors
    /// See [`CodecError`]; the stream must be closed then.
    pub fn read_message<M: Message + Default>(&mut self) -> Result<Option<M>, CodecError> {
        loop {
            match self.frame()? {
                Frame::Whole { start, end } => {
                    let message = M::decode(&self.buffer[start..end])?;
                    self.start = end;
                    self.tidy();
                    return Ok(Some(message));
                }
                Frame::Missing(bytes) => {
                    if !self.fill(bytes)? {
                        return if self.start == self.end {
                            Ok(None)
                        } else {
                            Err(CodecError::Truncated)
                        };
                    }
                }
            }
        }
    }

    /// Whether a whole message waits in the buffer, so that [`read_message`](Self::read_message)
    /// need not wait for the stream.
    pub fn is_ready(&self) -> bool {
        matches!(self.frame(), Ok(Frame::Whole { .. }))
    }

    fn frame(&self) -> Result<Frame, CodecError> {
        let arrived = &self.buffer[self.start..self.end];
        let head = &arrived[..arrived.len().min(MAX_VARINT_BYTES)];
        let Some(last) = head.iter().position(|byte| byte & 0x80 == 0) else {
            return if head.len() == MAX_VARINT_BYTES {
                Err(CodecError::Length)
            } else {
                Ok(Frame::Missing(1))
            };
        };
        let mut head = &head[..=last];
        let got = prost::encoding::decode_varint(&mut head).map_err(|_| CodecError::Length)?;
        let max = self.max_message_bytes;
        let length = usize::try_from(got).ok().filter(|length| *length <= max);
        let length = length.ok_or(CodecError::TooLarge { got, max })?;
        let start = self.start + last + 1;
        let there = self.end - start;
        Ok(match length.checked_sub(there) {
            None | Some(0) => Frame::Whole {
                start,
                end: start + length,
            },
            Some(missing) => Frame::Missing(missing),
        })
    }

    /// Reads once, with room for `missing` bytes up to what is there already; `false` at the end.
    fn fill(&mut self, missing: usize) -> Result<bool, CodecError> {
        if self.end == self.buffer.len() || self.start == self.end {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let grow = missing.clamp(1, self.buffer.len().max(BUFFER_BYTES));
            self.buffer.resize(self.buffer.len() + grow, 0);
        }
        loop {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives the memory of a large message back.
    fn tidy(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() > KEEP_BUFFER_BYTES {
                self.buffer = vec![0; BUFFER_BYTES];
            }
        }
    }
}
