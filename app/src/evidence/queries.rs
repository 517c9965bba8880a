//! Queries of `evidence`.

use race_proto::race::evidence::v1::{QueryEquivocationsRequest, QueryEquivocationsResponse};

use super::keys;
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::error::QueryError;
use crate::fields;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[QueryPath {
    path: "/race.evidence.v1.Query/Equivocations",
    answer: equivocations,
}];

fn equivocations(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryEquivocationsRequest| {
        let equivocations = match request.address.as_slice() {
            [] => keys::EQUIVOCATIONS.values_under(state, &()),
            address => {
                let address: ConsensusAddress = fields::asked("address", address)?;
                keys::EQUIVOCATIONS.values_under(state, &address)
            }
        };
        Ok(QueryEquivocationsResponse { equivocations })
    })
}
