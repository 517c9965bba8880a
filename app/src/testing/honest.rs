//! What honest nodes send at each block, as far as the chain alone tells them.
//!
//! One function for each step of the protocol, called for each node by [`act`]; what a node must
//! remember between blocks is in [`Memory`]. Steps that need more than the chain (served requests)
//! are added by the tests that have them.

use std::collections::BTreeMap;

use race::proof::{Leaf, Tree};
use race_proto::race::beacon::v1::{
    MsgCommit, MsgPostShares, MsgReveal, Purpose, Round, RoundStatus,
};
use race_proto::race::epoch::v1::{Epoch, Phase};
use race_proto::race::race::v1::{
    Check, MsgCommitChecks, MsgOpenLeaves, MsgRevealChecks, MsgSubmitRace, QueryAssignmentsRequest,
    QueryAssignmentsResponse,
};
use race_proto::Any;
use race_randomness::commit_reveal::{commitment, secret, Which};
use race_randomness::hash::h;

use super::{committee, Chain, FakeOracle, TestNode};
use crate::address::ConsensusAddress;
use crate::beacon::signing::{self, Awaited, BeaconSigner};
use crate::beacon::{self, keygen};
use crate::context::Context;
use crate::epoch;
use crate::message::response as packed;
use crate::oracle::Recomputation;
use crate::race as races;
use crate::state::State;

type Attempt = (ConsensusAddress, u64, u32);

/// What nodes remember between blocks.
#[derive(Debug, Default)]
pub struct Memory {
    submitted: BTreeMap<Attempt, Tree>,
    opened: BTreeMap<Attempt, ()>,
    checks: BTreeMap<Attempt, Vec<Check>>,
    revealed_checks: BTreeMap<Attempt, ()>,
}

/// Every node that is there sends what is due in the next block. What CheckTx refuses is a mistake
/// of this driver or of the chain, so it panics.
pub fn act(chain: &mut Chain) {
    for index in 0..chain.nodes.len() {
        let behaviour = chain.nodes[index].behaviour.clone();
        if behaviour.offline || behaviour.manual {
            continue;
        }
        let messages = due(chain, index);
        let hot = chain.nodes[index].hot.clone();
        for message in messages {
            let kind = message.type_url.clone();
            let name = chain.nodes[index].name.clone();
            if let Err(error) = chain.send_free(&hot, vec![message]) {
                panic!("height {}: {name} sends {kind}: {error}", chain.height + 1);
            }
        }
    }
}

/// What a node sends for the next block.
fn due(chain: &mut Chain, index: usize) -> Vec<Any> {
    let now = chain.epoch();
    let mut memory = std::mem::take(&mut chain.memory);
    let node = &chain.nodes[index];
    let mut messages = rounds(chain, node);
    messages.extend(post_shares(chain, node));
    let entry = (node.address, now.number, now.race_attempt);
    match now.phase() {
        Phase::Race if !node.behaviour.does_not_race => {
            messages.extend(submit(chain, node, &now, memory.submitted.entry(entry)));
        }
        Phase::Open if !node.behaviour.does_not_open => {
            if let Some(tree) = memory
                .submitted
                .get(&entry)
                .filter(|_| !memory.opened.contains_key(&entry))
            {
                memory.opened.insert(entry, ());
                messages.extend(open(chain, node, &now, tree));
            }
        }
        Phase::CheckCommit if !memory.checks.contains_key(&entry) => {
            if let Some((message, checks)) = commit_checks(chain, node, &now) {
                memory.checks.insert(entry, checks);
                messages.push(message);
            }
        }
        Phase::CheckReveal => {
            let checks = memory
                .checks
                .get(&entry)
                .filter(|_| !memory.revealed_checks.contains_key(&entry));
            if let Some(checks) = checks {
                memory.revealed_checks.insert(entry, ());
                let digests = races::checks::digests(checks);
                for part in races::checks::reveals(checks) {
                    messages.push(packed(&MsgRevealChecks {
                        sender: node.hot.address(),
                        epoch: now.number,
                        attempt: now.race_attempt,
                        salt: salt(node, &now).to_vec(),
                        digests: digests.iter().map(|d| d.to_vec()).collect(),
                        checks: part.to_vec(),
                    }));
                }
            }
        }
        Phase::Deal | Phase::Confirm if !node.behaviour.not_ready => {
            messages.extend(key_posts(chain, node));
        }
        _ => {}
    }
    chain.memory = memory;
    messages
}

/// What a node owes to the key generation that is under way.
fn key_posts(chain: &Chain, node: &TestNode) -> Vec<Any> {
    chain.read(|context, state| {
        let Some(attempt) = epoch::key_attempt(state) else {
            return Vec::new();
        };
        let Some(board) = keygen::board(state, context.chain_id, &attempt) else {
            return Vec::new();
        };
        let owed = node.participant().owes(&board);
        let packed = |post| keygen::message(attempt, &node.hot.address(), post);
        owed.iter().map(packed).collect()
    })
}

/// Commits and reveals of all beacon rounds.
fn rounds(chain: &Chain, node: &TestNode) -> Vec<Any> {
    let open = chain.read(|_, state| beacon::open_rounds(state));
    open.iter()
        .filter_map(|round| contribute(chain, node, round))
        .collect()
}

fn contribute(chain: &Chain, node: &TestNode, round: &Round) -> Option<Any> {
    let id = round.id?;
    let next = chain.height + 1;
    let known = chain.read(|_, state| {
        let member = epoch::power(state, id.epoch, &node.address) > 0;
        let parts = beacon::contributions(state, &id);
        member.then(|| parts.into_iter().find(|part| part.address == node.address))
    })?;
    let bound = beacon::bound(&chain.chain_id, &id)?;
    let secret = |which| *secret(&node.secret, &bound, which).expose();
    let sender = node.hot.address();
    let takes_commits = (round.commit_start..=round.commit_end).contains(&next);
    if round.status() == RoundStatus::Open && takes_commits && known.is_none() {
        let commit = |which| commitment(&bound, &node.address, which, &secret(which)).to_vec();
        let fallback_commitment = match id.purpose() {
            Purpose::RaceSeed => commit(Which::Fallback),
            _ => Vec::new(),
        };
        return Some(packed(&MsgCommit {
            sender,
            round: Some(id),
            commitment: commit(Which::Reveal),
            fallback_commitment,
        }));
    }
    let known = known.filter(|_| !node.behaviour.withholds)?;
    let falls_back = round.status() == RoundStatus::Fallback;
    let opens = round.status() == RoundStatus::Open && next > round.commit_end;
    let (which, there) = match falls_back && id.purpose() == Purpose::RaceSeed {
        true => (Which::Fallback, &known.fallback_secret),
        false => (Which::Reveal, &known.secret),
    };
    let reveals = (falls_back || opens) && next <= round.reveal_end && there.is_empty();
    reveals.then(|| {
        packed(&MsgReveal {
            sender,
            round: Some(id),
            secret: secret(which).to_vec(),
        })
    })
}

/// Shares of a race seed that was not signed at the first attempt.
fn post_shares(chain: &Chain, node: &TestNode) -> Vec<Any> {
    let part = |context: &Context<'_>, state: &State, awaited: &Awaited| {
        let signer = committee::Signer {
            state,
            chain_id: context.chain_id,
            address: node.address,
            participant: node.participant(),
        };
        let there = beacon::has_posted(state, &awaited.id, &node.address);
        let late = awaited.signing_attempt > 1 && !there && !node.behaviour.does_not_sign;
        let shares = late.then(|| signer.sign(awaited.id.epoch, &awaited.message));
        Some(packed(&MsgPostShares {
            sender: node.hot.address(),
            round: Some(awaited.id),
            signing_attempt: awaited.signing_attempt,
            shares: shares??,
        }))
    };
    chain.read(|context, state| {
        let awaited = signing::awaited(state, context.chain_id);
        let posts = awaited.iter().filter_map(|it| part(context, state, it));
        posts.collect()
    })
}

fn truth(
    chain: &Chain,
    public_key: [u8; 32],
    now: &Epoch,
    nonce: u64,
) -> Option<crate::oracle::Truth> {
    let (preset, race_seed) = chain.read(|_, state| {
        (
            races::preset(state),
            races::seed(state, now.number, now.race_attempt),
        )
    });
    Some(FakeOracle::truth(&Recomputation {
        preset,
        race_seed: race_seed?,
        public_key,
        nonce,
    }))
}

fn submit(
    chain: &Chain,
    node: &TestNode,
    now: &Epoch,
    entry: std::collections::btree_map::Entry<'_, Attempt, Tree>,
) -> Option<Any> {
    let std::collections::btree_map::Entry::Vacant(entry) = entry else {
        return None;
    };
    let key = node.consensus.verifying_key().to_bytes();
    let leaves = (0..node.nonces)
        .map(|nonce| {
            let mut hash = truth(chain, key, now, nonce)?.leaf;
            if node.behaviour.false_leaves {
                hash[0] ^= 1;
            }
            Some(Leaf { nonce, hash })
        })
        .collect::<Option<Vec<_>>>()?;
    let tree = entry.insert(Tree::new(leaves).expect("nonces increase"));
    Some(packed(&MsgSubmitRace {
        sender: node.hot.address(),
        epoch: now.number,
        attempt: now.race_attempt,
        root: tree.root().to_vec(),
        count: tree.count(),
    }))
}

fn open(chain: &Chain, node: &TestNode, now: &Epoch, tree: &Tree) -> Option<Any> {
    let (epoch, attempt) = (now.number, now.race_attempt);
    let positions = chain.read(|_, state| {
        let struck = races::is_struck(state, epoch, attempt, &node.address);
        let positions = races::sample(state, epoch, attempt, &node.address);
        positions.filter(|_| !struck)
    })?;
    let multiproof = tree
        .open_many(&positions)
        .expect("positions are drawn below the count");
    Some(packed(&MsgOpenLeaves {
        sender: node.hot.address(),
        epoch,
        attempt,
        multiproof: multiproof.encode().expect("the sample fits"),
    }))
}

fn salt(node: &TestNode, now: &Epoch) -> [u8; 32] {
    let (epoch, attempt) = (now.number.to_be_bytes(), now.race_attempt.to_be_bytes());
    h("test/salt", &[&node.secret, &epoch, &attempt])
}

fn commit_checks(chain: &Chain, node: &TestNode, now: &Epoch) -> Option<(Any, Vec<Check>)> {
    let (epoch, attempt) = (now.number, now.race_attempt);
    let request = QueryAssignmentsRequest {
        epoch,
        attempt,
        checker: node.address.to_vec(),
    };
    let answer: QueryAssignmentsResponse = chain
        .query("/race.race.v1.Query/Assignments", &request)
        .ok()?;
    let checks = answer
        .assignments
        .into_iter()
        .map(|assignment| {
            let leaf = assignment.leaf?;
            let key = assignment.public_key.as_slice().try_into().ok()?;
            let truth = truth(chain, key, now, leaf.nonce)?;
            let mut check = Check {
                participant: assignment.participant,
                position: leaf.position,
                digest: truth.check_digest.to_vec(),
                matches: leaf.leaf == truth.leaf && truth.appropriate,
            };
            if node.behaviour.false_checks {
                check.digest[0] ^= 1;
                check.matches = false;
            }
            Some(check)
        })
        .collect::<Option<Vec<_>>>()?;
    if checks.is_empty() {
        return None;
    }
    let salt = salt(node, now);
    let commitment = races::checks::check_commitment(
        &chain.chain_id,
        epoch,
        attempt,
        &node.address,
        &salt,
        &races::checks::digests(&checks),
    );
    let sender = node.hot.address();
    let message = MsgCommitChecks {
        sender,
        epoch,
        attempt,
        commitment: commitment.to_vec(),
    };
    Some((packed(&message), checks))
}
