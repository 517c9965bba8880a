//! What wallets and explorers ask about staking, distribution and slashing. There is no staking here:
//! weight comes from computation. The committee is shown as the validators, its powers as their tokens;
//! nobody can delegate, so every list of delegations and rewards is empty.

mod distribution;
mod slashing;
mod validators;

use race_proto::cosmos::base::query::v1beta1::PageResponse;
use race_proto::cosmos::staking::v1beta1::{
    Params, Pool, QueryDelegationRequest, QueryDelegatorDelegationsResponse,
    QueryDelegatorUnbondingDelegationsResponse, QueryDelegatorValidatorsResponse,
    QueryParamsResponse, QueryPoolResponse, QueryRedelegationsResponse,
    QueryUnbondingDelegationRequest, QueryValidatorDelegationsResponse, QueryValidatorRequest,
    QueryValidatorResponse, QueryValidatorUnbondingDelegationsResponse, QueryValidatorsRequest,
    QueryValidatorsResponse,
};

use crate::coin::DENOM;
use crate::epoch;
use crate::error::QueryError;
use crate::page::paginate;
use crate::params::get;
use crate::query::{answer, QueryPath};
use crate::time::duration;

/// A bond stays locked for this long after its owner left (21 days).
const UNBONDING_MS: u64 = 21 * 24 * 3_600_000;

/// What can be asked, by service.
pub const QUERIES: &[&[QueryPath]] = &[STAKING, distribution::QUERIES, slashing::QUERIES];

const STAKING: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/Validators",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryValidatorsRequest| {
                let list = validators::all(state, &request.status)?;
                let (validators, pagination) = paginate(list, request.pagination)?;
                Ok(QueryValidatorsResponse {
                    validators,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/Validator",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryValidatorRequest| {
                Ok(QueryValidatorResponse {
                    validator: Some(validators::one(state, &request.validator_addr)?),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/Pool",
        answer: |_, state, bytes| {
            answer(bytes, |()| {
                let power = epoch::total_power(state, epoch::current(state).number);
                let pool = Pool {
                    not_bonded_tokens: "0".to_owned(),
                    bonded_tokens: power.to_string(),
                };
                Ok(QueryPoolResponse { pool: Some(pool) })
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/Params",
        answer: |_, state, bytes| {
            answer(bytes, |()| {
                let most = get(state, &epoch::params::MAX_VALIDATORS);
                let params = Params {
                    unbonding_time: Some(duration(UNBONDING_MS)),
                    max_validators: u32::try_from(most).unwrap_or(u32::MAX),
                    max_entries: 7,
                    historical_entries: 10_000,
                    bond_denom: DENOM.to_owned(),
                    min_commission_rate: "0".to_owned(),
                };
                Ok(QueryParamsResponse {
                    params: Some(params),
                })
            })
        },
    },
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
        path: "/cosmos.staking.v1beta1.Query/UnbondingDelegation",
        answer: |_, _, bytes| {
            answer(
                bytes,
                |request: QueryUnbondingDelegationRequest| -> Result<(), _> {
                    let (from, to) = (request.delegator_addr, request.validator_addr);
                    let log = format!(
                        "unbonding delegation with delegator {from} not found for validator {to}"
                    );
                    Err(QueryError::NotFound(log))
                },
            )
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/DelegatorDelegations",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryDelegatorDelegationsResponse {
                    pagination: none(),
                    ..Default::default()
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/DelegatorUnbondingDelegations",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryDelegatorUnbondingDelegationsResponse {
                    pagination: none(),
                    ..Default::default()
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/DelegatorValidators",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryDelegatorValidatorsResponse {
                    pagination: none(),
                    ..Default::default()
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/ValidatorDelegations",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryValidatorDelegationsResponse {
                    pagination: none(),
                    ..Default::default()
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/ValidatorUnbondingDelegations",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryValidatorUnbondingDelegationsResponse {
                    pagination: none(),
                    ..Default::default()
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.staking.v1beta1.Query/Redelegations",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryRedelegationsResponse {
                    pagination: none(),
                    ..Default::default()
                })
            })
        },
    },
];

/// The pagination of an empty list.
fn none() -> Option<PageResponse> {
    Some(PageResponse {
        next_key: Vec::new(),
        total: 0,
    })
}
