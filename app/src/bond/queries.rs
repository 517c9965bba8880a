//! Queries of `bond`.

use race_proto::race::bond::v1::{QueryBondsRequest, QueryBondsResponse};

use super::keys;
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::error::QueryError;
use crate::fields;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[QueryPath {
    path: "/race.bond.v1.Query/Bonds",
    answer: bonds,
}];

fn bonds(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryBondsRequest| {
        let bonds = match request.address.as_slice() {
            [] => keys::BONDS.values_under(state, &()),
            address => {
                let address: ConsensusAddress = fields::asked("address", address)?;
                keys::BONDS.values_under(state, &address)
            }
        };
        Ok(QueryBondsResponse { bonds })
    })
}
