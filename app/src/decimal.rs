//! The SDK's decimals: on the wire, the number times 10^18 as text; for people, with 18 places.

/// Digits behind the point.
const PLACES: usize = 18;

/// `"100000000000000000"` is shown as `"0.100000000000000000"`. `None` for what is no number.
pub fn shown(raw: &str) -> Option<String> {
    let (sign, digits) = match raw.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", raw),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{digits:0>width$}", width = PLACES.saturating_add(1));
    let (whole, places) = padded.split_at(padded.len().checked_sub(PLACES)?);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    Some(format!("{sign}{whole}.{places}"))
}

/// A fraction as the wire carries it, rounded towards zero.
pub fn fraction(numerator: u128, denominator: u128) -> String {
    let scaled = numerator.saturating_mul(1_000_000_000_000_000_000);
    scaled
        .checked_div(denominator)
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_shown_with_eighteen_places() {
        for (raw, expected) in [
            ("0", "0.000000000000000000"),
            ("1", "0.000000000000000001"),
            ("100000000000000000", "0.100000000000000000"),
            ("-2500000000000000000", "-2.500000000000000000"),
            (
                "100000000000000000000000000",
                "100000000.000000000000000000",
            ),
        ] {
            assert_eq!(shown(raw).as_deref(), Some(expected));
        }
        assert_eq!(shown(""), None);
        assert_eq!(shown("1.0"), None);
    }

    #[test]
    fn a_fraction_is_rounded_towards_zero() {
        assert_eq!(fraction(1, 3), "333333333333333333");
        assert_eq!(fraction(5, 1), "5000000000000000000");
        assert_eq!(fraction(5, 0), "0");
    }
}
