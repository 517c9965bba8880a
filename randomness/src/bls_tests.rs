use super::*;

fn key(i: u8) -> SecretKey {
    SecretKey::from_key_material(&[i; 32]).unwrap()
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
