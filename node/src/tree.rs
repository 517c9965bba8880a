//! What is shown: JSON whose fields keep their order, and a readable form of it.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A value to print.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// `null`, a truth value, a number or a text.
    Leaf(Value),
    /// Bytes: base64 in JSON (as protobuf has it), hex for people.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Tree>),
    /// Named values in their order.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Named values in their order.
    #[must_use]
    pub fn map<K: Into<String>>(fields: impl IntoIterator<Item = (K, Tree)>) -> Self {
        Self::Map(fields.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl ToString) -> Self {
        Self::Leaf(Value::String(text.to_string()))
    }

    /// `null`.
    #[must_use]
    pub const fn null() -> Self {
        Self::Leaf(Value::Null)
    }

    /// Pretty JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_else(unprintable)
    }

    /// JSON on one line.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(unprintable)
    }

    /// Indented lines, like YAML.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = Vec::new();
        self.lines(0, &mut lines);
        lines.join("\n")
    }

    /// What fits on the line of its name; `None` for what needs lines of its own.
    fn inline(&self) -> Option<String> {
        match self {
            Self::Leaf(Value::String(text)) => Some(show_text(text)),
            Self::Leaf(value) => Some(value.to_string()),
            Self::Bytes(bytes) if bytes.is_empty() => Some("\"\"".to_owned()),
            Self::Bytes(bytes) => Some(hex::encode(bytes)),
            Self::List(items) if items.is_empty() => Some("[]".to_owned()),
            Self::Map(fields) if fields.is_empty() => Some("{}".to_owned()),
            Self::List(_) | Self::Map(_) => None,
        }
    }

    fn lines(&self, indent: usize, lines: &mut Vec<String>) {
        let space = " ".repeat(indent);
        match self {
            Self::Map(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    match value.inline() {
                        Some(text) => lines.push(format!("{space}{name}: {text}")),
                        None => {
                            lines.push(format!("{space}{name}:"));
                            value.lines(indent + 2, lines);
                        }
                    }
                }
            }
            Self::List(items) if !items.is_empty() => {
                for item in items {
                    let first = lines.len();
                    item.lines(indent + 2, lines);
                    if let Some(line) = lines.get_mut(first) {
                        line.replace_range(indent..indent + 2, "- ");
                    }
                }
            }
            other => lines.push(format!("{space}{}", other.inline().unwrap_or_default())),
        }
    }
}

/// Only a writer can fail at printing, and a string does not.
fn unprintable(error: serde_json::Error) -> String {
    format!("{{\"error\":{{\"message\":{:?}}}}}", error.to_string())
}

/// A text as it is, quoted where its ends or lines could not be told.
fn show_text(text: &str) -> String {
    let plain = !text.is_empty() && text.trim() == text && !text.contains(char::is_control);
    if plain {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(value) => value.serialize(serializer),
            Self::Bytes(bytes) => serializer.serialize_str(&BASE64.encode(bytes)),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => Self::map(fields.into_iter().map(|(k, v)| (k, v.into()))),
            leaf => Self::Leaf(leaf),
        }
    }
}

macro_rules! leaf_from {
    ($($type:ty),*) => {$(
        impl From<$type> for Tree {
            fn from(value: $type) -> Self {
                Self::Leaf(Value::from(value))
            }
        }
    )*};
}
leaf_from!(bool, u8, u32, u64, i32, i64, usize, f64);
