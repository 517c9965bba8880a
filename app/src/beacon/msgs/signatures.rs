//! `MsgPutSignatures`: signatures that a proposer combined. A transaction that carries it is executed as
//! the first of its block and nowhere else ([`crate::injected`]), so what decodes transactions refuses it.

use crate::beacon::errors::Error;
use crate::error::TxError;
use crate::message::CheckedMsg;

pub(super) const TYPE_URL: &str = "/race.beacon.v1.MsgPutSignatures";

pub(super) fn parse(_: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    Err(Error::OnlyByProposers.into())
}
