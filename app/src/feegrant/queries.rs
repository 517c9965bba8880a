//! Queries of `feegrant`: the SDK's.

use race_proto::cosmos::feegrant::v1beta1::{
    QueryAllowanceRequest, QueryAllowanceResponse, QueryAllowancesByGranterRequest,
    QueryAllowancesByGranterResponse, QueryAllowancesRequest, QueryAllowancesResponse,
};

use super::keys;
use crate::error::QueryError;
use crate::grants::asked;
use crate::page::paginate;
use crate::query::{answer, QueryPath};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.feegrant.v1beta1.Query/Allowance",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryAllowanceRequest| {
                let id = (asked(&request.grantee)?, asked(&request.granter)?);
                // The SDK's status for it.
                let missing = || QueryError::Unknown("fee-grant not found: not found".to_owned());
                let grant = keys::ALLOWANCES.get(state, &id).ok_or_else(missing)?;
                Ok(QueryAllowanceResponse {
                    allowance: Some(grant),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.feegrant.v1beta1.Query/Allowances",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryAllowancesRequest| {
                let list = keys::ALLOWANCES.under(state, &asked(&request.grantee)?);
                let list = list.into_iter();
                let list = list.map(|((_, granter), grant)| (granter.0.to_vec(), grant));
                let (allowances, pagination) = paginate(list.collect(), request.pagination)?;
                Ok(QueryAllowancesResponse {
                    allowances,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.feegrant.v1beta1.Query/AllowancesByGranter",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryAllowancesByGranterRequest| {
                let granter = asked(&request.granter)?;
                let list = keys::BY_GRANTER.under(state, &granter).into_iter();
                let list = list.map(|((_, grantee), ())| (grantee.0.to_vec(), grantee));
                let (page, pagination) = paginate(list.collect(), request.pagination)?;
                let find = |grantee| keys::ALLOWANCES.get(state, &(grantee, granter));
                Ok(QueryAllowancesByGranterResponse {
                    allowances: page.into_iter().filter_map(find).collect(),
                    pagination: Some(pagination),
                })
            })
        },
    },
];
