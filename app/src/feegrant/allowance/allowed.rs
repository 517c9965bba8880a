//! `AllowedMsgAllowance`: another allowance, for transactions of some messages alone.

use race_proto::cosmos::feegrant::v1beta1::AllowedMsgAllowance;
use race_proto::Any;

use super::{Allowance, Left, Spending};
use crate::error::TxError;
use crate::feegrant::Error;
use crate::message::response as packed;

/// Most types of messages that an allowance names.
const MAX_TYPES: usize = 64;

/// Fees of some messages.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::feegrant) struct Allowed {
    allowance: Box<Allowance>,
    types: Vec<String>,
}

impl Allowed {
    /// Reads it, itself so deep in others.
    pub(super) fn read(message: AllowedMsgAllowance, depth: usize) -> Result<Self, TxError> {
        let depth = depth.saturating_add(1);
        let allowance = Allowance::unpack_at(message.allowance.as_ref(), depth)?;
        Ok(Self {
            allowance: Box::new(allowance),
            types: message.allowed_messages,
        })
    }

    pub(super) fn pack(&self) -> Any {
        packed(&AllowedMsgAllowance {
            allowance: Some(self.allowance.pack()),
            allowed_messages: self.types.clone(),
        })
    }

    pub(super) fn end_ms(&self) -> Option<u64> {
        self.allowance.end_ms()
    }

    pub(super) fn check(&self) -> Result<(), TxError> {
        let (limit, got) = (MAX_TYPES, self.types.len());
        if got == 0 {
            return Err(Error::NoMessages {}.into());
        }
        if got > limit {
            return Err(Error::LongList { limit, got }.into());
        }
        self.allowance.check_fields()
    }

    pub(super) fn spend(&mut self, spending: &Spending<'_>) -> Result<Left, Error> {
        let allows = |url: &&str| self.types.iter().any(|allowed| allowed == url);
        match spending.types.iter().all(allows) {
            true => self.allowance.spend(spending),
            false => Err(Error::MessageNotAllowed {}),
        }
    }
}
