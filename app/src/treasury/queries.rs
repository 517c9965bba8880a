//! Queries of `treasury`.

use std::collections::{BTreeMap, BTreeSet};

use race_pricing::subsidy::{batch_of, remaining};
use race_proto::race::settlement::v1::{Task, TaskStatus};
use race_proto::race::treasury::v1::{
    Held, Pool, QueryHeldRequest, QueryHeldResponse, QueryIssuanceRequest, QueryIssuanceResponse,
    QueryPoolsRequest, QueryPoolsResponse, QueryReleasesRequest, QueryReleasesResponse,
};

use super::subsidy::Earnest;
use super::{finalise, held, issuance, keys, subsidy};
use crate::address::ConsensusAddress;
use crate::auth;
use crate::coin::stored;
use crate::context::Context;
use crate::duty::Tallies;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;
use crate::{bank, epoch, settlement};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.treasury.v1.Query/Issuance",
        answer: issued,
    },
    QueryPath {
        path: "/race.treasury.v1.Query/Held",
        answer: held_of,
    },
    QueryPath {
        path: "/race.treasury.v1.Query/Releases",
        answer: releases,
    },
    QueryPath {
        path: "/race.treasury.v1.Query/Pools",
        answer: pools,
    },
];

/// The batch counts from 1; 0 when all are out.
fn issued(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryIssuanceRequest| {
        let issuance = issuance(state);
        let minted = stored(&issuance.minted);
        let batch = batch_of(minted).map_or(0, |batch| batch.saturating_add(1));
        let remaining = remaining(minted).to_string();
        Ok(QueryIssuanceResponse {
            issuance: Some(issuance),
            batch,
            remaining,
        })
    })
}

/// What an epoch's work stands at before its duties are judged: fees by the checks known so far,
/// without the tasks that nobody could check so far, gas once the epoch has ended, and the subsidy
/// that would be minted now if all that was settled counted as served.
fn standing(state: &State, number: u64) -> BTreeMap<ConsensusAddress, Held> {
    let mut all: BTreeMap<ConsensusAddress, Held> = keys::HELD
        .under(state, &number)
        .into_iter()
        .map(|((_, address), held)| (address, held))
        .collect();
    let tallies = Tallies::of(state, number);
    let unfinished: Vec<Task> = settlement::tasks(state, number)
        .into_iter()
        .filter(|task| matches!(task.status(), TaskStatus::Settled | TaskStatus::Contested))
        .filter(|task| !tallies.uncheckable(task))
        .collect();
    for (address, (fees, checking)) in finalise::earned(state, unfinished.iter()).parts {
        let held = all
            .entry(address)
            .or_insert_with(|| held(state, number, &address));
        held.fees = stored(&held.fees).saturating_add(fees).to_string();
        held.checking = stored(&held.checking).saturating_add(checking).to_string();
    }
    if number.saturating_add(1) == epoch::current(state).number {
        let mut earnest = Earnest::of(state, number);
        let fees = unfinished
            .iter()
            .filter(|task| earnest.counts(state, task))
            .fold(0u128, |sum, task| sum.saturating_add(stored(&task.fee)));
        for (address, part) in subsidy::of(state, number, fees).parts {
            let held = all
                .entry(address)
                .or_insert_with(|| held(state, number, &address));
            held.minted = part.to_string();
        }
    }
    all
}

/// Rewards that are not released: of one epoch, or with epoch 0 of all.
fn held_of(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryHeldRequest| {
        let current = epoch::current(state).number;
        let mut open: BTreeSet<u64> = keys::UNFINISHED
            .all(state)
            .into_iter()
            .map(|(epoch, ())| epoch)
            .collect();
        open.extend([current.saturating_sub(1), current]);
        open.retain(|epoch| request.epoch == 0 || request.epoch == *epoch);
        let held = open
            .into_iter()
            .flat_map(|epoch| standing(state, epoch).into_values())
            .collect();
        Ok(QueryHeldResponse { held })
    })
}

/// What became of rewards: of one epoch, or with epoch 0 of all that are kept.
fn releases(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryReleasesRequest| {
        let releases = match request.epoch {
            0 => keys::RELEASES.values_under(state, &()),
            epoch => keys::RELEASES.values_under(state, &epoch),
        };
        Ok(QueryReleasesResponse { releases })
    })
}

/// The accounts that modules hold.
fn pools(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryPoolsRequest| {
        let pools = auth::MODULE_ACCOUNTS
            .iter()
            .map(|name| {
                let account = auth::module_account(name);
                let balance = bank::balance(state, &account).to_string();
                Pool {
                    name: (*name).to_owned(),
                    address: account.to_string(),
                    balance,
                }
            })
            .collect();
        Ok(QueryPoolsResponse { pools })
    })
}
