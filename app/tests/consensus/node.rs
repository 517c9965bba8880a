//! A participant: its keys, how it behaves, and what it remembers of its race.

use std::sync::atomic::AtomicBool;

use ed25519_dalek::SigningKey;
use race::proof::{Leaf, Multiproof, Node as TreeNode, Tree};
use race::reference::Reference;
use race::{node_seed, Preset, Race};
use race_app::address::{consensus_address, Account, ConsensusAddress};
use race_app::oracle::{Recomputation, Truth};
use race_proto::race::node::v1::{Endpoints, KeyProofs, NodeKeys};
use race_randomness::bls::SecretKey;
use race_randomness::dkg::Participant;

use crate::oracle::Oracle;

pub const CHAIN: &str = "race-test-1";

/// What a participant submits and opens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// What it found.
    Honest,
    /// Nothing.
    None,
    /// What it found, claiming twice as many.
    Inflated,
    /// Each of its leaves twice, in a tree that it hashed itself.
    Repeated,
    /// One nonce that is not appropriate among the good ones, with its true hash.
    Inappropriate,
    /// One hash that no computation gives.
    WrongHash,
    /// Honest, and never opened.
    NotOpened,
}

/// What a checker says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    Honest,
    /// Accuses every leaf of this node.
    Accuse(usize),
    /// Says "match" about everything without computing.
    Blind,
    /// Says nothing.
    None,
    /// Commits and does not reveal.
    Withheld,
}

#[derive(Clone, Copy)]
pub struct Behaviour {
    /// Takes part in beacon rounds.
    pub commits: bool,
    /// Signs beacon rounds: in its votes, and by posting its shares.
    pub signs_rounds: bool,
    /// Reveals race seed and challenge.
    pub reveals: bool,
    /// Reveals duties and session rounds.
    pub reveals_others: bool,
    pub proof: Proof,
    pub checks: Checks,
    /// Deals for the next committee's key.
    pub deals: bool,
    /// Gives this node bad shares.
    pub deals_badly_to: Option<usize>,
    /// Confirms the deals.
    pub confirms: bool,
    /// Complains about this node's good deal.
    pub complains_about: Option<usize>,
    /// Signs blocks.
    pub signs: bool,
    /// Leaves that it looks for.
    pub leaves: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            commits: true,
            signs_rounds: true,
            reveals: true,
            reveals_others: true,
            proof: Proof::Honest,
            checks: Checks::Honest,
            deals: true,
            deals_badly_to: None,
            confirms: true,
            complains_about: None,
            signs: true,
            leaves: 4,
        }
    }
}

pub struct Node {
    pub index: usize,
    pub consensus: SigningKey,
    pub operator: Account,
    pub hot: Account,
    pub share: SecretKey,
    pub keys: NodeKeys,
    pub proofs: KeyProofs,
    pub behaviour: Behaviour,
    /// The tree of (epoch, attempt), once it raced.
    pub raced: Option<(u64, u32, Raced)>,
}

/// A commitment and how it opens.
#[derive(Clone)]
pub struct Raced {
    pub root: [u8; 32],
    pub count: u64,
    pub tree: Tree,
    pub repeated: bool,
}

impl Raced {
    /// A proof for positions, honest or not.
    pub fn open(&self, positions: &[u64]) -> Multiproof {
        if self.repeated {
            let leaves = self.tree.leaves();
            let at = |p: &u64| leaves[usize::try_from(*p).unwrap() % leaves.len()];
            return Multiproof {
                leaves: positions.iter().map(at).collect(),
                siblings: Vec::new(),
            };
        }
        let within: Vec<u64> = positions
            .iter()
            .copied()
            .filter(|p| *p < self.tree.count())
            .collect();
        self.tree.open_many(&within).unwrap()
    }
}

impl Node {
    pub fn new(index: usize) -> Self {
        let byte = u8::try_from(index + 1).unwrap();
        let consensus = SigningKey::from_bytes(&[byte; 32]);
        let transport = SigningKey::from_bytes(&[byte ^ 0x80; 32]);
        let duty = SecretKey::from_key_material(&[byte; 32]).unwrap();
        let share = SecretKey::from_key_material(&[byte ^ 0x80; 32]).unwrap();
        let operator = Account([byte; 20]);
        let hot = Account([byte ^ 0x80; 20]);
        let (keys, proofs) =
            race_app::node::prove(&consensus, &duty, &share, &transport, CHAIN, &operator);
        let behaviour = Behaviour::default();
        Self {
            index,
            consensus,
            operator,
            hot,
            share,
            keys,
            proofs,
            behaviour,
            raced: None,
        }
    }

    pub fn public_key(&self) -> [u8; 32] {
        self.consensus.verifying_key().to_bytes()
    }

    pub fn address(&self) -> ConsensusAddress {
        consensus_address(&self.public_key())
    }

    /// Its private side in key generations.
    pub fn participant(&self) -> Participant {
        Participant::new(self.address(), &[self.index as u8; 32], self.share.clone())
    }

    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            grpc: format!("127.0.0.1:{}", 9000 + self.index),
            api: String::new(),
        }
    }

    /// Runs the race until it has its leaves; the oracle learns the truth on the way.
    pub fn race(&self, seed: &[u8; 32], oracle: &Oracle) -> Raced {
        let race = Race::new(Preset::by_name("tiny").unwrap(), *seed);
        let (mut found, mut bad) = (Vec::new(), None);
        let mut nonce = 0u64;
        while found.len() < self.behaviour.leaves {
            let inputs: Vec<_> = (nonce..nonce + 64)
                .map(|nonce| race.input(&node_seed(&self.public_key()), nonce))
                .collect();
            nonce += 64;
            let never = AtomicBool::new(false);
            let outputs = Reference::new(race.clone(), 1)
                .outputs(&inputs, &never)
                .unwrap();
            for (input, y) in inputs.iter().zip(&outputs) {
                let outcome = race.judge(input, y);
                let what = Recomputation {
                    preset: "tiny".to_owned(),
                    race_seed: *seed,
                    public_key: self.public_key(),
                    nonce: outcome.nonce,
                };
                let truth = Truth {
                    leaf: outcome.leaf().hash,
                    check_digest: outcome.check_digest(),
                    appropriate: outcome.appropriate,
                };
                oracle.learn(what, truth);
                if outcome.appropriate {
                    found.push(outcome.leaf());
                } else {
                    bad.get_or_insert(outcome.leaf());
                }
            }
        }
        found.truncate(self.behaviour.leaves);
        match self.behaviour.proof {
            Proof::Inappropriate => found.push(bad.unwrap()),
            Proof::WrongHash => found[0].hash = [9; 32],
            _ => {}
        }
        found.sort_by_key(|leaf: &Leaf| leaf.nonce);
        found.dedup_by_key(|leaf| leaf.nonce);
        let tree = Tree::new(found).unwrap();
        let (root, count) = (tree.root(), tree.count());
        match self.behaviour.proof {
            Proof::Inflated => Raced {
                root,
                count: 2 * count,
                tree,
                repeated: false,
            },
            Proof::Repeated => {
                let root = hashed_without_asking(&tree);
                Raced {
                    root,
                    count: 2 * count,
                    tree,
                    repeated: true,
                }
            }
            _ => Raced {
                root,
                count,
                tree,
                repeated: false,
            },
        }
    }
}

/// The root over the leaves twice, each half with its true range: what a cheater would submit.
fn hashed_without_asking(tree: &Tree) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let leaves = tree.leaves();
    let (min, max) = (leaves[0].nonce, leaves[leaves.len() - 1].nonce);
    let half = TreeNode {
        hash: tree.root(),
        min,
        max,
    };
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(half.hash);
    hash.update(half.hash);
    for nonce in [min, max, min, max] {
        hash.update(nonce.to_le_bytes());
    }
    hash.finalize().into()
}
