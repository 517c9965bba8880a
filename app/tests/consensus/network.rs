//! Nodes and a chain without consensus: blocks are executed one after the other, CometBFT's set is
//! what it would make of the updates, and invariants are checked at every block.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::{Message, Name};
use race_app::address::ConsensusAddress;
use race_app::beacon::keygen::{self, KeyAttempt};
use race_app::beacon::signing::{self, BeaconSigner};
use race_app::context::Context;
use race_app::error::TxError;
use race_app::evidence::{self, Misbehavior};
use race_app::node::genesis::GenesisNode;
use race_app::oracle::Recomputation;
use race_app::params::{self, Profile};
use race_app::state::State;
use race_app::testing::committee;
use race_app::{auth, beacon, epoch, node as nodes, race, registry};
use race_proto::race::beacon::v1::{
    MsgCommit, MsgPostShares, MsgReveal, Purpose, Round, RoundId, RoundSignature, RoundStatus,
};
use race_proto::race::epoch::v1::{Epoch, Phase};
use race_proto::race::node::v1::MsgRegisterNode;
use race_proto::race::race::v1::{
    Check, MsgCommitChecks, MsgOpenLeaves, MsgRevealChecks, MsgSubmitRace, Outcome,
    QueryAssignmentsRequest, QueryAssignmentsResponse,
};
use race_randomness::commit_reveal::{self, Which};
use race_randomness::dkg::{Board, Post};

use crate::node::{Behaviour, Checks, Node, Proof, CHAIN};
use crate::oracle::Oracle;

pub struct Network {
    pub state: State,
    pub oracle: Oracle,
    pub nodes: Vec<Node>,
    /// Last executed block.
    pub height: u64,
    /// CometBFT's set.
    pub comet: BTreeMap<ConsensusAddress, u64>,
    /// Messages that were refused, with their senders.
    pub refused: Vec<(usize, &'static str, TxError)>,
    /// Types of all events.
    pub events: Vec<String>,
    /// What the next block carries.
    pub signatures: Vec<RoundSignature>,
    /// Proposers leave signatures out.
    pub omits_signatures: bool,
    /// Votes have their extensions.
    pub votes_carry_shares: bool,
    /// Equivocations that the next block proves.
    pub misbehavior: Vec<Misbehavior>,
}

impl Network {
    /// A chain whose first `n` nodes have equal power, and have generated its first key.
    pub fn new(n: usize) -> Self {
        Self::with(n, &[])
    }

    pub fn with(n: usize, overrides: &[(&str, u64)]) -> Self {
        let mut network = Self::born(n, overrides);
        network.until(Phase::Serve);
        network
    }

    /// A chain before its first block: it has no key.
    pub fn born(n: usize, overrides: &[(&str, u64)]) -> Self {
        let nodes: Vec<Node> = (0..n).map(Node::new).collect();
        let oracle = Oracle::default();
        let mut state = State::empty();
        let context = Context {
            chain_id: CHAIN,
            height: 0,
            time_ms: 1_000,
            oracle: &oracle,
        };
        // Short: what is tested is what happens, not how long it takes.
        let short = [("epoch/serve_blocks", 3), ("epoch/race_blocks", 3)];
        let overrides = short.iter().chain(overrides).copied();
        params::init_genesis(&mut state, Profile::Local, overrides).unwrap();
        auth::init_genesis(&mut state);
        race::genesis::init(&mut state, "tiny").unwrap();
        let genesis: Vec<GenesisNode> = nodes.iter().map(|node| genesis_node(node, 100)).collect();
        let powers = nodes::genesis::init(&mut state, &context, &genesis).unwrap();
        let validators = epoch::genesis::init(&mut state, &context, &powers).unwrap();
        let comet = validators
            .iter()
            .map(|v| (nodes::member(&v.address), v.power))
            .collect();
        let (refused, events) = (Vec::new(), Vec::new());
        Self {
            state,
            oracle,
            nodes,
            height: 0,
            comet,
            refused,
            events,
            signatures: Vec::new(),
            omits_signatures: false,
            votes_carry_shares: true,
            misbehavior: Vec::new(),
        }
    }

    pub fn node(&mut self, index: usize) -> &mut Behaviour {
        &mut self.nodes[index].behaviour
    }

    pub fn address(&self, index: usize) -> ConsensusAddress {
        self.nodes[index].address()
    }

    pub fn epoch(&self) -> Epoch {
        epoch::current(&self.state)
    }

    pub fn power(&self, index: usize) -> u64 {
        epoch::power(&self.state, self.epoch().number, &self.address(index))
    }

    /// What became of a node's proof: outcome and accepted count.
    pub fn result(&self, epoch: u64, attempt: u32, index: usize) -> Option<(Outcome, u64)> {
        let address = self.address(index);
        let results = race::results(&self.state, epoch, attempt);
        let result = results
            .into_iter()
            .find(|result| result.address == address)?;
        Some((result.outcome(), result.accepted))
    }

    /// Executes a message in a block of its own kind of transaction: all or nothing.
    pub fn send<M: Message + Name>(&mut self, message: &M) -> Result<(), TxError> {
        self.execute(&M::type_url(), &message.encode_to_vec())
    }

    fn execute(&mut self, type_url: &str, bytes: &[u8]) -> Result<(), TxError> {
        let height = self.height + 1;
        let context = Context {
            chain_id: CHAIN,
            height,
            time_ms: 1_000 * height,
            oracle: &self.oracle,
        };
        let kind = registry::message(type_url).expect("a registered message");
        let checked = (kind.parse)(bytes)?;
        self.state.begin();
        match checked.execute(&mut self.state, &context) {
            Ok(_) => {
                self.state.keep();
                Ok(())
            }
            Err(error) => {
                self.state.discard();
                Err(error)
            }
        }
    }

    fn try_send<M: Message + Name>(&mut self, from: usize, message: &M) {
        if let Err(error) = self.send(message) {
            self.refused.push((from, M::NAME, error));
        }
    }

    /// Registers a node that was not there at genesis.
    pub fn join(&mut self) -> usize {
        let index = self.nodes.len();
        let node = Node::new(index);
        let message = registration(&node);
        self.nodes.push(node);
        self.send(&message).unwrap();
        index
    }

    /// Executes one block in which every node does what it does.
    pub fn block(&mut self) {
        let height = self.height + 1;
        let time_ms = 1_000 * height;
        let signed: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| self.comet.contains_key(&node.address()))
            .map(|node| (node.address(), node.behaviour.signs))
            .collect();
        let context = Context {
            chain_id: CHAIN,
            height,
            time_ms,
            oracle: &self.oracle,
        };
        epoch::begin_block(&mut self.state, &context, &signed);
        let misbehavior = std::mem::take(&mut self.misbehavior);
        evidence::begin_block(&mut self.state, &context, &misbehavior);
        self.sign_rounds();
        for index in 0..self.nodes.len() {
            self.act(index);
        }
        let context = Context {
            chain_id: CHAIN,
            height,
            time_ms,
            oracle: &self.oracle,
        };
        let updates = epoch::end_block(&mut self.state, &context);
        for update in updates {
            let address = nodes::member(&update.address);
            match update.power {
                0 => assert!(
                    self.comet.remove(&address).is_some(),
                    "an unknown key is removed"
                ),
                power => {
                    self.comet.insert(address, power);
                }
            }
        }
        self.height = height;
        self.events.extend(
            self.state
                .take_events()
                .into_iter()
                .map(|event| event.r#type),
        );
        epoch::invariants::the_committee_is_what_cometbft_has(&self.state).unwrap();
        beacon::invariants::a_key_is_in_force(&self.state).unwrap();
        nodes::invariants::accounts_lead_to_their_nodes(&self.state).unwrap();
        nodes::invariants::who_is_outside_stands_in_the_line(&self.state).unwrap();
        race::invariants::results_are_all_or_nothing(&self.state).unwrap();
        let told = epoch::validators(&self.state).into_iter();
        let told: BTreeMap<_, _> = told.map(|(who, v)| (who, v.power)).collect();
        assert_eq!(told, self.comet, "CometBFT has what it was told");
    }

    /// Blocks until the next one is in `phase`.
    pub fn until(&mut self, phase: Phase) {
        self.until_it(|epoch| epoch.phase() == phase);
    }

    /// Blocks until the next one is in epoch `number`.
    pub fn until_epoch(&mut self, number: u64) {
        self.until_it(|epoch| epoch.number == number);
    }

    pub fn until_it(&mut self, done: impl Fn(&Epoch) -> bool) {
        for _ in 0..400 {
            if done(&self.epoch()) {
                return;
            }
            self.block();
        }
        panic!(
            "not reached within 400 blocks; the epoch is {:?}",
            self.epoch()
        );
    }

    fn act(&mut self, index: usize) {
        self.act_in_rounds(index);
        self.post_shares(index);
        let epoch = self.epoch();
        match epoch.phase() {
            Phase::Race => self.submit(index, &epoch),
            Phase::Open => self.open(index, &epoch),
            Phase::CheckCommit => self.commit_checks(index, &epoch),
            Phase::CheckReveal => self.reveal_checks(index, &epoch),
            Phase::Deal | Phase::Confirm => self.generate_key(index),
            _ => {}
        }
    }

    fn sender(&self, index: usize) -> String {
        self.nodes[index].hot.to_string()
    }

    fn act_in_rounds(&mut self, index: usize) {
        let Behaviour {
            commits,
            reveals,
            reveals_others,
            ..
        } = self.nodes[index].behaviour;
        let address = self.address(index);
        for round in beacon::open_rounds(&self.state) {
            let status = round.status();
            let Round {
                id: Some(id),
                commit_start,
                commit_end,
                reveal_end,
                ..
            } = round.clone()
            else {
                continue;
            };
            let member = epoch::power(&self.state, id.epoch, &address) > 0;
            if !member || !commits {
                continue;
            }
            let parts = beacon::contributions(&self.state, &id);
            let mine = parts.iter().find(|part| part.address == address);
            let bound = beacon::bound(CHAIN, &id).unwrap();
            let secret = |which| {
                let secret = commit_reveal::secret(&[index as u8; 32], &bound, which);
                *secret.expose()
            };
            let height = self.height + 1;
            let of_race = matches!(id.purpose(), Purpose::RaceSeed | Purpose::Challenge);
            let falls_back = status == RoundStatus::Fallback;
            let second = falls_back && id.purpose() == Purpose::RaceSeed;
            let opens = status == RoundStatus::Open && height > commit_end;
            let (sender, round) = (self.sender(index), Some(id));
            if status == RoundStatus::Open
                && mine.is_none()
                && (commit_start..=commit_end).contains(&height)
            {
                let commit =
                    |w| commit_reveal::commitment(&bound, &address, w, &secret(w)).to_vec();
                let fallback_commitment = match id.purpose() {
                    Purpose::RaceSeed => commit(Which::Fallback),
                    _ => Vec::new(),
                };
                self.try_send(
                    index,
                    &MsgCommit {
                        sender,
                        round,
                        commitment: commit(Which::Reveal),
                        fallback_commitment,
                    },
                );
            } else if mine.is_some_and(|part| match second {
                true => part.fallback_secret.is_empty(),
                false => part.secret.is_empty(),
            }) && (falls_back || opens)
                && height <= reveal_end
                && (if of_race { reveals } else { reveals_others })
            {
                let which = if second {
                    Which::Fallback
                } else {
                    Which::Reveal
                };
                let secret = secret(which).to_vec();
                self.try_send(
                    index,
                    &MsgReveal {
                        sender,
                        round,
                        secret,
                    },
                );
            }
        }
    }

    /// Votes for this block carry shares; the next block carries the signatures.
    fn sign_rounds(&mut self) {
        let given = std::mem::take(&mut self.signatures);
        let height = self.height + 1;
        let context = Context {
            chain_id: CHAIN,
            height,
            time_ms: 1_000 * height,
            oracle: &self.oracle,
        };
        if !self.omits_signatures {
            let awaited = signing::awaited(&self.state, CHAIN);
            let still = |given: &&RoundSignature| {
                let attempt = given.signing_attempt;
                let mut awaited = awaited.iter();
                awaited.any(|a| Some(a.id) == given.round && a.signing_attempt == attempt)
            };
            for signature in given.iter().filter(still) {
                signing::take(&mut self.state, &context, signature).unwrap();
            }
        }
        let votes = self.votes_carry_shares;
        let signs = |node: &&Node| node.behaviour.signs_rounds && votes;
        let signers = self.nodes.iter().filter(signs);
        let signers = signers.map(|node| (node.address(), node.participant()));
        self.signatures = committee::signatures(&self.state, CHAIN, height, signers);
    }

    /// A node's shares of the signature that a round awaits.
    pub fn shares(&self, index: usize, id: &RoundId) -> Vec<u8> {
        let awaited = signing::awaited(&self.state, CHAIN);
        let awaited = awaited.iter().find(|awaited| awaited.id == *id).unwrap();
        let node = &self.nodes[index];
        let signer = committee::Signer {
            state: &self.state,
            chain_id: CHAIN,
            address: node.address(),
            participant: node.participant(),
        };
        signer.sign(awaited.id.epoch, &awaited.message).unwrap()
    }

    /// Posts what late signing attempts want.
    fn post_shares(&mut self, index: usize) {
        let node = &self.nodes[index];
        if !node.behaviour.signs_rounds {
            return;
        }
        for awaited in signing::awaited(&self.state, CHAIN) {
            let posted = beacon::has_posted(&self.state, &awaited.id, &self.address(index));
            if awaited.signing_attempt < 2 || posted {
                continue;
            }
            let message = MsgPostShares {
                sender: self.sender(index),
                round: Some(awaited.id),
                signing_attempt: awaited.signing_attempt,
                shares: self.shares(index, &awaited.id),
            };
            self.try_send(index, &message);
        }
    }

    fn submit(&mut self, index: usize, epoch: &Epoch) {
        let attempt = (epoch.number, epoch.race_attempt);
        let node = &self.nodes[index];
        let raced = node
            .raced
            .as_ref()
            .is_some_and(|(e, a, _)| (*e, *a) == attempt);
        if node.behaviour.proof == Proof::None || raced {
            return;
        }
        let seed = race::seed(&self.state, attempt.0, attempt.1).expect("the race has begun");
        let raced = node.race(&seed, &self.oracle);
        let message = MsgSubmitRace {
            sender: self.sender(index),
            epoch: attempt.0,
            attempt: attempt.1,
            root: raced.root.to_vec(),
            count: raced.count,
        };
        self.nodes[index].raced = Some((attempt.0, attempt.1, raced));
        self.try_send(index, &message);
    }

    fn open(&mut self, index: usize, epoch: &Epoch) {
        let (number, attempt) = (epoch.number, epoch.race_attempt);
        let node = &self.nodes[index];
        let Some((e, a, raced)) = &node.raced else {
            return;
        };
        let idle = node.behaviour.proof == Proof::NotOpened || (*e, *a) != (number, attempt);
        if idle || self.height + 1 != epoch.phase_start {
            return;
        }
        let positions = race::sample(&self.state, number, attempt, &node.address()).unwrap();
        let multiproof = raced.open(&positions).encode().unwrap();
        let sender = self.sender(index);
        self.try_send(
            index,
            &MsgOpenLeaves {
                sender,
                epoch: number,
                attempt,
                multiproof,
            },
        );
    }

    /// What a checker says about everything that fell to it.
    pub fn checks(&self, index: usize) -> Vec<Check> {
        let epoch = self.epoch();
        let request = QueryAssignmentsRequest {
            epoch: 0,
            attempt: 0,
            checker: self.address(index).to_vec(),
        };
        let assigned: QueryAssignmentsResponse =
            self.query("/race.race.v1.Query/Assignments", &request);
        let race_seed = race::seed(&self.state, epoch.number, epoch.race_attempt).unwrap();
        let behaviour = self.nodes[index].behaviour.checks;
        let accused = match behaviour {
            Checks::Accuse(whom) => Some(self.address(whom)),
            _ => None,
        };
        let check = |a: race_proto::race::race::v1::Assignment| {
            let leaf = a.leaf.expect("only opened leaves are assigned");
            let truth = self.oracle.truth(&Recomputation {
                preset: "tiny".to_owned(),
                race_seed,
                public_key: a.public_key.as_slice().try_into().unwrap(),
                nonce: leaf.nonce,
            });
            let stands = truth.appropriate && truth.leaf.as_slice() == leaf.leaf;
            let (digest, matches) = match behaviour {
                Checks::Blind => ([7; 32], true),
                _ if accused.is_some_and(|who| a.participant == who) => (truth.check_digest, false),
                _ => (truth.check_digest, stands),
            };
            Check {
                participant: a.participant,
                position: leaf.position,
                digest: digest.to_vec(),
                matches,
            }
        };
        assigned.assignments.into_iter().map(check).collect()
    }

    fn commit_checks(&mut self, index: usize, epoch: &Epoch) {
        let (number, attempt) = (epoch.number, epoch.race_attempt);
        let quiet = self.nodes[index].behaviour.checks == Checks::None;
        if quiet || self.height + 1 != epoch.phase_start {
            return;
        }
        let checks = self.checks(index);
        if checks.is_empty() {
            return;
        }
        let address = self.address(index);
        let commitment = race::checks::check_commitment(
            CHAIN,
            number,
            attempt,
            &address,
            &[index as u8; 32],
            &race::checks::digests(&checks),
        );
        let (sender, commitment) = (self.sender(index), commitment.to_vec());
        self.try_send(
            index,
            &MsgCommitChecks {
                sender,
                epoch: number,
                attempt,
                commitment,
            },
        );
    }

    fn reveal_checks(&mut self, index: usize, epoch: &Epoch) {
        let (number, attempt) = (epoch.number, epoch.race_attempt);
        let quiet = matches!(
            self.nodes[index].behaviour.checks,
            Checks::None | Checks::Withheld
        );
        let checks = self.checks(index);
        if quiet || checks.is_empty() || self.height + 1 != epoch.phase_start {
            return;
        }
        let digests = race::checks::digests(&checks);
        for part in race::checks::reveals(&checks) {
            let message = MsgRevealChecks {
                sender: self.sender(index),
                epoch: number,
                attempt,
                salt: vec![index as u8; 32],
                digests: digests.iter().map(|d| d.to_vec()).collect(),
                checks: part.to_vec(),
            };
            self.try_send(index, &message);
        }
    }

    /// The board of the key generation that is under way.
    pub fn board(&self) -> Arc<Board> {
        let attempt = epoch::key_attempt(&self.state).expect("a key generation is under way");
        keygen::board(&self.state, CHAIN, &attempt).expect("it is kept")
    }

    /// What a node posts in the key generation that is under way.
    fn key_posts(&self, index: usize) -> Vec<Post> {
        let (board, node) = (self.board(), &self.nodes[index]);
        let behaviour = node.behaviour;
        let mut participant = node.participant();
        let mut posts = participant.owes(&board);
        if let (Some(about), true) = (behaviour.complains_about, board.deals_closed()) {
            let (me, about) = (node.address(), self.address(about));
            if board.may_complain(&me, &about) {
                let deal = board.deals().find(|deal| *deal.dealer() == about).unwrap();
                let complaint = participant.complain(board.session(), deal);
                posts.push(Post::Complaint(complaint));
            }
        }
        posts.retain(|post| match post {
            Post::Deal(_) => behaviour.deals,
            Post::Complaint(_) => true,
            Post::Confirmation(_) => behaviour.confirms,
        });
        for post in &mut posts {
            if let (Post::Deal(bytes), Some(victim)) = (post, behaviour.deals_badly_to) {
                let session = board.session();
                let bad: Vec<_> = session.indices(&self.address(victim)).collect();
                *bytes = participant.deal_badly(session, &bad);
            }
        }
        posts
    }

    fn generate_key(&mut self, index: usize) {
        let attempt = epoch::key_attempt(&self.state).expect("a key generation is under way");
        for post in self.key_posts(index) {
            match self.post(index, attempt, &post) {
                // The block has its deals: sent again for the next one.
                Err(error) if (error.codespace, error.code) == ("race_beacon", 14) => {}
                Err(error) => self.refused.push((index, "key generation", error)),
                Ok(()) => {}
            }
        }
    }

    /// Sends a post to a key generation.
    pub fn post(&mut self, from: usize, attempt: KeyAttempt, post: &Post) -> Result<(), TxError> {
        let message = keygen::message(attempt, &self.sender(from), post);
        self.execute(&message.type_url, &message.value)
    }

    pub fn query<Req: Message, Res: Message + Default>(&self, path: &str, request: &Req) -> Res {
        let context = Context {
            chain_id: CHAIN,
            height: self.height,
            time_ms: 1_000 * self.height,
            oracle: &self.oracle,
        };
        let query = registry::query(path).expect("a registered path");
        let answer = (query.answer)(&context, &self.state, &request.encode_to_vec()).unwrap();
        Res::decode(answer.as_slice()).unwrap()
    }
}

pub fn genesis_node(node: &Node, power: u64) -> GenesisNode {
    GenesisNode::new(
        node.operator.to_string(),
        node.hot.to_string(),
        format!("node{}", node.index),
        (node.keys.clone(), node.proofs.clone()),
        node.endpoints(),
        power,
    )
}

pub fn registration(node: &Node) -> MsgRegisterNode {
    MsgRegisterNode {
        operator: node.operator.to_string(),
        hot_account: node.hot.to_string(),
        moniker: format!("node{}", node.index),
        keys: Some(node.keys.clone()),
        proofs: Some(node.proofs.clone()),
        endpoints: Some(node.endpoints()),
    }
}
