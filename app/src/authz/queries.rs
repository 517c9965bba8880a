//! Queries of `authz`: the SDK's.

use race_proto::cosmos::authz::v1beta1::{
    Grant, GrantAuthorization, QueryGranteeGrantsRequest, QueryGranteeGrantsResponse,
    QueryGranterGrantsRequest, QueryGranterGrantsResponse, QueryGrantsRequest, QueryGrantsResponse,
};

use super::{keys, Id};
use crate::error::QueryError;
use crate::grants::asked;
use crate::page::paginate;
use crate::query::{answer, QueryPath};
use crate::registry;
use crate::state::{Key, State};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.authz.v1beta1.Query/Grants",
        answer: |_, state, bytes| answer(bytes, |request| grants(state, request)),
    },
    QueryPath {
        path: "/cosmos.authz.v1beta1.Query/GranterGrants",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryGranterGrantsRequest| {
                let list = keys::GRANTS.under(state, &asked(&request.granter)?);
                let list = list
                    .into_iter()
                    .map(|(id, grant)| (page_key(&id), shown(&id, grant)));
                let (grants, pagination) = paginate(list.collect(), request.pagination)?;
                Ok(QueryGranterGrantsResponse {
                    grants,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.authz.v1beta1.Query/GranteeGrants",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryGranteeGrantsRequest| {
                let list = keys::BY_GRANTEE.under(state, &asked(&request.grantee)?);
                let list = list.into_iter().map(|((grantee, granter, url), ())| {
                    let id = (granter, grantee, url);
                    (page_key(&id), id)
                });
                let (page, pagination) = paginate(list.collect(), request.pagination)?;
                let find = |id: Id| Some(shown(&id, keys::GRANTS.get(state, &id)?));
                Ok(QueryGranteeGrantsResponse {
                    grants: page.into_iter().filter_map(find).collect(),
                    pagination: Some(pagination),
                })
            })
        },
    },
];

fn page_key(id: &Id) -> Vec<u8> {
    let mut key = Vec::new();
    id.write(&mut key);
    key
}

fn shown((granter, grantee, _): &Id, grant: Grant) -> GrantAuthorization {
    GrantAuthorization {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
        authorization: grant.authorization,
        expiration: grant.expiration,
    }
}

fn grants(state: &State, request: QueryGrantsRequest) -> Result<QueryGrantsResponse, QueryError> {
    let (granter, grantee) = (asked(&request.granter)?, asked(&request.grantee)?);
    let url = request.msg_type_url;
    if url.is_empty() {
        let list = keys::GRANTS.under(state, &(granter, grantee)).into_iter();
        let list = list.map(|(id, grant)| (page_key(&id), grant));
        let (grants, pagination) = paginate(list.collect(), request.pagination)?;
        return Ok(QueryGrantsResponse {
            grants,
            pagination: Some(pagination),
        });
    }
    let missing = || {
        QueryError::Unknown(format!(
            "authorization not found for {url} type: authorization not found"
        ))
    };
    let known = registry::message(&url).ok_or_else(missing)?;
    let id = (granter, grantee, known.type_url.to_owned());
    let grant = keys::GRANTS.get(state, &id).ok_or_else(missing)?;
    Ok(QueryGrantsResponse {
        grants: vec![grant],
        pagination: None,
    })
}
