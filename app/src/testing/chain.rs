//! The network: genesis, blocks, mempool, queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::race::epoch::v1::{Epoch, Validator};
use race_proto::Any;
use tendermint_proto::v0_38::abci::Event;

use super::{committee, honest, FakeOracle, Signing, TestNode, Wallet};
use crate::address::ConsensusAddress;
use crate::app::{App, Finalized, NewBlock};
use crate::beacon::signing;
use crate::block::Block;
use crate::context::Context;
use crate::error::TxError;
use crate::evidence::Misbehavior;
use crate::genesis::{AppGenesis, GenesisAccount, GenesisVesting, ProfileName, GENESIS_POWER};
use crate::oracle::RaceOracle;
use crate::state::State;
use crate::store::{Kv, MemKv, Store};
use crate::{auth, bank, epoch};

/// Header time between two blocks.
pub const SECOND_MS: u64 = 1_000;

const GENESIS_MS: u64 = 1_790_000_000_000;
/// 1000 icoin for each funded wallet.
const FUNDS: u128 = 1_000_000_000_000;

/// Builds a [`Chain`].
pub struct Builder {
    chain_id: String,
    nodes: Vec<TestNode>,
    params: BTreeMap<String, u64>,
    funded: Vec<(Wallet, u128)>,
    models: Vec<serde_json::Value>,
    vesting: BTreeMap<String, GenesisVesting>,
    kv: Arc<dyn Kv>,
    oracle: Arc<dyn RaceOracle>,
}

impl Builder {
    /// `n` honest genesis nodes `node0`, `node1`, ... of equal power; "alice" and "bob" funded.
    pub fn new(n: usize) -> Self {
        Self {
            chain_id: "race-test-1".to_owned(),
            nodes: (0..n)
                .map(|i| TestNode::named(&format!("node{i}")))
                .collect(),
            params: BTreeMap::new(),
            funded: ["alice", "bob"]
                .map(|name| (Wallet::named(name), FUNDS))
                .to_vec(),
            models: Vec::new(),
            vesting: BTreeMap::new(),
            kv: Arc::new(MemKv::new()),
            oracle: Arc::new(FakeOracle),
        }
    }

    /// Changes a parameter of the local profile.
    pub fn param(mut self, name: &str, value: u64) -> Self {
        self.params.insert(name.to_owned(), value);
        self
    }

    /// Changes a genesis node.
    pub fn node(mut self, index: usize, change: impl FnOnce(&mut TestNode)) -> Self {
        change(&mut self.nodes[index]);
        self
    }

    /// Funds another wallet.
    pub fn fund(mut self, wallet: Wallet, amount: u128) -> Self {
        self.funded.push((wallet, amount));
        self
    }

    /// Locks coins of a funded wallet.
    pub fn vesting(mut self, wallet: &Wallet, vesting: GenesisVesting) -> Self {
        self.vesting.insert(wallet.address(), vesting);
        self
    }

    /// Adds a small model of this id.
    pub fn model(mut self, id: &str) -> Self {
        let digest = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        self.models.push(serde_json::json!({
            "id": id,
            "weights_digest": digest,
            "tokenizer_digest": digest,
            "units_per_token": "3",
            "numeric_format": "Q4_1",
            "thresholds": {
                "top_k": 8,
                "margin_limit": "10",
                "classes": [{ "min_length": 1 }],
            },
            "context_length": 512,
        }));
        self
    }

    /// Keeps state in another engine.
    pub fn kv(mut self, kv: Arc<dyn Kv>) -> Self {
        self.kv = kv;
        self
    }

    /// Recomputes nonces otherwise.
    pub fn oracle(mut self, oracle: Arc<dyn RaceOracle>) -> Self {
        self.oracle = oracle;
        self
    }

    /// The genesis file's app state.
    pub fn genesis(&self) -> AppGenesis {
        let account = |(wallet, amount): &(Wallet, u128)| GenesisAccount {
            address: wallet.address(),
            amount: amount.to_string(),
            vesting: self.vesting.get(&wallet.address()).cloned(),
        };
        AppGenesis {
            profile: ProfileName::Local,
            params: self.params.clone(),
            race_preset: "tiny".to_owned(),
            accounts: self.funded.iter().map(account).collect(),
            nodes: self
                .nodes
                .iter()
                .map(|n| n.genesis(&self.chain_id, GENESIS_POWER))
                .collect(),
            models: self.models.clone(),
            authz: Vec::new(),
            feegrant: Vec::new(),
            carried: None,
        }
    }

    /// Starts the chain. No block is made yet.
    pub fn start(self) -> Chain {
        let genesis = self.genesis();
        let store = Store::open(self.kv).expect("an empty store opens");
        let app = App::new(store, self.oracle, Arc::new(committee::NoShares));
        let (validators, genesis_hash) = app
            .init_chain(&self.chain_id, 1, GENESIS_MS, &genesis)
            .unwrap_or_else(|error| panic!("{error}"));
        let mut chain = Chain {
            app,
            chain_id: self.chain_id,
            nodes: self.nodes,
            height: 0,
            time_ms: GENESIS_MS,
            block_ms: SECOND_MS,
            validators: BTreeMap::new(),
            signers: BTreeMap::new(),
            mempool: Vec::new(),
            events: Vec::new(),
            app_hash: genesis_hash,
            votes: Vec::new(),
            memory: honest::Memory::default(),
            misbehavior: Vec::new(),
        };
        chain.apply(&validators);
        chain
    }
}

/// A running network.
pub struct Chain {
    /// The application.
    pub app: App,
    /// Its id.
    pub chain_id: String,
    /// Nodes that act at each [`Chain::step`].
    pub nodes: Vec<TestNode>,
    /// Height of the last block, 0 before the first.
    pub height: u64,
    /// Header time of the last block.
    pub time_ms: u64,
    /// Header time from one block to the next.
    pub block_ms: u64,
    /// CometBFT's validators as the application made them.
    pub validators: BTreeMap<ConsensusAddress, u64>,
    /// Validators that signed the last block.
    signers: BTreeMap<ConsensusAddress, bool>,
    /// Transactions that CheckTx accepted and no block has.
    pub mempool: Vec<Bytes>,
    /// Events of the last block, transactions' included.
    pub events: Vec<Event>,
    /// App hash after the last block.
    pub app_hash: [u8; 32],
    /// The extensions of the votes for the last block.
    pub votes: Vec<(ConsensusAddress, Bytes)>,
    /// What the honest nodes remember.
    pub memory: honest::Memory,
    /// Equivocations that the next block proves.
    pub misbehavior: Vec<Misbehavior>,
}

impl Chain {
    /// A network of `n` honest nodes with local parameters.
    pub fn new(n: usize) -> Self {
        Builder::new(n).start()
    }

    /// Reads the state before the next block.
    pub fn read<T>(&self, read: impl FnOnce(&Context<'_>, &State) -> T) -> T {
        self.app.read_next(read).expect("the chain has begun")
    }

    /// The current epoch.
    pub fn epoch(&self) -> Epoch {
        self.read(|_, state| epoch::current(state))
    }

    /// A wallet's nicoin.
    pub fn balance(&self, wallet: &Wallet) -> u128 {
        self.read(|_, state| bank::balance(state, &wallet.account))
    }

    /// What a signature of this wallet must bind now, counting its transactions in the mempool:
    /// enough gas and fee for any message.
    pub fn signing(&self, wallet: &Wallet) -> Signing {
        let record = self
            .read(|_, state| auth::account(state, &wallet.account))
            .unwrap_or_default();
        let pending = self.mempool.iter().filter(|tx| signs(tx, wallet)).count() as u64;
        Signing {
            chain_id: self.chain_id.clone(),
            number: record.account_number,
            sequence: record.sequence + pending,
            fee: 100_000,
            gas: 1_000_000,
            memo: String::new(),
            timeout_height: 0,
            mode: SignMode::Direct,
        }
    }

    /// Signs a transaction that pays gas.
    pub fn sign(&self, wallet: &Wallet, messages: Vec<Any>) -> Vec<u8> {
        wallet.sign(messages, &self.signing(wallet))
    }

    /// Signs a transaction of protocol messages, without a fee.
    pub fn sign_free(&self, wallet: &Wallet, messages: Vec<Any>) -> Vec<u8> {
        wallet.sign(
            messages,
            &Signing {
                fee: 0,
                ..self.signing(wallet)
            },
        )
    }

    /// Offers a transaction to CheckTx and keeps it for the next block.
    ///
    /// # Errors
    /// CheckTx's.
    pub fn submit(&mut self, tx: Vec<u8>) -> Result<(), TxError> {
        match self.app.check_tx(&tx, false).error {
            Some(error) => Err(error),
            None => {
                self.mempool.push(tx.into());
                Ok(())
            }
        }
    }

    /// Signs with a fee and submits.
    ///
    /// # Errors
    /// CheckTx's.
    pub fn send(&mut self, wallet: &Wallet, messages: Vec<Any>) -> Result<(), TxError> {
        let tx = self.sign(wallet, messages);
        self.submit(tx)
    }

    /// Signs without a fee and submits: for protocol messages.
    ///
    /// # Errors
    /// CheckTx's.
    pub fn send_free(&mut self, wallet: &Wallet, messages: Vec<Any>) -> Result<(), TxError> {
        let tx = self.sign_free(wallet, messages);
        self.submit(tx)
    }

    /// Makes a block of exactly these transactions.
    pub fn block(&mut self, txs: Vec<Vec<u8>>) -> Finalized {
        self.make(txs.into_iter().map(Bytes::from).collect())
    }

    /// Makes a block as CometBFT would: honest nodes act, the mempool is proposed.
    pub fn step(&mut self) -> Finalized {
        honest::act(self);
        let txs =
            self.app
                .prepare_proposal(&self.votes, std::mem::take(&mut self.mempool), u64::MAX);
        assert!(
            self.app.process_proposal(&txs),
            "the proposer's own block is refused"
        );
        self.make(txs)
    }

    /// Makes `n` blocks.
    pub fn steps(&mut self, n: u64) {
        for _ in 0..n {
            self.step();
        }
    }

    /// Makes blocks until `done`; at most `limit`.
    ///
    /// # Panics
    /// When it is not done by then.
    pub fn run_until(&mut self, what: &str, limit: u64, mut done: impl FnMut(&Self) -> bool) {
        for _ in 0..limit {
            if done(self) {
                return;
            }
            self.step();
        }
        assert!(
            done(self),
            "{what}: not after {limit} blocks; epoch {:?}",
            self.epoch()
        );
    }

    fn make(&mut self, txs: Vec<Bytes>) -> Finalized {
        self.height += 1;
        self.time_ms += self.block_ms;
        let signed = self
            .signers
            .iter()
            .map(|(address, signed)| (*address, *signed))
            .collect();
        let block = Block {
            txs,
            signed,
            misbehavior: std::mem::take(&mut self.misbehavior),
        };
        let new = NewBlock {
            height: self.height,
            time_ms: self.time_ms,
            block,
        };
        self.votes = self.extended_votes();
        let finalized = self.app.finalize_block(&new);
        let snapshot = self.app.commit();
        assert_eq!(snapshot.app_hash(), finalized.app_hash);
        self.app_hash = finalized.app_hash;
        self.events = finalized.events.clone();
        self.events.extend(
            finalized
                .results
                .iter()
                .flat_map(|result| result.events.clone()),
        );
        self.signers = self.sign_block();
        self.apply(&finalized.updates);
        self.check_invariants();
        let pending = std::mem::take(&mut self.mempool);
        for tx in pending {
            if self.app.check_tx(&tx, true).error.is_none() {
                self.mempool.push(tx);
            }
        }
        finalized
    }

    /// What the votes for the next block carry, of the validators that are there.
    fn extended_votes(&self) -> Vec<(ConsensusAddress, Bytes)> {
        let there = |node: &&TestNode| {
            let validator = self.validators.contains_key(&node.address);
            validator && !node.behaviour.offline
        };
        let nodes = self.nodes.iter().filter(there);
        let votes = nodes.map(|node| (node.address, self.extension(node)));
        votes.collect()
    }

    /// A node's vote extension for the next block.
    pub fn extension(&self, node: &TestNode) -> Bytes {
        if node.behaviour.does_not_sign {
            return Bytes::new();
        }
        let mut extension = self.read(|context, state| {
            let signer = committee::Signer {
                state,
                chain_id: context.chain_id,
                address: node.address,
                participant: node.participant(),
            };
            signing::extension(state, context.chain_id, context.height, &signer)
        });
        if node.behaviour.junk_extensions {
            for part in &mut extension.parts {
                part.iter_mut().skip(32).for_each(|byte| *byte ^= 1);
            }
        }
        let extension = Bytes::from(extension.encode_to_vec());
        assert!(signing::read(&extension).is_some(), "a vote is refused");
        extension
    }

    fn sign_block(&self) -> BTreeMap<ConsensusAddress, bool> {
        let offline = |address: &ConsensusAddress| {
            self.nodes
                .iter()
                .any(|node| node.address == *address && node.behaviour.offline)
        };
        self.validators
            .keys()
            .map(|address| (*address, !offline(address)))
            .collect()
    }

    /// Applies validator updates under CometBFT's rules.
    fn apply(&mut self, updates: &[Validator]) {
        let mut seen = Vec::new();
        for update in updates {
            let address: ConsensusAddress = update.address.as_slice().try_into().expect("20 bytes");
            assert!(!seen.contains(&address), "two updates of one validator");
            seen.push(address);
            match update.power {
                0 => assert!(
                    self.validators.remove(&address).is_some(),
                    "an unknown validator removed"
                ),
                power => drop(self.validators.insert(address, power)),
            }
        }
        assert!(!self.validators.is_empty(), "the validator set is empty");
    }

    /// Checks what must hold after every block.
    pub fn check_invariants(&self) {
        let result = self.read(|_, state| crate::invariants::all(state));
        result.unwrap_or_else(|broken| panic!("height {}: {broken}", self.height));
    }

    /// Asks a gRPC path.
    ///
    /// # Errors
    /// The query's.
    pub fn query<Req: Message, Res: Message + Default>(
        &self,
        path: &str,
        request: &Req,
    ) -> Result<Res, crate::error::QueryError> {
        let bytes = crate::abci_query::grpc(&self.app, 0, path, &request.encode_to_vec())?;
        Ok(Res::decode(bytes.as_slice()).expect("an answer decodes"))
    }

    /// Whether the last block has an event of this type.
    pub fn has_event(&self, kind: &str) -> bool {
        self.events.iter().any(|event| event.r#type == kind)
    }
}

/// Whether a wallet is the first signer of a transaction.
fn signs(tx: &Bytes, wallet: &Wallet) -> bool {
    use race_proto::cosmos::tx::v1beta1::{AuthInfo, TxRaw};
    let raw = TxRaw::decode(tx.clone()).unwrap_or_default();
    let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap_or_default();
    let key = auth
        .signer_infos
        .first()
        .and_then(|info| info.public_key.clone());
    key == Some(wallet.public_key())
}
