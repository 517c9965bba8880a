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
}
