//! Queries of `duty`.

use race_proto::race::duty::v1::{
    QueryRevealsRequest, QueryRevealsResponse, QueryReverificationsRequest,
    QueryReverificationsResponse, QueryWindowsRequest,
};

use super::{keys, reverifications, windows};
use crate::context::Context;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.duty.v1.Query/Reveals",
        answer: reveals,
    },
    QueryPath {
        path: "/race.duty.v1.Query/Reverifications",
        answer: cases,
    },
    QueryPath {
        path: "/race.duty.v1.Query/Windows",
        answer: windows_of,
    },
];

fn reveals(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryRevealsRequest| {
        Ok(QueryRevealsResponse {
            reveals: keys::REVEALS.values_under(state, &request.epoch),
        })
    })
}

/// Epoch 0: those that are still open, of any epoch.
fn cases(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryReverificationsRequest| {
        let reverifications = match request.epoch {
            0 => keys::OPEN
                .all(state)
                .iter()
                .filter_map(|(task, epoch)| keys::REVERIFICATIONS.get(state, &(*epoch, *task)))
                .collect(),
            epoch => reverifications(state, epoch),
        };
        Ok(QueryReverificationsResponse { reverifications })
    })
}

fn windows_of(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryWindowsRequest| {
        Ok(windows(state, request.epoch))
    })
}
