//! Queries of `upgrade`: the SDK's.

use race_proto::cosmos::upgrade::v1beta1::{
    ModuleVersion, QueryAppliedPlanRequest, QueryAppliedPlanResponse, QueryAuthorityResponse,
    QueryCurrentPlanResponse, QueryModuleVersionsRequest, QueryModuleVersionsResponse,
};

use super::{keys, version};
use crate::abci::NAME;
use crate::auth::module_account;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.upgrade.v1beta1.Query/CurrentPlan",
        answer: |_, state, bytes| {
            answer(bytes, |()| {
                Ok(QueryCurrentPlanResponse {
                    plan: keys::PLAN.get(state),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.upgrade.v1beta1.Query/AppliedPlan",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryAppliedPlanRequest| {
                let height = keys::APPLIED.get(state, &request.name).unwrap_or(0);
                Ok(QueryAppliedPlanResponse {
                    height: i64::try_from(height).unwrap_or(i64::MAX),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.upgrade.v1beta1.Query/ModuleVersions",
        answer: |_, state, bytes| answer(bytes, |request| module_versions(state, &request)),
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

/// All modules change together: the state machine as a whole is the one that has a version.
fn module_versions(
    state: &State,
    request: &QueryModuleVersionsRequest,
) -> Result<QueryModuleVersionsResponse, QueryError> {
    if !request.module_name.is_empty() && request.module_name != NAME {
        let asked = &request.module_name;
        return Err(QueryError::NotFound(format!(
            "x/upgrade: QueryModuleVersions module {asked} not found; all modules have the version of `{NAME}`"
        )));
    }
    Ok(QueryModuleVersionsResponse {
        module_versions: vec![ModuleVersion {
            name: NAME.to_owned(),
            version: version(state),
        }],
    })
}
