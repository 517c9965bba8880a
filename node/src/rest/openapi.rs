//! `/openapi.json`: the same routes and messages as an OpenAPI 3 document.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{json, Map, Value};

use super::comments;
use super::routes::{all, Route};

/// The document, made once.
pub fn document() -> &'static String {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    DOCUMENT.get_or_init(|| made().to_string())
}

fn made() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut wanted = Vec::new();
    for route in all() {
        let template = route.template.replace("=**}", "}");
        let entry = paths.entry(template).or_insert_with(|| json!({}));
        entry[route.verb.to_ascii_lowercase()] = operation(route);
        wanted.push(route.method.output());
        if route.body {
            wanted.push(route.method.input());
        }
    }
    let mut schemas = Map::new();
    let mut seen = BTreeSet::new();
    while let Some(message) = wanted.pop() {
        let name = message.full_name().to_owned();
        if name.starts_with("google.protobuf.") || !seen.insert(name.clone()) {
            continue;
        }
        let fields = message.fields();
        wanted.extend(fields.filter_map(|field| field.kind().as_message().cloned()));
        schemas.insert(name, schema(&message));
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Race network",
            "description": "The Cosmos LCD routes, and the queries of this chain.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn operation(route: &Route) -> Value {
    let method = &route.method;
    let in_path = |field: &str| {
        let template = &route.template;
        template.contains(&format!("{{{field}}}")) || template.contains(&format!("{{{field}="))
    };
    let mut parameters = Vec::new();
    parameters_of(&method.input(), "", !route.body, &in_path, &mut parameters);
    let mut operation = json!({
        "operationId": method.full_name(),
        "tags": [method.parent_service().package_name()],
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The answer.",
                "content": { "application/json": { "schema": reference(&method.output()) } },
            },
            "default": {
                "description": "A refusal: the code of gRPC and a sentence.",
                "content": { "application/json": { "schema": {
                    "type": "object",
                    "properties": {
                        "code": { "type": "integer" },
                        "message": { "type": "string" },
                        "details": { "type": "array", "items": {} },
                    },
                }}},
            },
        },
    });
    if let Some(text) = comments::of(&method.parent_file(), method.path()) {
        operation["description"] = json!(text);
    }
    if route.body {
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": reference(&method.input()) } } });
    }
    operation
}

/// Fields of the path, and those of the query when there is no body; of messages within, by a dot.
fn parameters_of(
    message: &MessageDescriptor,
    prefix: &str,
    with_query: bool,
    in_path: &impl Fn(&str) -> bool,
    to: &mut Vec<Value>,
) {
    for field in message.fields() {
        let name = format!("{prefix}{}", field.name());
        let path = in_path(&name);
        if !path && !with_query {
            continue;
        }
        match field.kind() {
            Kind::Message(inner) if prefix.is_empty() && !field.is_list() => {
                parameters_of(&inner, &format!("{name}."), with_query, in_path, to);
            }
            Kind::Message(_) => {}
            _ => {
                let mut parameter = json!({
                    "name": name,
                    "in": if path { "path" } else { "query" },
                    "required": path,
                    "schema": field_schema(&field),
                });
                if let Some(text) = comments::of(&field.parent_file(), field.path()) {
                    parameter["description"] = json!(text);
                }
                to.push(parameter);
            }
        }
    }
}

fn reference(message: &MessageDescriptor) -> Value {
    match message.full_name() {
        "google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "google.protobuf.Duration" => json!({ "type": "string" }),
        "google.protobuf.Any" => json!({
            "type": "object",
            "properties": { "@type": { "type": "string" } },
            "additionalProperties": true,
        }),
        name => json!({ "$ref": format!("#/components/schemas/{name}") }),
    }
}

fn schema(message: &MessageDescriptor) -> Value {
    let properties: Map<String, Value> = message
        .fields()
        .map(|field| (field.name().to_owned(), described(&field)))
        .collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if let Some(text) = comments::of(&message.parent_file(), message.path()) {
        schema["description"] = json!(text);
    }
    schema
}

/// A field with its comment. Beside a reference nothing else counts, so one stands in a list of its own.
fn described(field: &FieldDescriptor) -> Value {
    let mut schema = field_schema(field);
    let Some(text) = comments::of(&field.parent_file(), field.path()) else {
        return schema;
    };
    if schema.get("$ref").is_some() {
        return json!({ "allOf": [schema], "description": text });
    }
    schema["description"] = json!(text);
    schema
}

fn field_schema(field: &FieldDescriptor) -> Value {
    let one = match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let value = field_schema(&entry.map_entry_value_field());
            return json!({ "type": "object", "additionalProperties": value });
        }
        Kind::Message(inner) => reference(&inner),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Float | Kind::Double => json!({ "type": "number" }),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            json!({ "type": "integer", "format": "int32" })
        }
        Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "format": "int64" }),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({ "type": "string", "format": "int64" })
        }
        Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "format": "uint64" }),
        Kind::String => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "format": "byte" }),
        Kind::Enum(names) => {
            let names: Vec<_> = names.values().map(|v| v.name().to_owned()).collect();
            json!({ "type": "string", "enum": names })
        }
    };
    match field.cardinality() {
        Cardinality::Repeated => json!({ "type": "array", "items": one }),
        _ => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_in_it_and_every_reference_leads_somewhere() {
        let document = made();
        for route in all() {
            let template = route.template.replace("=**}", "}");
            let verb = route.verb.to_ascii_lowercase();
            assert!(document["paths"][template][verb].is_object());
        }
        let text = document.to_string();
        let mut names = text.split("#/components/schemas/").skip(1);
        assert!(names.all(|rest| {
            let name = rest.split('"').next().unwrap();
            document["components"]["schemas"][name].is_object()
        }));
    }

    #[test]
    fn comments_of_the_proto_files_describe_it() {
        let document = made();
        let grants = &document["paths"]["/cosmos/authz/v1beta1/grants"]["get"];
        let text = "Returns list of `Authorization`, granted to the grantee by the granter.";
        assert_eq!(grants["description"], text);
        let send = &document["components"]["schemas"]["cosmos.tx.v1beta1.Fee"];
        assert!(send["description"].as_str().unwrap().contains("fee"));
        let payer = send["properties"]["payer"]["description"].as_str().unwrap();
        assert!(payer.starts_with("if unset, the first signer"), "{payer}");
    }

    #[test]
    fn path_fields_are_required_and_pages_are_flat() {
        let document = made();
        let get = &document["paths"]["/cosmos/bank/v1beta1/balances/{address}"]["get"];
        let parameters = get["parameters"].as_array().unwrap();
        let named = |name: &str| parameters.iter().find(|p| p["name"] == name).unwrap();
        assert_eq!(named("address")["required"], true);
        assert_eq!(named("pagination.limit")["in"], "query");
    }
}
