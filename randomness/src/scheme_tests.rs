use super::*;
use crate::bls::{BlsError, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use crate::curve::SecretScalar;
use crate::polynomial::Polynomial;
use ::threshold_crypto as tc;
use proptest::prelude::*;
use tc::IntoFr;

fn index(i: u16) -> Index {
    Index::new(i).unwrap()
}

/// A key that one dealer knows: its polynomial's coefficients are derived from the seed.
struct Dealt {
    keys: PublicKeys,
    shares: BTreeMap<Index, SecretKey>,
}

fn deal(seed: u64, threshold: u16, total: u16) -> Dealt {
    let coefficient = |i: u16| {
        let material = h("race/test/dealt/v1", &[&be(seed), &be(u64::from(i))]);
        let key = SecretKey::from_key_material(&material).unwrap();
        SecretScalar::from_bytes(&key.to_bytes()).unwrap()
    };
    let polynomial = Polynomial::new((0..threshold).map(coefficient).collect());
    let commitment = polynomial.commitment();
    let indices: Vec<Index> = (1..=total).map(index).collect();
    let key = |i: &Index| PublicKey::from_point(&commitment.at(*i).into()).unwrap();
    Dealt {
        keys: PublicKeys {
            group: PublicKey::from_point(&commitment.points()[0]).unwrap(),
            threshold,
            shares: indices.iter().map(|i| (*i, key(i))).collect(),
        },
        shares: indices
            .iter()
            .map(|i| {
                let share = polynomial.at(*i).to_bytes();
                (*i, SecretKey::from_bytes(share.as_slice()).unwrap())
            })
            .collect(),
    }
}

fn sign_all(dealt: &Dealt, message: &Message) -> BTreeMap<Index, Signature> {
    let sign = |(i, secret): (&Index, &SecretKey)| (*i, Blst::sign(secret, message));
    dealt.shares.iter().map(sign).collect()
}

fn signs_and_verifies<S: Scheme>() {
    let dealt = deal(1, 5, 9);
    let scheme = S::new(dealt.keys.clone());
    let (message, other) = (Message::new([1; 32]), Message::new([2; 32]));
    let shares: BTreeMap<Index, Signature> = dealt
        .shares
        .iter()
        .map(|(i, secret)| (*i, S::sign(secret, &message)))
        .collect();
    for (i, share) in &shares {
        assert!(scheme.verify_share(*i, &message, share));
        assert!(!scheme.verify_share(*i, &other, share));
        let neighbour = index(i.get() % 9 + 1);
        assert!(!scheme.verify_share(neighbour, &message, share));
    }
    assert!(!scheme.verify_share(index(10), &message, &shares[&index(1)]));
    assert!(scheme.verify_shares(&message, &shares));
    assert!(!scheme.verify_shares(&other, &shares));

    let signature = scheme.combine(&shares).unwrap();
    assert!(scheme.verify(&message, &signature));
    assert!(!scheme.verify(&other, &signature));
    assert!(
        dealt
            .keys
            .group
            .verify(message.digest(), DST_SIGNATURE, &signature),
        "a plain BLS signature of the group's key"
    );

    // Any other threshold of shares gives the same signature.
    let last: BTreeMap<Index, Signature> = shares.clone().into_iter().skip(4).collect();
    assert_eq!(scheme.combine(&last), Ok(signature));
}

#[test]
fn blst_signs_verifies_and_combines() {
    signs_and_verifies::<Blst>();
}

#[test]
fn threshold_crypto_signs_verifies_and_combines() {
    signs_and_verifies::<ThresholdCrypto>();
}

fn counts_shares<S: Scheme>() {
    let dealt = deal(2, 4, 6);
    let scheme = S::new(dealt.keys.clone());
    let message = Message::new([1; 32]);
    let mut shares = sign_all(&dealt, &message);
    let few: BTreeMap<Index, Signature> = shares.clone().into_iter().take(3).collect();
    assert_eq!(
        scheme.combine(&few),
        Err(CombineError::TooFew { have: 3, need: 4 })
    );
    let exactly: BTreeMap<Index, Signature> = shares.clone().into_iter().take(4).collect();
    let signature = scheme.combine(&exactly).unwrap();
    assert!(scheme.verify(&message, &signature));
    shares.insert(index(7), shares[&index(1)]);
    assert_eq!(
        scheme.combine(&shares),
        Err(CombineError::UnknownIndex(index(7)))
    );
    assert!(!scheme.verify_shares(&message, &shares));
}

#[test]
fn one_share_less_than_the_threshold_does_not_combine() {
    counts_shares::<Blst>();
    counts_shares::<ThresholdCrypto>();
}

fn a_bad_share_shows<S: Scheme>() {
    let dealt = deal(3, 3, 5);
    let scheme = S::new(dealt.keys.clone());
    let message = Message::new([1; 32]);
    let mut shares = sign_all(&dealt, &message);
    let (first, second) = (shares[&index(1)], shares[&index(2)]);
    // Two swapped shares: their sum is right, a random combination of them is not.
    shares.insert(index(1), second);
    shares.insert(index(2), first);
    assert!(!scheme.verify_shares(&message, &shares));
    let signature = scheme.combine(&shares).unwrap();
    assert!(!scheme.verify(&message, &signature));
}

#[test]
fn a_bad_share_fails_its_batch_and_its_signature() {
    a_bad_share_shows::<Blst>();
    a_bad_share_shows::<ThresholdCrypto>();
}

#[test]
fn a_threshold_of_one_is_a_plain_signature() {
    let dealt = deal(4, 1, 16);
    let message = Message::new([1; 32]);
    let shares = sign_all(&dealt, &message);
    let blst = Blst::new(dealt.keys.clone()).combine(&shares).unwrap();
    let crate_ = ThresholdCrypto::new(dealt.keys.clone()).combine(&shares);
    assert_eq!(crate_, Ok(blst));
    assert_eq!(blst, shares[&index(16)]);
}

/// What `threshold_crypto` itself does with two shares of one index; a map by index cannot hold them.
#[test]
fn trap_duplicate_indices_combine_to_an_invalid_signature() {
    let dealt = deal(5, 2, 3);
    let message = Message::new([1; 32]);
    let shares = sign_all(&dealt, &message);
    let share = tc::SignatureShare::from_bytes(shares[&index(1)].to_bytes()).unwrap();
    let set = tc::PublicKeySet::from(tc::poly::Poly::monomial(1).commitment());
    let twice = set.combine_signatures([(0u64, &share), (0u64, &share)]);
    let twice = Signature::from_bytes(&twice.unwrap().to_bytes()).unwrap();
    assert!(!ThresholdCrypto::new(dealt.keys.clone()).verify(&message, &twice));

    let duplicates = [(index(1), shares[&index(1)]), (index(1), shares[&index(1)])];
    let scheme = ThresholdCrypto::new(dealt.keys.clone());
    assert_eq!(
        scheme.combine(&duplicates.into()),
        Err(CombineError::TooFew { have: 1, need: 2 })
    );
}

/// `threshold_crypto` gives out the master key as share -1; our index is never zero.
#[test]
fn trap_the_share_at_minus_one_is_the_master_key() {
    let mut number = 42u64.into_fr();
    let set = tc::SecretKeySet::from(tc::poly::Poly::constant(number) + tc::poly::Poly::identity());
    let master = tc::SecretKeyShare::from_mut(&mut number);
    assert!(set.secret_key_share(-1) == master);
    assert!(Index::new(0).is_none());
}

/// In `threshold_crypto` the identity key verifies the identity signature of anything.
#[test]
fn trap_identity_points_verify_but_are_never_read() {
    let mut key = [0; PUBLIC_KEY_BYTES];
    let mut signature = [0; SIGNATURE_BYTES];
    (key[0], signature[0]) = (0xc0, 0xc0);
    let theirs = tc::PublicKey::from_bytes(key).unwrap();
    let signed = tc::Signature::from_bytes(signature).unwrap();
    assert!(theirs.verify(&signed, b"anything"));
    assert!(matches!(
        PublicKey::from_bytes(&key),
        Err(BlsError::Identity(_))
    ));
    assert!(matches!(
        Signature::from_bytes(&signature),
        Err(BlsError::Identity(_))
    ));
}

/// Shares that combine to the identity: one and its negation, weighted by the other's coefficient.
#[test]
fn trap_shares_that_cancel_do_not_combine() {
    let dealt = deal(6, 2, 2);
    let share = Blst::sign(&dealt.shares[&index(1)], &Message::new([1; 32]));
    // At indices 1 and 2 the coefficients are 2 and -1.
    let double = G2Projective::from(share.point()) + share.point();
    let double = Signature::from_point(&double.into()).unwrap();
    let shares = BTreeMap::from([(index(1), share), (index(2), double)]);
    assert_eq!(
        Blst::new(dealt.keys.clone()).combine(&shares),
        Err(CombineError::Identity)
    );
    assert_eq!(
        ThresholdCrypto::new(dealt.keys.clone()).combine(&shares),
        Err(CombineError::Identity)
    );
}

/// Its hash to the curve is its own: signatures under it verify nowhere else.
#[test]
fn trap_its_own_hash_to_the_curve_is_not_the_standards() {
    let message = Message::new([7; 32]);
    let theirs = tc::hash_g2([7; 32]);
    let theirs = tc::SecretKey::from_mut(&mut 1u64.into_fr()).sign_g2(theirs);
    assert_ne!(theirs.to_bytes(), message.point.to_compressed());
}

/// The other sign of an identity, a coordinate at or above the modulus, flags of another format.
#[test]
fn trap_a_point_has_one_encoding() {
    let signature = Blst::sign(&deal(7, 1, 1).shares[&index(1)], &Message::new([1; 32]));
    let good = signature.to_bytes();
    assert_eq!(Signature::from_bytes(&good), Ok(signature));
    let mut uncompressed = good;
    uncompressed[0] &= 0x7f;
    assert!(Signature::from_bytes(&uncompressed).is_err());
    let mut infinite = good;
    infinite[0] |= 0x40;
    assert!(Signature::from_bytes(&infinite).is_err());
    let mut signed_identity = [0; SIGNATURE_BYTES];
    signed_identity[0] = 0xe0;
    assert!(Signature::from_bytes(&signed_identity).is_err());
    // The modulus, which is zero again: x = 0 is on neither curve's subgroup, and p is no coordinate.
    let modulus = hex::decode("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab").unwrap();
    let mut above = [0; PUBLIC_KEY_BYTES];
    above.copy_from_slice(&modulus);
    above[0] |= 0x80;
    assert_eq!(
        PublicKey::from_bytes(&above),
        Err(BlsError::Encoding("public key"))
    );
}

#[test]
fn trap_a_share_outside_the_subgroup_is_never_read() {
    let mut bytes = [0; SIGNATURE_BYTES];
    bytes[0] = 0x80;
    let refused = (1..=50u8).any(|x| {
        bytes[SIGNATURE_BYTES - 1] = x;
        Signature::from_bytes(&bytes) == Err(BlsError::Subgroup("signature"))
    });
    assert!(refused);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn both_backends_give_the_same_bytes_and_verdicts(
        seed in any::<u64>(), digest in any::<[u8; 32]>(),
        threshold in 1u16..8, more in 0u16..5, skip in 0usize..5, tamper in any::<Option<u16>>(),
    ) {
        let total = threshold + more;
        let dealt = deal(seed, threshold, total);
        let (blst, theirs) = (Blst::new(dealt.keys.clone()), ThresholdCrypto::new(dealt.keys.clone()));
        let message = Message::new(digest);
        let mut shares = BTreeMap::new();
        for (i, secret) in dealt.shares.iter().skip(skip.min(usize::from(more))) {
            let share = Blst::sign(secret, &message);
            prop_assert_eq!(ThresholdCrypto::sign(secret, &message), share);
            shares.insert(*i, share);
        }
        if let Some(at) = tamper {
            let at = *shares.keys().nth(usize::from(at) % shares.len()).unwrap();
            let other = Blst::sign(&dealt.shares[&at], &Message::new([0; 32]));
            shares.insert(at, other);
        }
        for (i, share) in &shares {
            prop_assert_eq!(blst.verify_share(*i, &message, share), theirs.verify_share(*i, &message, share));
        }
        prop_assert_eq!(blst.verify_shares(&message, &shares), tamper.is_none());
        prop_assert_eq!(theirs.verify_shares(&message, &shares), tamper.is_none());
        let signature = blst.combine(&shares).unwrap();
        prop_assert_eq!(theirs.combine(&shares), Ok(signature));
        prop_assert_eq!(blst.verify(&message, &signature), theirs.verify(&message, &signature));
        prop_assert!(tamper.is_some() || blst.verify(&message, &signature));
    }
}
