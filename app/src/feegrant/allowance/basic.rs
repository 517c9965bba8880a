//! `BasicAllowance`: an optional limit and an optional end.

use race_proto::cosmos::feegrant::v1beta1::BasicAllowance;
use race_proto::Any;
use tendermint_proto::google::protobuf::Timestamp;

use super::{Left, Spending};
use crate::bank::coins::Coins;
use crate::error::TxError;
use crate::feegrant::Error;
use crate::message::response as packed;
use crate::time::{self, milliseconds};

/// Fees up to a limit, until an end.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::feegrant) struct Basic {
    /// What may still be spent; no coins at all: as much as is wanted.
    pub(super) limit: Coins,
    end: Option<Timestamp>,
}

impl Basic {
    /// Reads it.
    pub(super) fn read(message: BasicAllowance) -> Result<Self, TxError> {
        if let Some(end) = &message.expiration {
            time::check(end)
                .map_err(|e| TxError::sdk(2, format!("expiration: {e}: tx parse error")))?;
        }
        Ok(Self {
            limit: Coins::parse(&message.spend_limit)?,
            end: message.expiration,
        })
    }

    /// Its message.
    pub(super) fn message(&self) -> BasicAllowance {
        BasicAllowance {
            spend_limit: self.limit.to_proto(),
            expiration: self.end,
        }
    }

    pub(super) fn pack(&self) -> Any {
        packed(&self.message())
    }

    pub(super) fn end_ms(&self) -> Option<u64> {
        self.end.as_ref().map(|end| milliseconds(Some(end)))
    }

    pub(super) fn check(&self) -> Result<(), TxError> {
        match self.limit.is_valid() {
            true => Ok(()),
            false => {
                let log = format!("send amount is invalid: {}: invalid coins", self.limit);
                Err(TxError::sdk(10, log))
            }
        }
    }

    pub(super) fn spend(&mut self, spending: &Spending<'_>) -> Result<Left, Error> {
        const WHAT: &str = "basic allowance";
        self.check_end(WHAT, spending)?;
        self.take(WHAT, spending)
    }

    /// Refuses when its time is over; `what` is how the SDK's error begins.
    pub(super) fn check_end(
        &self,
        what: &'static str,
        spending: &Spending<'_>,
    ) -> Result<(), Error> {
        match self.end_ms() {
            Some(end) if end <= spending.now_ms => Err(Error::Expired { what }),
            _ => Ok(()),
        }
    }

    /// Takes a fee from the limit.
    pub(super) fn take(
        &mut self,
        what: &'static str,
        spending: &Spending<'_>,
    ) -> Result<Left, Error> {
        if self.limit.0.is_empty() {
            return Ok(Left::Some);
        }
        let left = self.limit.minus(spending.fee);
        self.limit = left.ok_or(Error::LimitExceeded { what })?;
        Ok(match self.limit.0.is_empty() {
            true => Left::Nothing,
            false => Left::Some,
        })
    }
}
