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
    /// A signature or shares that nothing awaits.
    NotAwaited { round: String, attempt: u32 } = 15, "round {round} does not await a signature of signing attempt {attempt}: ask for the open rounds and sign what they await",
    /// Not the committee's signature.
    WrongSignature { round: String } = 16, "the signature of round {round} is not the committee's: combine the shares again and verify the signature",
    /// Shares that are not the member's.
    Shares { reason: String } = 17, "{reason}",
    /// An epoch without a key.
    NoShares = 22, "the committee of this epoch has no key, and nobody shares of it: wait for the next epoch",
    /// Shares too early.
    NotTakingShares { round: String } = 18, "round {round} takes shares from its second signing attempt on: in the first one they are in the votes",
    /// Shares twice.
    AlreadyPosted { address: String } = 19, "node {address} has posted its shares of this signing attempt already: once is enough",
    /// From the mempool, or not the first of its block.
    OnlyByProposers = 20, "signatures of rounds come from the proposer, as the first transaction of its block: put shares into votes instead",
    /// A second commitment where there is one, or none where there are two.
    Fallback { expected: &'static str } = 21, "{expected}",
}
