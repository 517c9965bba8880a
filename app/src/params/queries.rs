//! Queries of `params`.

use race_proto::race::params::v1::{ParamInfo, QueryParamsRequest, QueryParamsResponse};

use super::{all, get};
use crate::query::{answer, QueryPath};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[QueryPath {
    path: "/race.params.v1.Query/Params",
    answer: |_, state, bytes| {
        answer(bytes, |_: QueryParamsRequest| {
            let info = |spec: &super::ParamSpec| ParamInfo {
                name: spec.name.to_owned(),
                value: get(state, spec),
                default: spec.network,
                min: spec.min,
                max: spec.max,
                unit: spec.unit.to_owned(),
                doc: spec.doc.to_owned(),
            };
            Ok(QueryParamsResponse {
                params: all().map(info).collect(),
            })
        })
    },
}];
