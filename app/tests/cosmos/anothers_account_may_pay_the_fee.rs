use prost::Message;
use race_app::testing::{Chain, Wallet};
use race_proto::cosmos::tx::v1beta1::TxRaw;

#[test]
fn a_second_signer_pays_and_both_sequences_grow() {
    let mut chain = Chain::new(1);
    chain.block(Vec::new());
    let (alice, bob) = (Wallet::named("alice"), Wallet::named("bob"));
    let (of_alice, of_bob) = (chain.signing(&alice), chain.signing(&bob));
    let before = (chain.balance(&alice), chain.balance(&bob));
    let (body, mut auth) = alice.body_and_auth(vec![alice.pays(&bob, 5)], &of_alice);
    auth.fee.as_mut().unwrap().payer = bob.address();
    let (_, other) = bob.body_and_auth(Vec::new(), &of_bob);
    auth.signer_infos.extend(other.signer_infos);
    let sign = |wallet: &Wallet, number| {
        let raw = wallet.sign_raw(&body, &auth, &chain.chain_id, number);
        raw.signatures[0].clone()
    };
    let signatures = vec![sign(&alice, of_alice.number), sign(&bob, of_bob.number)];
    let raw = TxRaw {
        body_bytes: body.encode_to_vec(),
        auth_info_bytes: auth.encode_to_vec(),
        signatures: signatures.clone(),
    };
    let mut alone = raw.clone();
    alone.signatures.pop();
    let error = chain.app.check_tx(&alone.encode_to_vec(), false).error;
    let log = "wrong number of signers; expected 2, got 1: unauthorized";
    assert_eq!(error.unwrap().log, log);
    let result = chain.block(vec![raw.encode_to_vec()]).results.remove(0);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    assert_eq!(
        (chain.balance(&alice), chain.balance(&bob)),
        (before.0 - 5, before.1 + 5 - 100_000)
    );
    let sequence = |wallet: &Wallet| chain.signing(wallet).sequence;
    assert_eq!((sequence(&alice), sequence(&bob)), (1, 1));
    let payer = result.events.iter().find(|e| e.r#type == "tx").unwrap();
    assert_eq!(payer.attributes[1].value, bob.address());
}
