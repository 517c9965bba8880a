//! Settlement: executors are paid from escrow for requests that the session's key acknowledged.
//! Only digests go on chain. Fees are held until the tasks' epoch is finalised.
//!
//! Invariants: a request (session, index) is settled at most once; the account `settlement_held`
//! holds exactly the fees of the tasks that are neither paid nor refunded
//! ([`invariants::held_is_the_sum`]).

pub mod errors;
pub mod export;
pub mod invariants;
pub mod keys;
pub mod msgs;
pub mod params;
pub mod queries;

use race_proto::race::session::v1::{Pin, Session};
use race_proto::race::settlement::v1::{EventRefunded, Task, TaskStatus, Workload};

use crate::address::{Account, ConsensusAddress};
use crate::coin::{stored, Nicoin};
use crate::events::typed;
use crate::state::State;
use crate::{auth, bank, epoch, fields, session};

pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// The id of a task.
pub type TaskId = [u8; 32];

/// A task by epoch and id.
pub fn task(state: &State, epoch: u64, id: &TaskId) -> Option<Task> {
    keys::TASKS.get(state, &(epoch, *id))
}

/// The task of a request, if it was settled.
pub fn task_of(state: &State, chain_id: &str, session: u64, index: u64) -> Option<Task> {
    let epoch = keys::REQUESTS.get(state, &(session, index))?;
    task(
        state,
        epoch,
        &race_verification::duty::task_id(chain_id, session, index),
    )
}

/// All tasks of an epoch, by id.
pub fn tasks(state: &State, epoch: u64) -> Vec<Task> {
    keys::TASKS.values_under(state, &epoch)
}

/// Stores a task's progress.
pub(crate) fn put(state: &mut State, task: &Task) {
    keys::TASKS.put(state, &(task.epoch, fields::stored(&task.id)), task);
}

/// What a node was drawn for, as the first executor, and served of it in an epoch.
pub fn workload(state: &State, epoch: u64, address: &ConsensusAddress) -> Workload {
    keys::WORKLOADS
        .get(state, &(epoch, *address))
        .unwrap_or_else(|| Workload {
            address: address.to_vec(),
            ..Workload::default()
        })
}

/// Everyone's workload in an epoch, by address.
pub fn workloads(state: &State, epoch: u64) -> Vec<Workload> {
    keys::WORKLOADS.values_under(state, &epoch)
}

/// The last block in which tasks of an epoch are settled; `None` while the epoch runs.
pub fn settle_end(state: &State, epoch: u64) -> Option<u64> {
    let switch = epoch::record(state, epoch)?.end_height;
    Some(switch.saturating_add(crate::params::get(state, &params::SETTLE_GRACE)))
}

/// Whether tasks of an epoch are settled in block `height`: while it runs and for a grace after its
/// switch.
pub fn is_open(state: &State, epoch: u64, height: u64) -> bool {
    let current = epoch::current(state).number;
    let in_grace = epoch.checked_add(1) == Some(current)
        && settle_end(state, epoch).is_some_and(|end| height <= end);
    epoch == current || in_grace
}

/// Most requests of an epoch that a node may settle. Of what a switch can pay each has its share by weight, so that
/// nobody takes the others' part: executors are drawn by weight as well.
pub fn limit(state: &State, epoch: u64, address: &ConsensusAddress) -> u64 {
    let of = |spec| crate::params::get(state, spec);
    let total = u128::from(epoch::total_power(state, epoch)).max(1);
    let share = u128::from(of(&params::MAX_TASKS))
        .saturating_mul(u128::from(epoch::power(state, epoch, address)))
        .div_ceil(total);
    of(&params::MAX_PER_EPOCH).min(u64::try_from(share).unwrap_or(u64::MAX))
}

/// What an answer costs under a pin: min(tokens * units per token * price, ceiling).
pub fn fee(pin: &Pin, session: &Session, prompt_tokens: u32, output_tokens: u32) -> Nicoin {
    u128::from(prompt_tokens)
        .saturating_add(u128::from(output_tokens))
        .saturating_mul(u128::from(pin.units_per_token))
        .saturating_mul(stored(&pin.price_per_unit))
        .min(stored(&session.ceiling))
}

/// The account that holds the fees of unfinished tasks.
pub fn held_account() -> Account {
    auth::module_account("settlement_held")
}

/// Whether a session's fees may count towards minting: it served at least `min_indices` requests
/// and left at most a tenth of the indices that it used unserved.
pub fn counts_towards_minting(state: &State, session: u64) -> bool {
    let Some(settled) = session::get(state, session).map(|session| session.settled) else {
        return false;
    };
    let reached = keys::REACHED.get(state, &session).unwrap_or(settled);
    let unserved = reached.saturating_sub(settled);
    settled >= crate::params::get(state, &params::MIN_INDICES)
        && unserved.saturating_mul(10) <= reached
}

/// Pays the fee of a task that was convicted back to the session's owner, in full.
pub(crate) fn refund(state: &mut State, mut task: Task) {
    pay_back(state, &task);
    task.set_status(TaskStatus::False);
    put(state, &task);
}

/// Pays the fee of a settled task that could not be checked back to the session's owner, in full. The
/// task is final then with a fee of 0, and does not count as served: neither for its executor nor
/// for its session. Returns it so.
pub(crate) fn void(state: &mut State, mut task: Task) -> Task {
    pay_back(state, &task);
    task.fee = "0".to_owned();
    task.set_status(TaskStatus::Final);
    put(state, &task);
    if task.attempt == 0 {
        let executor = fields::stored(&task.executor);
        let mut work = workload(state, task.epoch, &executor);
        work.served = work.served.saturating_sub(1);
        keys::WORKLOADS.put(state, &(task.epoch, executor), &work);
    }
    if let Some(mut session) = session::get(state, task.session_id) {
        session.settled = session.settled.saturating_sub(1);
        session::put(state, &session);
    }
    task
}

/// Whether a task was refunded by [`void`].
pub(crate) fn is_void(task: &Task) -> bool {
    task.status() == TaskStatus::Final && task.fee == "0"
}

fn pay_back(state: &mut State, task: &Task) {
    let amount: Nicoin = stored(&task.fee);
    let owner = session::get(state, task.session_id)
        .expect("a session is kept as long as its tasks")
        .owner;
    let account = Account::parse(&owner).expect("state is damaged: an owner");
    bank::transfer(state, &held_account(), &account, amount)
        .expect("settlement_held covers every unfinished task");
    state.emit(typed(&EventRefunded {
        session_id: task.session_id,
        index: task.index,
        owner,
        amount: amount.to_string(),
    }));
}

/// Forgets what is `left` to forget of an epoch's tasks and workloads, and of the requests of sessions that are
/// forgotten.
pub(crate) fn forget(state: &mut State, epoch: u64, sessions: &[u64], left: &mut usize) {
    keys::TASKS.forget_under(state, &epoch, left);
    keys::WORKLOADS.forget_under(state, &epoch, left);
    keys::LAST.forget_under(state, &epoch, left);
    for session in sessions {
        keys::REQUESTS.forget_under(state, session, left);
        keys::REACHED.forget_under(state, session, left);
    }
}
