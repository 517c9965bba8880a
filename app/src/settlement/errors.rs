//! What `settlement` refuses: a message, or one record of it.

use crate::error::errors;

errors! { "race_settlement";
    /// The batch is malformed.
    Batch { why: String } = 2, "{why}",
    /// The epoch takes no settlements now.
    Epoch { epoch: u64, current: u64, until: u64 } = 3, "settlements of epoch {epoch} are not taken in epoch {current}: expected the pins' own epoch, or the next one up to block {until}",
    /// Every record was refused.
    AllRefused { count: usize, first: String } = 4, "all {count} records were refused; the first: {first}",
    /// No such session.
    Session { id: u64 } = 5, "no session {id}",
    /// Closed.
    Closed { id: u64 } = 6, "session {id} expired and its escrow was refunded",
    /// Settled already.
    Settled { session: u64, index: u64 } = 7, "request {index} of session {session} was settled already",
    /// The escrow does not cover this index.
    Index { session: u64, index: u64, max: u64 } = 8, "request {index} of session {session}: the escrow covers indices below {max}",
    /// Not pinned in this epoch.
    NotPinned { session: u64, epoch: u64 } = 9, "session {session} has no pin of epoch {epoch}",
    /// Somebody else was drawn.
    Executor { session: u64, index: u64, attempt: u32, expected: String, got: String } = 10, "request {index} of session {session}, attempt {attempt}, fell to {expected}, not to {got}",
    /// The session's key did not acknowledge this record.
    Acknowledgement { session: u64, index: u64 } = 11, "the acknowledgement of request {index} of session {session} is not the session key's signature over this record",
    /// More than the escrow has left.
    Escrow { session: u64, fee: u128, left: u128 } = 12, "the fee of {fee} nicoin is more than the {left} nicoin that session {session} has left",
    /// Nothing was served.
    Nothing { session: u64, index: u64 } = 13, "request {index} of session {session} has no tokens: there is nothing to settle",
    /// No such attempt.
    Attempt { session: u64, index: u64, attempt: u32 } = 14, "request {index} of session {session}: expected an attempt from 0 to 2, got {attempt}",
    /// Enough of this epoch.
    TooMany { epoch: u64, limit: u64 } = 15, "this node settled {limit} requests of epoch {epoch}, which is its limit (settlement/max_per_epoch, or its share by weight of settlement/max_tasks)",
    /// One batch in a block.
    Again { height: u64 } = 16, "this node settled a batch in block {height} already; send the next one in a later block",
    /// More than the model can have read and written.
    Context { session: u64, index: u64, tokens: u64, limit: u32 } = 17, "request {index} of session {session} has {tokens} tokens, the model's context holds {limit}",
}
