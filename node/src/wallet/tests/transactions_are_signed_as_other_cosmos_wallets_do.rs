use prost::Message;
use race_proto::cosmos::bank::v1beta1::MsgSend;
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::tx::v1beta1::{Tx, TxRaw};

use super::keys_are_those_of_other_cosmos_wallets::faucet;
use crate::wallet::sign::{any, Signer, TxDraft};

fn ucosm(amount: &str) -> Vec<Coin> {
    vec![Coin {
        denom: "ucosm".to_owned(),
        amount: amount.to_owned(),
    }]
}

/// The transaction of CosmJS's test vectors.
fn draft() -> TxDraft {
    let message = MsgSend {
        from_address: "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6".to_owned(),
        to_address: "cosmos1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5lzv7xu".to_owned(),
        amount: ucosm("1234567"),
    };
    TxDraft {
        gas_limit: 200_000,
        fee: ucosm("2000"),
        ..TxDraft::new(vec![any(&message)])
    }
}

const fn signer(sequence: u64) -> Signer<'static> {
    Signer {
        chain_id: "simd-testing",
        account_number: 1,
        sequence,
    }
}

const BODY: &str = "0a90010a1c2f636f736d6f732e62616e6b2e763162657461312e4d736753656e6412700a2d636f736d6f7331706b707472653766646b6c366766727a6c65736a6a766878686c63337234676d6d6b38727336122d636f736d6f7331717970717870713971637273737a673270767871367273307a716733797963356c7a763778751a100a0575636f736d120731323334353637";

#[test]
fn the_sign_bytes_are_those_of_the_standard_encoding() {
    let bytes = draft().sign_bytes(faucet().public_key(), signer(1));
    let expected = [
        "0a9301",
        BODY,
        "1267",
        // One signer: its key, SIGN_MODE_DIRECT, sequence 1. Then the fee.
        "0a500a460a1f2f636f736d6f732e63727970746f2e736563703235366b312e5075624b657912230a21034f04181eeba35391b858633a765c4a0c189697b40d216354d50890d350c7029012040a0208011801",
        "12130a0d0a0575636f736d12043230303010c09a0c",
        // simd-testing, account 1.
        "1a0c73696d642d74657374696e672001",
    ];
    assert_eq!(hex::encode(bytes), expected.concat());
}

#[test]
fn the_signatures_are_those_that_cosmjs_makes() {
    for (sequence, expected) in [
        (0, "c9dd20e07464d3a688ff4b710b1fbc027e495e797cfa0b4804da2ed117959227772de059808f765aa29b8f92edf30f4c2c5a438e30d3fe6897daa7141e3ce6f9"),
        (1, "525adc7e61565a509c60497b798c549fbf217bb5cd31b24cc9b419d098cc95330c99ecc4bc72448f85c365a4e3f91299a3d40412fb3751bab82f1940a83a0a4c"),
        (2, "f3f2ca73806f2abbf6e0fe85f9b8af66f0e9f7f79051fdb8abe5bb8633b17da132e82d577b9d5f7a6dae57a144efc9ccc6eef15167b44b3b22a57240109762af"),
    ] {
        let tx = TxRaw::decode(draft().sign(&faucet(), signer(sequence)).as_slice()).unwrap();
        assert_eq!(hex::encode(&tx.body_bytes), BODY);
        assert_eq!(tx.signatures.len(), 1);
        assert_eq!(hex::encode(&tx.signatures[0]), expected, "sequence {sequence}");
    }
}

#[test]
fn a_signature_has_its_s_in_the_lower_half() {
    let half =
        hex::decode("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0").unwrap();
    for message in 0u32..64 {
        let signature = faucet().sign(&message.to_be_bytes());
        assert!(signature[32..] <= half[..], "message {message}");
    }
}

#[test]
fn what_is_simulated_has_an_empty_signature_and_needs_no_key() {
    let tx = Tx::decode(draft().unsigned(None, 5).as_slice()).unwrap();
    assert_eq!(tx.signatures, vec![Vec::<u8>::new()]);
    let signer = &tx.auth_info.unwrap().signer_infos[0];
    assert_eq!((signer.sequence, &signer.public_key), (5, &None));
}

#[test]
fn a_fee_of_zero_is_no_coin() {
    assert_eq!(draft().paying(10, 0).fee, Vec::new());
    let paying = draft().paying(10, 7);
    assert_eq!((paying.fee[0].amount.as_str(), paying.gas_limit), ("7", 10));
}
