//! Queries of `race`: what racers and checkers work from.

use race_proto::race::race::v1::{
    QueryAssignmentsRequest, QueryAssignmentsResponse, QueryDisputesRequest, QueryDisputesResponse,
    QueryResultsRequest, QueryResultsResponse, QuerySampleRequest, QuerySampleResponse,
    QuerySubmissionsRequest, QuerySubmissionsResponse,
};

use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;
use crate::{epoch, node};

/// What can be asked. Epoch 0 is the current one, attempt 0 the latest of the epoch.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.race.v1.Query/Submissions",
        answer: submissions,
    },
    QueryPath {
        path: "/race.race.v1.Query/Sample",
        answer: sample,
    },
    QueryPath {
        path: "/race.race.v1.Query/Assignments",
        answer: assignments,
    },
    QueryPath {
        path: "/race.race.v1.Query/Results",
        answer: results,
    },
    QueryPath {
        path: "/race.race.v1.Query/Disputes",
        answer: disputes,
    },
];

/// The race that a request means.
fn meant(state: &State, number: u64, attempt: u32) -> (u64, u32) {
    let current = epoch::current(state);
    let number = if number == 0 { current.number } else { number };
    let latest = match epoch::record(state, number) {
        Some(record) => record.race_attempts,
        None => current.race_attempt,
    };
    (number, if attempt == 0 { latest } else { attempt })
}

fn address(bytes: &[u8], what: &str) -> Result<ConsensusAddress, QueryError> {
    node::consensus(bytes).ok_or_else(|| {
        let got = bytes.len();
        QueryError::InvalidArgument(format!(
            "{what} is a consensus address of 20 bytes, got {got}"
        ))
    })
}

fn submissions(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QuerySubmissionsRequest| {
        let (epoch, attempt) = meant(state, request.epoch, request.attempt);
        Ok(QuerySubmissionsResponse {
            submissions: super::submissions(state, epoch, attempt),
        })
    })
}

fn sample(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QuerySampleRequest| {
        let (epoch, attempt) = meant(state, request.epoch, request.attempt);
        let address = address(&request.address, "address")?;
        let positions = super::sample(state, epoch, attempt, &address).ok_or_else(|| {
            let log = format!(
                "race {epoch}/{attempt} has no challenge yet, or the node submitted nothing in it"
            );
            QueryError::NotFound(log)
        })?;
        Ok(QuerySampleResponse { positions })
    })
}

fn assignments(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryAssignmentsRequest| {
        let (epoch, attempt) = meant(state, request.epoch, request.attempt);
        let checker = address(&request.checker, "checker")?;
        let assignments = super::assignments(state, epoch, attempt, &checker);
        Ok(QueryAssignmentsResponse { assignments })
    })
}

fn results(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryResultsRequest| {
        let (epoch, attempt) = meant(state, request.epoch, request.attempt);
        Ok(QueryResultsResponse {
            results: super::results(state, epoch, attempt),
        })
    })
}

fn disputes(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryDisputesRequest| {
        let (epoch, attempt) = meant(state, request.epoch, request.attempt);
        Ok(QueryDisputesResponse {
            disputes: super::disputes(state, epoch, attempt),
        })
    })
}
