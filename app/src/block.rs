//! One block: begin, transactions, end.

use bytes::Bytes;
use race_proto::race::epoch::v1::Validator;
use tendermint_proto::v0_38::abci::{Event, ExecTxResult};

use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::events::attribute;
use crate::evidence::Misbehavior;
use crate::state::State;
use crate::tx::execute::deliver;
use crate::tx::Outcome;
use crate::upgrade::Program;
use crate::{chain, epoch, evidence, injected};

/// What a decided block brings, besides its height and time.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The transactions, in order.
    pub txs: Vec<Bytes>,
    /// Who was a validator of the block before, and whether its signature is in the last commit.
    pub signed: Vec<(ConsensusAddress, bool)>,
    /// Equivocations that it proves.
    pub misbehavior: Vec<Misbehavior>,
}

/// What a block did.
#[derive(Debug, Clone, Default)]
pub struct Executed {
    /// One for each transaction.
    pub results: Vec<ExecTxResult>,
    /// Events outside transactions; the last attribute is `mode`.
    pub events: Vec<Event>,
    /// Changes of CometBFT's validators; power 0 removes.
    pub updates: Vec<Validator>,
}

/// How a block begins.
pub fn begin(state: &mut State, context: &Context<'_>, block: &Block) {
    epoch::begin_block(state, context, &block.signed);
    evidence::begin_block(state, context, &block.misbehavior);
}

/// Executes a block on the state before it, as a program of that version does.
pub fn execute(
    state: &mut State,
    context: &Context<'_>,
    block: &Block,
    program: &Program,
) -> Executed {
    (program.begin_block)(state, context, block);
    let mut events = take_events(state, "BeginBlock");
    let outcome = |(index, tx)| match injected::read(tx).filter(|_| index == 0) {
        Some(signatures) => injected::deliver(state, context, &signatures),
        None => deliver(state, context, tx),
    };
    let txs = block.txs.iter().enumerate().map(outcome);
    let results = txs.map(Outcome::into_result).collect();
    state.take_events();
    let updates = epoch::end_block(state, context);
    chain::set_time_ms(state, context.time_ms);
    events.extend(take_events(state, "EndBlock"));
    Executed {
        results,
        events,
        updates,
    }
}

fn take_events(state: &mut State, mode: &str) -> Vec<Event> {
    let mut events = state.take_events();
    for event in &mut events {
        event.attributes.push(attribute("mode", mode));
    }
    events
}
