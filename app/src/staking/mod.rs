//! Valid empty answers to what wallets ask about staking and distribution. There is no staking
//! here: weight comes from computation.

use prost::Message;
use race_proto::cosmos::base::query::v1beta1::PageResponse;
use race_proto::cosmos::distribution::v1beta1::{
    QueryCommunityPoolResponse, QueryDelegationTotalRewardsResponse,
};
use race_proto::cosmos::staking::v1beta1::{
    Pool, QueryDelegationRequest, QueryDelegatorDelegationsResponse,
    QueryDelegatorUnbondingDelegationsResponse, QueryPoolResponse, QueryValidatorsResponse,
};

use crate::error::QueryError;
use crate::query::{answer, QueryPath};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/Delegation",
        answer: |_, _, bytes| {
            answer(bytes, |request: QueryDelegationRequest| -> Result<(), _> {
                let (from, to) = (request.delegator_addr, request.validator_addr);
                let log = format!("delegation with delegator {from} not found for validator {to}");
                Err(QueryError::NotFound(log))
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/DelegatorDelegations",
        answer: |_, _, _| {
            encoded(&QueryDelegatorDelegationsResponse {
                pagination: none(),
                ..Default::default()
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/DelegatorUnbondingDelegations",
        answer: |_, _, _| {
            let pagination = none();
            encoded(&QueryDelegatorUnbondingDelegationsResponse {
                pagination,
                ..Default::default()
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/Validators",
        answer: |_, _, _| {
            encoded(&QueryValidatorsResponse {
                pagination: none(),
                ..Default::default()
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/Pool",
        answer: |_, _, _| {
            let zero = || "0".to_owned();
            let pool = Pool {
                not_bonded_tokens: zero(),
                bonded_tokens: zero(),
            };
            encoded(&QueryPoolResponse { pool: Some(pool) })
        },
    },
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/DelegationTotalRewards",
        answer: |_, _, _| encoded(&QueryDelegationTotalRewardsResponse::default()),
    },
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/CommunityPool",
        answer: |_, _, _| encoded(&QueryCommunityPoolResponse::default()),
    },
];

fn encoded(message: &impl Message) -> Result<Vec<u8>, QueryError> {
    Ok(message.encode_to_vec())
}

/// The pagination of an empty list.
fn none() -> Option<PageResponse> {
    Some(PageResponse {
        next_key: Vec::new(),
        total: 0,
    })
}
