//! Every attribute of every event, in order. Addresses are named, so that the list can be read beside
//! the SDK's.

use std::fmt::Write as _;

use prost::Message;
use race_app::testing::{Chain, Wallet};
use race_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::Any;
use tendermint_proto::v0_38::abci::Event;

fn coin(amount: u128) -> Vec<Coin> {
    vec![Coin {
        denom: "nicoin".into(),
        amount: amount.to_string(),
    }]
}

fn shown(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        let attributes = event.attributes.iter();
        let list: Vec<_> = attributes
            .map(|a| match a.key.as_str() {
                "signature" => "signature=(of 64 bytes)".to_owned(),
                key => format!("{key}={}", a.value),
            })
            .collect();
        let _ = writeln!(text, "{} {}", event.r#type, list.join(" "));
    }
    let pool = race_app::auth::module_account("fee_collector");
    text = text.replace(&pool.to_string(), "FEES");
    for name in ["alice", "bob", "carol", "dora"] {
        text = text.replace(&Wallet::named(name).address(), &name.to_uppercase());
    }
    text
}

fn delivered(messages: impl FnOnce(&Chain) -> Vec<Any>) -> String {
    let mut chain = Chain::new(1);
    chain.block(Vec::new());
    let alice = Wallet::named("alice");
    let tx = chain.sign(&alice, messages(&chain));
    let result = chain.block(vec![tx]).results.remove(0);
    let data = hex::encode(&result.data);
    let text = shown(&result.events);
    format!(
        "code {} log {:?} data {data}\n{text}",
        result.code, result.log
    )
}

#[test]
fn of_one_transfer() {
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    insta::assert_snapshot!(delivered(|_| vec![alice.pays(&carol, 1234)]));
}

#[test]
fn of_two_messages_which_are_numbered() {
    let (alice, bob, carol) = (
        Wallet::named("alice"),
        Wallet::named("bob"),
        Wallet::named("carol"),
    );
    insta::assert_snapshot!(delivered(|_| vec![
        alice.pays(&carol, 1),
        alice.pays(&bob, 2)
    ]));
}

#[test]
fn of_a_transfer_to_several() {
    let alice = Wallet::named("alice");
    let output = |name: &str, n| Output {
        address: Wallet::named(name).address(),
        coins: coin(n),
    };
    let message = MsgMultiSend {
        inputs: vec![Input {
            address: alice.address(),
            coins: coin(7),
        }],
        outputs: vec![output("carol", 3), output("dora", 4)],
    };
    insta::assert_snapshot!(delivered(|_| vec![Wallet::message(&message)]));
}

#[test]
fn of_a_failure_which_keeps_the_fees_alone() {
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    insta::assert_snapshot!(delivered(|_| vec![
        alice.pays(&carol, 1),
        alice.pays(&carol, u128::MAX)
    ]));
}

#[test]
fn outside_transactions_end_with_the_mode() {
    let mut chain = Chain::new(1);
    for _ in 0..5 {
        for event in chain.step().events {
            let last = event.attributes.last().unwrap();
            assert_eq!(last.key, "mode");
            assert!(["BeginBlock", "EndBlock"].contains(&last.value.as_str()));
            assert!(event.encoded_len() > 0 && last.index);
        }
    }
}

#[test]
fn of_a_simulation_are_not_indexed() {
    let chain = Chain::new(1);
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let tx = chain.sign(&alice, vec![alice.pays(&carol, 1)]);
    let events = chain.app.simulate(&tx).events;
    assert_eq!(events.len(), 12);
    assert!(events.iter().flat_map(|e| &e.attributes).all(|a| !a.index));
}
