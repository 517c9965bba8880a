//! What a flood of transactions can and cannot do: users', free ones, and bytes.

use bytes::Bytes;
use race_app::message::Lane;
use race_app::testing::{honest, Builder, Chain, Signing, TestNode, Wallet};
use race_app::tx::decode;
use race_proto::race::duty::v1::MsgRevealDuties;
use race_proto::race::race::v1::MsgSubmitRace;

/// A submission of a race, whatever the chain thinks of it.
fn submission(sender: &Wallet, count: u64) -> Vec<race_proto::Any> {
    vec![Wallet::message(&MsgSubmitRace {
        sender: sender.address(),
        epoch: 1,
        attempt: 1,
        root: vec![1; 32],
        count,
    })]
}

/// The same transaction with a signature that is not one.
fn unsigned(mut tx: Vec<u8>) -> Vec<u8> {
    let last = tx.len() - 1;
    tx[last] ^= 1;
    tx
}

fn refusal(chain: &Chain, tx: &[u8]) -> (String, u32) {
    let error = chain.app.check_tx(tx, false).error.unwrap();
    (error.codespace.to_owned(), error.code)
}

#[test]
fn a_stranger_that_speaks_for_the_protocol_is_refused_before_its_signature_is_verified() {
    let chain = Chain::new(1);
    let alice = Wallet::named("alice");
    let tx = chain.sign_free(&alice, submission(&alice, 1));
    let with_a_signature = refusal(&chain, &tx);
    assert_eq!(with_a_signature.0, "race_node");
    assert_eq!(refusal(&chain, &unsigned(tx)), with_a_signature);
}

#[test]
fn a_registration_of_known_keys_is_refused_before_its_signature_is_verified() {
    let mut chain = Chain::new(1);
    let node = TestNode::named("newcomer");
    let signing = Signing {
        number: 0,
        sequence: 0,
        fee: 0,
        ..chain.signing(&node.operator)
    };
    let message = Wallet::message(&node.registration(&chain.chain_id));
    let tx = node.operator.sign(vec![message], &signing);
    assert_eq!(refusal(&chain, &unsigned(tx.clone())).1, 4, "new: verified");
    chain.submit(tx.clone()).unwrap();
    assert_eq!(refusal(&chain, &unsigned(tx)).0, "race_node");
}

#[test]
fn a_wrong_sequence_is_refused_before_its_signature_is_verified() {
    let chain = Chain::new(1);
    let alice = Wallet::named("alice");
    for sequence in [1, 2, 1_000] {
        let signing = Signing {
            sequence,
            ..chain.signing(&alice)
        };
        let tx = alice.sign(vec![alice.pays(&alice, 1)], &signing);
        assert_eq!(refusal(&chain, &unsigned(tx)), ("sdk".to_owned(), 32));
    }
}

#[test]
fn bytes_that_are_too_many_or_no_transaction_never_enter() {
    let chain = Chain::new(1);
    let alice = Wallet::named("alice");
    let long = vec![alice.pays(&alice, 1); 60];
    let signing = Signing {
        memo: "x".repeat(256),
        ..chain.signing(&alice)
    };
    assert!(chain
        .app
        .check_tx(&alice.sign(long.clone(), &signing), false)
        .error
        .is_none());
    let short = Builder::new(1).param("tx/max_user_bytes", 1 << 10).start();
    assert_eq!(refusal(&short, &alice.sign(long, &signing)).1, 21);
    assert_eq!(refusal(&chain, &vec![0xff; (512 << 10) + 1]).1, 21);
    assert_eq!(refusal(&chain, &vec![0xff; 512 << 10]).1, 2);
    assert_eq!(refusal(&chain, &[]).1, 18);
}

#[test]
fn when_many_accounts_have_filled_the_users_part_the_protocol_gets_in() {
    let wallets: Vec<_> = (0..20)
        .map(|i| Wallet::named(&format!("sybil {i}")))
        .collect();
    let builder = Builder::new(4).param("tx/pending_of_users", 20);
    let mut chain = wallets
        .iter()
        .fold(builder, |builder, wallet| {
            builder.fund(wallet.clone(), 100_001)
        })
        .start();
    for wallet in &wallets {
        chain.send(wallet, vec![wallet.pays(wallet, 1)]).unwrap();
    }
    let alice = Wallet::named("alice");
    let refused = chain.send(&alice, vec![alice.pays(&alice, 1)]).unwrap_err();
    assert_eq!(refused.code, 20);
    let results = chain.step().results;
    assert_eq!(results.len(), 24, "a deal of each node besides");
    assert!(results.iter().all(|result| result.code == 0), "{results:?}");
    chain.send(&alice, vec![alice.pays(&alice, 1)]).unwrap();
}

#[test]
fn the_protocol_is_proposed_before_any_number_of_users_and_whatever_they_weigh() {
    let mut chain = Chain::new(4);
    let alice = Wallet::named("alice");
    let heavy = vec![alice.pays(&alice, 1); 60];
    for _ in 0..60 {
        chain.send(&alice, heavy.clone()).unwrap();
    }
    honest::act(&mut chain);
    let txs = chain.mempool.clone();
    let protocol: u64 = txs[60..].iter().map(|tx| tx.len() as u64 + 10).sum();
    let proposed = chain.app.prepare_proposal(&[], txs.clone(), protocol);
    assert_eq!(proposed, txs[60..]);
    assert!(chain.app.process_proposal(&proposed));
}

#[test]
fn a_node_that_sends_many_does_not_delay_another_that_sends_one() {
    let chain = Chain::new(2);
    let (busy, other) = (&chain.nodes[0].hot, &chain.nodes[1].hot);
    let mut txs: Vec<Bytes> = (0..30)
        .map(|count| {
            let signing = Signing {
                sequence: count,
                fee: 0,
                ..chain.signing(busy)
            };
            busy.sign(submission(busy, count + 1), &signing).into()
        })
        .collect();
    let one: Bytes = chain.sign_free(other, submission(other, 1)).into();
    txs.push(one.clone());
    let proposed = chain.app.prepare_proposal(&[], txs.clone(), u64::MAX);
    assert_eq!(proposed[1], one);
    let of_busy: Vec<_> = proposed.iter().filter(|tx| **tx != one).cloned().collect();
    assert_eq!(of_busy, txs[..30], "in the order of their sequences");
    chain.read(|_, state| assert_eq!(decode(state, &one).unwrap().lane, Lane::Protocol));
}

#[test]
fn a_block_has_no_more_registrations_than_it_takes_whether_they_are_good_or_not() {
    let chain = Chain::new(1);
    let registration = |index: u64| -> Bytes {
        let node = TestNode::named(&format!("newcomer{index}"));
        let mut message = node.registration(&chain.chain_id);
        // The last proof that is looked at is wrong.
        message.proofs.as_mut().unwrap().share = vec![0; 96];
        let signing = Signing {
            number: 0,
            sequence: 0,
            fee: 0,
            ..chain.signing(&node.operator)
        };
        let message = Wallet::message(&message);
        node.operator.sign(vec![message], &signing).into()
    };
    let all: Vec<Bytes> = (0..17).map(registration).collect();
    assert!(!chain.app.process_proposal(&all));
    let proposed = chain.app.prepare_proposal(&[], all.clone(), u64::MAX);
    assert_eq!(proposed, all[..16]);
    assert!(chain.app.process_proposal(&proposed));
}

#[test]
fn a_transaction_that_no_block_has_room_for_does_not_keep_others_out() {
    let chain = Builder::new(2)
        .param("tx/max_block_bytes", 1 << 20)
        .param("tx/max_protocol_bytes", 1 << 20)
        .start();
    let (large, small) = (&chain.nodes[0].hot, &chain.nodes[1].hot);
    let of_memo = |length: usize| -> Bytes {
        let signing = Signing {
            fee: 0,
            memo: "x".repeat(length),
            ..chain.signing(large)
        };
        large.sign(submission(large, 1), &signing).into()
    };
    let guess = (1 << 20) - 1_000;
    let as_large_as_may_be = of_memo(guess + (1 << 20) - of_memo(guess).len());
    assert_eq!(as_large_as_may_be.len(), 1 << 20);
    let one: Bytes = chain.sign_free(small, submission(small, 1)).into();
    let txs = vec![as_large_as_may_be, one.clone()];
    let proposed = chain.app.prepare_proposal(&[], txs, u64::MAX);
    assert_eq!(proposed, [one]);
}

#[test]
fn a_block_takes_one_message_of_verdicts_of_a_node() {
    let chain = Chain::new(2);
    let tx = |node: usize, sequence| -> Bytes {
        let hot = &chain.nodes[node].hot;
        let reveal = Wallet::message(&MsgRevealDuties {
            sender: hot.address(),
            epoch: 1,
            signature: vec![1; 96],
            verdicts: Vec::new(),
        });
        let signing = Signing {
            sequence,
            fee: 0,
            ..chain.signing(hot)
        };
        hot.sign(vec![reveal], &signing).into()
    };
    let (first, second, other) = (tx(0, 0), tx(0, 1), tx(1, 0));
    let all = vec![first.clone(), second.clone(), other.clone()];
    let proposed = chain.app.prepare_proposal(&[], all.clone(), u64::MAX);
    assert_eq!(proposed, [first.clone(), other]);
    assert!(chain.app.process_proposal(&proposed));
    assert!(!chain.app.process_proposal(&all));
    assert!(!chain.app.process_proposal(&[first, second]));
}

#[test]
fn an_account_that_emptied_itself_leaves_nothing_in_the_mempool() {
    let mut chain = Builder::new(1)
        .fund(Wallet::named("poor"), 1_000_000)
        .start();
    let (poor, alice) = (Wallet::named("poor"), Wallet::named("alice"));
    chain.send(&poor, vec![poor.pays(&alice, 900_000)]).unwrap();
    // CheckTx does not run messages, so these have their fees as far as it knows.
    for _ in 0..3 {
        chain.send(&poor, vec![poor.pays(&alice, 1)]).unwrap();
    }
    let first = chain.mempool[0].to_vec();
    let codes: Vec<_> = chain
        .block(vec![first])
        .results
        .iter()
        .map(|r| r.code)
        .collect();
    assert_eq!(codes, [0]);
    assert!(chain.mempool.is_empty(), "the recheck removes them");
}

/// As many transactions of an account, which gives all away in the first of them.
fn emptying(chain: &mut Chain, from: &Wallet, to: &Wallet, count: usize) -> Vec<Bytes> {
    let all = chain.balance(from) - chain.signing(from).fee;
    chain.send(from, vec![from.pays(to, all)]).unwrap();
    for _ in 1..count {
        chain.send(from, vec![from.pays(to, 1)]).unwrap();
    }
    chain.mempool.clone()
}

#[test]
fn what_an_account_that_gave_all_away_cannot_pay_is_not_proposed() {
    let mut chain = Chain::new(1);
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(Wallet::named);
    emptying(&mut chain, &alice, &carol, 9);
    // It fails and pays: that is no reason to leave it out.
    let more_than_all = chain.balance(&bob) + 1;
    chain
        .send(&bob, vec![bob.pays(&carol, more_than_all)])
        .unwrap();
    chain.send(&bob, vec![bob.pays(&carol, 7)]).unwrap();
    let txs = chain.mempool.clone();
    let proposed = chain.app.prepare_proposal(&[], txs.clone(), u64::MAX);
    assert_eq!(proposed, [&txs[..1], &txs[9..]].concat());

    // What another proposer puts in takes its place for nothing, and no mempool takes it again.
    assert!(chain.app.process_proposal(&txs));
    let results = chain
        .block(txs.iter().map(|tx| tx.to_vec()).collect())
        .results;
    let codes: Vec<u32> = results.iter().map(|result| result.code).collect();
    assert_eq!(codes, [0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0]);
    assert!(txs[1..9].iter().all(|tx| refusal(&chain, tx).0 == "sdk"));
}

#[test]
fn few_transactions_of_an_account_are_proposed_untried() {
    let mut chain = Chain::new(1);
    let txs = emptying(
        &mut chain,
        &Wallet::named("alice"),
        &Wallet::named("bob"),
        8,
    );
    let proposed = chain.app.prepare_proposal(&[], txs.clone(), u64::MAX);
    assert_eq!(proposed, txs);
}

#[test]
fn what_a_node_pays_for_is_proposed_behind_its_free_transactions() {
    let node = TestNode::named("node0");
    let mut chain = Builder::new(2)
        .fund(node.hot.clone(), 1_000_000_000)
        .start();
    honest::act(&mut chain);
    let free = chain.mempool.len();
    assert!(free > 0);
    for _ in 0..9 {
        chain
            .send(&node.hot, vec![node.hot.pays(&node.hot, 1)])
            .unwrap();
    }
    let txs = chain.mempool.clone();
    let proposed = chain.app.prepare_proposal(&[], txs.clone(), u64::MAX);
    assert_eq!(proposed, txs);
}
