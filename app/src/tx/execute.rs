//! A transaction in a block, in the mempool or simulated.

use prost::Message;
use race_proto::cosmos::base::abci::v1beta1::TxMsgData;
use race_proto::Any;
use tendermint_proto::v0_38::abci::{Event, ExecTxResult};

use super::ante::{self, Mode};
use super::decode::{decode, CheckedTx};
use super::gas::Meter;
use crate::context::Context;
use crate::error::TxError;
use crate::events::{attribute, event};
use crate::message::Lane;
use crate::state::State;

/// What became of a transaction.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// One response for each message, or why it failed.
    pub responses: Vec<Any>,
    /// The refusal, if it failed.
    pub error: Option<TxError>,
    /// The fee's gas limit.
    pub gas_wanted: u64,
    /// Gas counted.
    pub gas_used: u64,
    /// The events that remain.
    pub events: Vec<Event>,
}

impl Outcome {
    fn refused(error: TxError) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }

    /// The `TxMsgData` of a success; empty on failure.
    pub fn data(&self) -> Vec<u8> {
        if self.error.is_some() {
            return Vec::new();
        }
        let msg_responses = self.responses.clone();
        TxMsgData {
            msg_responses,
            ..TxMsgData::default()
        }
        .encode_to_vec()
    }

    /// The result as ABCI shows it.
    pub fn into_result(self) -> ExecTxResult {
        let data = self.data().into();
        let (code, codespace, log) = shown(self.error.as_ref());
        ExecTxResult {
            code,
            data,
            log,
            info: String::new(),
            gas_wanted: i64::try_from(self.gas_wanted).unwrap_or(i64::MAX),
            gas_used: i64::try_from(self.gas_used).unwrap_or(i64::MAX),
            events: self.events,
            codespace,
        }
    }
}

/// Code, codespace and log; all empty without an error.
pub fn shown(error: Option<&TxError>) -> (u32, String, String) {
    error.map_or_else(Default::default, |e| {
        (e.code, e.codespace.to_owned(), e.log.clone())
    })
}

/// Executes a transaction of a block.
pub fn deliver(state: &mut State, context: &Context<'_>, bytes: &[u8]) -> Outcome {
    match decode(state, bytes) {
        Ok(tx) => run(state, context, &tx, Mode::Deliver),
        Err(error) => Outcome::refused(error),
    }
}

/// Runs a transaction without a valid signature to learn its gas and events. `state` is changed:
/// pass a copy.
pub fn simulate(state: &mut State, context: &Context<'_>, bytes: &[u8]) -> Outcome {
    let mut outcome = match decode(state, bytes) {
        Ok(tx) => run(state, context, &tx, Mode::Simulate),
        Err(error) => Outcome::refused(error),
    };
    outcome.gas_wanted = u64::MAX;
    for event in &mut outcome.events {
        event
            .attributes
            .iter_mut()
            .for_each(|attribute| attribute.index = false);
    }
    outcome
}

/// Checks a transaction for the mempool on the mempool's own state: sequences and fees there are
/// those after the transactions already in it. Messages of users do not run (as in the SDK); those
/// of the protocol do, so that none that would fail gets a free place in a block.
pub fn check(state: &mut State, context: &Context<'_>, tx: &CheckedTx, mode: Mode) -> Outcome {
    run(state, context, tx, mode)
}

/// Whether a transaction that was checked for the mempool passes the checks before its messages in a block
/// that begins with what `state` has seen, so that a user's pays its fee; if so, `state` is as after it. Messages
/// of the protocol do not run: they are costly, and their place is free.
pub fn pays(state: &mut State, context: &Context<'_>, tx: &CheckedTx) -> bool {
    let mut meter = meter(tx, Mode::Recheck);
    state.begin();
    let passed = ante::run(state, context, tx, &mut meter, Mode::Recheck).is_ok();
    if passed && tx.lane == Lane::User {
        state.begin();
        match messages(state, context, tx, &mut meter) {
            Ok(_) => state.keep(),
            Err(_) => state.discard(),
        }
    }
    match passed {
        true => state.keep(),
        false => state.discard(),
    }
    state.take_events();
    passed
}

fn meter(tx: &CheckedTx, mode: Mode) -> Meter {
    let limited = mode != Mode::Simulate && tx.lane == Lane::User;
    Meter::new(limited.then_some(tx.gas_limit))
}

fn run(state: &mut State, context: &Context<'_>, tx: &CheckedTx, mode: Mode) -> Outcome {
    let mut meter = meter(tx, mode);
    let newcomer = ante::is_newcomer(state, tx);
    state.begin();
    if let Err(error) = ante::run(state, context, tx, &mut meter, mode) {
        state.discard();
        let (gas_wanted, gas_used) = (tx.gas_limit, meter.used());
        return Outcome {
            error: Some(error),
            gas_wanted,
            gas_used,
            ..Outcome::default()
        };
    }
    let mut outcome = Outcome {
        gas_wanted: tx.gas_limit,
        ..Outcome::default()
    };
    outcome.events = state.take_events();
    let mempool = matches!(mode, Mode::Check | Mode::Recheck);
    // Anybody may ask to simulate what only a node can send: it gets no further than the mempool would
    // let it.
    let only_admits = mempool || mode == Mode::Simulate && tx.lane == Lane::Protocol;
    if !mempool || tx.lane == Lane::Protocol {
        state.begin();
        let executed = match only_admits {
            true => admit(state, context, tx, &mut meter),
            false => messages(state, context, tx, &mut meter),
        };
        match executed {
            Ok((responses, events)) => {
                outcome.responses = responses;
                outcome.events.extend(events);
                state.keep();
            }
            Err(error) => {
                outcome.error = Some(error);
                state.discard();
            }
        }
    }
    outcome.gas_used = meter.used();
    // A free transaction that failed leaves nothing in the mempool's state, and an account that
    // exists only to register a node is not created by a failure.
    let failed = outcome.error.is_some();
    match failed && (mempool || newcomer) {
        true => {
            outcome.events.clear();
            state.discard();
        }
        false => state.keep(),
    }
    outcome
}

type Executed = (Vec<Any>, Vec<Event>);

fn messages(
    state: &mut State,
    context: &Context<'_>,
    tx: &CheckedTx,
    meter: &mut Meter,
) -> Result<Executed, TxError> {
    let mut responses = Vec::with_capacity(tx.messages.len());
    let mut events = Vec::new();
    for (index, (url, message)) in tx.messages.iter().enumerate() {
        meter.consume(message.gas(), "message")?;
        let response = message.execute(state, context).map_err(failed(index))?;
        responses.push(response);
        let signer = message.signer().to_string();
        let attributes = [
            ("action", url.as_str()),
            ("sender", &signer),
            ("module", module_of(url)),
        ];
        let own = std::iter::once(event("message", &attributes)).chain(state.take_events());
        events.extend(own.map(|mut event| {
            event
                .attributes
                .push(attribute("msg_index", index.to_string()));
            event
        }));
    }
    Ok((responses, events))
}

/// The same in the mempool, which answers neither responses nor events.
fn admit(
    state: &mut State,
    context: &Context<'_>,
    tx: &CheckedTx,
    meter: &mut Meter,
) -> Result<Executed, TxError> {
    for (index, (_, message)) in tx.messages.iter().enumerate() {
        meter.consume(message.gas(), "message")?;
        message.admit(state, context).map_err(failed(index))?;
    }
    Ok(Executed::default())
}

/// Says which message failed.
fn failed(index: usize) -> impl FnOnce(TxError) -> TxError {
    move |error| TxError {
        log: format!(
            "failed to execute message; message index: {index}: {}",
            error.log
        ),
        ..error
    }
}

/// The second part of a type URL, as the SDK names modules in events.
fn module_of(type_url: &str) -> &str {
    type_url
        .trim_start_matches('/')
        .split('.')
        .nth(1)
        .unwrap_or_default()
}
