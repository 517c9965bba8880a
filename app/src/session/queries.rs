//! Queries of `session`.

use race_proto::race::session::v1::{
    QueryExecutorRequest, QueryExecutorResponse, QuerySessionRequest, QuerySessionResponse,
    QuerySessionsRequest, QuerySessionsResponse, Session,
};

use super::{executor, get, keys, newest_pin, ATTEMPTS};
use crate::address::Account;
use crate::context::Context;
use crate::error::QueryError;
use crate::node;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.session.v1.Query/Session",
        answer: session,
    },
    QueryPath {
        path: "/race.session.v1.Query/Sessions",
        answer: sessions,
    },
    QueryPath {
        path: "/race.session.v1.Query/Executor",
        answer: executor_of,
    },
];

fn find(state: &State, id: u64) -> Result<Session, QueryError> {
    let missing = || {
        QueryError::NotFound(format!(
            "no session {id}: it was never opened, or closed long ago"
        ))
    };
    get(state, id).ok_or_else(missing)
}

fn session(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QuerySessionRequest| {
        let session = find(state, request.id)?;
        let pin = newest_pin(state, &session);
        Ok(QuerySessionResponse {
            session: Some(session),
            pin,
        })
    })
}

/// Sessions of an owner, or all that are open when no owner is given.
fn sessions(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QuerySessionsRequest| {
        let ids: Vec<u64> = if request.owner.is_empty() {
            keys::OPEN
                .all(state)
                .into_iter()
                .map(|(id, ())| id)
                .collect()
        } else {
            let owner = Account::parse(&request.owner)
                .map_err(|e| QueryError::InvalidArgument(e.to_string()))?;
            keys::OWNERS
                .under(state, &owner)
                .into_iter()
                .map(|((_, id), ())| id)
                .collect()
        };
        let sessions = ids.into_iter().filter_map(|id| get(state, id)).collect();
        Ok(QuerySessionsResponse { sessions })
    })
}

fn executor_of(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryExecutorRequest| {
        let session = find(state, request.session_id)?;
        if request.attempt >= ATTEMPTS {
            let log = format!("attempt {}: expected 0 to 2", request.attempt);
            return Err(QueryError::InvalidArgument(log));
        }
        if request.index >= session.max_index {
            let log = format!(
                "index {}: the escrow covers requests 0 to {}",
                request.index,
                session.max_index.saturating_sub(1)
            );
            return Err(QueryError::InvalidArgument(log));
        }
        let pin = newest_pin(state, &session).ok_or_else(|| {
            QueryError::NotFound(format!(
                "session {} waits for a session round, or for a host of {}",
                session.id, session.model_id
            ))
        })?;
        let address = executor(&pin, request.index, request.attempt)
            .ok_or_else(|| QueryError::NotFound("the pin has no hosts".to_owned()))?;
        let grpc = node::get(state, &address)
            .and_then(|node| node.endpoints)
            .map(|endpoints| endpoints.grpc)
            .unwrap_or_default();
        Ok(QueryExecutorResponse {
            address: address.to_vec(),
            grpc,
            epoch: pin.epoch,
        })
    })
}
