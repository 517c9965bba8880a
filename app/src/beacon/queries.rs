//! Queries of `beacon`.

use race_proto::race::beacon::v1::{
    QueryKeyGenerationRequest, QueryKeyGenerationResponse, QueryKeyRequest, QueryKeyResponse,
    QueryOpenRoundsRequest, QueryOpenRoundsResponse, QueryRoundRequest, QueryRoundResponse,
    QuerySeedRequest, QuerySeedResponse,
};

use super::{keygen, signing};
use crate::context::Context;
use crate::epoch;
use crate::error::QueryError;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.beacon.v1.Query/Round",
        answer: round,
    },
    QueryPath {
        path: "/race.beacon.v1.Query/OpenRounds",
        answer: open_rounds,
    },
    QueryPath {
        path: "/race.beacon.v1.Query/Key",
        answer: key,
    },
    QueryPath {
        path: "/race.beacon.v1.Query/KeyGeneration",
        answer: key_generation,
    },
    QueryPath {
        path: "/race.beacon.v1.Query/Seed",
        answer: seed,
    },
];

fn round(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryRoundRequest| {
        let id = request
            .id
            .ok_or_else(|| QueryError::InvalidArgument("give the id of a round".to_owned()))?;
        let round = super::round(state, &id).ok_or_else(|| {
            let log = format!(
                "round {} was never opened or is no longer kept",
                super::shown(&id)
            );
            QueryError::NotFound(log)
        })?;
        let contributions = super::contributions(state, &id);
        Ok(QueryRoundResponse {
            round: Some(round),
            contributions,
        })
    })
}

fn open_rounds(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |_: QueryOpenRoundsRequest| {
        Ok(QueryOpenRoundsResponse {
            rounds: super::open_rounds(state),
        })
    })
}

fn key(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryKeyRequest| {
        let current = epoch::current(state).number;
        let epoch = match request.epoch {
            0 => current,
            epoch => epoch,
        };
        let key = keygen::key(state, epoch).ok_or_else(|| {
            let log = format!("epoch {epoch} has no key yet: this is epoch {current}, and a key is made before its epoch begins");
            QueryError::NotFound(log)
        })?;
        Ok(QueryKeyResponse { key: Some(key) })
    })
}

fn key_generation(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryKeyGenerationRequest| {
        let generation = keygen::latest(
            state,
            request.epoch,
            request.race_attempt,
            request.key_attempt,
        );
        let generation = generation.ok_or_else(|| {
            QueryError::NotFound("no such key generation is kept: those of the keys of this epoch and of the last are, and the one for the next".to_owned())
        })?;
        let posts = keygen::posts(state, &keygen::attempt_of(&generation));
        Ok(QueryKeyGenerationResponse {
            generation: Some(generation),
            deals: posts.deals,
            complaints: posts.complaints,
            confirmations: posts.confirmations,
        })
    })
}

fn seed(context: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QuerySeedRequest| {
        let current = epoch::current(state).number;
        let of = |epoch: u64| super::race_seed(state, epoch);
        let seed = match request.epoch {
            0 => of(current).or_else(|| of(current.saturating_sub(1))),
            epoch => of(epoch),
        };
        let seed = seed.ok_or_else(|| {
            let log = format!("there is no such race seed: this is epoch {current}, and its seed comes when its serving is over");
            QueryError::NotFound(log)
        })?;
        let message = signing::message_of(context.chain_id, &seed);
        Ok(QuerySeedResponse {
            chain_id: context.chain_id.to_owned(),
            message: message.map_or_else(Vec::new, |message| message.digest().to_vec()),
            seed: Some(seed),
        })
    })
}
