use super::*;

/// Public key of drand's default network and two of its public rounds:
/// (round, signature of the round before, signature, published randomness = SHA-256 of the signature).
const DEFAULT_KEY: &str =
    "868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31";
const DEFAULT_ROUNDS: [(u64, &str, &str, &str); 2] = [
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

/// The public key of drand's unchained test network, and its round 1000.
const UNCHAINED_KEY: &str =
    "8200fc249deb0148eb918d6e213980c5d01acd7fc251900d9260136da3b54836ce125172399ddc69c4e3e11429b62c11";
const UNCHAINED_SIGNATURE: &str =
    "a4721e6c3eafcd823f138cd29c6c82e8c5149101d0bb4bafddbac1c2d1fe3738895e4e21dd4b8b41bf007046440220910bb1cdb91f50a84a0d7f33ff2e8577aa62ac64b35a291a728a9db5ac91e06d1312b48a376138d77b4d6ad27c24221afe";
const UNCHAINED_RANDOMNESS: &str =
    "3467f5d3118af125fbe8ffa0272e9fd1df026702afd4da50d0a0c8b3ff2dbf21";

#[test]
fn public_rounds_of_the_default_network_verify() {
    let key = hex::decode(DEFAULT_KEY).unwrap();
    for (number, previous, signature, randomness) in DEFAULT_ROUNDS {
        let (previous, signature) = (
            hex::decode(previous).unwrap(),
            hex::decode(signature).unwrap(),
        );
        let round = Round {
            number,
            previous: Some(&previous),
            signature: &signature,
        };
        assert_eq!(hex::encode(verify(&key, &round).unwrap()), randomness);
        let another = Round {
            number: number + 1,
            ..round
        };
        assert_eq!(
            verify(&key, &another),
            Err(DrandError::Signature(number + 1))
        );
        let unchained = Round {
            previous: None,
            ..round
        };
        assert_eq!(verify(&key, &unchained), Err(DrandError::Signature(number)));
    }
}

#[test]
fn a_public_round_of_an_unchained_network_verifies() {
    let key = hex::decode(UNCHAINED_KEY).unwrap();
    let signature = hex::decode(UNCHAINED_SIGNATURE).unwrap();
    let round = Round {
        number: 1000,
        previous: None,
        signature: &signature,
    };
    assert_eq!(
        hex::encode(verify(&key, &round).unwrap()),
        UNCHAINED_RANDOMNESS
    );
    let others_key = hex::decode(DEFAULT_KEY).unwrap();
    assert_eq!(
        verify(&others_key, &round),
        Err(DrandError::Signature(1000))
    );
}

#[test]
fn malformed_rounds_are_refused_by_name() {
    let key = hex::decode(DEFAULT_KEY).unwrap();
    let signature = hex::decode(DEFAULT_ROUNDS[0].2).unwrap();
    let round = |number, previous| Round {
        number,
        previous,
        signature: &signature,
    };
    let short = round(2, Some([0; 32].as_slice()));
    assert_eq!(verify(&key, &short), Err(DrandError::Previous(32)));
    let long = round(1, Some([0; 96].as_slice()));
    assert_eq!(verify(&key, &long), Err(DrandError::Previous(96)));
    let cut = Round {
        signature: &signature[..95],
        ..round(2, None)
    };
    assert!(matches!(verify(&key, &cut), Err(DrandError::Point(_))));
    assert!(matches!(
        verify(&key[..47], &round(2, None)),
        Err(DrandError::Point(_))
    ));
}
