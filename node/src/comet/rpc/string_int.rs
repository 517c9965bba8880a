//! 64-bit integers as decimal strings, which is how CometBFT's JSON has them.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer};

/// For `#[serde(with = "string_int")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// For `#[serde(with = "string_int")]`; a JSON number is accepted, too.
///
/// # Errors
/// When it is not an integer of the type.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: Display,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        Number(serde_json::Number),
    }
    let text = match Form::deserialize(deserializer)? {
        Form::Text(text) => text,
        Form::Number(number) => number.to_string(),
    };
    text.parse().map_err(|error| {
        serde::de::Error::custom(format_args!("expected an integer, got {text:?}: {error}"))
    })
}
