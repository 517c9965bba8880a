//! The board of an attempt, rebuilt from what state holds.
//!
//! Boards are kept in the process, named by all that is posted on them: a deal that was checked once
//! is not checked again, and not even read. Only speed depends on what is kept.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use race_proto::race::beacon::v1::{
    KeyComplaint, KeyConfirmation, KeyDeal, KeyGeneration, KeyStatus,
};
use race_randomness::bls::PublicKey;
use race_randomness::dkg::{Board, Complaint, Deal, Member, Post, Refusal, Session, Verdict};
use race_randomness::hash::{h, Hash};

use super::{attempt_of, named, KeyAttempt};
use crate::address::ConsensusAddress;
use crate::beacon::keys;
use crate::context::Context;
use crate::node;
use crate::state::State;

/// Boards that the process keeps: those of the last block and of the mempool, as posts come in.
const KEPT: usize = 64;

/// Boards by their names, the oldest first.
type Known = VecDeque<(Hash, Arc<Board>)>;

static BOARDS: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// Everything that was posted on a board.
#[derive(Debug, Clone, Default)]
pub struct Posts {
    /// The deals, by dealer.
    pub deals: Vec<KeyDeal>,
    /// The complaints, in the order in which they were judged.
    pub complaints: Vec<KeyComplaint>,
    /// The confirmations, by address.
    pub confirmations: Vec<KeyConfirmation>,
}

/// What was posted in an attempt.
pub fn posts(state: &State, attempt: &KeyAttempt) -> Posts {
    Posts {
        deals: keys::DEALS.values_under(state, attempt),
        complaints: keys::COMPLAINTS.values_under(state, attempt),
        confirmations: keys::CONFIRMATIONS.values_under(state, attempt),
    }
}

/// Checks a deal, unless this process has before, and puts it on the board.
pub(in crate::beacon) fn deal(
    state: &mut State,
    context: &Context<'_>,
    generation: &KeyGeneration,
    deal: &KeyDeal,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let attempt = attempt_of(generation);
    let dealer = node::member(&deal.dealer);
    let before = posts(state, &attempt);
    let mut after = before.clone();
    after.deals.push(deal.clone());
    after.deals.sort_by(|a, b| a.dealer.cmp(&b.dealer));
    let name = name(generation, &after);
    if known(&name).is_none() {
        let mut board = Board::clone(&rebuild(state, context.chain_id, generation, &before));
        board.take(&dealer, &Post::Deal(bytes.to_vec()))?;
        keep(name, Arc::new(board));
    }
    keys::DEALS.put(state, &(attempt, dealer), deal);
    keys::DEAL_BYTES.put(state, &(attempt, dealer), &bytes.to_vec());
    Ok(())
}

/// The generation takes no more deals, and neither does its board.
pub(super) fn close_deals(state: &State, chain_id: &str, generation: &mut KeyGeneration) {
    let posts = posts(state, &attempt_of(generation));
    let mut board = Board::clone(&rebuild(state, chain_id, generation, &posts));
    board.close_deals();
    generation.set_status(KeyStatus::Confirm);
    keep(name(generation, &posts), Arc::new(board));
}

/// Judges a complaint and puts it on the board.
pub(in crate::beacon) fn complain(
    state: &mut State,
    context: &Context<'_>,
    generation: &KeyGeneration,
    accuser: &ConsensusAddress,
    bytes: &[u8],
) -> Result<KeyComplaint, Refusal> {
    let attempt = attempt_of(generation);
    let mut posts = posts(state, &attempt);
    let mut board = Board::clone(&rebuild(state, context.chain_id, generation, &posts));
    let complaint = Complaint::decode(board.session(), accuser, bytes)?;
    let verdict = board.take_complaint(&complaint)?;
    let judged = KeyComplaint {
        accuser: accuser.to_vec(),
        dealer: complaint.dealer().to_vec(),
        upheld: verdict == Verdict::DealerFalse,
        complaint: bytes.to_vec(),
        height: context.height,
    };
    let index = u64::try_from(posts.complaints.len()).unwrap_or(u64::MAX);
    keys::COMPLAINTS.put(state, &(attempt, index), &judged);
    posts.complaints.push(judged.clone());
    keep(name(generation, &posts), Arc::new(board));
    Ok(judged)
}

/// Puts a confirmation on the board.
pub(in crate::beacon) fn confirm(
    state: &mut State,
    context: &Context<'_>,
    generation: &KeyGeneration,
    member: &ConsensusAddress,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let attempt = attempt_of(generation);
    let before = posts(state, &attempt);
    let mut board = Board::clone(&rebuild(state, context.chain_id, generation, &before));
    board.take(member, &Post::Confirmation(bytes.to_vec()))?;
    let confirmation = KeyConfirmation {
        address: member.to_vec(),
        confirmation: bytes.to_vec(),
        height: context.height,
    };
    keys::CONFIRMATIONS.put(state, &(attempt, *member), &confirmation);
    keep(name(generation, &posts(state, &attempt)), Arc::new(board));
    Ok(())
}

/// The board with these posts.
///
/// # Panics
/// When state is damaged: everything on it was taken before.
pub(super) fn rebuild(
    state: &State,
    chain_id: &str,
    generation: &KeyGeneration,
    posts: &Posts,
) -> Arc<Board> {
    let name = name(generation, posts);
    if let Some(board) = known(&name) {
        return board;
    }
    let board = Arc::new(read(state, chain_id, generation, posts));
    keep(name, Arc::clone(&board));
    board
}

/// The same out of state alone.
fn read(state: &State, chain_id: &str, generation: &KeyGeneration, posts: &Posts) -> Board {
    let attempt = attempt_of(generation);
    let session = Arc::new(session(chain_id, generation));
    let mut board = Board::new(Arc::clone(&session));
    for KeyDeal { dealer, .. } in &posts.deals {
        let dealer = node::member(dealer);
        let bytes = keys::DEAL_BYTES.get(state, &(attempt, dealer));
        let bytes = bytes.unwrap_or_default();
        let deal = Deal::restore(&session, &dealer, &bytes).expect("state is damaged: a deal");
        board
            .take_deal(Arc::new(deal))
            .expect("state is damaged: a deal");
    }
    if generation.status() != KeyStatus::Deal {
        board.close_deals();
    }
    let complaints = posts.complaints.iter().map(|complaint| {
        let post = Post::Complaint(complaint.complaint.clone());
        (&complaint.accuser, post)
    });
    let confirmations = posts.confirmations.iter().map(|confirmation| {
        let post = Post::Confirmation(confirmation.confirmation.clone());
        (&confirmation.address, post)
    });
    // Confirmations first: a dealer may have confirmed before it was found out, and a complaint does not
    // ask who has confirmed. The other way round some that were taken would be refused.
    for (from, post) in confirmations.chain(complaints) {
        board
            .take(&node::member(from), &post)
            .expect("state is damaged: a post of a key generation");
    }
    board
}

/// The session of an attempt. Who was dropped when it began is not among its members, so that the
/// shares come out the same.
fn session(chain_id: &str, generation: &KeyGeneration) -> Session {
    let members = generation.members.iter().map(|member| {
        let share_key = PublicKey::from_bytes(&member.share_key);
        let share_key = share_key.expect("state is damaged: a share key");
        let power = member.power;
        (node::member(&member.address), Member { share_key, power })
    });
    let attempt = named(chain_id, attempt_of(generation));
    Session::new(attempt, members.collect()).expect("state is damaged: a key generation")
}

/// Names a board by all that is on it, and by whose it is: a deal is good under its dealer's name alone.
fn name(generation: &KeyGeneration, posts: &Posts) -> Hash {
    let closed: &[u8] = match generation.status() {
        KeyStatus::Deal => b"open",
        _ => b"closed",
    };
    let mut parts: Vec<&[u8]> = vec![&generation.session, closed];
    let deals = posts.deals.iter();
    parts.extend(deals.flat_map(|deal| [deal.dealer.as_slice(), &deal.digest]));
    parts.push(b"complaints");
    let complaints = posts.complaints.iter();
    parts.extend(complaints.flat_map(|c| [c.accuser.as_slice(), &c.complaint]));
    parts.push(b"confirmations");
    let confirmations = posts.confirmations.iter();
    parts.extend(confirmations.flat_map(|c| [c.address.as_slice(), &c.confirmation]));
    h("race/beacon/board/v1", &parts)
}

fn known(name: &Hash) -> Option<Arc<Board>> {
    let boards = BOARDS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = boards.iter().find(|(known, _)| known == name);
    found.map(|(_, board)| Arc::clone(board))
}

fn keep(name: Hash, board: Arc<Board>) {
    let mut boards = BOARDS.lock().unwrap_or_else(PoisonError::into_inner);
    if boards.iter().any(|(known, _)| *known == name) {
        return;
    }
    if boards.len() >= KEPT {
        boards.pop_front();
    }
    boards.push_back((name, board));
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
