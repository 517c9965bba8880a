//! What can happen to a network, and in which order a seed lets it happen.

use std::collections::BTreeSet;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::links::Link;

/// Random numbers of a seed.
pub struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    /// A number below `sides`.
    pub fn below(&mut self, sides: u64) -> u64 {
        let digest = Sha256::digest([self.seed.to_be_bytes(), self.thrown.to_be_bytes()].concat());
        self.thrown += 1;
        u64::from_be_bytes(digest[..8].try_into().unwrap()) % sides
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// Which of a node's two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Both,
    Raced,
    Comet,
}

impl Part {
    const ONE: [Self; 2] = [Self::Raced, Self::Comet];
    const ANY: [Self; 3] = [Self::Both, Self::Raced, Self::Comet];

    pub fn has_raced(self) -> bool {
        self != Self::Comet
    }

    pub fn has_comet(self) -> bool {
        self != Self::Raced
    }
}

/// Kinds of faults, each of which comes once before any comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Kill,
    KillOne,
    Restart,
    Pause,
    PauseOne,
    Disconnect,
    Partition,
    SlowDisk,
    FullDisk,
    ClockJump,
    Equivocation,
}

pub const KINDS: [Kind; 11] = [
    Kind::Kill,
    Kind::KillOne,
    Kind::Restart,
    Kind::Pause,
    Kind::PauseOne,
    Kind::Disconnect,
    Kind::Partition,
    Kind::SlowDisk,
    Kind::FullDisk,
    Kind::ClockJump,
    Kind::Equivocation,
];

/// Something that happens. Nodes are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL; later it is started again.
    Kill { node: usize, part: Part },
    /// SIGTERM; once it has ended it is started again.
    Restart { node: usize },
    /// SIGSTOP; later SIGCONT.
    Pause { node: usize, part: Part },
    /// These nodes reach one another and nobody else, and nobody else reaches them.
    Partition { side: BTreeSet<usize>, link: Link },
    /// Each sync takes so much longer.
    SlowDisk { node: usize, part: Part, ms: u64 },
    /// Nothing can be written; later there is space again, and whoever has stopped is started.
    FullDisk { node: usize, part: Part },
    /// CometBFT's clock is off by so much; later it jumps back.
    ClockJump { node: usize, seconds: i64 },
    /// A second machine runs with a copy of this node's home, validator key included.
    Equivocation { node: usize },
}

impl Fault {
    /// Its name in the summary.
    pub fn name(&self) -> String {
        let text = format!("{self:?}");
        let name = text.split([' ', '{']).next();
        name.unwrap_or_default().to_owned()
    }

    /// The nodes that it is about.
    pub fn nodes(&self) -> BTreeSet<usize> {
        match self {
            Self::Partition { side, .. } => side.clone(),
            Self::Kill { node, .. }
            | Self::Restart { node }
            | Self::Pause { node, .. }
            | Self::SlowDisk { node, .. }
            | Self::FullDisk { node, .. }
            | Self::ClockJump { node, .. }
            | Self::Equivocation { node } => [*node].into(),
        }
    }
}

/// Faults at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    pub faults: Vec<Fault>,
    pub lasts: Duration,
}

/// The rounds of a seed, without end.
pub struct Rounds {
    dice: Dice,
    nodes: usize,
    longest: Duration,
    deck: Vec<Kind>,
    every_kind_came: bool,
    /// Kinds that the next decks are made of.
    kinds: Vec<Kind>,
}

impl Rounds {
    pub fn new(seed: u64, nodes: usize, longest: Duration) -> Self {
        Self {
            dice: Dice::new(seed),
            nodes,
            longest,
            deck: Vec::new(),
            every_kind_came: false,
            kinds: KINDS.to_vec(),
        }
    }

    /// Whether every kind has come.
    pub fn are_complete(&self) -> bool {
        self.every_kind_came
    }

    pub fn next(&mut self) -> Round {
        let first = self.draw();
        let first = self.fault(first);
        let mut faults = vec![first];
        // A bigger network bears two at once; a double signer is enough for itself.
        let more = self.nodes > 5 && !self.deck.is_empty() && self.dice.below(2) == 0;
        let next_is_alone = matches!(
            (faults.as_slice(), self.deck.last()),
            ([Fault::Equivocation { .. }], _) | (_, Some(Kind::Equivocation))
        );
        if more && !next_is_alone {
            let kind = self.draw();
            let second = self.fault(kind);
            if second.nodes().is_disjoint(&faults[0].nodes()) {
                faults.push(second);
            } else {
                self.deck.push(kind);
            }
        }
        self.every_kind_came |= self.deck.is_empty();
        let shortest = self.longest.as_millis() as u64 / 4;
        let lasts = shortest + self.dice.below(3 * shortest);
        Round {
            faults,
            lasts: Duration::from_millis(lasts),
        }
    }

    fn draw(&mut self) -> Kind {
        if self.deck.is_empty() {
            let mut left = self.kinds.clone();
            while !left.is_empty() {
                let at = self.dice.below(left.len() as u64);
                self.deck.push(left.remove(usize::try_from(at).unwrap()));
            }
            // Its node is out until a later race: once is enough.
            self.kinds.retain(|kind| *kind != Kind::Equivocation);
        }
        self.deck.pop().unwrap()
    }

    fn fault(&mut self, kind: Kind) -> Fault {
        let nodes: Vec<usize> = (0..self.nodes).collect();
        let dice = &mut self.dice;
        let node = dice.one_of(&nodes);
        let severed = [Link::Cut, Link::Stalled];
        match kind {
            Kind::Kill => Fault::Kill {
                node,
                part: Part::Both,
            },
            Kind::KillOne => Fault::Kill {
                node,
                part: dice.one_of(&Part::ONE),
            },
            Kind::Restart => Fault::Restart { node },
            Kind::Pause => Fault::Pause {
                node,
                part: Part::Both,
            },
            Kind::PauseOne => Fault::Pause {
                node,
                part: dice.one_of(&Part::ONE),
            },
            Kind::Disconnect => Fault::Partition {
                side: [node].into(),
                link: dice.one_of(&severed),
            },
            Kind::Partition => {
                let other = (node + 1 + dice.below(self.nodes as u64 - 1) as usize) % self.nodes;
                let more = nodes
                    .iter()
                    .filter(|_| self.nodes > 5 && dice.below(3) == 0);
                let side = more.copied().chain([node, other]).collect();
                Fault::Partition {
                    side,
                    link: dice.one_of(&severed),
                }
            }
            Kind::SlowDisk => Fault::SlowDisk {
                node,
                part: dice.one_of(&Part::ANY),
                ms: 50 + dice.below(350),
            },
            Kind::FullDisk => Fault::FullDisk {
                node,
                part: dice.one_of(&Part::ANY),
            },
            Kind::ClockJump => {
                let far = 10 + dice.below(3_600) as i64;
                let seconds = dice.one_of(&[far, -far]);
                Fault::ClockJump { node, seconds }
            }
            Kind::Equivocation => Fault::Equivocation { node },
        }
    }
}
