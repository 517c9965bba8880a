//! What `duty` refuses.

use crate::error::errors;

errors! { "race_duty";
    /// The list of verdicts is malformed.
    Verdicts { why: String } = 2, "{why}",
    /// Outside the window.
    Window { epoch: u64, start: u64, end: u64, height: u64 } = 3, "duties of epoch {epoch} are revealed in blocks {start} to {end}, this is block {height}",
    /// The epoch runs.
    Running { epoch: u64 } = 4, "epoch {epoch} has not ended; its duties are revealed after its switch",
    /// Revealed already.
    Revealed { epoch: u64, session: u64, index: u64 } = 5, "this node revealed its duties of epoch {epoch} up to request {index} of session {session} already; only verdicts on later ones can follow",
    /// No duty round was done.
    NoSeed { epoch: u64 } = 6, "epoch {epoch} has no duty seed: nobody has duties",
    /// Not rho.
    Signature { epoch: u64 } = 7, "the signature is not the node's duty key's over the duty seed of epoch {epoch}",
    /// No such task.
    Task { session: u64, index: u64, epoch: u64 } = 8, "request {index} of session {session} is no task of epoch {epoch}",
    /// Not drawn.
    NotDrawn { session: u64, index: u64 } = 9, "request {index} of session {session} does not fall to this node; leave it out",
    /// The validator revealed nothing.
    NotRevealed { validator: String, epoch: u64 } = 10, "{validator} did not reveal its duties of epoch {epoch}: all of them are missed, nothing is to be proved",
    /// The duty was done.
    NotOmitted { session: u64, index: u64 } = 11, "request {index} of session {session} is among the validator's verdicts",
    /// Proved already.
    Proved { session: u64, index: u64 } = 12, "the omission of request {index} of session {session} was proved already",
    /// Too late.
    Late { epoch: u64 } = 13, "the rewards of epoch {epoch} are being released or were; nothing can be revealed or proved any more",
    /// Not contested.
    NotContested { task: String } = 14, "task {task} is not under re-verification",
    /// Another step of the re-verification.
    Step { expected: &'static str, start: u64, end: u64, height: u64 } = 15, "ballots are {expected} in blocks {start} to {end}, this is block {height}",
    /// No vote.
    NoVote { why: &'static str } = 16, "this node has no vote on the task: {why}",
    /// One ballot each.
    Committed {} = 17, "this node committed to a ballot on the task already",
    /// Nothing committed.
    NotCommitted {} = 18, "this node committed to no ballot on the task",
    /// Revealed already.
    BallotRevealed {} = 19, "this node revealed its ballot on the task already",
    /// Does not open the commitment.
    Mismatch {} = 20, "outcome and salt do not open the commitment of this node",
    /// No outcome.
    Outcome { got: i32 } = 21, "outcome {got}: expected 1 (pass), 2 (false) or 3 (cannot check)",
    /// The reveal may go on.
    MayFollow { session: u64, index: u64, end: u64 } = 22, "the validator may still reveal a verdict on request {index} of session {session}; prove the omission after block {end}",
}
