//! Queries of `node`.

use race_proto::race::node::v1::{
    QueryNodeRequest, QueryNodeResponse, QueryNodesRequest, QueryNodesResponse,
};

use crate::address::Account;
use crate::context::Context;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.node.v1.Query/Node",
        answer: node,
    },
    QueryPath {
        path: "/race.node.v1.Query/Nodes",
        answer: nodes,
    },
];

fn node(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryNodeRequest| {
        let found = match (request.address.is_empty(), request.account.is_empty()) {
            (false, true) => {
                let address = super::consensus(&request.address).ok_or_else(|| {
                    let got = request.address.len();
                    QueryError::InvalidArgument(format!(
                        "a consensus address has 20 bytes, got {got}"
                    ))
                })?;
                super::get(state, &address)
            }
            (true, false) => {
                let account = Account::parse(&request.account)
                    .map_err(|e| QueryError::InvalidArgument(e.to_string()))?;
                super::by_account(state, &account)
            }
            _ => {
                let log = "give exactly one of address and account";
                return Err(QueryError::InvalidArgument(log.to_owned()));
            }
        };
        let found =
            found.ok_or_else(|| QueryError::NotFound("no such node is registered".to_owned()))?;
        Ok(QueryNodeResponse { node: Some(found) })
    })
}

fn nodes(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryNodesRequest| {
        Ok(QueryNodesResponse {
            nodes: super::all(state),
        })
    })
}
