//! What `race` refuses. What is out of phase, epoch or committee is refused in `race_epoch`'s words.

use crate::error::errors;

errors! { "race_race";
    /// A count that no proof has.
    BadCount { got: u64, limit: u64 } = 2, "a proof claims 1 to {limit} leaves, got {got}: with none found there is nothing to submit",
    /// More than one submission in a block.
    TooOften { height: u64 } = 3, "the submission of block {height} stands: it may be replaced once a block until the window closes",
    /// Opening without a submission.
    NoSubmission { address: String } = 4, "node {address} submitted no proof in this attempt: there is nothing to open",
    /// Opening twice.
    AlreadyOpened { address: String } = 5, "node {address} has opened its leaves already: once is enough",
    /// A multiproof that does not hold.
    BadProof { reason: String } = 6, "the multiproof does not open the sampled positions: {reason}",
    /// No challenge.
    NoChallenge = 7, "the challenge of this attempt is not known: wait for its beacon round",
    /// A checker without checks.
    NothingToCheck { address: String } = 8, "no opened leaf fell to node {address}: it has nothing to check in this attempt",
    /// Commitment twice.
    AlreadyCommitted { address: String } = 9, "node {address} has committed its checks already: a commitment stands",
    /// Reveal without a commitment.
    NotCommitted { address: String } = 10, "node {address} committed no checks in time: only what was committed can be revealed",
    /// Reveal twice.
    AlreadyRevealed { address: String, participant: String } = 11, "node {address} has revealed its checks of {participant} already: once is enough",
    /// A reveal that is not what was committed to.
    Mismatch = 12, "salt, digests and checks do not give the commitment: reveal exactly what was committed to",
    /// Not the checks that were drawn.
    WrongChecks { reason: String } = 13, "expected whole participants, by address, with just the positions that were drawn, in order: {reason}",
    /// Too large to look at.
    TooLarge { what: &'static str, limit: usize, got: usize } = 14, "{what}: {got} is above the limit of {limit}",
    /// Opening a proof that counts 0.
    Struck { address: String, outcome: &'static str } = 15, "the proof of node {address} counts 0 in this attempt ({outcome}): there is nothing left to open",
}
