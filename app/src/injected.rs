//! The one transaction that nobody signs: what a proposer adds to its block, as the first transaction.
//!
//! It carries the signatures of rounds that the proposer combined out of votes' extensions. It has the
//! form of any transaction, so that explorers show it, but no signer, no fee and no gas: CheckTx refuses
//! it, a proposal with a wrong one is refused, and a proposal without one is fine.

use bytes::Bytes;
use prost::Message;
use race_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use race_proto::race::beacon::v1::{MsgPutSignatures, MsgPutSignaturesResponse, RoundSignature};

use crate::beacon::signing;
use crate::context::Context;
use crate::error::TxError;
use crate::events::{attribute, event};
use crate::message::response as packed;
use crate::state::State;
use crate::tx::Outcome;

/// The transaction that carries these signatures; nothing without any.
pub fn encode(signatures: Vec<RoundSignature>) -> Option<Bytes> {
    if signatures.is_empty() {
        return None;
    }
    let body = TxBody {
        messages: vec![packed(&MsgPutSignatures { signatures })],
        ..TxBody::default()
    };
    let raw = TxRaw {
        body_bytes: body.encode_to_vec(),
        ..TxRaw::default()
    };
    Some(raw.encode_to_vec().into())
}

/// The signatures that a transaction carries, when it is exactly what [`encode`] makes of them.
pub fn read(bytes: &Bytes) -> Option<Vec<RoundSignature>> {
    let raw = TxRaw::decode(bytes.clone()).ok()?;
    let body = TxBody::decode(raw.body_bytes.as_slice()).ok()?;
    let message = body.messages.first()?;
    let message = MsgPutSignatures::decode(message.value.as_slice()).ok()?;
    let again = encode(message.signatures.clone())?;
    (again == bytes).then_some(message.signatures)
}

/// Whether every signature is one that a round awaits, in the rounds' order and each once, checked by
/// one pairing each.
pub fn is_good(state: &State, chain_id: &str, signatures: &[RoundSignature]) -> bool {
    let awaited = signing::awaited(state, chain_id);
    let mut left = awaited.iter();
    // Never more pairings than there are rounds: each signature goes on where the last one stopped.
    signatures.iter().all(|given| {
        left.any(|round| Some(round.id) == given.round)
            && signing::check(state, chain_id, given).is_ok()
    })
}

/// Executes it: all signatures or none.
pub fn deliver(state: &mut State, context: &Context<'_>, signatures: &[RoundSignature]) -> Outcome {
    state.begin();
    let mut given = signatures.iter();
    if let Err(error) = given.try_for_each(|given| signing::take(state, context, given)) {
        state.discard();
        return Outcome {
            error: Some(TxError::from(error)),
            ..Outcome::default()
        };
    }
    state.keep();
    let action = [
        ("action", "/race.beacon.v1.MsgPutSignatures"),
        ("module", "beacon"),
    ];
    let mut event = event("message", &action);
    event.attributes.push(attribute("msg_index", "0"));
    Outcome {
        responses: vec![packed(&MsgPutSignaturesResponse {})],
        events: vec![event],
        ..Outcome::default()
    }
}
