//! Arithmetic on BLS12-381 that `blst` offers only as unsafe calls, through `blstrs`; and the
//! wrapper that keeps a secret number from staying in memory.
//!
//! Points come in through [`crate::bls`], where encodings and subgroups are checked, and leave
//! through it again. Sums and products in these groups wrap by definition and cannot overflow.

use blst::MultiPoint;
use blstrs::{Bls12, G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective, Scalar};
use ff::Field;
use group::{prime::PrimeCurveAffine, Group};
use pairing::{MillerLoopResult, MultiMillerLoop};
use zeroize::{DefaultIsZeroes, Zeroizing};

/// Length of an encoded number below the group order.
pub(crate) const SCALAR_BYTES: usize = 32;

/// Length of the coefficients of random linear combinations: a false statement passes with a
/// probability of 2^-128.
const COEFFICIENT_BYTES: usize = 16;

/// A secret number below the group order. Overwritten when dropped; never printed.
#[derive(Clone, Default)]
pub(crate) struct SecretScalar(Zeroizing<Overwritten>);

#[derive(Clone, Copy, Default)]
struct Overwritten(Scalar);

impl DefaultIsZeroes for Overwritten {}

impl SecretScalar {
    /// Reads 32 bytes, big-endian; nothing when they are not below the group order.
    pub(crate) fn from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Option<Self> {
        scalar(bytes).map(|number| Self(Zeroizing::new(Overwritten(number))))
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; SCALAR_BYTES]> {
        Zeroizing::new(self.0 .0.to_bytes_be())
    }

    pub(crate) fn expose(&self) -> &Scalar {
        &self.0 .0
    }

    pub(crate) fn add(&mut self, other: &Scalar) {
        self.0 .0 += other;
    }

    pub(crate) fn multiply(&mut self, other: &Scalar) {
        self.0 .0 *= other;
    }
}

/// Reads a number of 32 bytes, big-endian; nothing when it is not below the group order.
pub(crate) fn scalar(bytes: &[u8; SCALAR_BYTES]) -> Option<Scalar> {
    Scalar::from_bytes_be(bytes).into()
}

/// The number of 128 bits in the first half of a digest.
pub(crate) fn short_scalar(digest: &[u8; 32]) -> Scalar {
    let mut bytes = [0; SCALAR_BYTES];
    bytes[COEFFICIENT_BYTES..].copy_from_slice(&digest[..COEFFICIENT_BYTES]);
    // 128 bits are below the group order.
    scalar(&bytes).unwrap_or_default()
}

/// The sum of `scalars[i] * points[i]`. Not in constant time: for public numbers.
pub(crate) fn sum_g1(points: &[G1Affine], scalars: &[Scalar]) -> G1Projective {
    let mut sum = G1Projective::identity();
    if !points.is_empty() {
        let points: Vec<_> = points.iter().map(|point| *point.as_ref()).collect();
        *sum.as_mut() = points.as_slice().mult(&little_endian(scalars), 255);
    }
    sum
}

/// The sum of `scalars[i] * points[i]`. Not in constant time: for public numbers.
pub(crate) fn sum_g2(points: &[G2Affine], scalars: &[Scalar]) -> G2Projective {
    let mut sum = G2Projective::identity();
    if !points.is_empty() {
        let points: Vec<_> = points.iter().map(|point| *point.as_ref()).collect();
        *sum.as_mut() = points.as_slice().mult(&little_endian(scalars), 255);
    }
    sum
}

fn little_endian(scalars: &[Scalar]) -> Vec<u8> {
    scalars.iter().flat_map(Scalar::to_bytes_le).collect()
}

/// Whether `e(a, b) = e(c, d)`.
pub(crate) fn pairings_equal(a: &G1Affine, b: &G2Affine, c: &G1Affine, d: &G2Affine) -> bool {
    let product =
        Bls12::multi_miller_loop(&[(a, &G2Prepared::from(*b)), (&-*c, &G2Prepared::from(*d))]);
    product.final_exponentiation().is_identity().into()
}

/// Whether `e(a, generator of G2) = e(c, d)`.
pub(crate) fn pairs_with_generator(a: &G1Affine, c: &G1Affine, d: &G2Affine) -> bool {
    pairings_equal(a, &G2Affine::generator(), c, d)
}

/// `x` as a number.
pub(crate) fn small(x: u16) -> Scalar {
    Scalar::from(u64::from(x))
}

/// `x * point`, for the index of a share: a tenth of a full multiplication.
pub(crate) fn multiply_small(point: &G1Projective, x: u16) -> G1Projective {
    let mut product = G1Projective::identity();
    for bit in (0..u16::BITS.saturating_sub(x.leading_zeros())).rev() {
        product = product.double();
        if x.checked_shr(bit).unwrap_or_default() & 1 == 1 {
            product += point;
        }
    }
    product
}

/// The powers 1, x, x^2, ... up to `count` of them, each times `factor`.
pub(crate) fn powers(x: u16, factor: &Scalar, count: usize) -> impl Iterator<Item = Scalar> {
    let x = small(x);
    std::iter::successors(Some(*factor), move |power| Some(power * x)).take(count)
}

/// The coefficients at zero of the polynomials that are 1 at one of `indices` and 0 at the others.
/// The indices differ from each other and from zero.
pub(crate) fn lagrange_at_zero(indices: &[u16]) -> Vec<Scalar> {
    let numbers: Vec<Scalar> = indices.iter().map(|index| small(*index)).collect();
    let product: Scalar = numbers.iter().product();
    let denominators = numbers.iter().map(|at| {
        numbers
            .iter()
            .filter(|other| *other != at)
            .fold(*at, |denominator, other| denominator * (other - at))
    });
    denominators
        .map(|denominator| product * denominator.invert().unwrap_or(Scalar::ZERO))
        .collect()
}

#[cfg(test)]
#[path = "curve_tests.rs"]
mod tests;
