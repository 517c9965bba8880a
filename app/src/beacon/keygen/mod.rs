//! The committee's threshold key: generated on chain before each switch, and once at the start.
//!
//! An attempt ([`KeyAttempt`]) is begun with its members and their powers; it takes deals, then
//! complaints and confirmations, and ends with a key or without one. What is public about it is a
//! [`dkg::Board`](race_randomness::dkg::Board), which is rebuilt from state ([`board`]); when it
//! begins and ends is for `epoch` to say.
//!
//! Kept for ever: which key was in force in which epoch. Kept as long as shares are recovered from
//! them: the deals of the keys of this epoch and of the last.

mod board;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use race_proto::race::beacon::v1::{
    CommitteeKey, KeyGeneration, KeyMember, KeyStatus, MsgComplain, MsgConfirm, MsgDeal,
};
use race_proto::Any;
use race_randomness::bls::PublicKey;
use race_randomness::dkg::{self, Attempt, Board, Deal, Member, Outcome, Post, Session};

use super::{events, keys};
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::message::response as packed;
use crate::node;
use crate::state::State;

pub(super) use board::{complain, confirm, deal};
pub use board::{posts, Posts};

/// Deals that a block takes: each costs tens of milliseconds to check.
pub const MAX_DEALS_A_BLOCK: u64 = 8;

/// Which attempt at which key: the epoch whose key it is, the race attempt that chose the members,
/// the key attempt with these members.
pub type KeyAttempt = (u64, u32, u32);

/// Begins an attempt with members of these powers; it takes deals from the next block on.
///
/// # Panics
/// Never with the powers of a committee: they are positive, and their sum is below the limit.
pub fn begin(
    state: &mut State,
    chain_id: &str,
    attempt: KeyAttempt,
    powers: &BTreeMap<ConsensusAddress, u64>,
) {
    let member = |(address, power): (&ConsensusAddress, &u64)| {
        let keys = node::get(state, address)?.keys?;
        let share_key = PublicKey::from_bytes(&keys.share).ok()?;
        let power = *power;
        Some((*address, Member { share_key, power }))
    };
    let members = powers.iter().filter_map(member).collect();
    let session = Session::new(named(chain_id, attempt), members)
        .expect("the members of a committee are registered and have power");
    let (epoch, race_attempt, key_attempt) = attempt;
    let seat = |address| session.seats().get(address).map_or(0, |seat| seat.shares());
    let members = session.members().iter().map(|(address, member)| KeyMember {
        address: address.to_vec(),
        share_key: member.share_key.to_bytes().to_vec(),
        power: member.power,
        shares: seat(address).into(),
    });
    let generation = KeyGeneration {
        epoch,
        race_attempt,
        key_attempt,
        status: KeyStatus::Deal.into(),
        members: members.collect(),
        threshold: session.threshold().into(),
        shares: session.total().into(),
        session: session.digest().to_vec(),
        deal_bytes: u32::try_from(Deal::length(&session)).unwrap_or(u32::MAX),
        dropped: session
            .allotment()
            .dropped
            .iter()
            .map(|a| a.to_vec())
            .collect(),
        shortfall: String::new(),
    };
    keys::GENERATIONS.put(state, &attempt, &generation);
    events::key_generation(state, &generation);
}

/// An attempt as its messages name it.
fn named(chain_id: &str, (epoch, race_attempt, key_attempt): KeyAttempt) -> Attempt {
    Attempt {
        chain_id: chain_id.to_owned(),
        epoch,
        race_attempt: race_attempt.into(),
        key_attempt: key_attempt.into(),
    }
}

/// The name of an attempt's record.
pub fn attempt_of(generation: &KeyGeneration) -> KeyAttempt {
    let KeyGeneration {
        epoch,
        race_attempt,
        key_attempt,
        ..
    } = generation;
    (*epoch, *race_attempt, *key_attempt)
}

/// An attempt that is kept.
pub fn generation(state: &State, attempt: &KeyAttempt) -> Option<KeyGeneration> {
    keys::GENERATIONS.get(state, attempt)
}

/// The last attempt that is kept, of those that the given numbers do not rule out: 0 stands for any.
pub fn latest(
    state: &State,
    epoch: u64,
    race_attempt: u32,
    key_attempt: u32,
) -> Option<KeyGeneration> {
    let meant = |asked: u64, is: u64| asked == 0 || asked == is;
    let kept = keys::GENERATIONS.all(state).into_iter().rev();
    let mut kept = kept.map(|(_, generation)| generation);
    kept.find(|generation| {
        meant(epoch, generation.epoch)
            && meant(race_attempt.into(), generation.race_attempt.into())
            && meant(key_attempt.into(), generation.key_attempt.into())
    })
}

/// The addresses of an attempt's members.
pub fn members(generation: &KeyGeneration) -> BTreeSet<ConsensusAddress> {
    let members = generation.members.iter();
    members
        .map(|member| node::member(&member.address))
        .collect()
}

/// Whether every member has dealt.
pub fn all_dealt(state: &State, attempt: &KeyAttempt) -> bool {
    let members = generation(state, attempt).map_or(0, |generation| generation.members.len());
    posts(state, attempt).deals.len() >= members
}

/// Whether every dealer that is not out has confirmed.
pub fn all_confirmed(state: &State, attempt: &KeyAttempt) -> bool {
    let posts = posts(state, attempt);
    let out: BTreeSet<&[u8]> = posts
        .complaints
        .iter()
        .filter(|complaint| complaint.upheld)
        .map(|complaint| complaint.dealer.as_slice())
        .collect();
    let confirmed: BTreeSet<&[u8]> = posts
        .confirmations
        .iter()
        .map(|confirmation| confirmation.address.as_slice())
        .collect();
    let mut dealers = posts.deals.iter().map(|deal| deal.dealer.as_slice());
    dealers.all(|dealer| out.contains(dealer) || confirmed.contains(dealer))
}

/// The window of the deals is over; complaints and confirmations follow.
///
/// # Panics
/// When there is no such attempt.
pub fn close_deals(state: &mut State, context: &Context<'_>, attempt: &KeyAttempt) {
    let mut generation = generation(state, attempt).expect("the attempt was begun");
    board::close_deals(state, context.chain_id, &mut generation);
    keys::GENERATIONS.put(state, attempt, &generation);
}

/// Ends an attempt. A key that comes out is in force in the attempt's epoch; without one the deals
/// are forgotten.
///
/// # Panics
/// When there is no such attempt.
pub fn finish(state: &mut State, context: &Context<'_>, attempt: &KeyAttempt) -> Outcome {
    let mut generation = generation(state, attempt).expect("the attempt was begun");
    let posts = posts(state, attempt);
    let outcome = board::rebuild(state, context.chain_id, &generation, &posts).outcome();
    match &outcome {
        Outcome::Active { key, .. } => {
            generation.set_status(KeyStatus::Active);
            let record = CommitteeKey {
                epoch: generation.epoch,
                group: key.group().to_bytes().to_vec(),
                threshold: generation.threshold,
                shares: generation.shares,
                generated_epoch: generation.epoch,
                race_attempt: generation.race_attempt,
                key_attempt: generation.key_attempt,
            };
            keys::COMMITMENTS.put(state, attempt, &key.encode());
            keys::COMMITTEE_KEYS.put(state, &generation.epoch, &record);
            events::key(state, &record);
        }
        Outcome::Failed { shortfall, left } => {
            generation.set_status(KeyStatus::Failed);
            generation.shortfall = shortfall.to_string();
            keys::DEAL_BYTES.remove_under(state, attempt);
            events::key_failed(state, &generation, left);
        }
    }
    keys::GENERATIONS.put(state, attempt, &generation);
    outcome
}

/// The key that signs for an epoch; none before the first one was generated.
pub fn key(state: &State, epoch: u64) -> Option<CommitteeKey> {
    keys::COMMITTEE_KEYS.get(state, &epoch)
}

/// The race of `closed` failed: its key stays in force in the epoch after it.
pub fn keep(state: &mut State, closed: u64) {
    if let Some(mut key) = key(state, closed) {
        key.epoch = closed.saturating_add(1);
        keys::COMMITTEE_KEYS.put(state, &key.epoch.clone(), &key);
    }
}

/// Forgets an attempt.
pub fn forget(state: &mut State, attempt: &KeyAttempt) {
    keys::GENERATIONS.remove(state, attempt);
    keys::DEALS.remove_under(state, attempt);
    keys::DEAL_BYTES.remove_under(state, attempt);
    keys::COMPLAINTS.remove_under(state, attempt);
    keys::CONFIRMATIONS.remove_under(state, attempt);
    keys::COMMITMENTS.remove(state, attempt);
}

/// At the switch: forgets the attempts at keys up to that of `closed`, but for those that made the
/// keys of `closed` and of the epoch after it.
pub fn prune(state: &mut State, closed: u64) {
    let next = closed.saturating_add(1);
    let in_use: BTreeSet<KeyAttempt> = [closed, next]
        .iter()
        .filter_map(|epoch| Some(made_by(&key(state, *epoch)?)))
        .collect();
    for (attempt, _) in keys::GENERATIONS.all(state) {
        if attempt.0 <= closed && !in_use.contains(&attempt) {
            forget(state, &attempt);
        }
    }
}

/// The attempt that a key came out of.
fn made_by(key: &CommitteeKey) -> KeyAttempt {
    (key.generated_epoch, key.race_attempt, key.key_attempt)
}

/// The public side of an attempt whose deals are kept: one that has not failed.
pub fn board(state: &State, chain_id: &str, attempt: &KeyAttempt) -> Option<Arc<Board>> {
    let generation =
        generation(state, attempt).filter(|generation| generation.status() != KeyStatus::Failed)?;
    let posts = posts(state, attempt);
    Some(board::rebuild(state, chain_id, &generation, &posts))
}

/// The bytes of [`committee_key`].
pub fn commitments(state: &State, epoch: u64) -> Option<Vec<u8>> {
    keys::COMMITMENTS.get(state, &made_by(&key(state, epoch)?))
}

/// The key that signs for an epoch, with the commitments to all its shares.
///
/// # Panics
/// When state is damaged.
pub fn committee_key(state: &State, epoch: u64) -> Option<dkg::CommitteeKey> {
    let key = commitments(state, epoch)?;
    Some(dkg::CommitteeKey::decode(&key).expect("state is damaged: a committee's key"))
}

/// What a member recovers its shares of an epoch's key from: the board of the attempt that made it,
/// and the key. Nothing when there is no key, or its deals are no longer kept.
///
/// # Panics
/// When state is damaged.
pub fn shares_of(
    state: &State,
    chain_id: &str,
    epoch: u64,
) -> Option<(Arc<Board>, dkg::CommitteeKey)> {
    let attempt = made_by(&key(state, epoch)?);
    let key = committee_key(state, epoch)?;
    Some((board(state, chain_id, &attempt)?, key))
}

/// The message that carries what a member posts.
pub fn message(attempt: KeyAttempt, sender: &str, post: &Post) -> Any {
    let (epoch, race_attempt, key_attempt) = attempt;
    let sender = sender.to_owned();
    match post.clone() {
        Post::Deal(deal) => packed(&MsgDeal {
            sender,
            epoch,
            race_attempt,
            key_attempt,
            deal,
        }),
        Post::Complaint(complaint) => packed(&MsgComplain {
            sender,
            epoch,
            race_attempt,
            key_attempt,
            complaint,
        }),
        Post::Confirmation(confirmation) => packed(&MsgConfirm {
            sender,
            epoch,
            race_attempt,
            key_attempt,
            confirmation,
        }),
    }
}
