//! Each row of the table of codes: in CheckTx, where a broadcast answers it, or in the block.

use prost::Message;
use race_app::error::TxError;
use race_app::testing::{Chain, Signing, Wallet};
use race_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::{Tip, TxRaw};
use race_proto::Any;

struct Scene {
    chain: Chain,
    alice: Wallet,
    carol: Wallet,
}

impl Scene {
    fn new() -> Self {
        let mut chain = Chain::new(1);
        chain.block(Vec::new());
        Self {
            chain,
            alice: Wallet::named("alice"),
            carol: Wallet::named("carol"),
        }
    }

    fn pay(&self) -> Vec<Any> {
        vec![self.alice.pays(&self.carol, 1)]
    }

    fn signing(&self) -> Signing {
        self.chain.signing(&self.alice)
    }

    fn signed(&self, change: impl FnOnce(&mut Signing)) -> Vec<u8> {
        let mut signing = self.signing();
        change(&mut signing);
        self.alice.sign(self.pay(), &signing)
    }

    fn check(&self, tx: &[u8]) -> (u32, String) {
        let error = self
            .chain
            .app
            .check_tx(tx, false)
            .error
            .expect("CheckTx refuses");
        assert_eq!(error.codespace, "sdk");
        (error.code, error.log)
    }

    /// CheckTx accepts, the block refuses.
    fn deliver(&mut self, messages: Vec<Any>) -> TxError {
        let tx = self.chain.sign(&self.alice, messages);
        assert_eq!(self.chain.app.check_tx(&tx, false).error, None);
        let result = self.chain.block(vec![tx]).results.remove(0);
        let codespace = if result.codespace == "bank" {
            "bank"
        } else {
            "sdk"
        };
        assert_eq!(result.codespace, codespace);
        TxError {
            codespace,
            code: result.code,
            log: result.log,
        }
    }

    fn send(&self, to: &str, denom: &str, amount: &str) -> Vec<Any> {
        vec![Wallet::message(&MsgSend {
            from_address: self.alice.address(),
            to_address: to.to_owned(),
            amount: vec![Coin {
                denom: denom.into(),
                amount: amount.into(),
            }],
        })]
    }
}

#[test]
fn what_does_not_decode_or_has_unknown_fields_is_code_2() {
    let scene = Scene::new();
    assert_eq!(scene.check(b"garbage").0, 2);
    let mut unknown = scene.signed(|_| {});
    unknown.extend_from_slice(&[0xa0, 0x06, 0x01]);
    let (code, log) = scene.check(&unknown);
    assert_eq!(
        (code, log.as_str()),
        (
            2,
            "errUnknownField \"*tx.TxRaw\": {TagNum: 100, WireType:\"varint\"}: tx parse error"
        )
    );
    let any = Any {
        type_url: "/cosmos.staking.v1beta1.MsgDelegate".into(),
        value: vec![],
    };
    let (code, log) = scene.check(&scene.alice.sign(vec![any], &scene.signing()));
    assert_eq!(
        (code, log.contains("unable to resolve type URL")),
        (2, true)
    );
}

#[test]
fn a_critical_unknown_field_of_the_body_is_refused_and_a_non_critical_one_accepted() {
    let scene = Scene::new();
    let signing = scene.signing();
    for (number, accepted) in [(100u32, false), (1024 + 100, true)] {
        let (body, auth) = scene.alice.body_and_auth(scene.pay(), &signing);
        let mut bytes = body.encode_to_vec();
        prost::encoding::encode_varint(u64::from(number) << 3, &mut bytes);
        bytes.push(1);
        let doc = race_proto::cosmos::tx::v1beta1::SignDoc {
            body_bytes: bytes.clone(),
            auth_info_bytes: auth.encode_to_vec(),
            chain_id: signing.chain_id.clone(),
            account_number: signing.number,
        };
        use k256::ecdsa::signature::Signer as _;
        let signature: k256::ecdsa::Signature = scene.alice.key.sign(&doc.encode_to_vec());
        let raw = TxRaw {
            body_bytes: bytes,
            auth_info_bytes: doc.auth_info_bytes.clone(),
            signatures: vec![signature
                .normalize_s()
                .unwrap_or(signature)
                .to_bytes()
                .to_vec()],
        };
        let outcome = scene.chain.app.check_tx(&raw.encode_to_vec(), false);
        assert_eq!(outcome.error.is_none(), accepted, "{:?}", outcome.error);
    }
}

#[test]
fn a_signature_for_another_chain_or_account_is_code_4() {
    let scene = Scene::new();
    for tx in [
        scene.signed(|s| s.chain_id = "other".into()),
        scene.signed(|s| s.number += 1),
    ] {
        let (code, log) = scene.check(&tx);
        let number = scene.signing().number;
        let expected = format!(
            "signature verification failed; please verify account number ({number}) and chain-id \
             (race-test-1): (unable to verify single signer signature): unauthorized"
        );
        assert_eq!((code, log), (4, expected));
    }
}

#[test]
fn a_high_s_signature_is_code_4() {
    let scene = Scene::new();
    let mut raw = TxRaw::decode(scene.signed(|_| {}).as_slice()).unwrap();
    let signature = k256::ecdsa::Signature::from_slice(&raw.signatures[0]).unwrap();
    let (r, s) = signature.split_scalars();
    let high = k256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    assert!(high.normalize_s().is_some());
    raw.signatures[0] = high.to_bytes().to_vec();
    assert_eq!(scene.check(&raw.encode_to_vec()).0, 4);
}

#[test]
fn more_or_no_signatures_are_refused() {
    let scene = Scene::new();
    let mut raw = TxRaw::decode(scene.signed(|_| {}).as_slice()).unwrap();
    raw.signatures.push(raw.signatures[0].clone());
    let refused = scene.check(&raw.encode_to_vec());
    assert_eq!(
        refused,
        (
            4,
            "wrong number of signers; expected 1, got 2: unauthorized".to_owned()
        )
    );
    raw.signatures.clear();
    assert_eq!(
        scene.check(&raw.encode_to_vec()),
        (15, "no signatures supplied".to_owned())
    );
}

#[test]
fn other_sign_modes_are_not_supported() {
    let scene = Scene::new();
    let (code, log) = scene.check(&scene.signed(|s| s.mode = SignMode::Textual));
    assert_eq!(code, 37);
    assert!(log.contains("SIGN_MODE_TEXTUAL is not supported"), "{log}");
}

#[test]
fn a_fee_above_the_balance_is_code_5() {
    let scene = Scene::new();
    let (code, log) = scene.check(&scene.signed(|s| s.fee = 2_000_000_000_000));
    assert_eq!(code, 5);
    assert_eq!(log, "spendable balance 1000000000000nicoin is smaller than 2000000000000nicoin: insufficient funds");
}

#[test]
fn anothers_public_key_is_code_8() {
    let scene = Scene::new();
    let (body, auth) = scene.carol.body_and_auth(scene.pay(), &scene.signing());
    let tx = scene
        .carol
        .sign_raw(&body, &auth, "race-test-1", scene.signing().number);
    let (code, log) = scene.check(&tx.encode_to_vec());
    let expected = format!(
        "pubKey does not match signer address {} with signer index: 0: invalid pubkey",
        scene.alice.address()
    );
    assert_eq!((code, log), (8, expected));
}

#[test]
fn a_sender_without_an_account_is_code_9() {
    let scene = Scene::new();
    let signing = scene.chain.signing(&scene.carol);
    let tx = scene
        .carol
        .sign(vec![scene.carol.pays(&scene.alice, 1)], &signing);
    let (code, log) = scene.check(&tx);
    let address = scene.carol.address();
    assert_eq!(
        (code, log),
        (
            9,
            format!("fee payer address: {address} does not exist: unknown address")
        )
    );
}

#[test]
fn too_little_gas_is_code_11_in_the_words_that_clients_parse() {
    let mut scene = Scene::new();
    let (code, log) = scene.check(&scene.signed(|s| s.gas = 1));
    assert_eq!(code, 11);
    assert!(
        log.contains("; gasWanted: 1, gasUsed: ") && log.ends_with(": out of gas"),
        "{log}"
    );
    // Enough for the checks, not for the message.
    let tx = scene.signed(|s| s.gas = 30_000);
    assert_eq!(scene.chain.app.check_tx(&tx, false).error, None);
    let result = scene.chain.block(vec![tx]).results.remove(0);
    assert_eq!(result.code, 11);
    assert!(
        result.log.starts_with("out of gas in location: "),
        "{}",
        result.log
    );
    assert!(result.gas_used > result.gas_wanted);
}

#[test]
fn a_long_memo_a_small_fee_and_an_old_transaction_are_refused() {
    let scene = Scene::new();
    let refused = scene.check(&scene.signed(|s| s.memo = "m".repeat(257)));
    let log = "maximum number of characters is 256 but received 257 characters: memo too large";
    assert_eq!(refused, (12, log.to_owned()));
    let refused = scene.check(&scene.signed(|s| s.fee = 1));
    assert_eq!(
        refused,
        (
            13,
            "insufficient fees; got: 1nicoin required: 10000nicoin: insufficient fee".to_owned()
        )
    );
    let refused = scene.check(&scene.signed(|s| s.timeout_height = 1));
    assert_eq!(
        refused,
        (
            30,
            "block height: 2, timeout height: 1: tx timeout height".to_owned()
        )
    );
}

#[test]
fn no_message_is_code_18_and_a_wrong_sequence_code_32() {
    let scene = Scene::new();
    let refused = scene.check(&scene.alice.sign(Vec::new(), &scene.signing()));
    assert_eq!(
        refused,
        (
            18,
            "must contain at least one message: invalid request".to_owned()
        )
    );
    let refused = scene.check(&scene.signed(|s| s.sequence = 14));
    let log = "account sequence mismatch, expected 0, got 14: incorrect account sequence";
    assert_eq!(refused, (32, log.to_owned()));
}

#[test]
#[allow(deprecated)]
fn a_fee_that_is_not_granted_tips_and_extensions_are_refused() {
    let scene = Scene::new();
    let signing = scene.signing();
    let (mut body, mut auth) = scene.alice.body_and_auth(scene.pay(), &signing);
    auth.fee.as_mut().unwrap().granter = scene.carol.address();
    let sign = |body: &_, auth: &_| {
        scene
            .alice
            .sign_raw(body, auth, &signing.chain_id, signing.number)
            .encode_to_vec()
    };
    let (code, log) = scene.check(&sign(&body, &auth));
    let (carol, alice) = (scene.carol.address(), scene.alice.address());
    let refused =
        format!("{carol} does not allow to pay fees for {alice}: fee-grant not found: not found");
    assert_eq!((code, log), (38, refused));
    auth.fee.as_mut().unwrap().granter.clear();
    auth.tip = Some(Tip::default());
    assert_eq!(scene.check(&sign(&body, &auth)).0, 18);
    auth.tip = None;
    body.extension_options.push(scene.alice.public_key());
    assert_eq!(scene.check(&sign(&body, &auth)).0, 31);
}

#[test]
fn too_large_a_transaction_is_code_21() {
    let scene = Scene::new();
    let many: Vec<_> = (0..60)
        .flat_map(|_| scene.send(&"x".repeat(2_000), "nicoin", "1"))
        .collect();
    let (code, log) = scene.check(&scene.alice.sign(many, &scene.signing()));
    assert_eq!(
        (code, log.contains("at most 65536 bytes")),
        (21, true),
        "{log}"
    );
}

#[test]
fn amounts_are_checked_in_the_block() {
    let mut scene = Scene::new();
    let to = scene.carol.address();
    let prefix = "failed to execute message; message index: 0: ";
    let error = scene.deliver(scene.send(&to, "nicoin", "100000000000000000000"));
    assert_eq!(error.code, 5);
    assert_eq!(error.log, format!("{prefix}spendable balance 999999900000nicoin is smaller than 100000000000000000000nicoin: insufficient funds"));
    let error = scene.deliver(scene.send(&to, "nicoin", "0"));
    assert_eq!(
        (error.code, error.log),
        (10, format!("{prefix}0nicoin: invalid coins"))
    );
    let error = scene.deliver(scene.send("garbage", "nicoin", "1"));
    assert_eq!(error.code, 7);
    assert!(error.log.starts_with(&format!(
        "{prefix}invalid to address: decoding bech32 failed: "
    )));
    assert!(error.log.ends_with(": invalid address"));
    let error = scene.deliver(scene.send(&to, "foo", "3"));
    assert_eq!(
        error.log,
        format!("{prefix}spendable balance 0foo is smaller than 3foo: insufficient funds")
    );
    let pool = race_app::auth::module_account("gov").to_string();
    assert_eq!(scene.deliver(scene.send(&pool, "nicoin", "1")).code, 4);
}

#[test]
fn an_amount_has_up_to_256_bits() {
    const LARGEST: &str =
        "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    let mut scene = Scene::new();
    let to = scene.carol.address();
    let error = scene.deliver(scene.send(&to, "nicoin", LARGEST));
    assert_eq!(error.code, 5);
    let above = format!("{}6", &LARGEST[..LARGEST.len() - 1]);
    let tx = scene
        .alice
        .sign(scene.send(&to, "nicoin", &above), &scene.signing());
    assert_eq!(scene.check(&tx).0, 2);
}

#[test]
fn a_multi_send_with_unequal_sums_is_code_4_of_bank() {
    let mut scene = Scene::new();
    let coins = |n: u8| {
        vec![Coin {
            denom: "nicoin".into(),
            amount: n.to_string(),
        }]
    };
    let message = MsgMultiSend {
        inputs: vec![Input {
            address: scene.alice.address(),
            coins: coins(5),
        }],
        outputs: vec![Output {
            address: scene.carol.address(),
            coins: coins(4),
        }],
    };
    let error = scene.deliver(vec![Wallet::message(&message)]);
    let log = "failed to execute message; message index: 0: sum inputs != sum outputs".to_owned();
    assert_eq!(
        error,
        TxError {
            codespace: "bank",
            code: 4,
            log
        }
    );
}

#[test]
fn a_transaction_executes_once() {
    let mut scene = Scene::new();
    let tx = scene.signed(|_| {});
    let results = scene.chain.block(vec![tx.clone(), tx]).results;
    assert_eq!((results[0].code, results[1].code), (0, 32));
    assert_eq!(scene.chain.balance(&scene.carol), 1);
}
