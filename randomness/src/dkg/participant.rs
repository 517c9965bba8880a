//! One member's private side. It keeps nothing that it could not compute again from the node's
//! secrets and the public board: after a crash it owes the same posts, byte for byte.

use super::board::{Board, Post};
use super::cipher::{open, shared};
use super::complaint::{self, good_shares};
use super::confirmation;
use super::deal::{number, Deal, Draft};
use super::key::{CommitteeKey, SecretShares};
use super::session::Session;
use crate::bls::{PublicKey, SecretKey};
use crate::curve::SecretScalar;
use crate::hash::{hex, Address, Hash};
use crate::scheme::Index;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// Why a member cannot build its secret shares.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// The deal of this dealer does not open to good shares, and the dealer is not out.
    #[error("the deal of {} holds no good shares for this key, and nobody complained in time", hex(.0))]
    BadDeal(Address),
    /// The deals are good, but the key is not their sum.
    #[error("the deals are not those that the committee's key is made of")]
    OtherKey,
    /// The deals add up to no secret.
    #[error("the deals add up to no share number {0}")]
    NoShare(Index),
}

/// A member with its secrets. Never printed.
pub struct Participant {
    address: Address,
    node_secret: Zeroizing<Vec<u8>>,
    share_key: SecretKey,
    /// Whether a deal, by its digest, holds good shares: spares checking it twice.
    checked: BTreeMap<Hash, bool>,
}

impl Participant {
    /// A member. `node_secret` must hold at least 32 bytes of entropy and belong to one node;
    /// `share_key` is the secret half of the registered share key.
    #[must_use]
    pub fn new(address: Address, node_secret: &[u8], share_key: SecretKey) -> Self {
        Self {
            address,
            node_secret: Zeroizing::new(node_secret.to_vec()),
            share_key,
            checked: BTreeMap::new(),
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The public half of the key that its shares are encrypted to.
    #[must_use]
    pub fn share_key(&self) -> PublicKey {
        self.share_key.public_key()
    }

    /// What it has to post now, given what is on the board: its deal; after the close of the deals a
    /// complaint about each bad one, and a confirmation.
    pub fn owes(&mut self, board: &Board) -> Vec<Post> {
        let session = board.session();
        if session.member(&self.address).is_err() {
            return Vec::new();
        }
        if !board.deals_closed() {
            return if board.has_dealt(&self.address) {
                Vec::new()
            } else {
                vec![Post::Deal(self.deal(session))]
            };
        }
        let mut owed = Vec::new();
        for deal in board.deals() {
            if board.may_complain(&self.address, deal.dealer()) && !self.is_good(session, deal) {
                owed.push(Post::Complaint(self.complain(session, deal)));
            }
        }
        let qualified =
            board.has_dealt(&self.address) && !board.false_dealers().contains(&self.address);
        if qualified && !board.has_confirmed(&self.address) {
            let deals = board.deals_digest();
            owed.push(Post::Confirmation(confirmation::write(
                session,
                &self.address,
                &deals,
            )));
        }
        owed
    }

    /// Its deal in this session, the same whenever it is asked for.
    #[must_use]
    pub fn deal(&self, session: &Session) -> Vec<u8> {
        Draft::new(session, &self.address, &self.node_secret).finish()
    }

    /// Its complaint about a deal, justified or not.
    #[must_use]
    pub fn complain(&self, session: &Session, deal: &Deal) -> Vec<u8> {
        complaint::write(session, &self.address, &self.share_key, deal)
    }

    /// Whether the deal holds good shares for this member.
    pub fn is_good(&mut self, session: &Session, deal: &Deal) -> bool {
        if let Some(known) = self.checked.get(deal.digest()) {
            return *known;
        }
        let good = self.open(session, deal).is_some();
        self.checked.insert(*deal.digest(), good);
        good
    }

    /// Its shares of the committee's key, out of the deals that the key is made of: when the key comes
    /// in force, after a restart, or on a machine that has only the share key and the chain. Checked
    /// against the key in one go; the deals one by one only when that fails.
    ///
    /// # Errors
    ///
    /// When a deal does not open to good shares, or the deals are not those of the key.
    pub fn secret_shares<'a>(
        &self,
        session: &Session,
        qualified: impl Iterator<Item = &'a Deal> + Clone,
        key: &CommitteeKey,
    ) -> Result<SecretShares, RecoverError> {
        let mut sums: BTreeMap<Index, SecretScalar> = session
            .indices(&self.address)
            .map(|index| (index, SecretScalar::default()))
            .collect();
        let mut binding: Vec<&[u8]> = vec![session.digest(), &self.address];
        for deal in qualified.clone() {
            let shared = shared(&number(&self.share_key), deal.ephemeral());
            let shares = open(
                session,
                deal.dealer(),
                &self.address,
                &shared,
                deal.masked(),
            )
            .ok_or(RecoverError::BadDeal(*deal.dealer()))?;
            for (index, share) in shares {
                if let Some(sum) = sums.get_mut(&index) {
                    sum.add(share.expose());
                }
            }
            binding.push(deal.digest());
        }
        let sums: Vec<(Index, SecretScalar)> = sums.into_iter().collect();
        if !key.commitment().holds(&sums, &binding) {
            let bad = qualified
                .clone()
                .find(|deal| self.open(session, deal).is_none());
            return Err(bad.map_or(RecoverError::OtherKey, |deal| {
                RecoverError::BadDeal(*deal.dealer())
            }));
        }
        let shares = sums.into_iter().map(|(index, sum)| {
            let share = SecretKey::from_bytes(sum.to_bytes().as_slice());
            Ok((index, share.map_err(|_| RecoverError::NoShare(index))?))
        });
        shares.collect::<Result<_, _>>().map(SecretShares::new)
    }

    fn open(&self, session: &Session, deal: &Deal) -> Option<Vec<(Index, SecretScalar)>> {
        if session.indices(&self.address).next().is_none() {
            return Some(Vec::new());
        }
        let shared = shared(&number(&self.share_key), deal.ephemeral());
        good_shares(session, deal, &self.address, &shared)
    }
}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Participant({})", hex(&self.address))
    }
}

/// Deals that a dishonest member makes.
#[cfg(any(test, feature = "testing"))]
impl Participant {
    /// A deal whose proofs verify but whose shares with these indices are wrong.
    #[must_use]
    pub fn deal_badly(&self, session: &Session, bad: &[Index]) -> Vec<u8> {
        let mut draft = Draft::new(session, &self.address, &self.node_secret);
        for index in bad {
            let at = usize::from(index.get()).saturating_sub(1);
            if let Some(share) = draft.masked.get_mut(at) {
                share[31] ^= 1;
            }
        }
        draft.finish()
    }
}
