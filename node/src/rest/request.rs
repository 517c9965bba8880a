//! A request message out of the path, the query and the body.

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use base64::Engine as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use tonic::Status;

use super::routes::{decoded, Captured, Route};
use crate::proto_json::from_json;

/// Builds the request. Query parameters that no field is named after are ignored, as in the SDK.
///
/// # Errors
/// `InvalidArgument`, naming what is wrong.
pub fn build(
    route: &Route,
    captured: &Captured,
    query: &str,
    body: &[u8],
) -> Result<DynamicMessage, Status> {
    let descriptor = route.method.input();
    let mut message = match route.body && !body.is_empty() {
        true => read_body(descriptor, body)?,
        false => DynamicMessage::new(descriptor),
    };
    if !route.body {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let bad = || Status::invalid_argument(format!("{pair:?} is not UTF-8"));
            let text = |text: &str| decoded(&text.replace('+', " ")).ok_or_else(bad);
            set(&mut message, &text(name)?, &text(value)?)?;
        }
    }
    for (name, value) in captured {
        set(&mut message, name, value)?;
    }
    Ok(message)
}

fn read_body(descriptor: MessageDescriptor, body: &[u8]) -> Result<DynamicMessage, Status> {
    let json = serde_json::from_slice(body)
        .map_err(|error| Status::invalid_argument(format!("the body is no JSON: {error}")))?;
    from_json(descriptor, json).map_err(Status::invalid_argument)
}

/// A field by its name in the file or in JSON.
fn field(message: &DynamicMessage, name: &str) -> Option<FieldDescriptor> {
    let descriptor = prost_reflect::ReflectMessage::descriptor(message);
    descriptor
        .get_field_by_name(name)
        .or_else(|| descriptor.get_field_by_json_name(name))
}

/// Sets `pagination.limit` and the like.
fn set(message: &mut DynamicMessage, path: &str, text: &str) -> Result<(), Status> {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(field) = field(message, name) else {
        return Ok(());
    };
    if !rest.is_empty() {
        return match message.get_field_mut(&field) {
            Value::Message(inner) => set(inner, rest, text),
            _ => Ok(()),
        };
    }
    let value = read(&field.kind(), text).map_err(|expected| {
        Status::invalid_argument(format!(
            "type mismatch, parameter: {path}, error: {text:?} is not {expected}"
        ))
    })?;
    match message.get_field_mut(&field) {
        Value::List(items) => items.push(value),
        place => *place = value,
    }
    Ok(())
}

/// Reads a value; the error says what was expected.
fn read(kind: &Kind, text: &str) -> Result<Value, &'static str> {
    const WHOLE: &str = "a whole number in the field's range";
    Ok(match kind {
        Kind::String => Value::String(text.to_owned()),
        Kind::Bool => Value::Bool(match text {
            "true" | "1" | "t" | "T" | "TRUE" | "True" => true,
            "false" | "0" | "f" | "F" | "FALSE" | "False" => false,
            _ => return Err("true or false"),
        }),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(text.parse().map_err(|_| WHOLE)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(text.parse().map_err(|_| WHOLE)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(text.parse().map_err(|_| WHOLE)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(text.parse().map_err(|_| WHOLE)?),
        Kind::Bytes => {
            // A plus that was not escaped came as a space.
            let text = text.replace(' ', "+");
            let bytes = STANDARD.decode(&text).or_else(|_| URL_SAFE.decode(&text));
            Value::Bytes(bytes.map_err(|_| "base64")?.into())
        }
        Kind::Enum(names) => {
            let named = names.get_value_by_name(text).map(|value| value.number());
            let number = named.or_else(|| text.parse().ok());
            Value::EnumNumber(number.ok_or("a name or number of the enum")?)
        }
        Kind::Message(inner) => {
            let json = serde_json::from_str(text).map_err(|_| "JSON")?;
            Value::Message(from_json(inner.clone(), json).map_err(|_| "JSON of the field's type")?)
        }
        Kind::Float | Kind::Double => return Err("a parameter of this API"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::routes::find;
    use race_proto::cosmos::bank::v1beta1::QueryAllBalancesRequest;
    use race_proto::cosmos::staking::v1beta1::QueryValidatorsRequest;
    use race_proto::cosmos::tx::v1beta1::{BroadcastTxRequest, GetTxsEventRequest};

    fn built<M: prost::Message + Default>(verb: &str, uri: &str, body: &str) -> Result<M, Status> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let (route, captured) = find(verb, path).unwrap();
        let message = build(route, &captured, query, body.as_bytes())?;
        Ok(message.transcode_to().unwrap())
    }

    #[test]
    fn path_and_query_fill_the_request() {
        let uri = "/cosmos/bank/v1beta1/balances/race1a?pagination.limit=5&pagination.key=AQ%3D%3D&pagination.count_total=true&unknown=1";
        let request: QueryAllBalancesRequest = built("GET", uri, "").unwrap();
        assert_eq!(request.address, "race1a");
        let page = request.pagination.unwrap();
        assert_eq!((page.limit, page.key, page.count_total), (5, vec![1], true));
        let uri = "/cosmos/staking/v1beta1/validators?status=BOND_STATUS_BONDED";
        let request: QueryValidatorsRequest = built("GET", uri, "").unwrap();
        assert_eq!(request.status, "BOND_STATUS_BONDED");
        for order in ["ORDER_BY_DESC", "2"] {
            let uri =
                format!("/cosmos/tx/v1beta1/txs?query=tx.height%3D5+AND+a=b&order_by={order}");
            let request: GetTxsEventRequest = built("GET", &uri, "").unwrap();
            assert_eq!(
                (request.query.as_str(), request.order_by),
                ("tx.height=5 AND a=b", 2)
            );
        }
    }

    #[test]
    fn a_body_takes_both_spellings_and_enums_by_name_or_number() {
        for body in [
            r#"{"tx_bytes":"AQI=","mode":"BROADCAST_MODE_SYNC"}"#,
            r#"{"txBytes":"AQI=","mode":2}"#,
        ] {
            let request: BroadcastTxRequest =
                built("POST", "/cosmos/tx/v1beta1/txs", body).unwrap();
            assert_eq!((request.tx_bytes, request.mode), (vec![1, 2], 2));
        }
        for body in ["{", r#"{"no_such":1}"#] {
            let error =
                built::<BroadcastTxRequest>("POST", "/cosmos/tx/v1beta1/txs", body).unwrap_err();
            assert_eq!(error.code(), tonic::Code::InvalidArgument);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_path_query_and_body_are_a_request_or_refused(
            value in "[ -~]{0,20}", name in "[a-z_.]{0,24}", query in "[ -~]{0,40}", body in "[\\[\\]{}\",:0-9a-z_@/.-]{0,40}",
        ) {
            for route in crate::rest::routes::all() {
                let path = filled(&route.template, &value);
                let found = find(route.verb, &path);
                let Some((route, captured)) = found else { continue };
                let fields: Vec<_> = route.method.input().fields().map(|f| f.name().to_owned()).collect();
                let mut queries = vec![query.clone(), format!("{name}={value}")];
                queries.extend(fields.iter().map(|field| format!("{field}={value}")));
                queries.extend(fields.iter().map(|field| format!("{field}.{name}={value}")));
                for query in &queries {
                    match build(route, &captured, query, body.as_bytes()) {
                        Ok(message) => drop(prost::Message::encode_to_vec(&message)),
                        Err(status) => {
                            assert_eq!(status.code(), tonic::Code::InvalidArgument);
                            assert!(!status.message().is_empty());
                        }
                    }
                }
            }
        }
    }

    /// The template with a value in the place of each field.
    fn filled(template: &str, value: &str) -> String {
        let value = value.replace('/', "%2F");
        let parts = template.split('/').map(|part| match part.starts_with('{') {
            true => value.as_str(),
            false => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    #[test]
    fn a_wrong_number_is_named() {
        let uri = "/cosmos/base/tendermint/v1beta1/blocks/x";
        let error = built::<QueryAllBalancesRequest>("GET", uri, "").unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument);
        assert!(
            error.message().contains("parameter: height"),
            "{}",
            error.message()
        );
    }
}
