//! Refusal of fields that no `.proto` file names.
//!
//! What a signer signed must mean the same to everybody: a field that this program does not know
//! could change the meaning, so it is refused wherever it stands, also inside packed messages.
//! Only `TxBody` may carry unknown fields whose number has bit 1024 (the SDK's non-critical ones).

use prost::bytes::Buf;
use prost::encoding::{decode_varint, WireType};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use crate::error::TxError;

/// How deep messages may lie in each other.
pub const MAX_DEPTH: usize = 32;

const NON_CRITICAL_BIT: u32 = 1024;
const ANY: &str = "google.protobuf.Any";

/// Whether unknown non-critical fields are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NonCritical {
    /// In `TxBody` itself.
    Accept,
    /// Everywhere else.
    Refuse,
}

/// Checks the encoding of a message of the given type.
///
/// # Errors
/// `sdk` 2, naming the type and the field.
pub fn refuse_unknown_fields(
    name: &str,
    bytes: &[u8],
    non_critical: NonCritical,
) -> Result<(), TxError> {
    let pool = race_proto::descriptor_pool();
    let descriptor = resolve(pool, name)?;
    Walk { pool }.message(&descriptor, bytes, non_critical, 0)
}

fn parse_error(what: impl std::fmt::Display) -> TxError {
    TxError::sdk(2, format!("{what}: tx parse error"))
}

fn resolve(pool: &DescriptorPool, name: &str) -> Result<MessageDescriptor, TxError> {
    let missing = || parse_error(format!("unable to resolve type URL /{name}"));
    pool.get_message_by_name(name).ok_or_else(missing)
}

struct Walk<'a> {
    pool: &'a DescriptorPool,
}

impl Walk<'_> {
    fn message(
        &self,
        descriptor: &MessageDescriptor,
        bytes: &[u8],
        non_critical: NonCritical,
        depth: usize,
    ) -> Result<(), TxError> {
        if depth > MAX_DEPTH {
            return Err(parse_error(format!(
                "messages lie more than {MAX_DEPTH} deep in each other"
            )));
        }
        let mut rest = bytes;
        while rest.has_remaining() {
            let (number, wire) = tag(&mut rest)?;
            let value = value(&mut rest, wire)?;
            match descriptor.get_field(number) {
                Some(field) => self.field(&field, wire, value, depth)?,
                None if non_critical == NonCritical::Accept && number & NON_CRITICAL_BIT != 0 => {}
                None => {
                    return Err(parse_error(format!(
                        "errUnknownField \"{}\": {{TagNum: {number}, WireType:\"{}\"}}",
                        go_name(descriptor),
                        wire_name(wire)
                    )))
                }
            }
        }
        Ok(())
    }

    fn field(
        &self,
        field: &FieldDescriptor,
        wire: WireType,
        value: &[u8],
        depth: usize,
    ) -> Result<(), TxError> {
        let Kind::Message(inner) = field.kind() else {
            return Ok(());
        };
        if wire != WireType::LengthDelimited {
            return Err(parse_error(format!(
                "field {} has the wrong wire type",
                field.full_name()
            )));
        }
        let deeper = depth.saturating_add(1);
        self.message(&inner, value, NonCritical::Refuse, deeper)?;
        if inner.full_name() != ANY {
            return Ok(());
        }
        let any = <prost_types::Any as prost::Message>::decode(value).map_err(parse_error)?;
        let name = any.type_url.strip_prefix('/').unwrap_or(&any.type_url);
        let packed = resolve(self.pool, name)?;
        self.message(&packed, &any.value, NonCritical::Refuse, deeper)
    }
}

fn tag(rest: &mut &[u8]) -> Result<(u32, WireType), TxError> {
    let key = decode_varint(rest).map_err(parse_error)?;
    let wire = WireType::try_from(key & 7).map_err(parse_error)?;
    match u32::try_from(key >> 3) {
        Ok(number) if (1..1 << 29).contains(&number) => Ok((number, wire)),
        _ => Err(parse_error("a field number out of range")),
    }
}

/// Takes a value; of a length-delimited one, its content.
fn value<'a>(rest: &mut &'a [u8], wire: WireType) -> Result<&'a [u8], TxError> {
    let length = match wire {
        WireType::Varint => {
            decode_varint(rest).map_err(parse_error)?;
            0
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => {
            let length = decode_varint(rest).map_err(parse_error)?;
            usize::try_from(length).map_err(parse_error)?
        }
        WireType::StartGroup | WireType::EndGroup => {
            return Err(parse_error("groups are not supported"))
        }
    };
    let (value, after) = rest
        .split_at_checked(length)
        .ok_or_else(|| parse_error("unexpected EOF"))?;
    *rest = after;
    Ok(value)
}

fn wire_name(wire: WireType) -> &'static str {
    match wire {
        WireType::Varint => "varint",
        WireType::SixtyFourBit => "fixed64",
        WireType::LengthDelimited => "bytes",
        WireType::StartGroup => "start_group",
        WireType::EndGroup => "end_group",
        WireType::ThirtyTwoBit => "fixed32",
    }
}

/// The name of the type in the SDK's own language, which its error shows.
fn go_name(descriptor: &MessageDescriptor) -> String {
    let package = match descriptor.package_name() {
        "cosmos.tx.v1beta1" => "tx",
        "cosmos.tx.signing.v1beta1" => "signing",
        "cosmos.crypto.secp256k1" => "secp256k1",
        "cosmos.crypto.ed25519" => "ed25519",
        "cosmos.gov.v1" => "v1",
        _ => "types",
    };
    format!("*{package}.{}", descriptor.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use race_proto::cosmos::bank::v1beta1::MsgSend;
    use race_proto::cosmos::tx::v1beta1::TxBody;
    use race_proto::Any;

    const BODY: &str = "cosmos.tx.v1beta1.TxBody";

    fn check(bytes: &[u8]) -> Result<(), String> {
        refuse_unknown_fields(BODY, bytes, NonCritical::Accept).map_err(|e| e.log)
    }

    fn with_field(mut bytes: Vec<u8>, number: u32) -> Vec<u8> {
        prost::encoding::encode_varint(u64::from(number) << 3, &mut bytes);
        bytes.push(1);
        bytes
    }

    #[test]
    fn an_unknown_field_is_refused_in_the_words_of_the_sdk() {
        let log = check(&with_field(TxBody::default().encode_to_vec(), 100)).unwrap_err();
        assert_eq!(
            log,
            "errUnknownField \"*tx.TxBody\": {TagNum: 100, WireType:\"varint\"}: tx parse error"
        );
    }

    #[test]
    fn a_non_critical_field_is_accepted_in_the_body_alone() {
        assert!(check(&with_field(Vec::new(), 1024 + 100)).is_ok());
        let value = with_field(MsgSend::default().encode_to_vec(), 1024 + 100);
        let any = Any {
            type_url: "/cosmos.bank.v1beta1.MsgSend".into(),
            value,
        };
        let body = TxBody {
            messages: vec![any],
            ..TxBody::default()
        };
        assert!(check(&body.encode_to_vec())
            .unwrap_err()
            .contains("*types.MsgSend"));
    }

    #[test]
    fn an_unknown_type_and_cut_off_bytes_are_refused() {
        let any = Any {
            type_url: "/no.Such".into(),
            value: vec![],
        };
        let body = TxBody {
            messages: vec![any],
            ..TxBody::default()
        }
        .encode_to_vec();
        assert_eq!(
            check(&body).unwrap_err(),
            "unable to resolve type URL /no.Such: tx parse error"
        );
        assert!(check(&body[..body.len() - 1]).is_err());
    }

    #[test]
    fn messages_packed_in_each_other_without_end_are_refused() {
        let mut any = Any {
            type_url: "/cosmos.bank.v1beta1.MsgSend".into(),
            value: vec![],
        };
        for _ in 0..40 {
            let inner = race_proto::cosmos::gov::v1::MsgSubmitProposal {
                messages: vec![any],
                ..Default::default()
            };
            any = Any {
                type_url: "/cosmos.gov.v1.MsgSubmitProposal".into(),
                value: inner.encode_to_vec(),
            };
        }
        let body = TxBody {
            messages: vec![any],
            ..TxBody::default()
        };
        assert!(check(&body.encode_to_vec()).unwrap_err().contains("deep"));
    }
}
