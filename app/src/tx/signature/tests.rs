use super::*;

fn secp256k1(hex_key: &str) -> Any {
    crate::message::response(&secp256k1::PubKey {
        key: hex::decode(hex_key).unwrap(),
    })
}

fn three() -> Vec<Any> {
    [
        "03a9a0776157f1dee1fe2d65628747059a8796de9a379f3015c4dcf483f64840a6",
        "02e10ecea7c647934ed84a4c6f5ab326c669e95266260096e4d1a39ae133396445",
        "033e6ded7eae9fce61ea80885c4a96ac7c90d3e9adaf6a312db9f89646c348ef36",
    ]
    .map(secp256k1)
    .to_vec()
}

fn multi(threshold: u32, public_keys: Vec<Any>) -> Any {
    crate::message::response(&LegacyAminoPubKey {
        threshold,
        public_keys,
    })
}

/// The addresses are those that CosmJS 0.33 derives.
#[test]
fn the_account_of_several_keys_is_the_one_that_wallets_derive() {
    let account = |key: &Any| PublicKey::unpack(key).unwrap().account().to_string();
    assert_eq!(
        account(&multi(2, three())),
        "race1fkt54gu4k4qgr3j3cdv7rkagq7x69erypplqen"
    );
    // `[7; 32]` is no point, so the address is taken of the bytes as they are.
    let first = PublicKey::unpack(&three()[0]).unwrap();
    let mut bytes = vec![0x22, 0xc1, 0xf7, 0xe2, 0x08, 1, 0x12, 38];
    bytes.extend(first.amino());
    bytes.extend([0x12, 37, 0x16, 0x24, 0xde, 0x64, 32]);
    bytes.extend([7; 32]);
    assert_eq!(
        Account::of_bytes(&bytes).to_string(),
        "race17cupw3wkhk7zf2g44f2ysaj79x72aathrg2k88"
    );
}

#[test]
fn keys_inside_keys_and_thresholds_that_cannot_be_met_are_refused() {
    for (key, words) in [
        (
            multi(1, vec![multi(1, three())]),
            "a key of several keys inside another",
        ),
        (multi(0, three()), "a threshold from 1 to 3, got 0"),
        (multi(4, three()), "a threshold from 1 to 3, got 4"),
        (multi(1, Vec::new()), "threshold from 1 to 0"),
    ] {
        let error = PublicKey::unpack(&key).unwrap_err();
        assert_eq!(error.code, 8);
        assert!(error.log.contains(words), "{}", error.log);
    }
    let many = PublicKey::unpack(&multi(1, vec![three()[0].clone(); 17])).unwrap_err();
    assert_eq!(many.code, 14);
}

#[test]
fn a_bit_array_is_read_from_its_highest_bit_and_its_last_byte_may_be_cut() {
    let array = |extra_bits_stored, elems: &[u8]| {
        bits(&CompactBitArray {
            extra_bits_stored,
            elems: elems.to_vec(),
        })
    };
    assert_eq!(array(3, &[0b1010_0000]), [true, false, true]);
    assert_eq!(array(0, &[0x80]).len(), 8);
    assert_eq!(array(1, &[0, 0x80]).last(), Some(&true));
    assert_eq!(array(3, &[]), Vec::<bool>::new());
}
