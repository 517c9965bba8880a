//! Key generation of a simulated committee: attempts until one succeeds or too few are left.

use super::{in_parallel, Committee, Fault, Node, CHAIN_ID, EPOCH};
use crate::dkg::{
    Attempt, Board, Deal, Member, Outcome, Participant, Post, Refusal, Session, Shortfall,
};
use crate::hash::{be, h, Address};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How the last attempt went, and what led there.
#[derive(Debug)]
pub struct KeyRun {
    /// The public side of the last attempt.
    pub board: Board,
    /// Every post of the last attempt that was taken, in order; the deals were closed after the first
    /// `deals` of them.
    pub posts: Vec<(Address, Post)>,
    /// How many of the posts came before the close of the deals.
    pub deals: usize,
    /// How the last attempt ended.
    pub outcome: Outcome,
    /// What the attempts before fell short of.
    pub failed: Vec<Shortfall>,
    /// What the board refused, in all attempts.
    pub refused: Vec<(Address, Refusal)>,
    /// Dealers that were found to lie, in all attempts.
    pub false_dealers: BTreeSet<Address>,
    /// Accusers that were found to lie, in all attempts.
    pub false_accusers: BTreeSet<Address>,
}

impl Committee {
    /// Generates a key, with up to `attempts` attempts, each with those whom the one before left.
    ///
    /// # Panics
    ///
    /// When a member that crashed owes something else than it did before: that must never be.
    #[must_use]
    pub fn generate_key(&self, attempts: u64) -> KeyRun {
        let mut members = self.members();
        let mut failed = Vec::new();
        let mut refused = Vec::new();
        let (mut false_dealers, mut false_accusers) = (BTreeSet::new(), BTreeSet::new());
        let mut key_attempt = 0;
        loop {
            let mut run = self.attempt(key_attempt, members.clone());
            refused.append(&mut run.refused);
            false_dealers.extend(run.board.false_dealers());
            false_accusers.extend(run.board.false_accusers());
            key_attempt = key_attempt.saturating_add(1);
            match &run.outcome {
                Outcome::Failed { shortfall, left }
                    if key_attempt < attempts && !left.is_empty() =>
                {
                    failed.push(*shortfall);
                    members.retain(|address, _| left.contains(address));
                }
                _ => {
                    return KeyRun {
                        failed,
                        refused,
                        false_dealers,
                        false_accusers,
                        ..run
                    }
                }
            }
        }
    }

    fn attempt(&self, key_attempt: u64, members: BTreeMap<Address, Member>) -> KeyRun {
        let attempt = Attempt {
            chain_id: CHAIN_ID.to_owned(),
            epoch: EPOCH,
            race_attempt: 0,
            key_attempt,
        };
        let session = Session::new(attempt, members).expect("the powers make shares");
        let session = Arc::new(session);
        let nodes: Vec<&Node> = self
            .nodes()
            .filter(|node| session.member(&node.address).is_ok())
            .collect();
        let mut board = Board::new(session.clone());
        let (mut posts, mut refused) = (Vec::new(), Vec::new());

        let owed = in_parallel(&nodes, |node| deal(node, &board));
        let owed: Vec<(Address, Vec<u8>)> = copy_ciphertexts(&nodes, &session, owed);
        // Every member checks every deal, which gives the same everywhere: once is enough here.
        let checked = in_parallel(&owed, |(dealer, bytes)| {
            Deal::check(&session, dealer, bytes)
        });
        for ((dealer, bytes), checked) in owed.into_iter().zip(checked) {
            let taken = checked
                .map_err(Refusal::from)
                .and_then(|deal| board.take_deal(Arc::new(deal)));
            match taken {
                Ok(()) => posts.push((dealer, Post::Deal(bytes))),
                Err(refusal) => refused.push((dealer, refusal)),
            }
        }
        let deals = posts.len();
        board.close_deals();

        let owed = in_parallel(&nodes, |node| answer(node, &board));
        for (node, owed) in nodes.iter().zip(owed) {
            for post in owed {
                match board.take(&node.address, &post) {
                    Ok(_) => posts.push((node.address, post)),
                    Err(refusal) => refused.push((node.address, refusal)),
                }
            }
        }
        KeyRun {
            outcome: board.outcome(),
            board,
            posts,
            deals,
            failed: Vec::new(),
            refused,
            false_dealers: BTreeSet::new(),
            false_accusers: BTreeSet::new(),
        }
    }
}

/// What a member owes; one that crashes is asked again from the start.
fn owes(node: &Node, participant: &mut Participant, board: &Board) -> Vec<Post> {
    let owed = participant.owes(board);
    if node.does(Fault::Crash) {
        let again = node.participant().owes(board);
        assert_eq!(again, owed, "a member that starts again owes the same");
    }
    owed
}

fn deal(node: &Node, board: &Board) -> Option<(Address, Vec<u8>)> {
    let session = board.session();
    let mut participant = node.participant();
    if node.does(Fault::SilentDeal) {
        return None;
    }
    let bytes = if node.does(Fault::JunkDeal) {
        junk(&node.address, Deal::length(session))
    } else if node.does(Fault::BadShares) {
        let victim = next(session, &node.address);
        let bad: Vec<_> = session.indices(&victim).collect();
        participant.deal_badly(session, &bad)
    } else {
        match owes(node, &mut participant, board).pop() {
            Some(Post::Deal(bytes)) => bytes,
            _ => return None,
        }
    };
    Some((node.address, bytes))
}

/// The member after this one, in the order of addresses, that has shares.
fn next(session: &Session, address: &Address) -> Address {
    let seats = session.seats();
    let with_shares = seats.iter().filter(|(_, seat)| seat.shares() > 0);
    let others: Vec<Address> = with_shares.map(|(other, _)| *other).collect();
    let after = others.iter().find(|other| *other > address);
    *after.or(others.first()).unwrap_or(address)
}

fn copy_ciphertexts(
    nodes: &[&Node],
    session: &Session,
    owed: Vec<Option<(Address, Vec<u8>)>>,
) -> Vec<(Address, Vec<u8>)> {
    let mut owed: Vec<(Address, Vec<u8>)> = owed.into_iter().flatten().collect();
    let thieves: BTreeSet<Address> = nodes
        .iter()
        .filter(|node| node.does(Fault::CopiedCiphertext))
        .map(|node| node.address)
        .collect();
    // Between the commitments and the proofs: the ephemeral key and the shares.
    let from = usize::from(session.threshold())
        .saturating_mul(48)
        .saturating_add(52);
    let to = Deal::length(session).saturating_sub(144);
    let stolen = owed
        .iter()
        .find(|(dealer, _)| !thieves.contains(dealer))
        .and_then(|(_, bytes)| bytes.get(from..to).map(<[u8]>::to_vec));
    if let Some(stolen) = stolen {
        for (dealer, bytes) in &mut owed {
            if thieves.contains(dealer) {
                bytes[from..to].copy_from_slice(&stolen);
            }
        }
    }
    owed
}

fn answer(node: &Node, board: &Board) -> Vec<Post> {
    if node.does(Fault::SilentConfirm) {
        return Vec::new();
    }
    let mut participant = node.participant();
    let mut owed = owes(node, &mut participant, board);
    if node.does(Fault::FalseComplaint) {
        let others = |deal: &&Arc<Deal>| *deal.dealer() != node.address;
        if let Some(deal) = board.deals().find(others) {
            owed.push(Post::Complaint(participant.complain(board.session(), deal)));
        }
    }
    owed
}

/// Bytes of this length that mean nothing.
pub(super) fn junk(address: &Address, length: usize) -> Vec<u8> {
    (0..)
        .flat_map(|i| h("race/sim/junk/v1", &[address, &be(i)]))
        .take(length)
        .collect()
}
