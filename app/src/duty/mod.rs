//! Duties: who had to check which settled task, what they found, and re-verification of what was
//! found false.
//!
//! After an epoch's last settlements every host reveals the BLS signature `rho` that drew its
//! duties, with its verdicts. A verdict "false" contests the task: the other hosts of the model
//! commit and reveal ballots, and only more than half of their weight makes the result false.
//!
//! | block | what |
//! |---|---|
//! | `settle_end` | the rates of checking are fixed |
//! | up to `reveal_end` | duties are revealed; re-verifications open |
//! | then `reverify_commit` blocks | ballots are committed (from the opening on) |
//! | then `reverify_reveal` blocks | ballots are revealed; the last block decides |
//!
//! Verdicts come in one message or in several, in the order of their tasks. What a later message may still
//! bring is no omission.
//!
//! Invariants: a verdict is stored only for a task that fell to its giver; every contested task has
//! exactly one open re-verification; an accuser never votes.

pub mod errors;
pub mod invariants;
pub mod keys;
pub mod lottery;
pub mod msgs;
pub mod params;
pub mod phase;
pub mod queries;
pub mod reverification;
pub mod share;
pub mod unchecked;

use race_proto::race::duty::v1::{Ballot, DutyReveal, QueryWindowsResponse, Reverification};
use race_randomness::hash::Address;
use race_verification::verdict;

use crate::address::ConsensusAddress;
use crate::settlement::{settle_end, TaskId};
use crate::state::State;

pub use keys::STORE;
pub use lottery::{thresholds, Due};
pub use msgs::{MAX_VERDICTS, MESSAGES, REVEAL};
pub use queries::QUERIES;
pub use race_verification::duty::{must_check, rho_message, task_id};
pub use race_verification::record::{
    acknowledgement, output_sign_bytes, record_digest, request_sign_bytes,
};
pub use race_verification::verdict::Outcome;
pub(crate) use share::share;
pub(crate) use unchecked::excuse;
pub use unchecked::Tallies;

/// The stage of re-verification that this chain runs: all hosts of the model vote at once.
const ALL_HOSTS: u8 = 2;

/// What a voter commits to in a re-verification: [`verdict::commitment`] with the stage of all
/// hosts and no evidence (32 zero bytes). The salt is 32 random bytes.
pub fn ballot_commitment(
    chain_id: &str,
    task: &TaskId,
    voter: &Address,
    outcome: Outcome,
    salt: &[u8; 32],
) -> [u8; 32] {
    verdict::commitment(chain_id, task, ALL_HOSTS, voter, outcome, &[0; 32], salt)
}

/// A node's revealed duties of an epoch.
pub fn reveal(state: &State, epoch: u64, address: &ConsensusAddress) -> Option<DutyReveal> {
    keys::REVEALS.get(state, &(epoch, *address))
}

/// The (session, index) of the last task that a node gave a verdict on; (0, 0), which is no task, before the
/// first. Verdicts on later tasks may follow until the window closes.
pub fn last_place(reveal: &DutyReveal) -> (u64, u64) {
    (reveal.last_session, reveal.last_index)
}

/// The verdict that a node gave on a task.
pub fn verdict_on(
    state: &State,
    epoch: u64,
    address: &ConsensusAddress,
    task: &TaskId,
) -> Option<Outcome> {
    let code = keys::VERDICTS.get(state, &(epoch, *address, *task))?;
    Outcome::from_code(u8::try_from(code).ok()?)
}

/// The ballot that a node cast on a contested task.
pub fn ballot(
    state: &State,
    epoch: u64,
    task: &TaskId,
    voter: &ConsensusAddress,
) -> Option<Ballot> {
    keys::BALLOTS.get(state, &(epoch, *task, *voter))
}

/// The re-verifications of an epoch's tasks, by task id.
pub fn reverifications(state: &State, epoch: u64) -> Vec<Reverification> {
    keys::REVERIFICATIONS.values_under(state, &epoch)
}

/// The block windows of an epoch's duties; all 0 while it runs, since they begin with its switch.
/// Reveals are taken in blocks `reveal_start..=reveal_end`.
pub fn windows(state: &State, epoch: u64) -> QueryWindowsResponse {
    let Some(settle_end) = settle_end(state, epoch) else {
        return QueryWindowsResponse::default();
    };
    let blocks = crate::params::get(state, &params::REVEAL_BLOCKS);
    QueryWindowsResponse {
        settle_end,
        reveal_start: settle_end.saturating_add(1),
        reveal_end: settle_end.saturating_add(blocks),
    }
}

/// Forgets what is `left` to forget of an epoch.
pub(crate) fn forget(state: &mut State, epoch: u64, left: &mut usize) {
    keys::VERDICTS.forget_under(state, &epoch, left);
    keys::TALLIES.forget_under(state, &epoch, left);
    keys::OMISSIONS.forget_under(state, &epoch, left);
    keys::BALLOTS.forget_under(state, &epoch, left);
    keys::REVERIFICATIONS.forget_under(state, &epoch, left);
    keys::REVEALS.forget_under(state, &epoch, left);
    keys::RATES.forget_under(state, &epoch, left);
}
