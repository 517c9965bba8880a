//! What goes into a block and what may be in one.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::address::Account;
use crate::beacon::{self, keygen::MAX_DEALS_A_BLOCK};
use crate::context::Context;
use crate::duty;
use crate::injected;
use crate::message::Lane;
use crate::node::{self, params::PER_BLOCK as REGISTRATIONS_PER_BLOCK};
use crate::params::get;
use crate::state::State;
use crate::tx::execute::pays;
use crate::tx::params::MAX_BLOCK_BYTES;
use crate::tx::{decode, CheckedTx};

/// Transactions of one payer up to which none of a block is tried: it would cost every block more than so
/// few places are worth.
const UNTRIED: usize = 8;

/// Orders and cuts the mempool's transactions for a block: after what the proposer itself adds the
/// protocol's, at most `max_bytes` and the chain's own cap, without what does not decode. Deals and
/// registrations beyond those that a block takes wait for the next one, and so does what is too large for this
/// one by itself. The protocol's go round by signer, each one's first before any one's second, so that no node's
/// many delay another's one.
///
/// A protocol transaction stays behind an earlier one of the same signer that pays gas or waits, since
/// their sequences follow each other. Where one account pays for many, a user's transaction that could not pay
/// behind those before it is left out, as when its payer gives all away in one of them: it would take its place
/// for nothing.
pub fn prepare(
    state: &State,
    context: &Context<'_>,
    injected: Option<Bytes>,
    txs: Vec<Bytes>,
    max_bytes: u64,
) -> Vec<Bytes> {
    let mut first = Vec::new();
    let mut turns: BTreeMap<Account, u64> = BTreeMap::new();
    let mut second = Vec::new();
    let mut behind: BTreeSet<Account> = BTreeSet::new();
    let mut waiting: BTreeSet<Account> = BTreeSet::new();
    let mut posted: Posted = BTreeSet::new();
    let mut dealt = 0u64;
    let mut registered = 0u64;
    let most_registered = get(state, &REGISTRATIONS_PER_BLOCK);
    let room = max_bytes.min(get(state, &MAX_BLOCK_BYTES));
    let injected = injected.filter(|bytes| size_in_block(bytes) <= room);
    let room = room.saturating_sub(injected.as_ref().map_or(0, size_in_block));
    for bytes in txs {
        let Ok(tx) = decode(state, &bytes) else {
            continue;
        };
        let with_it = dealt.saturating_add(deals(&tx));
        let registered_with_it = registered.saturating_add(registrations(&tx));
        let again = !count_once(&tx, &mut posted);
        let waits = again
            || with_it > MAX_DEALS_A_BLOCK
            || registered_with_it > most_registered
            || size_in_block(&bytes) > room
            || tx.signers.iter().any(|s| waiting.contains(s));
        if waits {
            waiting.extend(&tx.signers);
            continue;
        }
        dealt = with_it;
        registered = registered_with_it;
        let free = tx.lane == Lane::Protocol && !tx.signers.iter().any(|s| behind.contains(s));
        if free {
            first.push((turn(&mut turns, &tx), (tx, bytes)));
        } else {
            behind.extend(&tx.signers);
            second.push((tx, bytes));
        }
    }
    let mut left = room;
    // Stable: one signer's stay in order, since the turn of each is later than that of the one before.
    first.sort_by_key(|(turn, _)| *turn);
    let mut tried = many_of_one(second.iter().map(|(tx, _)| tx)).then(|| state.clone());
    let ordered = first.into_iter().map(|(_, tx)| tx).chain(second);
    let worth_it = ordered.filter_map(|(tx, bytes)| {
        let pays = tried.as_mut().is_none_or(|tried| pays(tried, context, &tx));
        (pays || tx.lane == Lane::Protocol).then_some(bytes)
    });
    let fit = worth_it.map_while(|bytes| {
        left = left.checked_sub(size_in_block(&bytes))?;
        Some(bytes)
    });
    injected.into_iter().chain(fit).collect()
}

/// Whether one account pays for more than a few of these.
fn many_of_one<'a>(txs: impl Iterator<Item = &'a CheckedTx>) -> bool {
    let mut paid: BTreeMap<Account, usize> = BTreeMap::new();
    for tx in txs {
        let paid = paid.entry(tx.payer()).or_default();
        *paid = paid.saturating_add(1);
    }
    paid.values().any(|count| *count > UNTRIED)
}

/// The turn of a transaction: after all earlier ones of its signers.
fn turn(turns: &mut BTreeMap<Account, u64>, tx: &CheckedTx) -> u64 {
    let of = |signer| turns.get(signer).copied().unwrap_or_default();
    let turn = tx.signers.iter().map(of).max().unwrap_or_default();
    for signer in &tx.signers {
        turns.insert(*signer, turn.saturating_add(1));
    }
    turn
}

/// How many deals a transaction carries, each of which takes tens of milliseconds to check.
fn deals(tx: &CheckedTx) -> u64 {
    let deals = tx.messages.iter().filter(|(url, _)| url == beacon::DEAL);
    u64::try_from(deals.count()).unwrap_or(u64::MAX)
}

/// How many registrations a transaction carries: each takes milliseconds of pairings, is free, and may fail
/// by its last proof alone.
fn registrations(tx: &CheckedTx) -> u64 {
    let registrations = tx.messages.iter().filter(|(url, _)| url == node::REGISTER);
    u64::try_from(registrations.count()).unwrap_or(u64::MAX)
}

/// Whether a proposed block may be voted for: signatures of rounds, if there are any, come first and are
/// the committee's; every other transaction decodes within its size limit; all together are within the
/// cap, and there are no more deals or registrations than a block takes, nor twice from one account
/// what comes once ([`ONCE`]). What fails in execution may be in a block.
pub fn is_acceptable(state: &State, chain_id: &str, txs: &[Bytes]) -> bool {
    let total = txs
        .iter()
        .fold(0u64, |sum, bytes| sum.saturating_add(size_in_block(bytes)));
    let signatures = txs.first().and_then(injected::read);
    let txs = match &signatures {
        Some(signatures) if !injected::is_good(state, chain_id, signatures) => return false,
        Some(_) => txs.get(1..).unwrap_or_default(),
        None => txs,
    };
    let mut posted: Posted = BTreeSet::new();
    let mut dealt = 0u64;
    let mut registered = 0u64;
    let most_registered = get(state, &REGISTRATIONS_PER_BLOCK);
    let fits = |bytes: &Bytes| {
        decode(state, bytes).is_ok_and(|tx| {
            dealt = dealt.saturating_add(deals(&tx));
            registered = registered.saturating_add(registrations(&tx));
            dealt <= MAX_DEALS_A_BLOCK
                && registered <= most_registered
                && count_once(&tx, &mut posted)
        })
    };
    total <= get(state, &MAX_BLOCK_BYTES) && txs.iter().all(fits)
}

/// Who sent which of [`ONCE`] in a block.
type Posted = BTreeSet<(&'static str, Account)>;

/// Of what a block takes one of an account: checking shares, or rho, takes milliseconds, costs nothing even when
/// they are wrong, and nobody has cause to send two.
const ONCE: [&str; 2] = [beacon::POST_SHARES, duty::REVEAL];

/// Counts the messages of a transaction that a block takes once; false when one of its signers has sent the same
/// in this block.
fn count_once(tx: &CheckedTx, posted: &mut Posted) -> bool {
    tx.messages.iter().all(|(url, message)| {
        let counted = ONCE.into_iter().find(|once| url == once);
        counted.is_none_or(|once| posted.insert((once, message.signer())))
    })
}

/// A transaction's bytes in CometBFT's encoding of a block: a tag and a length come with it.
fn size_in_block(bytes: &Bytes) -> u64 {
    let overhead = prost::length_delimiter_len(bytes.len()).saturating_add(1);
    u64::try_from(bytes.len().saturating_add(overhead)).unwrap_or(u64::MAX)
}
