//! Events of `beacon`.

use std::collections::BTreeSet;

use race_proto::race::beacon::v1::{
    CommitteeKey, EventComplaint, EventConfirmation, EventDeal, EventKey, EventKeyFailed,
    EventKeyGeneration, EventRoundFailed, EventSeed, EventUnsigned, KeyComplaint, KeyDeal,
    KeyGeneration, Round,
};

use crate::address::ConsensusAddress;
use crate::events::typed;
use crate::state::State;

pub(super) fn seed(state: &mut State, round: &Round) {
    state.emit(typed(&EventSeed {
        id: round.id,
        seed: round.seed.clone(),
        degraded: round.degraded,
        revealed_power: round.revealed_power,
        signing_attempt: round.signing_attempt,
    }));
}

pub(super) fn unsigned(state: &mut State, round: &Round, absent: &[ConsensusAddress]) {
    state.emit(typed(&EventUnsigned {
        id: round.id,
        signing_attempt: round.signing_attempt,
        absent: absent.iter().map(|address| address.to_vec()).collect(),
    }));
}

pub(super) fn failed(state: &mut State, round: &Round) {
    let revealed_power = round.revealed_power;
    state.emit(typed(&EventRoundFailed {
        id: round.id,
        revealed_power,
    }));
}

pub(super) fn key_generation(state: &mut State, generation: &KeyGeneration) {
    state.emit(typed(&EventKeyGeneration {
        epoch: generation.epoch,
        race_attempt: generation.race_attempt,
        key_attempt: generation.key_attempt,
        members: u32::try_from(generation.members.len()).unwrap_or(u32::MAX),
        threshold: generation.threshold,
        shares: generation.shares,
        dropped: generation.dropped.clone(),
    }));
}

pub(super) fn deal(state: &mut State, generation: &KeyGeneration, deal: &KeyDeal) {
    state.emit(typed(&EventDeal {
        epoch: generation.epoch,
        dealer: deal.dealer.clone(),
    }));
}

pub(super) fn complaint(state: &mut State, generation: &KeyGeneration, judged: &KeyComplaint) {
    state.emit(typed(&EventComplaint {
        epoch: generation.epoch,
        accuser: judged.accuser.clone(),
        dealer: judged.dealer.clone(),
        upheld: judged.upheld,
    }));
}

pub(super) fn confirmation(
    state: &mut State,
    generation: &KeyGeneration,
    member: &ConsensusAddress,
) {
    state.emit(typed(&EventConfirmation {
        epoch: generation.epoch,
        address: member.to_vec(),
    }));
}

pub(super) fn key(state: &mut State, key: &CommitteeKey) {
    state.emit(typed(&EventKey {
        epoch: key.epoch,
        group: key.group.clone(),
        threshold: key.threshold,
        shares: key.shares,
    }));
}

pub(super) fn key_failed(
    state: &mut State,
    generation: &KeyGeneration,
    left: &BTreeSet<ConsensusAddress>,
) {
    state.emit(typed(&EventKeyFailed {
        epoch: generation.epoch,
        race_attempt: generation.race_attempt,
        key_attempt: generation.key_attempt,
        shortfall: generation.shortfall.clone(),
        left: left.iter().map(|address| address.to_vec()).collect(),
    }));
}
