use race_app::message::Lane;
use race_app::testing::{Builder, Chain, Wallet};
use race_app::tx::decode;

#[test]
fn transactions_that_follow_each_other_all_get_in() {
    let mut chain = Chain::new(1);
    let alice = Wallet::named("alice");
    for _ in 0..3 {
        chain
            .send(&alice, vec![alice.pays(&Wallet::named("carol"), 1)])
            .unwrap();
    }
    chain.step();
    assert_eq!(chain.balance(&Wallet::named("carol")), 3);
    assert!(chain.mempool.is_empty());
}

#[test]
fn the_second_of_two_with_one_sequence_is_refused() {
    let chain = Chain::new(1);
    let alice = Wallet::named("alice");
    let tx = chain.sign(&alice, vec![alice.pays(&alice, 1)]);
    assert!(chain.app.check_tx(&tx, false).error.is_none());
    assert_eq!(chain.app.check_tx(&tx, false).error.unwrap().code, 32);
}

#[test]
fn an_account_has_a_quota_that_a_block_renews() {
    let mut chain = Builder::new(1).param("tx/pending_per_account", 2).start();
    let alice = Wallet::named("alice");
    let pay = || vec![alice.pays(&alice, 1)];
    chain.send(&alice, pay()).unwrap();
    chain.send(&alice, pay()).unwrap();
    assert_eq!(chain.send(&alice, pay()).unwrap_err().code, 20);
    let bob = Wallet::named("bob");
    chain.send(&bob, vec![bob.pays(&alice, 1)]).unwrap();
    chain.step();
    chain.send(&alice, pay()).unwrap();
}

#[test]
fn the_protocol_comes_first_and_what_does_not_decode_is_left_out() {
    let mut chain = Chain::new(4);
    chain.run_until("a beacon round takes commits", 60, |chain| {
        chain.read(|_, state| {
            let open = race_app::beacon::open_rounds(state);
            open.iter()
                .any(|round| round.commit_start == chain.height + 1)
        })
    });
    let alice = Wallet::named("alice");
    chain.send(&alice, vec![alice.pays(&alice, 1)]).unwrap();
    race_app::testing::honest::act(&mut chain);
    let mut txs = chain.mempool.clone();
    assert!(txs.len() > 1);
    txs.insert(0, b"garbage".to_vec().into());
    let proposed = chain.app.prepare_proposal(&[], txs.clone(), u64::MAX);
    assert_eq!(proposed.len(), txs.len() - 1);
    let lanes: Vec<_> = chain.read(|_, state| {
        proposed
            .iter()
            .map(|tx| decode(state, tx).unwrap().lane)
            .collect()
    });
    assert_eq!(lanes.last(), Some(&Lane::User));
    assert!(lanes[..lanes.len() - 1]
        .iter()
        .all(|lane| *lane == Lane::Protocol));
    assert!(chain.app.process_proposal(&proposed));
    assert!(!chain.app.process_proposal(&txs));
    let limit = 2 * proposed[0].len() as u64;
    assert!(chain.app.prepare_proposal(&[], txs, limit).len() <= 2);
}

#[test]
fn a_protocol_message_that_would_fail_does_not_get_in() {
    let mut chain = Chain::new(2);
    chain.step();
    let hot = chain.nodes[0].hot.clone();
    let message = race_proto::race::race::v1::MsgSubmitRace {
        sender: hot.address(),
        epoch: 1,
        attempt: 1,
        root: vec![1; 32],
        count: 1,
    };
    let sequence = chain.signing(&hot).sequence;
    assert!(chain
        .send_free(&hot, vec![Wallet::message(&message)])
        .is_err());
    assert_eq!(chain.signing(&hot).sequence, sequence);
}

#[test]
fn the_ninth_deal_waits_for_the_next_block() {
    let mut chain = Chain::new(10);
    race_app::testing::honest::act(&mut chain);
    let txs = chain.mempool.clone();
    assert_eq!(txs.len(), 10);
    let proposed = chain.app.prepare_proposal(&[], txs.clone(), u64::MAX);
    assert_eq!(proposed, txs[..8]);
    assert!(chain.app.process_proposal(&proposed));
    assert!(!chain.app.process_proposal(&txs[..9]));
    let twice = chain.app.check_tx(&txs[0], false).error;
    assert!(twice.is_some(), "one deal of each member");
}
