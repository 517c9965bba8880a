//! Queries of `upgrade`: the SDK's. No upgrade can be planned yet.

use race_proto::cosmos::upgrade::v1beta1::{
    QueryAppliedPlanResponse, QueryAuthorityResponse, QueryCurrentPlanResponse,
};

use crate::auth::module_account;
use crate::query::{answer, QueryPath};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.upgrade.v1beta1.Query/CurrentPlan",
        answer: |_, _, bytes| answer(bytes, |()| Ok(QueryCurrentPlanResponse::default())),
    },
    QueryPath {
        path: "/cosmos.upgrade.v1beta1.Query/AppliedPlan",
        answer: |_, _, bytes| answer(bytes, |()| Ok(QueryAppliedPlanResponse::default())),
    },
    QueryPath {
        path: "/cosmos.upgrade.v1beta1.Query/Authority",
        answer: |_, _, bytes| {
            answer(bytes, |()| {
                Ok(QueryAuthorityResponse {
                    address: module_account("gov").to_string(),
                })
            })
        },
    },
];
