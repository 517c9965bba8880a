//! Allowances: read from their messages, checked, and spent.
//!
//! | file | message |
//! |---|---|
//! | `basic.rs` | `BasicAllowance`: a limit and an end |
//! | `periodic.rs` | `PeriodicAllowance`: a limit for each period, too |
//! | `allowed.rs` | `AllowedMsgAllowance`: one of these, for some messages |

mod allowed;
mod basic;
mod periodic;
#[cfg(test)]
mod tests;

use prost::Name;
use race_proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, BasicAllowance, PeriodicAllowance,
};
use race_proto::Any;

use super::Error;
use crate::bank::coins::Coins;
use crate::error::TxError;
use crate::message::decode;

use allowed::Allowed;
use basic::Basic;
use periodic::Periodic;

/// How deep allowances may lie in each other.
const MAX_DEPTH: usize = 4;

/// What a granter pays for a grantee.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Allowance {
    /// Up to a limit.
    Basic(Basic),
    /// Up to a limit in each period.
    Periodic(Periodic),
    /// For some messages.
    Allowed(Allowed),
}

/// A fee that is to be paid.
pub(super) struct Spending<'a> {
    /// The block's header time.
    pub(super) now_ms: u64,
    /// The fee, whose coins are checked.
    pub(super) fee: &'a Coins,
    /// The type URLs of the transaction's messages.
    pub(super) types: &'a [&'a str],
}

/// Whether anything is left of an allowance after a fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It goes on.
    Some,
    /// It is over.
    Nothing,
}

impl Allowance {
    /// Reads it.
    ///
    /// # Errors
    /// When it is left out, of a kind that is not known or packed too deep, or a field does not decode.
    pub(super) fn unpack(any: Option<&Any>) -> Result<Self, TxError> {
        Self::unpack_at(any, 1)
    }

    fn unpack_at(any: Option<&Any>, depth: usize) -> Result<Self, TxError> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep { limit: MAX_DEPTH }.into());
        }
        let any = any.ok_or(Error::NoAllowance {})?;
        let is = |url: String| any.type_url == url;
        if is(BasicAllowance::type_url()) {
            return Basic::read(decode(&any.value)?).map(Self::Basic);
        }
        if is(PeriodicAllowance::type_url()) {
            return Periodic::read(decode(&any.value)?).map(Self::Periodic);
        }
        if is(AllowedMsgAllowance::type_url()) {
            return Allowed::read(decode(&any.value)?, depth).map(Self::Allowed);
        }
        let url = &any.type_url;
        Err(TxError::sdk(
            2,
            format!("{url} is no fee allowance; give a BasicAllowance, a PeriodicAllowance or an AllowedMsgAllowance: tx parse error"),
        ))
    }

    /// Its message.
    pub(super) fn pack(&self) -> Any {
        match self {
            Self::Basic(basic) => basic.pack(),
            Self::Periodic(periodic) => periodic.pack(),
            Self::Allowed(allowed) => allowed.pack(),
        }
    }

    /// The header time in ms at which it is over.
    pub(super) fn end_ms(&self) -> Option<u64> {
        match self {
            Self::Basic(basic) => basic.end_ms(),
            Self::Periodic(periodic) => periodic.end_ms(),
            Self::Allowed(allowed) => allowed.end_ms(),
        }
    }

    /// Whether it is over at that header time.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        self.end_ms().is_some_and(|end| end <= now_ms)
    }

    /// The SDK's checks of a new one at that header time.
    pub(super) fn check(&self, now_ms: u64) -> Result<(), TxError> {
        self.check_fields()?;
        match self.is_over(now_ms) {
            false => Ok(()),
            true => Err(TxError::sdk(
                18,
                "expiration is before current block time: invalid request",
            )),
        }
    }

    fn check_fields(&self) -> Result<(), TxError> {
        match self {
            Self::Basic(basic) => basic.check(),
            Self::Periodic(periodic) => periodic.check(),
            Self::Allowed(allowed) => allowed.check(),
        }
    }

    /// Spends a fee. After an error it must not be kept.
    pub(super) fn spend(&mut self, spending: &Spending<'_>) -> Result<Left, Error> {
        match self {
            Self::Basic(basic) => basic.spend(spending),
            Self::Periodic(periodic) => periodic.spend(spending),
            Self::Allowed(allowed) => allowed.spend(spending),
        }
    }
}
