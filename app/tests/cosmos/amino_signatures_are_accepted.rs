use race_app::testing::{Chain, Signing, Wallet};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::race::session::v1::MsgOpenSession;

fn amino(chain: &Chain, wallet: &Wallet) -> Signing {
    Signing {
        mode: SignMode::LegacyAminoJson,
        ..chain.signing(wallet)
    }
}

fn chain() -> Chain {
    let mut chain = Chain::new(1);
    chain.block(Vec::new());
    chain
}

#[test]
fn a_transfer_signed_as_amino_json_is_executed() {
    let mut chain = chain();
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let signing = Signing {
        memo: "<& \"more\" >".to_owned(),
        timeout_height: 100,
        ..amino(&chain, &alice)
    };
    let tx = alice.sign(vec![alice.pays(&carol, 5)], &signing);
    let result = chain.block(vec![tx]).results.remove(0);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    assert_eq!(chain.balance(&carol), 5);
}

#[test]
fn a_message_of_this_chain_can_be_signed_as_amino_json_too() {
    let mut chain = chain();
    let alice = Wallet::named("alice");
    let coin = |amount: u64| {
        Some(Coin {
            denom: "nicoin".into(),
            amount: amount.to_string(),
        })
    };
    // The base point of the curve is some public key.
    let mut session_key = vec![0x66; 32];
    session_key[0] = 0x58;
    let open = MsgOpenSession {
        creator: alice.address(),
        model_id: "none".into(),
        escrow: coin(1_000),
        ceiling: coin(10),
        session_key,
        integrity_level: 0,
        expiry_height: 900,
    };
    let tx = alice.sign(vec![Wallet::message(&open)], &amino(&chain, &alice));
    let result = chain.block(vec![tx]).results.remove(0);
    // The signature holds; what is refused is the model.
    assert!(result.log.contains("none"), "{}", result.log);
    assert_ne!(result.code, 4);
}

#[test]
fn a_wrong_amino_signature_names_the_sequence_among_its_causes() {
    let chain = chain();
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let number = chain.signing(&alice).number;
    let expected = format!(
        "signature verification failed; please verify account number ({number}), sequence (0) and \
         chain-id (race-test-1): unauthorized"
    );
    for wrong in [
        Signing {
            chain_id: "other".into(),
            ..amino(&chain, &alice)
        },
        Signing {
            number: number + 1,
            ..amino(&chain, &alice)
        },
    ] {
        let tx = alice.sign(vec![alice.pays(&carol, 5)], &wrong);
        let error = chain.app.check_tx(&tx, false).error.unwrap();
        assert_eq!((error.code, error.log), (4, expected.clone()));
    }
}
