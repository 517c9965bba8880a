//! `cosmos.distribution.v1beta1`: nobody delegates, so there are no rewards of delegators.

use race_proto::cosmos::distribution::v1beta1::{
    Params, QueryCommunityPoolResponse, QueryDelegationTotalRewardsResponse,
    QueryDelegatorValidatorsResponse, QueryDelegatorWithdrawAddressRequest,
    QueryDelegatorWithdrawAddressResponse, QueryParamsResponse, QueryValidatorCommissionResponse,
    QueryValidatorOutstandingRewardsResponse, ValidatorAccumulatedCommission,
    ValidatorOutstandingRewards,
};

use crate::query::{answer, QueryPath};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/Params",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                let zero = || "0".to_owned();
                // Two of them are deprecated and still shown.
                #[allow(deprecated)]
                let params = Params {
                    community_tax: zero(),
                    base_proposer_reward: zero(),
                    bonus_proposer_reward: zero(),
                    withdraw_addr_enabled: false,
                };
                Ok(QueryParamsResponse {
                    params: Some(params),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/DelegationTotalRewards",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryDelegationTotalRewardsResponse::default())
            })
        },
    },
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/DelegatorValidators",
        answer: |_, _, bytes| answer(bytes, |()| Ok(QueryDelegatorValidatorsResponse::default())),
    },
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/DelegatorWithdrawAddress",
        answer: |_, _, bytes| {
            answer(bytes, |request: QueryDelegatorWithdrawAddressRequest| {
                Ok(QueryDelegatorWithdrawAddressResponse {
                    withdraw_address: request.delegator_address,
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/ValidatorOutstandingRewards",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryValidatorOutstandingRewardsResponse {
                    rewards: Some(ValidatorOutstandingRewards::default()),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/ValidatorCommission",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryValidatorCommissionResponse {
                    commission: Some(ValidatorAccumulatedCommission::default()),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.distribution.v1beta1.Query/CommunityPool",
        answer: |_, _, bytes| answer(bytes, |()| Ok(QueryCommunityPoolResponse::default())),
    },
];
