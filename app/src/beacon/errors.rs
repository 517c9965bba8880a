//! What `beacon` refuses.

use crate::error::errors;

errors! { "race_beacon";
    /// A message that names no round.
    NoRoundId = 2, "the message names no round: expected purpose, epoch, attempt and round",
    /// A round that is not open.
    NotOpen { round: String } = 3, "round {round} is not open: ask for the open rounds and send it for one of them",
    /// A commitment out of time.
    NotTakingCommits { round: String, start: u64, end: u64, height: u64 } = 4, "round {round} takes commitments in blocks {start} to {end}, this is block {height}",
    /// A reveal out of time.
    NotTakingReveals { round: String, start: u64, end: u64, height: u64 } = 5, "round {round} takes reveals in blocks {start} to {end}, this is block {height}",
    /// Commitment twice.
    AlreadyCommitted { address: String } = 6, "node {address} has committed to this round already: a commitment stands",
    /// Reveal without a commitment.
    NotCommitted { address: String } = 7, "node {address} did not commit to this round in time: only what was committed to can be revealed",
    /// Reveal twice.
    AlreadyRevealed { address: String } = 8, "node {address} has revealed in this round already: once is enough",
    /// A secret that is not the one committed to.
    Mismatch = 9, "the secret does not give the commitment: reveal the secret that was committed to",
    /// A key generation that is not there, or takes other messages.
    NoKeyGeneration { attempt: String, window: &'static str } = 10, "key generation {attempt} takes no {window} now: ask for the key generation and send what it takes",
    /// From outside the key generation.
    NotInKeyGeneration { address: String } = 11, "node {address} is no member of this key generation: only those who proved enough for a share of power take part",
    /// A deal, a complaint or a confirmation that is refused.
    KeyPost { reason: String } = 12, "{reason}",
    /// A deal of another size.
    DealSize { expected: u32, got: usize } = 13, "a deal of this key generation has {expected} bytes, got {got}: deal with its members and attempt",
    /// Too many deals in a block.
    BlockFull { limit: u64 } = 14, "this block has taken {limit} deals: send it again for the next block",
}
