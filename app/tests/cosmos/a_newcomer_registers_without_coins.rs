use race_app::testing::{Chain, Signing, TestNode, Wallet};

fn signing(chain: &Chain) -> Signing {
    Signing {
        number: 0,
        sequence: 0,
        fee: 0,
        gas: 0,
        ..chain.signing(&Wallet::named("nobody"))
    }
}

#[test]
fn it_signs_with_account_number_and_sequence_0_and_has_an_account_then() {
    let mut chain = Chain::new(1);
    let node = TestNode::named("newcomer");
    let message = Wallet::message(&node.registration(&chain.chain_id));
    let tx = node.operator.sign(vec![message], &signing(&chain));
    chain.submit(tx).unwrap();
    let results = chain.step().results;
    assert!(results.iter().all(|r| r.code == 0), "{results:?}");
    let known = chain.read(|_, state| race_app::node::get(state, &node.address));
    assert_eq!(known.unwrap().operator, node.operator.address());
    assert_eq!(chain.signing(&node.operator).sequence, 1);
    assert!(chain.signing(&node.hot).number > 0);
}

#[test]
fn a_failed_registration_leaves_no_account() {
    let mut chain = Chain::new(1);
    let node = TestNode::named("newcomer");
    let mut registration = node.registration(&chain.chain_id);
    registration.proofs.as_mut().unwrap().consensus[0] ^= 1;
    let tx = node
        .operator
        .sign(vec![Wallet::message(&registration)], &signing(&chain));
    assert!(chain.app.check_tx(&tx, false).error.is_some());
    assert_ne!(chain.block(vec![tx]).results[0].code, 0);
    assert!(chain
        .read(|_, state| race_app::auth::account(state, &node.operator.account))
        .is_none());
}

#[test]
fn with_another_message_or_a_fee_it_is_refused() {
    let chain = Chain::new(1);
    let node = TestNode::named("newcomer");
    let register = Wallet::message(&node.registration(&chain.chain_id));
    let pay = node.operator.pays(&Wallet::named("alice"), 1);
    let mixed = node
        .operator
        .sign(vec![register.clone(), pay], &signing(&chain));
    let error = chain.app.check_tx(&mixed, false).error.unwrap();
    assert!(error.log.contains("cannot share a transaction"), "{error}");
    let paying = node.operator.sign(
        vec![register],
        &Signing {
            fee: 5,
            ..signing(&chain)
        },
    );
    let error = chain.app.check_tx(&paying, false).error.unwrap();
    assert!(error.log.contains("pay no fee"), "{error}");
}
