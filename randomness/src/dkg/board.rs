//! What is public about a key generation: the deals, the verdicts and the confirmations, in the order
//! in which the chain took them. Whoever applies the same posts arrives at the same outcome.

use super::complaint::{Complaint, ComplaintError, Verdict};
use super::confirmation::{deals_digest, Confirmation, ConfirmationError};
use super::deal::{Deal, DealError};
use super::key::CommitteeKey;
use super::session::Session;
use crate::hash::{hex, Address, Hash};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a member posts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Post {
    /// A [`Deal`].
    Deal(Vec<u8>),
    /// A [`Complaint`].
    Complaint(Vec<u8>),
    /// A [`Confirmation`].
    Confirmation(Vec<u8>),
}

/// Why a post changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a deal of the session.
    #[error(transparent)]
    Deal(#[from] DealError),
    /// Not a complaint of the session.
    #[error(transparent)]
    Complaint(#[from] ComplaintError),
    /// Not a confirmation of the session.
    #[error(transparent)]
    Confirmation(#[from] ConfirmationError),
    /// A deal after the deals were closed, or an answer before.
    #[error("deals come before the close of the deals, complaints and confirmations after it")]
    Window,
    /// A second deal.
    #[error("member {} has dealt already; a deal cannot be replaced", hex(.0))]
    DealtAlready(Address),
    /// A complaint about someone who did not deal.
    #[error("member {} did not deal, so there is nothing to complain about", hex(.0))]
    NoDeal(Address),
    /// A complaint about a dealer that is out.
    #[error("dealer {} is out already", hex(.0))]
    OutAlready(Address),
    /// A second complaint of one member about one dealer, or one of a member that complained falsely.
    #[error("the complaints of member {} have been judged", hex(.0))]
    Judged(Address),
    /// A confirmation of someone without a qualified deal.
    #[error("member {} has no qualified deal of its own, so it cannot confirm", hex(.0))]
    NotADealer(Address),
    /// A second confirmation.
    #[error("member {} has confirmed already", hex(.0))]
    ConfirmedAlready(Address),
    /// A confirmation of other deals.
    #[error("the confirmation is of other deals than the chain's; check the deals again and confirm those")]
    OtherDeals,
}

/// Why no key comes out. Each names what there is and, in all, what there could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortfall {
    /// Qualified dealers hold half of the power or less.
    #[error("the qualified dealers hold {power} of {total} power; more than half is needed")]
    Dealers {
        /// The power of the qualified dealers.
        power: u64,
        /// All power.
        total: u64,
    },
    /// Confirmers hold two thirds of the power or less.
    #[error("the confirmers hold {power} of {total} power; more than two thirds is needed")]
    Confirmers {
        /// The power of the confirmers.
        power: u64,
        /// All power.
        total: u64,
    },
    /// Two thirds of the confirmers' power may have fewer shares than the threshold.
    #[error("two thirds of the confirmers could not sign without the others")]
    Shares,
    /// The deals cancel each other.
    #[error("the deals add up to no key")]
    NoKey,
}

/// How a key generation ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A key, in force from the switch on.
    Active {
        /// The committee's key.
        key: CommitteeKey,
        /// Who is in the next set: those who dealt and confirmed.
        confirmers: BTreeSet<Address>,
    },
    /// No key: the next attempt, if there is one, runs with those who are left.
    Failed {
        /// What was missing.
        shortfall: Shortfall,
        /// Those who dealt and confirmed, and were found in no lie.
        left: BTreeSet<Address>,
    },
}

/// The public side of one attempt.
#[derive(Clone, Debug)]
pub struct Board {
    session: Arc<Session>,
    closed: bool,
    deals: BTreeMap<Address, Arc<Deal>>,
    out: BTreeSet<Address>,
    judged: BTreeSet<(Address, Address)>,
    false_accusers: BTreeSet<Address>,
    confirmed: BTreeSet<Address>,
}

impl Board {
    /// An empty board, open for deals.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        Self {
            session,
            closed: false,
            deals: BTreeMap::new(),
            out: BTreeSet::new(),
            judged: BTreeSet::new(),
            false_accusers: BTreeSet::new(),
            confirmed: BTreeSet::new(),
        }
    }

    /// Takes what `from` posted.
    ///
    /// # Errors
    ///
    /// When it is malformed, comes in the wrong window, or was settled before; nothing changes then.
    pub fn take(&mut self, from: &Address, post: &Post) -> Result<Option<Verdict>, Refusal> {
        match post {
            Post::Deal(bytes) => {
                // Cheap refusals first: a deal takes tens of milliseconds to check.
                self.expect_deal(from)?;
                let deal = Deal::check(&self.session, from, bytes)?;
                self.take_deal(Arc::new(deal)).map(|()| None)
            }
            Post::Complaint(bytes) => {
                let complaint = Complaint::decode(&self.session, from, bytes)?;
                self.take_complaint(&complaint).map(Some)
            }
            Post::Confirmation(bytes) => {
                let confirmation = Confirmation::decode(&self.session, from, bytes)?;
                self.take_confirmation(&confirmation).map(|()| None)
            }
        }
    }

    /// Takes a deal that was checked before, perhaps in an earlier run of the same block, or restored.
    ///
    /// # Errors
    ///
    /// When the deals are closed or the dealer has dealt.
    pub fn take_deal(&mut self, deal: Arc<Deal>) -> Result<(), Refusal> {
        self.expect_deal(deal.dealer())?;
        self.deals.insert(*deal.dealer(), deal);
        Ok(())
    }

    fn expect_deal(&self, dealer: &Address) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::Window);
        }
        if self.deals.contains_key(dealer) {
            return Err(Refusal::DealtAlready(*dealer));
        }
        Ok(())
    }

    /// Ends the window of the deals; complaints and confirmations follow.
    pub fn close_deals(&mut self) {
        self.closed = true;
    }

    /// Judges a complaint: the dealer is out, or the accuser is.
    ///
    /// # Errors
    ///
    /// When the deals are still open, there is no such deal, or it was judged before.
    pub fn take_complaint(&mut self, complaint: &Complaint) -> Result<Verdict, Refusal> {
        let (accuser, dealer) = (*complaint.accuser(), *complaint.dealer());
        if !self.closed {
            return Err(Refusal::Window);
        }
        let Some(deal) = self.deals.get(&dealer) else {
            return Err(Refusal::NoDeal(dealer));
        };
        if self.out.contains(&dealer) {
            return Err(Refusal::OutAlready(dealer));
        }
        if self.false_accusers.contains(&accuser) || self.judged.contains(&(accuser, dealer)) {
            return Err(Refusal::Judged(accuser));
        }
        let verdict = complaint
            .judge(&self.session, deal)
            .map_err(ComplaintError::NotAMember)?;
        self.judged.insert((accuser, dealer));
        match verdict {
            Verdict::DealerFalse => self.out.insert(dealer),
            Verdict::AccuserFalse => self.false_accusers.insert(accuser),
        };
        Ok(verdict)
    }

    /// Counts a confirmation.
    ///
    /// # Errors
    ///
    /// When the deals are still open, the member is no qualified dealer, has confirmed, or has
    /// checked other deals.
    pub fn take_confirmation(&mut self, confirmation: &Confirmation) -> Result<(), Refusal> {
        let member = *confirmation.member();
        if !self.closed {
            return Err(Refusal::Window);
        }
        if !self.deals.contains_key(&member) || self.out.contains(&member) {
            return Err(Refusal::NotADealer(member));
        }
        if self.confirmed.contains(&member) {
            return Err(Refusal::ConfirmedAlready(member));
        }
        if *confirmation.deals() != self.deals_digest() {
            return Err(Refusal::OtherDeals);
        }
        self.confirmed.insert(member);
        Ok(())
    }

    /// How it ends, when the window of the answers is over. Also tells, before that, how it would.
    ///
    /// Qualified dealers must hold more than half of the power, so that one of them is honest;
    /// confirmers more than two thirds; and the confirmers must be able to sign alone.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let total = self.session.total_power();
        let qualified: BTreeSet<Address> = self.qualified().map(|deal| *deal.dealer()).collect();
        let confirmers = self.confirmers();
        let dealers_power = self.session.power(&qualified);
        let confirmers_power = self.session.power(&confirmers);
        let shortfall = if !above(dealers_power, total, 1, 2) {
            Shortfall::Dealers {
                power: dealers_power,
                total,
            }
        } else if !above(confirmers_power, total, 2, 3) {
            Shortfall::Confirmers {
                power: confirmers_power,
                total,
            }
        } else if !self.session.lives_on(&confirmers) {
            Shortfall::Shares
        } else if let Some(key) = CommitteeKey::sum(&self.session, self.qualified()) {
            return Outcome::Active { key, confirmers };
        } else {
            Shortfall::NoKey
        };
        Outcome::Failed {
            shortfall,
            left: confirmers,
        }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Whether the window of the deals is over.
    #[must_use]
    pub fn deals_closed(&self) -> bool {
        self.closed
    }

    /// All deals, by dealer, those of dealers that are out included.
    pub fn deals(&self) -> impl Iterator<Item = &Arc<Deal>> {
        self.deals.values()
    }

    /// The deals that the key is made of: those of dealers that are not out.
    pub fn qualified(&self) -> impl Iterator<Item = &Deal> + Clone {
        let deals = self.deals.iter();
        deals
            .filter(|(dealer, _)| !self.out.contains(*dealer))
            .map(|(_, deal)| deal.as_ref())
    }

    /// What a confirmation names the deals by.
    #[must_use]
    pub fn deals_digest(&self) -> Hash {
        deals_digest(&self.session, self.deals.values().map(|deal| deal.digest()))
    }

    /// Who dealt and confirmed, and was found in no lie.
    #[must_use]
    pub fn confirmers(&self) -> BTreeSet<Address> {
        let honest = |member: &&Address| {
            !self.out.contains(*member) && !self.false_accusers.contains(*member)
        };
        self.confirmed.iter().filter(honest).copied().collect()
    }

    /// Whether the member has dealt.
    #[must_use]
    pub fn has_dealt(&self, member: &Address) -> bool {
        self.deals.contains_key(member)
    }

    /// Whether the member has confirmed.
    #[must_use]
    pub fn has_confirmed(&self, member: &Address) -> bool {
        self.confirmed.contains(member)
    }

    /// Whether a complaint about this dealer can still change anything for this accuser.
    #[must_use]
    pub fn may_complain(&self, accuser: &Address, dealer: &Address) -> bool {
        !self.out.contains(dealer)
            && !self.false_accusers.contains(accuser)
            && !self.judged.contains(&(*accuser, *dealer))
    }

    /// Dealers that lied: out, and to be penalised.
    #[must_use]
    pub fn false_dealers(&self) -> &BTreeSet<Address> {
        &self.out
    }

    /// Accusers that lied: to be penalised; their deals stay.
    #[must_use]
    pub fn false_accusers(&self) -> &BTreeSet<Address> {
        &self.false_accusers
    }
}

/// Whether `part` is more than `numerator / denominator` of `total`.
fn above(part: u64, total: u64, numerator: u128, denominator: u128) -> bool {
    u128::from(part).saturating_mul(denominator) > u128::from(total).saturating_mul(numerator)
}
