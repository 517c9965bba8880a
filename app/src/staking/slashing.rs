//! `cosmos.slashing.v1beta1`: which blocks of the epoch the members of the committee signed.

use race_proto::cosmos::slashing::v1beta1::{
    Params, QueryParamsResponse, QuerySigningInfoRequest, QuerySigningInfoResponse,
    QuerySigningInfosRequest, QuerySigningInfosResponse, ValidatorSigningInfo,
};

use crate::address::{Account, ConsensusAddress, CONSENSUS_PREFIX};
use crate::epoch;
use crate::error::QueryError;
use crate::page::paginate;
use crate::query::{answer, QueryPath};
use crate::state::State;
use crate::time::{duration, timestamp};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.slashing.v1beta1.Query/Params",
        answer: |_, state, bytes| {
            answer(bytes, |()| {
                let epoch = epoch::current(state);
                let window = epoch.phase_end.saturating_sub(epoch.start_height);
                let none = || b"0".to_vec();
                let params = Params {
                    signed_blocks_window: i64::try_from(window.max(1)).unwrap_or(i64::MAX),
                    // Who signed less than half of an epoch's blocks was not live.
                    min_signed_per_window: b"500000000000000000".to_vec(),
                    downtime_jail_duration: Some(duration(0)),
                    slash_fraction_double_sign: none(),
                    slash_fraction_downtime: none(),
                };
                Ok(QueryParamsResponse {
                    params: Some(params),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.slashing.v1beta1.Query/SigningInfo",
        answer: |_, state, bytes| {
            answer(bytes, |request: QuerySigningInfoRequest| {
                let address = Account::parse_with(CONSENSUS_PREFIX, &request.cons_address)
                    .map_err(|e| QueryError::InvalidArgument(e.to_string()))?;
                let committee = epoch::powers(state, epoch::current(state).number);
                if !committee.contains_key(&address.0) {
                    let log = format!("SigningInfo not found for validator {address}");
                    return Err(QueryError::NotFound(log));
                }
                Ok(QuerySigningInfoResponse {
                    val_signing_info: Some(info(state, &address.0)),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.slashing.v1beta1.Query/SigningInfos",
        answer: |_, state, bytes| {
            answer(bytes, |request: QuerySigningInfosRequest| {
                let committee = epoch::powers(state, epoch::current(state).number);
                let list = committee.keys();
                let list = list.map(|address| (address.to_vec(), info(state, address)));
                let (info, pagination) = paginate(list.collect(), request.pagination)?;
                Ok(QuerySigningInfosResponse {
                    info,
                    pagination: Some(pagination),
                })
            })
        },
    },
];

fn info(state: &State, address: &ConsensusAddress) -> ValidatorSigningInfo {
    let (signed, counted) = epoch::signed(state, address);
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    ValidatorSigningInfo {
        address: Account(*address).with_prefix(CONSENSUS_PREFIX),
        start_height: number(epoch::current(state).start_height),
        index_offset: number(counted),
        jailed_until: Some(timestamp(0)),
        tombstoned: false,
        missed_blocks_counter: number(counted.saturating_sub(signed)),
    }
}
