//! Events of `race`.

use race_proto::race::race::v1::{
    Dispute, EventDispute, EventResult, EventSubmitted, Result, Submission,
};

use crate::events::typed;
use crate::state::State;

pub(super) fn submitted(state: &mut State, epoch: u64, attempt: u32, submission: &Submission) {
    state.emit(typed(&EventSubmitted {
        epoch,
        attempt,
        address: submission.address.clone(),
        count: submission.count,
        root: submission.root.clone(),
    }));
}

pub(super) fn dispute(state: &mut State, dispute: Dispute) {
    state.emit(typed(&EventDispute {
        dispute: Some(dispute),
    }));
}

pub(super) fn result(state: &mut State, epoch: u64, attempt: u32, result: Result) {
    state.emit(typed(&EventResult {
        epoch,
        attempt,
        result: Some(result),
    }));
}
