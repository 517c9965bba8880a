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

/// `"0.100000000000000000"` is `"100000000000000000"` on the wire. `None` for what is no decimal with at
/// most 18 places, or is negative.
pub fn raw(shown: &str) -> Option<String> {
    let (whole, places) = shown.split_once('.').unwrap_or((shown, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(places) || places.len() > PLACES {
        return None;
    }
    let raw = format!("{whole}{places:0<PLACES$}");
    Some(match raw.trim_start_matches('0') {
        "" => "0".to_owned(),
        raw => raw.to_owned(),
    })
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
    fn what_is_shown_reads_back() {
        for number in ["0", "1", "100000000000000000", "12500000000000000000"] {
            assert_eq!(raw(&shown(number).unwrap()).as_deref(), Some(number));
        }
        assert_eq!(raw("1").as_deref(), Some("1000000000000000000"));
        for bad in ["", ".5", "-1", "1.0000000000000000001", "1.x"] {
            assert_eq!(raw(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_fraction_is_rounded_towards_zero() {
        assert_eq!(fraction(1, 3), "333333333333333333");
        assert_eq!(fraction(5, 1), "5000000000000000000");
        assert_eq!(fraction(5, 0), "0");
    }
}
