//! Ways for a node of a local network to break the rules, so that one can watch the network find
//! out. Never on by default; `raced start` refuses them unless the chain is a local one.

use std::str::FromStr;

use prost::Message as _;
use race_app::beacon::signing::MAX_EXTENSION_BYTES;
use race_app::injected;
use race_proto::race::beacon::v1::VoteExtension;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci;

/// What a node does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Serves answers of a coarser quantisation of the model as the real one's.
    Forge,
    /// Adds made-up leaves to its proof.
    Inflate,
    /// Submits a proof and does not open it.
    NoOpen,
    /// Says of the first leaf it checks that it does not match.
    Accuse,
    /// Commits to beacon rounds and does not reveal.
    NoReveal,
    /// Leaves its shares of rounds' signatures out of its votes.
    NoSign,
    /// Puts bad shares into its votes, as many as fit.
    JunkShares,
    /// Leaves rounds' signatures out of the blocks it proposes.
    OmitSignatures,
    /// Does not deal for the next committee's key.
    NoDeal,
    /// Deals, and does not confirm.
    NoConfirm,
    /// Gives every other member bad shares.
    JunkDeal,
    /// Complains about good deals.
    FalseComplaint,
}

/// Every kind with its name.
const KINDS: [(&str, Misbehaviour); 12] = [
    ("forge", Misbehaviour::Forge),
    ("inflate", Misbehaviour::Inflate),
    ("no-open", Misbehaviour::NoOpen),
    ("accuse", Misbehaviour::Accuse),
    ("no-reveal", Misbehaviour::NoReveal),
    ("no-sign", Misbehaviour::NoSign),
    ("junk-shares", Misbehaviour::JunkShares),
    ("omit-signatures", Misbehaviour::OmitSignatures),
    ("no-deal", Misbehaviour::NoDeal),
    ("no-confirm", Misbehaviour::NoConfirm),
    ("junk-deal", Misbehaviour::JunkDeal),
    ("false-complaint", Misbehaviour::FalseComplaint),
];

impl Misbehaviour {
    /// The names of all kinds.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(name, _)| *name)
    }
}

impl FromStr for Misbehaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        KINDS
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, kind)| *kind)
            .ok_or_else(|| {
                let names: Vec<_> = Self::names().collect();
                format!(
                    "unknown kind of misbehaviour `{text}`; there are: {}",
                    names.join(", ")
                )
            })
    }
}

impl std::fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            KINDS
                .iter()
                .find(|(_, kind)| kind == self)
                .map_or("", |(name, _)| name),
        )
    }
}

/// The application of a node that misbehaves in consensus.
#[derive(Clone)]
pub struct Misbehaving<A> {
    app: A,
    kind: Misbehaviour,
}

impl<A> Misbehaving<A> {
    /// An application that does this wrong, and everything else right.
    pub fn new(app: A, kind: Misbehaviour) -> Self {
        Self { app, kind }
    }
}

/// The largest extension that a vote may have: a member's own with the last share spoilt, and others.
fn junk(extension: &[u8]) -> Vec<u8> {
    let mut junk = VoteExtension::decode(extension).unwrap_or_default();
    if let Some(byte) = junk.parts.last_mut().and_then(|part| part.last_mut()) {
        *byte ^= 1;
    }
    loop {
        junk.parts.push(vec![0x5a; 32 + 96]);
        if junk.encoded_len() > MAX_EXTENSION_BYTES {
            junk.parts.pop();
            return junk.encode_to_vec();
        }
    }
}

/// Calls that are passed on as they are.
macro_rules! passed_on {
    ($($call:ident($request:ident) -> $response:ident;)*) => {
        $(fn $call(&self, request: abci::$request) -> abci::$response {
            self.app.$call(request)
        })*
    };
}

impl<A: Application> Application for Misbehaving<A> {
    passed_on! {
        echo(RequestEcho) -> ResponseEcho;
        info(RequestInfo) -> ResponseInfo;
        init_chain(RequestInitChain) -> ResponseInitChain;
        query(RequestQuery) -> ResponseQuery;
        check_tx(RequestCheckTx) -> ResponseCheckTx;
        offer_snapshot(RequestOfferSnapshot) -> ResponseOfferSnapshot;
        load_snapshot_chunk(RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk;
        apply_snapshot_chunk(RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk;
        process_proposal(RequestProcessProposal) -> ResponseProcessProposal;
        verify_vote_extension(RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension;
        finalize_block(RequestFinalizeBlock) -> ResponseFinalizeBlock;
    }

    fn flush(&self) -> abci::ResponseFlush {
        self.app.flush()
    }

    fn commit(&self) -> abci::ResponseCommit {
        self.app.commit()
    }

    fn list_snapshots(&self) -> abci::ResponseListSnapshots {
        self.app.list_snapshots()
    }

    fn prepare_proposal(
        &self,
        request: abci::RequestPrepareProposal,
    ) -> abci::ResponsePrepareProposal {
        let mut response = self.app.prepare_proposal(request);
        let injected = response.txs.first().and_then(injected::read);
        if self.kind == Misbehaviour::OmitSignatures && injected.is_some() {
            response.txs.remove(0);
        }
        response
    }

    fn extend_vote(&self, request: abci::RequestExtendVote) -> abci::ResponseExtendVote {
        let mut response = self.app.extend_vote(request);
        match self.kind {
            Misbehaviour::NoSign => response = abci::ResponseExtendVote::default(),
            Misbehaviour::JunkShares => {
                response.vote_extension = junk(&response.vote_extension).into();
            }
            _ => {}
        }
        response
    }
}
