//! What a grant allows: read from its message, checked, and asked whether it covers a message.

use prost::Name;
use race_proto::cosmos::authz::v1beta1::GenericAuthorization;
use race_proto::cosmos::bank::v1beta1::{MsgSend, SendAuthorization};
use race_proto::Any;

use super::Error;
use crate::bank::coins::Coins;
use crate::error::TxError;
use crate::message::{decode, response as packed};

/// Most receivers that a grant of transfers names.
const MAX_RECEIVERS: usize = 64;

/// A grant's content.
pub(super) enum Authorization {
    /// Any message of a type.
    Generic(GenericAuthorization),
    /// Transfers up to a limit.
    Send(SendAuthorization),
}

/// What is left of a grant after a message.
pub(super) enum Left {
    /// All of it.
    Same,
    /// Something less.
    Less(Any),
    /// Nothing: the grant is over.
    Nothing,
}

impl Authorization {
    /// Reads it.
    ///
    /// # Errors
    /// `sdk` 29 when it is left out, 2 when it is of a kind that this chain does not have.
    pub(super) fn unpack(any: Option<&Any>) -> Result<Self, TxError> {
        let missing = || TxError::sdk(29, "authorization is nil: invalid type");
        let any = any.ok_or_else(missing)?;
        let is = |url: String| any.type_url == url;
        if is(GenericAuthorization::type_url()) {
            return decode(&any.value).map(Self::Generic);
        }
        if is(SendAuthorization::type_url()) {
            let send: SendAuthorization = decode(&any.value)?;
            Coins::parse(&send.spend_limit)?;
            return Ok(Self::Send(send));
        }
        let url = &any.type_url;
        Err(TxError::sdk(
            2,
            format!("{url} is no authorization; give a GenericAuthorization or a SendAuthorization: tx parse error"),
        ))
    }

    /// The type URL of the messages that it is for.
    pub(super) fn message_type(&self) -> String {
        match self {
            Self::Generic(generic) => generic.msg.clone(),
            Self::Send(_) => MsgSend::type_url(),
        }
    }

    /// The SDK's checks of its fields.
    pub(super) fn check(&self) -> Result<(), TxError> {
        let Self::Send(send) = self else {
            return Ok(());
        };
        let limit = Coins::parse(&send.spend_limit)?;
        if limit.0.is_empty() {
            return Err(TxError::sdk(10, "spend limit cannot be nil: invalid coins"));
        }
        if !limit.is_valid() {
            let log = "spend limit must be positive: invalid coins";
            return Err(TxError::sdk(10, log));
        }
        let (list, got) = (&send.allow_list, send.allow_list.len());
        if got > MAX_RECEIVERS {
            let limit = MAX_RECEIVERS;
            return Err(Error::LongList { limit, got }.into());
        }
        let mut names = list.clone();
        names.sort_unstable();
        names.dedup();
        match names.len() == got {
            true => Ok(()),
            false => Err(TxError::new("bank", 8, "duplicate entry")),
        }
    }

    /// Whether it covers a message, and what is left of it then.
    ///
    /// # Errors
    /// The SDK's, for a transfer above the limit or to another receiver.
    pub(super) fn accept(&self, message: &Any) -> Result<Left, TxError> {
        match self {
            Self::Generic(_) => Ok(Left::Same),
            Self::Send(send) => accept_transfer(send, &decode(&message.value)?),
        }
    }
}

fn accept_transfer(grant: &SendAuthorization, transfer: &MsgSend) -> Result<Left, TxError> {
    let amount = Coins::parse(&transfer.amount)?;
    let left = Coins::parse(&grant.spend_limit)?.minus(&amount);
    let (Some(left), true) = (left, amount.is_valid()) else {
        let log = "requested amount is more than spend limit: insufficient funds";
        return Err(TxError::sdk(5, log));
    };
    let (list, to) = (&grant.allow_list, &transfer.to_address);
    if !list.is_empty() && !list.contains(to) {
        let log = format!("cannot send to {to} address: unauthorized");
        return Err(TxError::sdk(4, log));
    }
    Ok(match left.0.is_empty() {
        true => Left::Nothing,
        false => Left::Less(packed(&SendAuthorization {
            spend_limit: left.to_proto(),
            allow_list: list.clone(),
        })),
    })
}
