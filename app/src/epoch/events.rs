//! Events of `epoch`.

use race_proto::race::epoch::v1::{Epoch, EventPhase, EventSwitch};

use crate::events::typed;
use crate::state::State;

pub(super) fn phase(state: &mut State, epoch: &Epoch) {
    state.emit(typed(&EventPhase {
        epoch: epoch.number,
        phase: epoch.phase,
        phase_end: epoch.phase_end,
        race_attempt: epoch.race_attempt,
        key_attempt: epoch.key_attempt,
    }));
}

pub(super) fn switch(state: &mut State, epoch: u64, height: u64, race_failed: bool) {
    let powers = super::powers(state, epoch);
    state.emit(typed(&EventSwitch {
        epoch,
        height,
        total_power: powers
            .values()
            .fold(0, |sum, power| sum.saturating_add(*power)),
        members: u32::try_from(powers.len()).unwrap_or(u32::MAX),
        race_failed,
    }));
}
