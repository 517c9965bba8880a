//! The application behind CometBFT's interface: conversions and nothing else.

use bytes::Bytes;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::response_process_proposal::ProposalStatus;
use tendermint_proto::v0_38::abci::response_verify_vote_extension::VerifyStatus;
use tendermint_proto::v0_38::abci::{
    CommitInfo, ExtendedCommitInfo, ExtendedVoteInfo, Misbehavior, MisbehaviorType,
    RequestApplySnapshotChunk, RequestCheckTx, RequestExtendVote, RequestFinalizeBlock,
    RequestInfo, RequestInitChain, RequestLoadSnapshotChunk, RequestOfferSnapshot,
    RequestPrepareProposal, RequestProcessProposal, RequestQuery, RequestVerifyVoteExtension,
    ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseExtendVote,
    ResponseFinalizeBlock, ResponseInfo, ResponseInitChain, ResponseListSnapshots,
    ResponseLoadSnapshotChunk, ResponseOfferSnapshot, ResponsePrepareProposal,
    ResponseProcessProposal, ResponseQuery, ResponseVerifyVoteExtension, ValidatorUpdate,
};
use tendermint_proto::v0_38::crypto::{public_key, PublicKey};
use tendermint_proto::v0_38::types::{BlockIdFlag, ConsensusParams, VersionParams};

use crate::address::ConsensusAddress;
use crate::app::{App, NewBlock};
use crate::beacon::signing;
use crate::block::Block;
use crate::evidence;
use crate::genesis::AppGenesis;
use crate::statesync;
use crate::time::milliseconds;
use crate::tx::execute::shown;
use crate::upgrade::Halt;
use race_proto::race::epoch::v1::Validator;
use race_proto::race::evidence::v1::Kind;

/// The application's name in `/abci_info`.
pub const NAME: &str = "race";

/// CometBFT's `CheckTxType` for a transaction that is checked again after a block.
const RECHECK: i32 = 1;

fn height(height: i64) -> u64 {
    u64::try_from(height).unwrap_or(0)
}

fn update(validator: &Validator) -> ValidatorUpdate {
    let key = public_key::Sum::Ed25519(validator.public_key.clone());
    ValidatorUpdate {
        pub_key: Some(PublicKey { sum: Some(key) }),
        power: i64::try_from(validator.power).unwrap_or(i64::MAX),
    }
}

/// Who was a validator of the block before, and whether it signed that block (not nil).
fn signed(commit: Option<&CommitInfo>) -> Vec<(ConsensusAddress, bool)> {
    let votes = commit.map_or(&[][..], |commit| &commit.votes);
    votes
        .iter()
        .filter_map(|vote| {
            let address = vote.validator.as_ref()?.address.as_ref().try_into().ok()?;
            Some((address, vote.block_id_flag == BlockIdFlag::Commit as i32))
        })
        .collect()
}

/// What the votes of the last commit carry.
fn extensions(commit: Option<&ExtendedCommitInfo>) -> Vec<(ConsensusAddress, Bytes)> {
    let votes = commit.map_or(&[][..], |commit| &commit.votes);
    let of = |vote: &ExtendedVoteInfo| {
        let address = vote.validator.as_ref()?.address.as_ref().try_into().ok()?;
        Some((address, vote.vote_extension.clone()))
    };
    votes.iter().filter_map(of).collect()
}

/// What evidence says; `None` for a kind that this version does not know.
fn misbehavior(evidence: &Misbehavior) -> Option<evidence::Misbehavior> {
    let kind = match evidence.r#type() {
        MisbehaviorType::DuplicateVote => Kind::DuplicateVote,
        MisbehaviorType::LightClientAttack => Kind::LightClientAttack,
        MisbehaviorType::Unknown => return None,
    };
    let validator = evidence.validator.as_ref()?;
    Some(evidence::Misbehavior {
        address: validator.address.as_ref().try_into().ok()?,
        kind,
        height: height(evidence.height),
        time_ms: milliseconds(evidence.time.as_ref()),
        power: u64::try_from(validator.power).unwrap_or(0),
    })
}

impl Application for App {
    fn info(&self, _: RequestInfo) -> ResponseInfo {
        let latest = self.latest();
        let last_block_app_hash = match latest.height() {
            0 => Vec::new(),
            _ => latest.app_hash().to_vec(),
        };
        ResponseInfo {
            data: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            app_version: self.version(),
            last_block_height: i64::try_from(latest.height()).unwrap_or(i64::MAX),
            last_block_app_hash: last_block_app_hash.into(),
        }
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        crate::abci_query::query(self, &request)
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        let outcome = App::check_tx(self, &request.tx, request.r#type == RECHECK);
        let (code, codespace, log) = shown(outcome.error.as_ref());
        ResponseCheckTx {
            code,
            codespace,
            log,
            gas_wanted: i64::try_from(outcome.gas_wanted).unwrap_or(i64::MAX),
            gas_used: i64::try_from(outcome.gas_used).unwrap_or(i64::MAX),
            events: outcome.events,
            ..ResponseCheckTx::default()
        }
    }

    fn init_chain(&self, request: RequestInitChain) -> ResponseInitChain {
        // 0 in files that do not say it.
        let version = request.consensus_params.and_then(|params| params.version);
        let (found, own) = (version.map_or(0, |v| v.app), self.program_version());
        if found != 0 && found != own {
            panic!("{}", Halt::Genesis { found, own });
        }
        let genesis = AppGenesis::from_json(&request.app_state_bytes);
        let first = height(request.initial_height).max(1);
        let time = milliseconds(request.time.as_ref());
        let born = genesis
            .and_then(|genesis| App::init_chain(self, &request.chain_id, first, time, &genesis));
        // Without genesis there is nothing to go on with.
        let (validators, app_hash) = born.unwrap_or_else(|error| panic!("{error}"));
        ResponseInitChain {
            consensus_params: None,
            validators: validators.iter().map(update).collect(),
            app_hash: app_hash.to_vec().into(),
        }
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        let max_bytes = u64::try_from(request.max_tx_bytes).unwrap_or(u64::MAX);
        let votes = extensions(request.local_last_commit.as_ref());
        ResponsePrepareProposal {
            txs: App::prepare_proposal(self, &votes, request.txs, max_bytes),
        }
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        let status = match App::process_proposal(self, &request.txs) {
            true => ProposalStatus::Accept,
            false => ProposalStatus::Reject,
        };
        ResponseProcessProposal {
            status: status as i32,
        }
    }

    fn extend_vote(&self, _: RequestExtendVote) -> ResponseExtendVote {
        ResponseExtendVote {
            vote_extension: App::extend_vote(self).into(),
        }
    }

    /// Size and encoding decide alone: refusing by content could halt the chain. Nothing is kept of what
    /// comes here, since CometBFT asks before it has checked who sent it.
    fn verify_vote_extension(
        &self,
        request: RequestVerifyVoteExtension,
    ) -> ResponseVerifyVoteExtension {
        let status = match signing::read(&request.vote_extension) {
            Some(_) => VerifyStatus::Accept,
            None => VerifyStatus::Reject,
        };
        ResponseVerifyVoteExtension {
            status: status as i32,
        }
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        if self.halt().is_some() {
            // Who listens to the halt ends the process. Until then CometBFT waits, with the block in its
            // store: the next program executes it.
            loop {
                std::thread::park();
            }
        }
        let finalized = App::finalize_block(
            self,
            &NewBlock {
                height: height(request.height),
                time_ms: milliseconds(request.time.as_ref()),
                block: Block {
                    signed: signed(request.decided_last_commit.as_ref()),
                    txs: request.txs,
                    misbehavior: request.misbehavior.iter().filter_map(misbehavior).collect(),
                },
            },
        );
        ResponseFinalizeBlock {
            events: finalized.events,
            tx_results: finalized.results,
            validator_updates: finalized.updates.iter().map(update).collect(),
            consensus_param_updates: finalized.app_version.map(|app| ConsensusParams {
                version: Some(VersionParams { app }),
                ..ConsensusParams::default()
            }),
            app_hash: finalized.app_hash.to_vec().into(),
        }
    }

    fn commit(&self) -> ResponseCommit {
        let latest = App::commit(self).height();
        ResponseCommit {
            retain_height: i64::try_from(self.retain_height(latest)).unwrap_or(0),
        }
    }

    fn list_snapshots(&self) -> ResponseListSnapshots {
        statesync::list(self)
    }

    fn load_snapshot_chunk(&self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        statesync::load(self, &request)
    }

    fn offer_snapshot(&self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        statesync::offer(self, request)
    }

    fn apply_snapshot_chunk(
        &self,
        request: RequestApplySnapshotChunk,
    ) -> ResponseApplySnapshotChunk {
        statesync::apply(self, request)
    }
}
