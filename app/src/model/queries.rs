//! Queries of `model`.

use race_proto::race::model::v1::{
    QueryModelRequest, QueryModelResponse, QueryModelsRequest, QueryModelsResponse,
};

use crate::context::Context;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.model.v1.Query/Model",
        answer: model,
    },
    QueryPath {
        path: "/race.model.v1.Query/Models",
        answer: models,
    },
];

fn model(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryModelRequest| {
        let model = super::get(state, &request.id).ok_or_else(|| {
            QueryError::NotFound(format!("no model {:?} is registered", request.id))
        })?;
        let hosts = super::hosts(state, &request.id);
        Ok(QueryModelResponse {
            model: Some(model),
            hosts,
        })
    })
}

fn models(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryModelsRequest| {
        Ok(QueryModelsResponse {
            models: super::all(state),
        })
    })
}
