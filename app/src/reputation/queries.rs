//! Queries of `reputation`.

use race_proto::race::reputation::v1::{
    QueryReputationRequest, QueryReputationResponse, QueryReputationsRequest,
    QueryReputationsResponse,
};

use super::keys;
use crate::context::Context;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;
use crate::{epoch, fields, settlement};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.reputation.v1.Query/Reputation",
        answer: reputation,
    },
    QueryPath {
        path: "/race.reputation.v1.Query/Reputations",
        answer: reputations,
    },
];

/// The rate is that at which the node's tasks of the current epoch would be checked if it ended now.
fn reputation(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryReputationRequest| {
        let address = fields::asked("address", &request.address)?;
        let current = epoch::current(state).number;
        let tasks = settlement::workload(state, current, &address).tasks;
        Ok(QueryReputationResponse {
            reputation: Some(super::get(state, &address)),
            check_rate_millis: super::rate_millis(state, &address, tasks),
        })
    })
}

fn reputations(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryReputationsRequest| {
        Ok(QueryReputationsResponse {
            reputations: keys::REPUTATIONS.values_under(state, &()),
        })
    })
}
