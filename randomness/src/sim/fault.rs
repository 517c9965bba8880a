//! What members can do wrong.

use super::Node;
use crate::hash::Address;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// One way to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Posts no deal.
    SilentDeal,
    /// Posts bytes of the right length that are no deal.
    JunkDeal,
    /// Posts the ciphertext of another's deal in a deal of its own.
    CopiedCiphertext,
    /// Deals bad shares to the member after it and good ones to the others.
    BadShares,
    /// Complains about a good deal.
    FalseComplaint,
    /// Neither complains nor confirms.
    SilentConfirm,
    /// Commits to nothing.
    SilentCommit,
    /// Commits, but does not reveal.
    SilentReveal,
    /// Commits, but does not reveal in the fallback window.
    SilentFallback,
    /// Votes without an extension.
    SilentSign,
    /// Puts bytes of the right length into its extension.
    JunkExtension,
    /// Puts signatures of something else into its extension.
    BadSignature,
    /// Omits the signature when it proposes.
    OmitSignature,
    /// Crashes in every phase, after it has posted, and starts again with nothing but its secrets.
    Crash,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::SilentDeal,
        Self::JunkDeal,
        Self::CopiedCiphertext,
        Self::BadShares,
        Self::FalseComplaint,
        Self::SilentConfirm,
        Self::SilentCommit,
        Self::SilentReveal,
        Self::SilentFallback,
        Self::SilentSign,
        Self::JunkExtension,
        Self::BadSignature,
        Self::OmitSignature,
        Self::Crash,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SilentDeal => "silent-deal",
            Self::JunkDeal => "junk-deal",
            Self::CopiedCiphertext => "copied-ciphertext",
            Self::BadShares => "bad-shares",
            Self::FalseComplaint => "false-complaint",
            Self::SilentConfirm => "silent-confirm",
            Self::SilentCommit => "silent-commit",
            Self::SilentReveal => "silent-reveal",
            Self::SilentFallback => "silent-fallback",
            Self::SilentSign => "silent-sign",
            Self::JunkExtension => "junk-extension",
            Self::BadSignature => "bad-signature",
            Self::OmitSignature => "omit-signature",
            Self::Crash => "crash",
        }
    }
}

/// Which part of the committee, from the lowest address up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One member.
    One,
    /// As many as hold less than a third of the power.
    Third,
    /// As many as hold at most half of the power.
    Half,
    /// Everyone.
    All,
}

impl Part {
    const ALL: [Self; 4] = [Self::One, Self::Third, Self::Half, Self::All];

    const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Third => "third",
            Self::Half => "half",
            Self::All => "all",
        }
    }

    pub(super) fn of(self, nodes: &BTreeMap<Address, Node>) -> Vec<Address> {
        let total = nodes.values().fold(0u128, |sum, node| {
            sum.saturating_add(u128::from(node.power))
        });
        let mut power = 0u128;
        let within = |node: &&Node| {
            power = power.saturating_add(u128::from(node.power));
            match self {
                Self::One | Self::All => true,
                Self::Third => power.saturating_mul(3) < total,
                Self::Half => power.saturating_mul(2) <= total,
            }
        };
        let limit = if self == Self::One { 1 } else { nodes.len() };
        let part = nodes.values().take_while(within).take(limit);
        part.map(|node| node.address).collect()
    }
}

/// Part of a committee doing wrong: `third-silent-deal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Who.
    pub part: Part,
    /// What.
    pub fault: Fault,
}

/// A name that is no part of a committee doing wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one, third, half or all, a hyphen, and one of: {}; got {got:?}", Fault::ALL.map(Fault::name).join(", "))]
pub struct FaultError {
    got: String,
}

impl FromStr for Wrong {
    type Err = FaultError;

    fn from_str(name: &str) -> Result<Self, FaultError> {
        let error = || FaultError {
            got: name.to_owned(),
        };
        let (part, fault) = name.split_once('-').ok_or_else(error)?;
        let part = Part::ALL.into_iter().find(|known| known.name() == part);
        let fault = Fault::ALL.into_iter().find(|known| known.name() == fault);
        Ok(Self {
            part: part.ok_or_else(error)?,
            fault: fault.ok_or_else(error)?,
        })
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.part.name(), self.fault.name())
    }
}
