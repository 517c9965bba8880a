//! One record of a batch: checked against state, then applied.

use race_proto::race::session::v1::{Pin, Session};
use race_proto::race::settlement::v1::{Task, TaskStatus};
use race_verification::{duty, record::acknowledgement};

use crate::address::ConsensusAddress;
use crate::coin::{stored, Nicoin};
use crate::context::Context;
use crate::settlement::errors::Error;
use crate::settlement::{held_account, keys, put, workload};
use crate::state::State;
use crate::{bank, fields, model, session, settlement};

/// A well-formed record.
pub(super) struct CheckedRecord {
    pub session: u64,
    pub index: u32,
    pub attempt: u32,
    pub prompt_tokens: u32,
    pub output_tokens: u32,
    pub digest: [u8; 32],
    pub acknowledgement: [u8; 64],
}

/// A record that state agrees with, and all that it changes.
pub(super) struct Accepted {
    session: Session,
    task: Task,
    fee: Nicoin,
}

/// Checks a record of a node that may settle `limit` in the epoch; the signature last, since it costs most.
pub(super) fn check(
    state: &State,
    context: &Context<'_>,
    epoch: u64,
    sender: &ConsensusAddress,
    limit: u64,
    record: &CheckedRecord,
) -> Result<Accepted, Error> {
    let (id, index) = (record.session, u64::from(record.index));
    let session = session::get(state, id).ok_or(Error::Session { id })?;
    if !session::is_open(&session) {
        return Err(Error::Closed { id });
    }
    if index >= session.max_index {
        return Err(Error::Index {
            session: id,
            index,
            max: session.max_index,
        });
    }
    if keys::REQUESTS.has(state, &(id, index)) {
        return Err(Error::Settled { session: id, index });
    }
    if workload(state, epoch, sender).tasks >= limit {
        return Err(Error::TooMany { epoch, limit });
    }
    check_length(state, &session, record)?;
    let pin = session::pin(state, epoch, id).ok_or(Error::NotPinned { session: id, epoch })?;
    check_executor(&pin, sender, record)?;
    let fee = fee(&session, &pin, record)?;
    check_acknowledgement(context.chain_id, &session, sender, record)?;
    let task = Task {
        id: duty::task_id(context.chain_id, id, index).to_vec(),
        session_id: id,
        index,
        attempt: record.attempt,
        epoch,
        model_id: session.model_id.clone(),
        executor: sender.to_vec(),
        prompt_tokens: record.prompt_tokens,
        output_tokens: record.output_tokens,
        digest: record.digest.to_vec(),
        fee: fee.to_string(),
        height: context.height,
        status: TaskStatus::Settled.into(),
        checkers: Vec::new(),
    };
    Ok(Accepted { session, task, fee })
}

/// A model never reads and writes more tokens than its context holds. Reputation grows by them.
fn check_length(state: &State, session: &Session, record: &CheckedRecord) -> Result<(), Error> {
    let limit = model::get(state, &session.model_id).map_or(0, |model| model.context_length);
    let tokens = u64::from(record.prompt_tokens).saturating_add(u64::from(record.output_tokens));
    match tokens <= u64::from(limit) {
        true => Ok(()),
        false => Err(Error::Context {
            session: record.session,
            index: u64::from(record.index),
            tokens,
            limit,
        }),
    }
}

fn check_executor(
    pin: &Pin,
    sender: &ConsensusAddress,
    record: &CheckedRecord,
) -> Result<(), Error> {
    let index = u64::from(record.index);
    if record.attempt >= session::ATTEMPTS {
        return Err(Error::Attempt {
            session: record.session,
            index,
            attempt: record.attempt,
        });
    }
    let drawn = session::executor(pin, index, record.attempt);
    if drawn == Some(*sender) {
        return Ok(());
    }
    Err(Error::Executor {
        session: record.session,
        index,
        attempt: record.attempt,
        expected: drawn.map_or_else(|| "nobody".to_owned(), |address| fields::shown(&address)),
        got: fields::shown(sender),
    })
}

/// The fee, which the escrow must cover.
fn fee(session: &Session, pin: &Pin, record: &CheckedRecord) -> Result<Nicoin, Error> {
    let (id, index) = (record.session, u64::from(record.index));
    if record.prompt_tokens == 0 && record.output_tokens == 0 {
        return Err(Error::Nothing { session: id, index });
    }
    let fee = settlement::fee(pin, session, record.prompt_tokens, record.output_tokens);
    let left = session::left(session);
    match fee <= left {
        true => Ok(fee),
        false => Err(Error::Escrow {
            session: id,
            fee,
            left,
        }),
    }
}

fn check_acknowledgement(
    chain_id: &str,
    session: &Session,
    executor: &ConsensusAddress,
    record: &CheckedRecord,
) -> Result<(), Error> {
    let signed = acknowledgement(
        chain_id,
        record.session,
        record.index,
        record.prompt_tokens,
        record.output_tokens,
        &record.digest,
        executor,
    );
    let key = ed25519_dalek::VerifyingKey::from_bytes(&fields::stored(&session.session_key));
    let signature = ed25519_dalek::Signature::from_bytes(&record.acknowledgement);
    match key.and_then(|key| key.verify_strict(&signed, &signature)) {
        Ok(()) => Ok(()),
        Err(_) => {
            let (session, index) = (record.session, u64::from(record.index));
            Err(Error::Acknowledgement { session, index })
        }
    }
}

/// Moves the fee from the escrow to the held fees, and counts the work. A retry earns its
/// fee and counts for no fulfilment; it counts nothing against those who were drawn before it,
/// since a record is no evidence that they did not serve.
pub(super) fn apply(state: &mut State, accepted: Accepted) -> Task {
    let Accepted {
        mut session,
        task,
        fee,
    } = accepted;
    bank::transfer(state, &session::escrow_account(), &held_account(), fee)
        .expect("session_escrow holds what every open session has left");
    session.spent = stored(&session.spent).saturating_add(fee).to_string();
    session.settled = session.settled.saturating_add(1);
    session::put(state, &session);
    session::used(state, session.id);

    keys::REQUESTS.put(state, &(session.id, task.index), &task.epoch);
    let reached = keys::REACHED.get(state, &session.id).unwrap_or(0);
    keys::REACHED.put(
        state,
        &session.id,
        &reached.max(task.index.saturating_add(1)),
    );

    let executor = fields::stored(&task.executor);
    let mut work = workload(state, task.epoch, &executor);
    work.tasks = work.tasks.saturating_add(1);
    if task.attempt == 0 {
        work.assigned = work.assigned.saturating_add(1);
        work.served = work.served.saturating_add(1);
    }
    keys::WORKLOADS.put(state, &(task.epoch, executor), &work);
    put(state, &task);
    task
}
