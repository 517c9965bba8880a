//! Queries of `pricing`.

use race_proto::race::pricing::v1::{
    ModelPrice, Price, QueryModelPricesRequest, QueryModelPricesResponse, QueryPriceRequest,
    QueryPriceResponse, QueryVotesRequest, QueryVotesResponse,
};

use super::{current, keys, next};
use crate::coin::Nicoin;
use crate::context::Context;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;
use crate::{epoch, model};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.pricing.v1.Query/Price",
        answer: price,
    },
    QueryPath {
        path: "/race.pricing.v1.Query/Votes",
        answer: votes,
    },
    QueryPath {
        path: "/race.pricing.v1.Query/ModelPrices",
        answer: model_prices,
    },
];

/// The pending price is what today's committee would make of the votes.
fn price(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryPriceRequest| {
        let epoch = epoch::current(state).number;
        let price = Price {
            epoch,
            price: current(state).to_string(),
        };
        let pending = next(state, epoch).to_string();
        Ok(QueryPriceResponse {
            current: Some(price),
            pending,
        })
    })
}

fn votes(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryVotesRequest| {
        Ok(QueryVotesResponse {
            votes: keys::VOTES.values_under(state, &()),
        })
    })
}

fn model_prices(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryModelPricesRequest| {
        let price = current(state);
        let prices = model::all(state)
            .into_iter()
            .filter(|model| !model.retired)
            .map(|model| {
                let per_token = price.saturating_mul(Nicoin::from(model.units_per_token));
                ModelPrice {
                    model_id: model.id,
                    price_per_token: per_token.to_string(),
                }
            })
            .collect();
        Ok(QueryModelPricesResponse { prices })
    })
}
