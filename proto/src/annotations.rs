//! What the `.proto` files say besides shapes: amino names, how a field looks in JSON, HTTP routes.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, MethodDescriptor, Value};

use crate::descriptor_pool;

/// The value of an option by its full name, if the file sets it.
fn option(options: &DynamicMessage, name: &str) -> Option<Value> {
    let extension = descriptor_pool().get_extension_by_name(name)?;
    options
        .has_extension(&extension)
        .then(|| options.get_extension(&extension).into_owned())
}

fn text(options: &DynamicMessage, name: &str) -> Option<String> {
    option(options, name)?.as_str().map(str::to_owned)
}

fn flag(options: &DynamicMessage, name: &str) -> Option<bool> {
    option(options, name)?.as_bool()
}

/// What is said of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageNotes {
    /// `amino.name`: what amino calls it.
    pub amino_name: Option<String>,
    /// `amino.message_encoding`: a form of its own in amino JSON.
    pub amino_encoding: Option<String>,
}

impl MessageNotes {
    /// Reads the options of a message.
    pub fn of(message: &MessageDescriptor) -> Self {
        let options = message.options();
        Self {
            amino_name: text(&options, "amino.name"),
            amino_encoding: text(&options, "amino.message_encoding"),
        }
    }
}

/// What is said of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNotes {
    /// `amino.field_name`: its name in amino JSON, if it is another one.
    pub amino_name: Option<String>,
    /// `amino.encoding`: a form of its own in amino JSON.
    pub amino_encoding: Option<String>,
    /// `amino.dont_omitempty`: it is in amino JSON even when it is empty.
    pub amino_keeps_empty: bool,
    /// `cosmos_proto.scalar`: what a text or bytes stand for.
    pub scalar: Option<String>,
    /// `gogoproto.customtype`: how the SDK holds it.
    pub custom_type: Option<String>,
    /// `gogoproto.nullable`: whether an unset message is nothing rather than an empty one.
    pub nullable: bool,
}

impl FieldNotes {
    /// Reads the options of a field.
    pub fn of(field: &FieldDescriptor) -> Self {
        let options = field.options();
        Self {
            amino_name: text(&options, "amino.field_name"),
            amino_encoding: text(&options, "amino.encoding"),
            amino_keeps_empty: flag(&options, "amino.dont_omitempty").unwrap_or(false),
            scalar: text(&options, "cosmos_proto.scalar"),
            custom_type: text(&options, "gogoproto.customtype"),
            nullable: flag(&options, "gogoproto.nullable").unwrap_or(true),
        }
    }

    /// Whether the text is a decimal number times 10^18, as the SDK writes its decimals.
    pub fn is_decimal(&self) -> bool {
        self.custom_type.as_deref() == Some("cosmossdk.io/math.LegacyDec")
    }

    /// Whether the text is a whole number of up to 256 bits.
    pub fn is_integer(&self) -> bool {
        self.custom_type.as_deref() == Some("cosmossdk.io/math.Int")
    }
}

/// What is said of a field of this project's descriptors: read once for all of them.
///
/// # Panics
/// When the field is of another pool.
pub fn field_notes(field: &FieldDescriptor) -> &'static FieldNotes {
    static NOTES: OnceLock<BTreeMap<String, FieldNotes>> = OnceLock::new();
    let notes = NOTES.get_or_init(|| {
        let fields = descriptor_pool()
            .all_messages()
            .flat_map(|message| message.fields().collect::<Vec<_>>());
        let of = |field: FieldDescriptor| (field.full_name().to_owned(), FieldNotes::of(&field));
        fields.map(of).collect()
    });
    notes
        .get(field.full_name())
        .expect("the field is of this project's descriptors")
}

/// An HTTP route of a method (`google.api.http`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRoute {
    /// `GET` or `POST`.
    pub verb: &'static str,
    /// The path with `{field}` for what the path carries.
    pub path: String,
    /// Whether the request is the body's JSON.
    pub body: bool,
}

/// The routes of a method, the first one first.
pub fn http_routes(method: &MethodDescriptor) -> Vec<HttpRoute> {
    let Some(rule) = option(&method.options(), "google.api.http") else {
        return Vec::new();
    };
    let mut routes = Vec::new();
    if let Some(rule) = rule.as_message() {
        routes.extend(route(rule));
        if let Some(more) = rule.get_field_by_name("additional_bindings") {
            let more = more.as_list().unwrap_or_default();
            routes.extend(more.iter().filter_map(Value::as_message).filter_map(route));
        }
    }
    routes
}

fn route(rule: &DynamicMessage) -> Option<HttpRoute> {
    let field = |name: &str| {
        let value = rule.get_field_by_name(name)?;
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let (verb, path) = match (field("get"), field("post")) {
        (Some(path), _) => ("GET", path),
        (None, Some(path)) => ("POST", path),
        (None, None) => return None,
    };
    let body = field("body").is_some();
    Some(HttpRoute { verb, path, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_others_and_of_ours_are_read() {
        let pool = descriptor_pool();
        let send = pool
            .get_message_by_name("cosmos.bank.v1beta1.MsgSend")
            .unwrap();
        let name = MessageNotes::of(&send).amino_name;
        assert_eq!(name.as_deref(), Some("cosmos-sdk/MsgSend"));
        let amount = FieldNotes::of(&send.get_field_by_name("amount").unwrap());
        assert!(amount.amino_keeps_empty && !amount.nullable);
        assert_eq!(amount.amino_encoding.as_deref(), Some("legacy_coins"));
        let open = pool
            .get_message_by_name("race.session.v1.MsgOpenSession")
            .unwrap();
        let name = MessageNotes::of(&open).amino_name;
        assert_eq!(name.as_deref(), Some("race/MsgOpenSession"));
    }

    #[test]
    fn a_method_has_its_routes_in_order() {
        let service = descriptor_pool()
            .get_service_by_name("cosmos.auth.v1beta1.Query")
            .unwrap();
        let account = service.methods().find(|m| m.name() == "Account").unwrap();
        let expected = HttpRoute {
            verb: "GET",
            path: "/cosmos/auth/v1beta1/accounts/{address}".to_owned(),
            body: false,
        };
        assert_eq!(http_routes(&account), [expected]);
    }
}
