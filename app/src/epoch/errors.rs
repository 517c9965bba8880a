//! What `epoch` refuses: other modules' messages use it for what is out of time or out
//! of place.

use race_proto::race::epoch::v1::{Epoch, Phase};

use crate::error::errors;

errors! { "race_epoch";
    /// Sent outside its phase.
    WrongPhase { expected: &'static str, found: &'static str, until: u64 } = 2, "expected phase {expected}, the epoch is in {found} until block {until}: send it in its phase",
    /// For another epoch.
    WrongEpoch { expected: u64, got: u64 } = 3, "this is epoch {expected}, the message is for epoch {got}: ask for the current epoch and send it anew",
    /// For another attempt.
    WrongAttempt { what: &'static str, expected: u32, got: u32 } = 4, "this is {what} attempt {expected}, the message is for attempt {got}: ask for the current attempt and send it anew",
    /// From outside the committee.
    NotAMember { address: String, epoch: u64 } = 5, "node {address} has no power in epoch {epoch}: only members of its committee may send this",
}

impl Error {
    /// The refusal of what is sent outside its phase.
    pub fn wrong_phase(expected: Phase, epoch: &Epoch) -> Self {
        let name = |phase: Phase| phase.as_str_name().trim_start_matches("PHASE_");
        let (expected, found) = (name(expected), name(epoch.phase()));
        Self::WrongPhase {
            expected,
            found,
            until: epoch.phase_end,
        }
    }
}
