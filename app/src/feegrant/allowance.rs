//! `BasicAllowance`: read from its message, checked, and spent.

use prost::Name;
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::feegrant::v1beta1::BasicAllowance;
use race_proto::Any;

use super::Error;
use crate::bank::coins::{nicoin, Coins};
use crate::coin::DENOM;
use crate::error::TxError;
use crate::message::{decode, response as packed};
use crate::time::{self, milliseconds};

/// What a granter pays for a grantee: all of it without a limit.
pub(super) struct Allowance {
    basic: BasicAllowance,
    limit: Coins,
}

/// What is left of an allowance after a fee.
pub(super) enum Left {
    /// Something: its message.
    Some(Any),
    /// Nothing: the allowance is over.
    Nothing,
}

impl Allowance {
    /// Reads it.
    ///
    /// # Errors
    /// When it is left out or of another kind, or a field does not decode.
    pub(super) fn unpack(any: Option<&Any>) -> Result<Self, TxError> {
        let missing = || {
            TxError::sdk(
                34,
                "allowance cannot be empty: failed packing protobuf message to Any",
            )
        };
        let any = any.ok_or_else(missing)?;
        if any.type_url != BasicAllowance::type_url() {
            let type_url = any.type_url.clone();
            return Err(Error::NotSupported { type_url }.into());
        }
        let basic: BasicAllowance = decode(&any.value)?;
        if let Some(end) = &basic.expiration {
            time::check(end)
                .map_err(|e| TxError::sdk(2, format!("expiration: {e}: tx parse error")))?;
        }
        let limit = Coins::parse(&basic.spend_limit)?;
        Ok(Self { basic, limit })
    }

    /// Its message.
    pub(super) fn pack(&self) -> Any {
        packed(&self.basic)
    }

    /// The header time in ms at which it is over.
    pub(super) fn end_ms(&self) -> Option<u64> {
        let end = self.basic.expiration.as_ref()?;
        Some(milliseconds(Some(end)))
    }

    /// Whether it is over at that header time.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        self.end_ms().is_some_and(|end| end <= now_ms)
    }

    /// The SDK's checks of its fields at that header time.
    pub(super) fn check(&self, now_ms: u64) -> Result<(), TxError> {
        if !self.limit.0.is_empty() && !self.limit.is_valid() {
            let log = format!("send amount is invalid: {}: invalid coins", self.limit);
            return Err(TxError::sdk(10, log));
        }
        match self.is_over(now_ms) {
            false => Ok(()),
            true => Err(TxError::sdk(
                18,
                "expiration is before current block time: invalid request",
            )),
        }
    }

    /// Spends a fee, whose coins are checked.
    pub(super) fn spend(&self, now_ms: u64, fee: &Coins) -> Result<Left, Error> {
        if self.is_over(now_ms) {
            return Err(Error::Expired {});
        }
        if self.limit.0.is_empty() {
            return Ok(Left::Some(self.pack()));
        }
        let left = self.limit.nicoin().checked_sub(fee.nicoin());
        let (Some(left), None) = (left, fee.foreign()) else {
            return Err(Error::LimitExceeded {});
        };
        let reduced = |coin: &Coin| match coin.denom == DENOM {
            true => (left > 0).then(|| nicoin(left)),
            false => Some(coin.clone()),
        };
        let coins: Vec<_> = self.basic.spend_limit.iter().filter_map(reduced).collect();
        if coins.is_empty() {
            return Ok(Left::Nothing);
        }
        Ok(Left::Some(packed(&BasicAllowance {
            spend_limit: coins,
            expiration: self.basic.expiration,
        })))
    }
}
