//! Queries of `epoch`.

use race_proto::race::epoch::v1::{
    QueryCommitteeRequest, QueryCommitteeResponse, QueryCurrentRequest, QueryCurrentResponse,
    QueryEpochRequest, QueryEpochResponse,
};

use crate::context::Context;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.epoch.v1.Query/Current",
        answer: current,
    },
    QueryPath {
        path: "/race.epoch.v1.Query/Committee",
        answer: committee,
    },
    QueryPath {
        path: "/race.epoch.v1.Query/Epoch",
        answer: epoch,
    },
];

fn current(context: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryCurrentRequest| {
        let epoch = super::current(state);
        let blocks_left = epoch.phase_end.saturating_sub(context.height);
        Ok(QueryCurrentResponse {
            epoch: Some(epoch),
            height: context.height,
            blocks_left,
        })
    })
}

fn committee(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryCommitteeRequest| {
        let current = super::current(state).number;
        let epoch = if request.epoch == 0 {
            current
        } else {
            request.epoch
        };
        let members = super::committee(state, epoch);
        if members.is_empty() {
            let kept = super::KEPT;
            let log = format!("no committee of epoch {epoch} is kept: this is epoch {current}, and the last {kept} committees are");
            return Err(QueryError::NotFound(log));
        }
        let total_power = super::total_power(state, epoch);
        Ok(QueryCommitteeResponse {
            epoch,
            members: members.into_values().collect(),
            total_power,
        })
    })
}

fn epoch(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryEpochRequest| {
        let record = super::record(state, request.number).ok_or_else(|| {
            let current = super::current(state).number;
            let log = format!(
                "epoch {} has no record: this is epoch {current}, and only finished ones have",
                request.number
            );
            QueryError::NotFound(log)
        })?;
        Ok(QueryEpochResponse {
            epoch: Some(record),
        })
    })
}
