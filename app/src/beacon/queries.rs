//! Queries of `beacon`.

use race_proto::race::beacon::v1::{
    QueryOpenRoundsRequest, QueryOpenRoundsResponse, QueryRoundRequest, QueryRoundResponse,
};

use crate::context::Context;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.beacon.v1.Query/Round",
        answer: round,
    },
    QueryPath {
        path: "/race.beacon.v1.Query/OpenRounds",
        answer: open_rounds,
    },
];

fn round(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryRoundRequest| {
        let id = request
            .id
            .ok_or_else(|| QueryError::InvalidArgument("give the id of a round".to_owned()))?;
        let round = super::round(state, &id).ok_or_else(|| {
            let log = format!(
                "round {} was never opened or is no longer kept",
                super::shown(&id)
            );
            QueryError::NotFound(log)
        })?;
        let contributions = super::contributions(state, &id);
        Ok(QueryRoundResponse {
            round: Some(round),
            contributions,
        })
    })
}

fn open_rounds(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryOpenRoundsRequest| {
        Ok(QueryOpenRoundsResponse {
            rounds: super::open_rounds(state),
        })
    })
}
