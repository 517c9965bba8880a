//! The seed of a simulated committee: commit, reveal, sign in vote extensions, fall back.

use super::keygen::junk;
use super::{in_parallel, Committee, Fault, KeyRun, Node, CHAIN_ID, EPOCH};
use crate::bls::Signature;
use crate::commit_reveal::{self, commitment, Purpose, RoundId, Transcript, Which};
use crate::dkg::{CommitteeKey, Outcome, SecretShares};
use crate::hash::{Address, Hash};
use crate::scheme::{Message, Scheme};
use crate::signing::{self, Pool, Subject};
use std::collections::{BTreeMap, BTreeSet};

/// Blocks in which a signature must come before the next signing attempt.
pub const SIGNING_BLOCKS: usize = 10;

/// Signing attempts before the fallback window.
pub const SIGNING_ATTEMPTS: u64 = 3;

const ROUND: RoundId<'static> = RoundId {
    chain_id: CHAIN_ID,
    purpose: Purpose::RaceSeed,
    epoch: EPOCH,
    attempt: 0,
    round: 0,
};

/// How a seed was drawn.
#[derive(Debug)]
pub struct SeedRun {
    /// The seed.
    pub seed: Hash,
    /// Whether it is the fallback's.
    pub degraded: bool,
    /// The committee's signature, unless degraded.
    pub signature: Option<Signature>,
    /// The closed round.
    pub transcript: Transcript,
    /// The signing attempts that came to nothing.
    pub failed_attempts: u64,
    /// The blocks after the close of the transcript, up to the one with the signature.
    pub blocks: usize,
    /// Members whose extensions were refused or held a bad share.
    pub bad: BTreeSet<Address>,
}

impl Committee {
    /// Draws a seed with the key of a key generation that succeeded.
    ///
    /// # Panics
    ///
    /// When there is no key, or an honest member cannot build its shares: that must never be.
    #[must_use]
    pub fn draw_seed<S: Scheme + Sync>(&self, run: &KeyRun) -> SeedRun {
        let Outcome::Active { key, confirmers } = &run.outcome else {
            panic!("there is no key to sign with");
        };
        let nodes: Vec<&Node> = self
            .nodes()
            .filter(|node| confirmers.contains(&node.address))
            .collect();
        let keys = key.public_keys().expect("no share is the identity");
        let scheme = S::new(keys);
        let shares = in_parallel(&nodes, |node| build(node, run, key));
        let signers: Vec<(&Node, SecretShares)> = nodes.iter().copied().zip(shares).collect();
        let (transcript, fallbacks) = close(&nodes, key);
        let (mut failed_attempts, mut blocks) = (0, 0usize);
        let mut bad = BTreeSet::new();
        while failed_attempts < SIGNING_ATTEMPTS {
            let subject = Subject::Seed {
                transcript: transcript.digest(),
                signing_attempt: failed_attempts.saturating_add(1),
            };
            let message = signing::message(CHAIN_ID, EPOCH, 0, &subject);
            let extensions = in_parallel(&signers, |(node, shares)| {
                extend::<S>(node, shares, &message)
            });
            for proposer in nodes.iter().cycle().take(SIGNING_BLOCKS) {
                blocks = blocks.saturating_add(1);
                if proposer.does(Fault::OmitSignature) {
                    continue;
                }
                let mut pool = Pool::new(key, &scheme, message.clone());
                for (node, extension) in nodes.iter().zip(&extensions) {
                    if let Some(extension) = extension {
                        if pool.add(&node.address, extension).is_err() {
                            bad.insert(node.address);
                        }
                    }
                }
                let signature = pool.signature();
                bad.extend(pool.bad());
                if let Ok(signature) = signature {
                    return SeedRun {
                        seed: commit_reveal::signed_seed(&signature, &transcript.digest()),
                        degraded: false,
                        signature: Some(signature),
                        transcript,
                        failed_attempts,
                        blocks,
                        bad,
                    };
                }
                // The same extensions come again at the next height: only the proposer changes.
            }
            failed_attempts = failed_attempts.saturating_add(1);
        }
        let seed = transcript.fallback_seed(&ROUND, &fallbacks);
        SeedRun {
            seed: seed.expect("every second secret is the one committed to"),
            degraded: true,
            signature: None,
            transcript,
            failed_attempts,
            blocks,
            bad,
        }
    }
}

/// The transcript, and the second secrets that would be revealed.
fn close(nodes: &[&Node], key: &CommitteeKey) -> (Transcript, BTreeMap<Address, Hash>) {
    let secret =
        |node: &Node, which| *commit_reveal::secret(&node.secret(), &ROUND, which).expose();
    let mut members = BTreeMap::new();
    let (mut fallbacks, mut second) = (BTreeMap::new(), BTreeMap::new());
    for node in nodes {
        let commits = !node.does(Fault::SilentCommit);
        let reveals = commits && !node.does(Fault::SilentReveal);
        let commit = |which| commitment(&ROUND, &node.address, which, &secret(node, which));
        let member = commit_reveal::Member {
            weight: node.power,
            commitment: commits.then(|| commit(Which::Reveal)),
            reveal: reveals.then(|| secret(node, Which::Reveal)),
        };
        members.insert(node.address, member);
        if commits {
            fallbacks.insert(node.address, commit(Which::Fallback));
            if !node.does(Fault::SilentFallback) {
                second.insert(node.address, secret(node, Which::Fallback));
            }
        }
    }
    let group = key.group().to_bytes();
    let transcript = Transcript::close_with_fallback(&ROUND, &group, &members, &fallbacks);
    let transcript = transcript.expect("every reveal is the secret committed to");
    (transcript, second)
}

/// A member's shares. One that crashes builds them a second time, to the same effect.
fn build(node: &Node, run: &KeyRun, key: &CommitteeKey) -> SecretShares {
    let build = || {
        let shares =
            node.participant()
                .secret_shares(run.board.session(), run.board.qualified(), key);
        shares.expect("a member that confirmed has its shares")
    };
    let mut shares = build();
    if node.does(Fault::Crash) {
        shares = build();
    }
    shares
}

/// What a member puts into its votes; nothing when it has no shares.
fn extend<S: Scheme>(node: &Node, shares: &SecretShares, message: &Message) -> Option<Vec<u8>> {
    if node.does(Fault::SilentSign) || shares.iter().next().is_none() {
        return None;
    }
    let other = Message::new([0; 32]);
    let signed = if node.does(Fault::BadSignature) {
        &other
    } else {
        message
    };
    let mut extension = signing::extension::<S>(shares, signed);
    extension[..32].copy_from_slice(message.digest());
    if node.does(Fault::JunkExtension) {
        let junk = junk(&node.address, extension.len());
        extension[32..].copy_from_slice(&junk[32..]);
    }
    Some(extension)
}
