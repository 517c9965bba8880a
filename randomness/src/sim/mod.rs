//! Whole committees in memory, without a chain: every member with its secrets, one board that all see,
//! and members that do wrong in any phase.
//!
//! A [`Committee`] is built like a sentence: so many members, who does what wrong; then it generates a
//! key ([`Committee::generate_key`]) and draws a seed with it ([`Committee::draw_seed`]).

mod fault;
mod keygen;
mod seed;

pub use fault::{Fault, FaultError, Part, Wrong};
pub use keygen::KeyRun;
pub use seed::{SeedRun, SIGNING_ATTEMPTS, SIGNING_BLOCKS};

use crate::bls::SecretKey;
use crate::dkg::{Member, Participant};
use crate::hash::{be, h, Address, Hash};
use std::collections::{BTreeMap, BTreeSet};
use std::iter::successors;
use std::num::NonZeroUsize;
use std::thread;

/// The chain that the committee is of.
pub const CHAIN_ID: &str = "race-sim-1";

/// The epoch that it is for.
pub const EPOCH: u64 = 3;

/// How power is spread over a committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// All have the same.
    Equal,
    /// From 1 to 1000, evenly.
    Random,
    /// Each has a quarter less than the one before it, so that many members have next to nothing.
    Decaying,
}

/// One member.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its address.
    pub address: Address,
    /// Its voting power.
    pub power: u64,
    /// What it does wrong.
    pub faults: BTreeSet<Fault>,
}

impl Node {
    fn does(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn secret(&self) -> Hash {
        h("race/sim/node-secret/v1", &[&self.address])
    }

    fn share_key(&self) -> SecretKey {
        let material = h("race/sim/share-key/v1", &[&self.address]);
        SecretKey::from_key_material(&material).expect("32 bytes are enough")
    }

    /// Its private side, as it is after a start.
    #[must_use]
    pub fn participant(&self) -> Participant {
        Participant::new(self.address, &self.secret(), self.share_key())
    }
}

/// A committee of simulated members, by address.
#[derive(Clone, Debug)]
pub struct Committee {
    nodes: BTreeMap<Address, Node>,
}

impl Committee {
    /// A member for each power, all of them honest.
    #[must_use]
    pub fn new(powers: &[u64]) -> Self {
        let node = |(i, power): (u64, &u64)| {
            let mut address = [0; 20];
            address.copy_from_slice(&h("race/sim/address/v1", &[&be(i)])[..20]);
            let node = Node {
                address,
                power: *power,
                faults: BTreeSet::new(),
            };
            (address, node)
        };
        Self {
            nodes: (0..).zip(powers).map(node).collect(),
        }
    }

    /// The powers of so many members.
    #[must_use]
    pub fn powers(members: usize, spread: Spread) -> Vec<u64> {
        let draw = |i: u64| {
            let digest = h("race/sim/power/v1", &[&be(i)]);
            let number = u64::from(u16::from_be_bytes([digest[0], digest[1]]));
            number
                .checked_rem(1000)
                .unwrap_or_default()
                .saturating_add(1)
        };
        let next = |power: &u64| {
            power
                .saturating_mul(3)
                .checked_div(4)
                .map(|less| less.max(1))
        };
        match spread {
            Spread::Equal => vec![1; members],
            Spread::Random => (0..).take(members).map(draw).collect(),
            Spread::Decaying => successors(Some(1 << 48), next).take(members).collect(),
        }
    }

    /// Lets part of the committee do something wrong.
    #[must_use]
    pub fn with(mut self, wrong: Wrong) -> Self {
        let who = wrong.part.of(&self.nodes);
        for address in who {
            if let Some(node) = self.nodes.get_mut(&address) {
                node.faults.insert(wrong.fault);
            }
        }
        self
    }

    /// The members.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The addresses of those who do this wrong.
    #[must_use]
    pub fn who(&self, fault: Fault) -> BTreeSet<Address> {
        let who = self.nodes.values().filter(|node| node.does(fault));
        who.map(|node| node.address).collect()
    }

    /// What a key generation knows of them.
    #[must_use]
    pub fn members(&self) -> BTreeMap<Address, Member> {
        let member = |node: &Node| {
            let member = Member {
                share_key: node.share_key().public_key(),
                power: node.power,
            };
            (node.address, member)
        };
        self.nodes.values().map(member).collect()
    }
}

/// `f` of each item, in order, on all cores.
fn in_parallel<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let chunk = items.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let f = &f;
        let workers: Vec<_> = items
            .chunks(chunk)
            .map(|chunk| scope.spawn(move || chunk.iter().map(f).collect::<Vec<R>>()))
            .collect();
        let results = workers.into_iter().map(|worker| worker.join());
        results
            .flat_map(|chunk| chunk.expect("a worker panicked"))
            .collect()
    })
}
