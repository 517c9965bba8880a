//! Secret polynomials and the commitments to them: one point of G1 for each coefficient.

use crate::curve::{multiply_small, powers, short_scalar, small, sum_g1, SecretScalar};
use crate::hash::{be, h, Hash};
use crate::scheme::Index;
use blstrs::{G1Affine, G1Projective, Scalar};
use group::prime::PrimeCurveAffine;
use group::Group;

const DST_BATCH: &str = "race/randomness/share-batch/v1";

/// A polynomial whose value at zero is a secret. Overwritten when dropped.
pub(crate) struct Polynomial(Vec<SecretScalar>);

impl Polynomial {
    /// From its coefficients, the constant one first.
    pub(crate) fn new(coefficients: Vec<SecretScalar>) -> Self {
        Self(coefficients)
    }

    /// Its value at the index.
    pub(crate) fn at(&self, index: Index) -> SecretScalar {
        let mut value = SecretScalar::default();
        for coefficient in self.0.iter().rev() {
            value.multiply(&small(index.get()));
            value.add(coefficient.expose());
        }
        value
    }

    /// The commitment to it.
    pub(crate) fn commitment(&self) -> Commitment {
        let commit = |a: &SecretScalar| (G1Affine::generator() * a.expose()).into();
        Commitment(self.0.iter().map(commit).collect())
    }
}

/// A commitment to a polynomial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commitment(Vec<G1Affine>);

impl Commitment {
    pub(crate) fn new(points: Vec<G1Affine>) -> Self {
        Self(points)
    }

    /// The commitments to the coefficients, the constant one first.
    pub(crate) fn points(&self) -> &[G1Affine] {
        &self.0
    }

    /// The commitment to the sum of polynomials of one degree.
    pub(crate) fn sum<'a>(commitments: impl Iterator<Item = &'a Self>) -> Self {
        let mut sums: Vec<G1Projective> = Vec::new();
        for commitment in commitments {
            sums.resize(commitment.0.len(), G1Projective::identity());
            for (sum, point) in sums.iter_mut().zip(&commitment.0) {
                *sum += point;
            }
        }
        Self(sums.iter().map(G1Affine::from).collect())
    }

    /// The generator times the polynomial's value at the index.
    pub(crate) fn at(&self, index: Index) -> G1Projective {
        let mut value = G1Projective::identity();
        for point in self.0.iter().rev() {
            value = multiply_small(&value, index.get());
            value += point;
        }
        value
    }

    /// Whether these are the polynomial's values: one equation for all, with coefficients that are
    /// hashes of `binding`, which must bind the values.
    pub(crate) fn holds(&self, values: &[(Index, SecretScalar)], binding: &[&[u8]]) -> bool {
        let mut left = SecretScalar::default();
        let mut right = vec![Scalar::default(); self.0.len()];
        let seed = h(DST_BATCH, binding);
        for (index, value) in values {
            let factor = factor(&seed, *index);
            let mut term = value.clone();
            term.multiply(&factor);
            left.add(term.expose());
            let powers = powers(index.get(), &factor, right.len());
            for (sum, power) in right.iter_mut().zip(powers) {
                *sum += power;
            }
        }
        G1Affine::generator() * left.expose() == sum_g1(&self.0, &right)
    }
}

fn factor(seed: &Hash, index: Index) -> Scalar {
    short_scalar(&h(DST_BATCH, &[seed, &be(u64::from(index.get()))]))
}
