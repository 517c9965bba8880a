//! Durations as Go writes them (`1s`, `250ms`, `168h0m0s`), the form in `config.toml`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

const UNITS: [(&str, u128); 6] = [
    // Longest suffix first where one ends like another.
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A text that is not a duration of Go's form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration; write a number and a unit, such as 1s, 250ms or 1h30m")]
pub struct ParseDurationError {
    /// The text as it came.
    pub text: String,
}

/// Renders a duration with the largest unit that is exact, at most seconds: `2s`, `250ms`.
#[must_use]
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    for (unit, size) in [UNITS[3], UNITS[2], UNITS[1]] {
        if nanos.is_multiple_of(size) {
            return format!("{}{unit}", nanos / size);
        }
    }
    format!("{nanos}ns")
}

/// Parses a non-negative Go duration; `0` without a unit is accepted, as Go does.
///
/// # Errors
/// When the text is empty, negative, has an unknown unit, or does not fit.
pub fn parse(text: &str) -> Result<Duration, ParseDurationError> {
    let refuse = || ParseDurationError {
        text: text.to_owned(),
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(refuse());
    }
    let mut nanos: u128 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(refuse)?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, remaining) = after.split_at(unit_end);
        let size = UNITS
            .iter()
            .find(|(name, _)| *name == unit || (*name == "us" && unit == "µs"))
            .map(|(_, size)| *size)
            .ok_or_else(refuse)?;
        let part = decimal_times(number, size).ok_or_else(refuse)?;
        nanos = nanos.checked_add(part).ok_or_else(refuse)?;
        rest = remaining;
    }
    // CometBFT keeps durations in a signed 64-bit count of nanoseconds.
    let nanos = i64::try_from(nanos).map_err(|_| refuse())?;
    Ok(Duration::from_nanos(nanos.unsigned_abs()))
}

/// `number * size` for a decimal number, cut to whole nanoseconds.
fn decimal_times(number: &str, size: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 18 {
        return None;
    }
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut total = whole.checked_mul(size)?;
    if !fraction.is_empty() {
        let digits: u128 = fraction.parse().ok()?;
        let scale = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        total = total.checked_add(digits.checked_mul(size)? / scale)?;
    }
    Some(total)
}

/// For `#[serde(with = "go_duration")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For `#[serde(with = "go_duration")]`.
///
/// # Errors
/// When the value is not a string that [`parse`] accepts.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}
