//! Exact `a * b / c` on 128-bit integers.

/// `floor(a * b / c)` with a 256-bit product; `None` when `c` is zero or the quotient does not fit.
#[must_use]
pub fn mul_div(a: u128, b: u128, c: u128) -> Option<u128> {
    if c == 0 {
        return None;
    }
    if let Some(product) = a.checked_mul(b) {
        return product.checked_div(c);
    }
    let (high, low) = wide_mul(a, b);
    if high >= c {
        return None;
    }
    Some(wide_div(high, low, c))
}

/// The 256-bit product as (high, low).
// Schoolbook on 64-bit halves. Each partial product is at most (2^64 - 1)^2 = 2^128 - 2^65 + 1 and
// takes at most 2^65 - 2 more, so nothing overflows.
#[allow(clippy::arithmetic_side_effects)]
fn wide_mul(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0) = (a >> 64, a & LOW);
    let (b1, b0) = (b >> 64, b & LOW);
    let low = a0 * b0;
    let middle = a1 * b0 + (low >> 64);
    let cross = a0 * b1 + (middle & LOW);
    let high = a1 * b1 + (middle >> 64) + (cross >> 64);
    (high, (cross << 64) | (low & LOW))
}

/// `floor((high * 2^128 + low) / c)` for `high < c`: binary long division.
fn wide_div(high: u128, low: u128, c: u128) -> u128 {
    let (mut rest, mut quotient) = (high, 0u128);
    for bit in (0..128u32).rev() {
        // `rest < c` here; the bit shifted out of it makes 2 * rest + bit at least 2^128 > c.
        let carry = rest >> 127 == 1;
        rest = (rest << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if carry || rest >= c {
            rest = rest.wrapping_sub(c);
            quotient |= 1;
        }
    }
    quotient
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_edges_are_exact() {
        let max = u128::MAX;
        assert_eq!(mul_div(max, max, max), Some(max));
        assert_eq!(mul_div(max, max - 1, max), Some(max - 1));
        assert_eq!(mul_div(max, 2, 3), Some(max / 3 * 2));
        assert_eq!(mul_div(max, 2, 1), None);
        assert_eq!(mul_div(1 << 100, 1 << 100, 1 << 73), Some(1 << 127));
        assert_eq!(mul_div(1 << 100, 1 << 100, 1 << 72), None);
        assert_eq!(mul_div(5, 7, 0), None);
        assert_eq!(mul_div(5, 7, 4), Some(8));
        assert_eq!(mul_div(0, max, 1), Some(0));
    }

    proptest! {
        /// q = floor(ab / c) exactly when 0 <= ab - qc < c, checked in 256 bits.
        #[test]
        fn the_quotient_is_the_floor(a in any::<u128>(), b in any::<u128>(), c in 1u128.., shift in 0u32..128) {
            let c = (c >> shift).max(1);
            let (high, low) = wide_mul(a, b);
            match mul_div(a, b, c) {
                None => prop_assert!(high >= c),
                Some(q) => {
                    let (qh, ql) = wide_mul(q, c);
                    let (rest, borrow) = low.overflowing_sub(ql);
                    prop_assert_eq!(high - qh - u128::from(borrow), 0);
                    prop_assert!(rest < c);
                }
            }
        }

        #[test]
        fn the_wide_product_agrees_with_the_narrow_one(a in any::<u64>(), b in any::<u64>(), s in 0u32..64, t in 0u32..64) {
            // (a 2^s)(b 2^t) = (ab) 2^(s+t), computed by shifting across the two words.
            let product = u128::from(a) * u128::from(b);
            let n = s + t;
            let expected = if n == 0 { (0, product) } else { (product >> (128 - n), product << n) };
            prop_assert_eq!(wide_mul(u128::from(a) << s, u128::from(b) << t), expected);
        }
    }
}
