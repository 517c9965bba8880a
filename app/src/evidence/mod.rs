//! Equivocation: what CometBFT proves about a validator, and what it loses.
//!
//! An equivocator is out of CometBFT's set with the block that brings the evidence, for the rest of the
//! epoch; its race of that epoch counts nothing, so it is not in the next committee either. A race of a
//! later epoch readmits it, as a newcomer. Everything unreleased that it earned is forfeited, its bond
//! is burned and its reputation is zero. Its part of the committee's key stays what it is until the switch: that is fixed
//! for the epoch.
//!
//! Invariant: evidence of one kind about one height of a validator counts once.

mod keys;
pub mod queries;

use std::collections::BTreeSet;

use race_proto::race::evidence::v1::{Equivocation, EventEquivocation, Kind};

use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::events::typed;
use crate::state::State;
use crate::{bond, epoch, reputation, treasury};

pub use keys::STORE;
pub use queries::QUERIES;

/// Why rewards are forfeited.
const REASON: &str = "equivocation";

/// What a block says of a validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misbehavior {
    /// The validator.
    pub address: ConsensusAddress,
    /// What it did.
    pub kind: Kind,
    /// Where.
    pub height: u64,
    /// When, ms since 1970.
    pub time_ms: u64,
    /// Its power there.
    pub power: u64,
}

/// The start of a block: records what it brings and takes what is lost.
pub fn begin_block(state: &mut State, context: &Context<'_>, misbehavior: &[Misbehavior]) {
    for proven in misbehavior {
        let key = (proven.address, proven.height, proven.kind as u32);
        if keys::EQUIVOCATIONS.has(state, &key) {
            continue;
        }
        let epoch = epoch::current(state).number;
        let equivocation = Equivocation {
            address: proven.address.to_vec(),
            kind: proven.kind.into(),
            height: proven.height,
            time_ms: proven.time_ms,
            power: proven.power,
            handled_height: context.height,
            handled_epoch: epoch,
        };
        keys::EQUIVOCATIONS.put(state, &key, &equivocation);
        keys::OUT.put(state, &proven.address, &epoch);
        treasury::forfeit_all(state, &proven.address, REASON);
        bond::burn(state, &proven.address, REASON);
        reputation::convict(state, &proven.address, REASON);
        state.emit(typed(&EventEquivocation {
            equivocation: Some(equivocation),
        }));
    }
}

/// The validators about which evidence came in this epoch.
pub fn out(state: &State, epoch: u64) -> BTreeSet<ConsensusAddress> {
    let all = keys::OUT.all(state).into_iter();
    all.filter(|(_, since)| *since == epoch)
        .map(|(address, _)| address)
        .collect()
}
