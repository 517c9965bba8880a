use super::*;
use crate::hash::be;
use sha2::{Digest, Sha256};

fn key(i: u8) -> SecretKey {
    SecretKey::from_key_material(&[i; 32]).unwrap()
}

/// Public key of drand's default network and two of its public rounds:
/// (round, signature of the round before, signature, published randomness = SHA-256 of the signature).
const DRAND_KEY: &str =
    "868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31";
const DRAND_ROUNDS: [(u64, &str, &str, &str); 2] = [
    (
        1337,
        "80d95247ddf1bb3acf5738497a5f10406be283144603f63d714bb1a44ff6b93285ae2697fffeb50c68862bd9fbecd4b204b1798d2686b4ac5d573615031d9d67e6168bde9a7adf1161430a498ca701a25c216aee3e38ffd5290369034fa050a2",
        "945b08dcb30e24da281ccf14a646f0630ceec515af5c5895e18cc1b19edd65d156b71c776a369af3487f1bc6af1062500b059e01095cc0eedce91713977d7735cac675554edfa0d0481bb991ed93d333d08286192c05bf6b65d20f23a37fc7bb",
        "2660664f8d4bc401194d80d81da20a1e79480f65b8e2d205aecbd143b5bfb0d3",
    ),
    (
        3_311_596,
        "8ed588f2a7716fb1349e2d9803da5db0005e98a83783c353d4a08f183236a9ad91d70ddb01266f4b7c576983db464b430e65680b9e0098552758afd6c1e6afcb77e3f62fe1b93d42d1cb63abbb2205512fe12fbf74ea9c5ac3b8f5c1e283a1d8",
        "a696b9409ababce45749c3a4ec369074453dd4a79967734e1390d969c8ad8d98897d217b9121e92c8ddebbddda8d92f900e3bd6bf9deb166863b1a19390d743f82774001487594c5c09e581db7365f02b70a2c8cc41ce32446ef08e4890c4754",
        "647c07b2abbf7ff2afb4d670214f565e5cd9f9c91bfdcecb59a21f3c78d73920",
    ),
];

#[test]
fn public_drand_rounds_verify() {
    let public_key = hex::decode(DRAND_KEY).unwrap();
    for (round, previous, signature, randomness) in DRAND_ROUNDS {
        let (previous, signature) = (
            hex::decode(previous).unwrap(),
            hex::decode(signature).unwrap(),
        );
        assert_eq!(hex::encode(Sha256::digest(&signature)), randomness);
        let digest = |round| {
            Sha256::new()
                .chain_update(&previous)
                .chain_update(be(round))
                .finalize()
        };
        assert_eq!(
            verify_any(&public_key, &signature, &digest(round), DST_SIGNATURE),
            Ok(true)
        );
        assert_eq!(
            verify_any(&public_key, &signature, &digest(round + 1), DST_SIGNATURE),
            Ok(false)
        );
        assert_eq!(
            verify_any(&public_key, &signature, &digest(round), b"another tag"),
            Ok(false)
        );
    }
}

#[test]
fn a_signature_verifies_only_for_its_key_message_and_tag() {
    let signature = key(1).sign(b"message", DST_SIGNATURE);
    assert!(key(1)
        .public_key()
        .verify(b"message", DST_SIGNATURE, &signature));
    assert!(!key(2)
        .public_key()
        .verify(b"message", DST_SIGNATURE, &signature));
    assert!(!key(1)
        .public_key()
        .verify(b"massage", DST_SIGNATURE, &signature));
    assert!(!key(1).public_key().verify(b"message", b"tag", &signature));
    assert_eq!(signature, key(1).sign(b"message", DST_SIGNATURE));
}

#[test]
fn keys_and_signatures_survive_their_bytes() {
    let (secret, signature) = (key(3), key(3).sign(b"m", DST_SIGNATURE));
    assert_eq!(
        PublicKey::from_bytes(&secret.public_key().to_bytes()),
        Ok(secret.public_key())
    );
    assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));
    let again = SecretKey::from_bytes(secret.to_bytes().as_slice()).unwrap();
    assert_eq!(again.public_key(), secret.public_key());
}

#[test]
fn identity_points_are_refused() {
    let mut public_key = [0; PUBLIC_KEY_BYTES];
    public_key[0] = 0xc0;
    assert_eq!(
        PublicKey::from_bytes(&public_key),
        Err(BlsError::Identity(PUBLIC_KEY))
    );
    let mut signature = [0; SIGNATURE_BYTES];
    signature[0] = 0xc0;
    assert_eq!(
        Signature::from_bytes(&signature),
        Err(BlsError::Identity(SIGNATURE))
    );
    assert!(verify_any(&public_key, &signature, b"anything", DST_SIGNATURE).is_err());
}

/// The first points, counting x up, that are on the curve but not in the subgroup (the cofactors
/// are large, so nearly every point on the curve is one).
#[test]
fn points_outside_the_subgroup_are_refused() {
    let mut public_key = [0; PUBLIC_KEY_BYTES];
    public_key[0] = 0x80;
    let outside = (1..=50u8).any(|x| {
        public_key[PUBLIC_KEY_BYTES - 1] = x;
        PublicKey::from_bytes(&public_key) == Err(BlsError::Subgroup(PUBLIC_KEY))
    });
    assert!(outside);
    let mut signature = [0; SIGNATURE_BYTES];
    signature[0] = 0x80;
    let outside = (1..=50u8).any(|x| {
        signature[SIGNATURE_BYTES - 1] = x;
        Signature::from_bytes(&signature) == Err(BlsError::Subgroup(SIGNATURE))
    });
    assert!(outside);
}

#[test]
fn wrong_lengths_and_encodings_are_refused_by_name() {
    assert_eq!(
        PublicKey::from_bytes(&[0; 96]),
        Err(BlsError::Length {
            what: PUBLIC_KEY,
            expected: 48,
            got: 96
        })
    );
    assert_eq!(
        PublicKey::from_bytes(&[0xff; 48]),
        Err(BlsError::Encoding(PUBLIC_KEY))
    );
    assert_eq!(
        Signature::from_bytes(&[]),
        Err(BlsError::Length {
            what: SIGNATURE,
            expected: 96,
            got: 0
        })
    );
    assert_eq!(
        Signature::from_bytes(&[0xff; 96]),
        Err(BlsError::Encoding(SIGNATURE))
    );
    assert!(matches!(
        SecretKey::from_bytes(&[0; 32]),
        Err(BlsError::SecretKey)
    ));
    assert!(matches!(
        SecretKey::from_bytes(&[0xff; 32]),
        Err(BlsError::SecretKey)
    ));
    assert!(matches!(
        SecretKey::from_key_material(&[1; 31]),
        Err(BlsError::ShortKeyMaterial(31))
    ));
}

#[test]
fn a_proof_of_possession_serves_one_key_use_chain_and_operator() {
    let (secret, public) = (key(5), key(5).public_key());
    let proof = secret.prove_possession(KeyUse::Duty, "race-1", b"operator");
    assert!(public.verify_possession(KeyUse::Duty, "race-1", b"operator", &proof));
    assert!(!public.verify_possession(KeyUse::Share, "race-1", b"operator", &proof));
    assert!(!public.verify_possession(KeyUse::Duty, "race-2", b"operator", &proof));
    assert!(!public.verify_possession(KeyUse::Duty, "race-1", b"another", &proof));
    assert!(!key(6)
        .public_key()
        .verify_possession(KeyUse::Duty, "race-1", b"operator", &proof));
    let message = possession_message(KeyUse::Duty, "race-1", b"operator", &public);
    assert!(
        !public.verify(&message, DST_SIGNATURE, &proof),
        "a proof is not a signature of duties"
    );
}

#[test]
fn a_secret_key_is_not_printed() {
    assert_eq!(format!("{:?}", key(7)), "SecretKey(hidden)");
}
