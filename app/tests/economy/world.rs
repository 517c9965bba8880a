//! A chain of modules without CometBFT: nodes with real keys, blocks with messages.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use prost::{Message, Name};
use race_app::address::{Account, ConsensusAddress};
use race_app::beacon::{keygen, signing};
use race_app::context::Context;
use race_app::error::TxError;
use race_app::message::MessageType;
use race_app::oracle::{RaceOracle, Recomputation, Truth};
use race_app::params::Profile;
use race_app::state::State;
use race_app::testing::committee;
use race_app::{
    auth, bank, beacon, bond, duty, epoch, model, node, params, pricing, session, settlement,
    treasury,
};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::race::beacon::v1::{MsgCommit, MsgReveal, Purpose, RoundSignature, RoundStatus};
use race_proto::race::duty::v1::{
    MsgCommitBallot, MsgRevealBallot, MsgRevealDuties, Outcome, Verdict,
};
use race_proto::race::model::v1::{LengthClass, Model, MsgAnnounceModel, Thresholds};
use race_proto::race::node::v1::Endpoints;
use race_proto::race::session::v1::{MsgOpenSession, MsgOpenSessionResponse, Session};
use race_proto::race::settlement::v1::{MsgSettle, MsgSettleResponse, Record, Task};
use race_proto::Any;
use race_randomness::bls::{SecretKey, DST_SIGNATURE};
use race_randomness::commit_reveal::{commitment, Which};
use race_randomness::dkg::Participant;
use race_verification::verdict;

pub const CHAIN: &str = "race-test-1";
pub const MODEL: &str = "test/tiny";
pub const UNITS: u64 = 3;
pub const BLOCK_MS: u64 = 1_000;
pub const SALT: [u8; 32] = [9; 32];

/// Nothing is raced in these tests.
struct NoOracle;

impl RaceOracle for NoOracle {
    fn start(&self, _: &Recomputation) {}
    fn join(&self, what: &Recomputation) -> Truth {
        panic!("nothing was raced: {what:?}")
    }
}

pub struct TestNode {
    pub address: ConsensusAddress,
    pub operator: Account,
    pub hot: Account,
    duty: SecretKey,
    share: SecretKey,
}

pub struct World {
    pub state: State,
    /// The block that takes messages now.
    pub height: u64,
    pub nodes: Vec<TestNode>,
    pub alice: Account,
    pub session_key: SigningKey,
    /// What the next block carries.
    signatures: Vec<RoundSignature>,
}

fn account(n: u8) -> Account {
    Account([n; 20])
}

fn context(height: u64) -> Context<'static> {
    Context {
        chain_id: CHAIN,
        height,
        time_ms: 1_700_000_000_000 + height * BLOCK_MS,
        oracle: &NoOracle,
    }
}

pub fn coin(amount: u128) -> Option<Coin> {
    Some(Coin {
        denom: "nicoin".into(),
        amount: amount.to_string(),
    })
}

pub fn test_model(id: &str) -> Model {
    let class = LengthClass {
        min_length: 1,
        ..LengthClass::default()
    };
    Model {
        id: id.into(),
        weights_digest: vec![1; 32],
        tokenizer_digest: vec![2; 32],
        units_per_token: UNITS,
        numeric_format: "Q4_1".into(),
        thresholds: Some(Thresholds {
            top_k: 8,
            margin_limit: 10,
            classes: vec![class],
        }),
        min_memory_bytes: 1,
        context_length: 512,
        retired: false,
        registered_height: 0,
    }
}

impl World {
    /// A chain with nodes of the given powers, all of which host [`MODEL`] from block 1 on.
    pub fn new(powers: &[u64]) -> Self {
        Self::with(powers, &[])
    }

    /// The same with some parameters set.
    pub fn with(powers: &[u64], overrides: &[(&str, u64)]) -> Self {
        let mut state = State::empty();
        let calendar = [("epoch/max_reruns", 0), ("epoch/first_serve_blocks", 20)];
        let overrides = calendar.into_iter().chain(overrides.iter().copied());
        params::init_genesis(&mut state, Profile::Local, overrides).unwrap();
        auth::init_genesis(&mut state);
        let genesis = context(0);
        let mut nodes = Vec::new();
        let mut registrations = Vec::new();
        for (n, power) in powers.iter().enumerate() {
            let n = n as u8;
            let (operator, hot) = (account(100 + n), account(150 + n));
            let key = |role| SigningKey::from_bytes(&[n * 4 + role + 1; 32]);
            let bls = |role| SecretKey::from_key_material(&[n * 4 + role + 1; 32]).unwrap();
            let (duty, share) = (bls(2), bls(3));
            let proven = node::prove(&key(0), &duty, &share, &key(1), CHAIN, &operator);
            let endpoints = Endpoints {
                grpc: format!("127.0.0.1:{}", 9000 + u16::from(n)),
                api: String::new(),
            };
            registrations.push(node::genesis::GenesisNode::new(
                operator.to_string(),
                hot.to_string(),
                format!("node{n}"),
                proven,
                endpoints,
                *power,
            ));
            let address = race_app::address::consensus_address(&key(0).verifying_key().to_bytes());
            nodes.push(TestNode {
                address,
                operator,
                hot,
                duty,
                share,
            });
            bank::mint(&mut state, &operator, 1_000_000);
        }
        let first = node::genesis::init(&mut state, &genesis, &registrations).unwrap();
        epoch::genesis::init(&mut state, &genesis, &first).unwrap();
        model::genesis::init(&mut state, &[test_model(MODEL)]).unwrap();
        let alice = account(1);
        bank::mint(&mut state, &alice, 1_000_000_000_000);
        let session_key = SigningKey::from_bytes(&[77; 32]);
        let mut world = Self {
            state,
            height: 1,
            nodes,
            alice,
            session_key,
            signatures: Vec::new(),
        };
        world.generate_key();
        epoch::begin_block(&mut world.state, &context(1), &[]);
        for n in 0..world.nodes.len() {
            let sender = world.nodes[n].hot.to_string();
            world.must(&MsgAnnounceModel {
                sender,
                model_id: MODEL.into(),
                loaded: true,
            });
        }
        world
    }

    /// The first key is generated before the first block: deals, then confirmations.
    fn generate_key(&mut self) {
        while let Some(attempt) = epoch::key_attempt(&self.state) {
            for n in 0..self.nodes.len() {
                let node = &self.nodes[n];
                let hot = node.hot.to_string();
                let board = keygen::board(&self.state, CHAIN, &attempt).unwrap();
                let secret = [n as u8; 32];
                let mut participant = Participant::new(node.address, &secret, node.share.clone());
                for post in participant.owes(&board) {
                    let message = keygen::message(attempt, &hot, &post);
                    self.execute(&message, 0).unwrap();
                }
            }
            epoch::end_block(&mut self.state, &context(0));
        }
    }

    pub fn context(&self) -> Context<'static> {
        context(self.height)
    }

    /// Executes a message in the current block, all or nothing.
    pub fn send<M: Message + Name>(&mut self, msg: &M) -> Result<Any, TxError> {
        let message = Any {
            type_url: M::type_url(),
            value: msg.encode_to_vec(),
        };
        self.execute(&message, self.height)
    }

    fn execute(&mut self, message: &Any, height: u64) -> Result<Any, TxError> {
        let types: [&[MessageType]; 7] = [
            beacon::MESSAGES,
            bond::MESSAGES,
            duty::MESSAGES,
            model::MESSAGES,
            pricing::MESSAGES,
            session::MESSAGES,
            settlement::MESSAGES,
        ];
        let found = types
            .iter()
            .copied()
            .flatten()
            .find(|t| t.type_url == message.type_url)
            .unwrap();
        let checked = (found.parse)(&message.value)?;
        self.state.begin();
        let result = checked.execute(&mut self.state, &context(height));
        match &result {
            Ok(_) => self.state.keep(),
            Err(_) => self.state.discard(),
        }
        result
    }

    pub fn must<M: Message + Name>(&mut self, msg: &M) -> Any {
        self.send(msg)
            .unwrap_or_else(|e| panic!("{}: {e}", M::full_name()))
    }

    /// Ends the block: beacon rounds are signed by all nodes.
    pub fn end_block(&mut self) {
        self.contribute();
        self.sign_rounds();
        epoch::end_block(&mut self.state, &context(self.height));
        treasury::invariants::all(&self.state).unwrap();
        self.height += 1;
        epoch::begin_block(&mut self.state, &context(self.height), &[]);
    }

    /// Every member commits to race seeds and reveals.
    fn contribute(&mut self) {
        for round in beacon::open_rounds(&self.state) {
            let id = round.id.unwrap();
            if id.purpose() != Purpose::RaceSeed || round.status() != RoundStatus::Open {
                continue;
            }
            let bound = beacon::bound(CHAIN, &id).unwrap();
            for n in 0..self.nodes.len() {
                let (sender, address) = (self.nodes[n].hot.to_string(), self.nodes[n].address);
                let commit = |which| commitment(&bound, &address, which, &SALT).to_vec();
                let (round_id, secret) = (Some(id), SALT.to_vec());
                if self.height == round.commit_start {
                    self.must(&MsgCommit {
                        sender,
                        round: round_id,
                        commitment: commit(Which::Reveal),
                        fallback_commitment: commit(Which::Fallback),
                    });
                } else if self.height == round.commit_end + 1 {
                    self.must(&MsgReveal {
                        sender,
                        round: round_id,
                        secret,
                    });
                }
            }
        }
    }

    /// Votes for this block carry shares; the next block carries the signatures.
    fn sign_rounds(&mut self) {
        let context = self.context();
        for signature in std::mem::take(&mut self.signatures) {
            signing::take(&mut self.state, &context, &signature).unwrap();
        }
        let member = |(n, node): (usize, &TestNode)| {
            let participant = Participant::new(node.address, &[n as u8; 32], node.share.clone());
            (node.address, participant)
        };
        let members = self.nodes.iter().enumerate().map(member);
        self.signatures = committee::signatures(&self.state, CHAIN, self.height, members);
    }

    pub fn run(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.end_block();
        }
    }

    pub fn run_to(&mut self, height: u64) {
        while self.height < height {
            self.end_block();
        }
    }

    pub fn epoch(&self) -> u64 {
        epoch::current(&self.state).number
    }

    pub fn run_to_epoch(&mut self, number: u64) {
        while self.epoch() < number {
            self.end_block();
        }
    }

    pub fn open(&mut self, escrow: u128, ceiling: u128, blocks: u64) -> u64 {
        let msg = self.open_message(escrow, ceiling, blocks);
        let response = self.must(&msg);
        MsgOpenSessionResponse::decode(response.value.as_slice())
            .unwrap()
            .id
    }

    pub fn open_message(&self, escrow: u128, ceiling: u128, blocks: u64) -> MsgOpenSession {
        MsgOpenSession {
            creator: self.alice.to_string(),
            model_id: MODEL.into(),
            escrow: coin(escrow),
            ceiling: coin(ceiling),
            session_key: self.session_key.verifying_key().to_bytes().to_vec(),
            integrity_level: 0,
            expiry_height: self.height + blocks,
        }
    }

    /// Opens a session and waits for its pin in the current epoch.
    pub fn open_pinned(&mut self, escrow: u128, ceiling: u128) -> u64 {
        let id = self.open(escrow, ceiling, 10_000);
        while self.session(id).pinned_epoch != self.epoch() {
            self.end_block();
        }
        id
    }

    pub fn session(&self, id: u64) -> Session {
        session::get(&self.state, id).unwrap()
    }

    /// Which node serves a request under the session's newest pin.
    pub fn executor(&self, id: u64, index: u32, attempt: u32) -> usize {
        let pin = session::newest_pin(&self.state, &self.session(id)).unwrap();
        let address = session::executor(&pin, u64::from(index), attempt).unwrap();
        self.nodes
            .iter()
            .position(|node| node.address == address)
            .unwrap()
    }

    /// A record of 10 prompt tokens and the given output tokens, acknowledged.
    pub fn record(&self, id: u64, index: u32, attempt: u32, tokens: u32) -> Record {
        let digest = [index as u8; 32];
        let pin = session::get(&self.state, id).and_then(|s| session::newest_pin(&self.state, &s));
        let executor = pin.and_then(|pin| session::executor(&pin, u64::from(index), attempt));
        let signed = duty::acknowledgement(
            CHAIN,
            id,
            index,
            10,
            tokens,
            &digest,
            &executor.unwrap_or_default(),
        );
        Record {
            session_id: id,
            index,
            prompt_tokens: 10,
            output_tokens: tokens,
            digest: digest.to_vec(),
            acknowledgement: self.session_key.sign(&signed).to_bytes().to_vec(),
            attempt,
        }
    }

    pub fn settle(&mut self, node: usize, records: Vec<Record>) -> Result<Vec<String>, TxError> {
        let epoch = self.epoch();
        self.settle_for(node, epoch, records)
    }

    pub fn settle_for(
        &mut self,
        node: usize,
        epoch: u64,
        records: Vec<Record>,
    ) -> Result<Vec<String>, TxError> {
        let sender = self.nodes[node].hot.to_string();
        let response = self.send(&MsgSettle {
            sender,
            epoch,
            records,
        })?;
        Ok(MsgSettleResponse::decode(response.value.as_slice())
            .unwrap()
            .refused)
    }

    /// Settles requests of (session, index) in this block, each by the node that it fell to; returns
    /// those nodes in the order of the requests.
    pub fn serve_all(
        &mut self,
        requests: impl IntoIterator<Item = (u64, u32)>,
        tokens: u32,
    ) -> Vec<usize> {
        let mut batches: BTreeMap<usize, Vec<Record>> = BTreeMap::new();
        let mut nodes = Vec::new();
        for (id, index) in requests {
            let node = self.executor(id, index, 0);
            let record = self.record(id, index, 0, tokens);
            batches.entry(node).or_default().push(record);
            nodes.push(node);
        }
        for (node, mut records) in batches {
            records.sort_by_key(|record| (record.session_id, record.index));
            let refused = self.settle(node, records).unwrap();
            assert!(refused.iter().all(String::is_empty), "{refused:?}");
        }
        nodes
    }

    /// Settles a request by the node that it fell to; returns that node.
    pub fn serve(&mut self, id: u64, index: u32, tokens: u32) -> usize {
        let node = self.executor(id, index, 0);
        let record = self.record(id, index, 0, tokens);
        assert_eq!(self.settle(node, vec![record]).unwrap(), [""]);
        node
    }

    pub fn task(&self, id: u64, index: u32) -> Task {
        settlement::task_of(&self.state, CHAIN, id, u64::from(index)).unwrap()
    }

    pub fn rho(&self, node: usize, epoch: u64) -> [u8; 96] {
        let seed = beacon::duties_seed(&self.state, epoch).unwrap();
        let message = duty::rho_message(CHAIN, epoch, &seed);
        self.nodes[node]
            .duty
            .sign(&message, DST_SIGNATURE)
            .to_bytes()
    }

    /// The tasks that fell to a node, in order of (session, index).
    pub fn duties(&self, node: usize, epoch: u64) -> Vec<Task> {
        let rho = self.rho(node, epoch);
        let mut due: Vec<Task> = duty::thresholds(&self.state, epoch, &self.nodes[node].address)
            .into_iter()
            .filter(|due| {
                duty::must_check(
                    &rho,
                    due.task.id.as_slice().try_into().unwrap(),
                    due.threshold,
                )
            })
            .map(|due| due.task)
            .collect();
        due.sort_by_key(|task| (task.session_id, task.index));
        due
    }

    pub fn verdict(task: &Task, outcome: Outcome) -> Verdict {
        Verdict {
            session_id: task.session_id,
            index: task.index,
            outcome: outcome.into(),
            evidence: vec![5; 32],
        }
    }

    pub fn reveal(
        &mut self,
        node: usize,
        epoch: u64,
        verdicts: Vec<Verdict>,
    ) -> Result<Any, TxError> {
        let signature = self.rho(node, epoch).to_vec();
        let sender = self.nodes[node].hot.to_string();
        self.send(&MsgRevealDuties {
            sender,
            epoch,
            signature,
            verdicts,
        })
    }

    /// Every node reveals its duties of the epoch before, judging tasks by `judge`. Runs up to the
    /// reveal window first.
    pub fn reveal_all(&mut self, judge: impl Fn(usize, &Task) -> Outcome) {
        let ended = self.epoch() - 1;
        self.run_to(duty::windows(&self.state, ended).reveal_start);
        for node in 0..self.nodes.len() {
            let verdicts = self
                .duties(node, ended)
                .iter()
                .map(|t| Self::verdict(t, judge(node, t)))
                .collect();
            self.reveal(node, ended, verdicts).unwrap();
        }
    }

    pub fn commit_ballot(
        &mut self,
        node: usize,
        task: &Task,
        outcome: Outcome,
    ) -> Result<Any, TxError> {
        let outcome = verdict::Outcome::from_code(outcome as u8).unwrap();
        let id = task.id.as_slice().try_into().unwrap();
        let address = &self.nodes[node].address;
        let commitment = duty::ballot_commitment(CHAIN, id, address, outcome, &SALT).to_vec();
        let sender = self.nodes[node].hot.to_string();
        self.send(&MsgCommitBallot {
            sender,
            task_id: task.id.clone(),
            commitment,
        })
    }

    pub fn reveal_ballot(
        &mut self,
        node: usize,
        task: &Task,
        outcome: Outcome,
    ) -> Result<Any, TxError> {
        let sender = self.nodes[node].hot.to_string();
        let (task_id, outcome) = (task.id.clone(), outcome.into());
        self.send(&MsgRevealBallot {
            sender,
            task_id,
            outcome,
            salt: SALT.to_vec(),
        })
    }

    /// All nodes that may vote on a contested task do, by `vote`; runs past the decision.
    pub fn vote(&mut self, task: &Task, vote: impl Fn(usize) -> Outcome) {
        let case = self.case(task);
        let voters: Vec<usize> = (0..self.nodes.len())
            .filter(|n| {
                let address = &self.nodes[*n].address;
                address[..] != case.executor[..]
                    && !case.accusers.iter().any(|a| a[..] == address[..])
            })
            .collect();
        for n in &voters {
            self.commit_ballot(*n, task, vote(*n)).unwrap();
        }
        self.run_to(case.commit_end + 1);
        for n in &voters {
            self.reveal_ballot(*n, task, vote(*n)).unwrap();
        }
        self.run_to(case.reveal_end + 1);
    }

    pub fn case(&self, task: &Task) -> race_proto::race::duty::v1::Reverification {
        let cases = duty::reverifications(&self.state, task.epoch);
        cases
            .into_iter()
            .find(|case| case.task_id == task.id)
            .unwrap()
    }

    pub fn balance(&self, account: &Account) -> u128 {
        bank::balance(&self.state, account)
    }

    pub fn pool(&self, name: &str) -> u128 {
        self.balance(&auth::module_account(name))
    }

    /// What operators have, their bonds included.
    pub fn operators(&self) -> BTreeMap<usize, u128> {
        let has = |node: &TestNode| self.balance(&node.operator) + self.bond(node).0;
        let nodes = self.nodes.iter().enumerate();
        nodes.map(|(n, node)| (n, has(node))).collect()
    }

    /// The amounts of a node's bond: locked, and expected of an epoch.
    pub fn bond(&self, node: &TestNode) -> (u128, u128) {
        let bond = bond::get(&self.state, &node.address, &node.operator);
        (bond.amount.parse().unwrap(), bond.expected.parse().unwrap())
    }

    pub fn minted(&self) -> u128 {
        treasury::issuance(&self.state).minted.parse().unwrap()
    }

    pub fn burned(&self) -> u128 {
        treasury::issuance(&self.state).burned.parse().unwrap()
    }

    /// Answers a query.
    pub fn ask<Q: Message, A: Message + Default>(
        &self,
        queries: &[race_app::query::QueryPath],
        path: &str,
        request: &Q,
    ) -> Result<A, race_app::error::QueryError> {
        let found = queries.iter().find(|q| q.path == path).unwrap();
        let bytes = (found.answer)(&context(self.height), &self.state, &request.encode_to_vec())?;
        Ok(A::decode(bytes.as_slice()).unwrap())
    }
}
