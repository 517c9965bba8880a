use super::*;
use proptest::prelude::*;

fn number(i: u64) -> Scalar {
    scalar(&{
        let mut bytes = crate::hash::h("race/test/number/v1", &[&crate::hash::be(i)]);
        bytes[0] = 0;
        bytes
    })
    .unwrap()
}

#[test]
fn a_number_at_or_above_the_group_order_is_refused() {
    let mut order = (-Scalar::ONE).to_bytes_be();
    assert!(scalar(&order).is_some());
    // The order minus one ends in zeros.
    order[31] += 1;
    assert!(scalar(&order).is_none());
    assert!(scalar(&[0xff; 32]).is_none());
    assert!(SecretScalar::from_bytes(&[0xff; 32]).is_none());
}

#[test]
fn no_points_sum_to_the_identity() {
    assert_eq!(sum_g1(&[], &[]), G1Projective::identity());
    assert_eq!(sum_g2(&[], &[]), G2Projective::identity());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn sums_of_many_points_are_the_sums_of_the_points(n in 1u64..50) {
        let scalars: Vec<Scalar> = (0..n).map(number).collect();
        let points: Vec<G1Affine> = (0..n).map(|i| (G1Affine::generator() * number(1000 + i)).into()).collect();
        let expected: G1Projective = points.iter().zip(&scalars).map(|(p, s)| p * s).sum();
        prop_assert_eq!(sum_g1(&points, &scalars), expected);
        let points: Vec<G2Affine> = (0..n).map(|i| (G2Affine::generator() * number(1000 + i)).into()).collect();
        let expected: G2Projective = points.iter().zip(&scalars).map(|(p, s)| p * s).sum();
        prop_assert_eq!(sum_g2(&points, &scalars), expected);
    }

    #[test]
    fn small_multiples_are_multiples(x in any::<u16>(), i in any::<u64>()) {
        let point = G1Projective::generator() * number(i);
        prop_assert_eq!(multiply_small(&point, x), point * small(x));
    }

    #[test]
    fn interpolation_at_zero_finds_the_constant_term(
        indices in proptest::collection::btree_set(1u16..600, 1..20), seed in any::<u64>(),
    ) {
        let indices: Vec<u16> = indices.into_iter().collect();
        let polynomial: Vec<Scalar> = (0..indices.len() as u64).map(|i| number(seed ^ i)).collect();
        let values = indices.iter().map(|x| {
            powers(*x, &Scalar::ONE, polynomial.len()).zip(&polynomial).map(|(power, a)| power * a).sum::<Scalar>()
        });
        let at_zero: Scalar = lagrange_at_zero(&indices).iter().zip(values).map(|(l, value)| l * value).sum();
        prop_assert_eq!(at_zero, polynomial[0]);
    }
}
