use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use prost::Message;
use race_app::testing::{Chain, Wallet};
use race_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use race_proto::cosmos::base::abci::v1beta1::TxMsgData;
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::tx::v1beta1::TxRaw;
use tendermint_proto::v0_38::abci::Event;

fn coin(amount: u128) -> Vec<Coin> {
    vec![Coin {
        denom: "nicoin".into(),
        amount: amount.to_string(),
    }]
}

fn shown(event: &Event) -> String {
    let list: Vec<_> = event
        .attributes
        .iter()
        .map(|a| format!("{}={}", a.key, a.value))
        .collect();
    format!("{} {}", event.r#type, list.join(" "))
}

#[test]
fn one_transfer_has_the_events_and_the_data_of_the_sdk() {
    let mut chain = Chain::new(1);
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let tx = chain.sign(&alice, vec![alice.pays(&carol, 1234)]);
    let signature = STANDARD.encode(&TxRaw::decode(tx.as_slice()).unwrap().signatures[0]);
    let result = chain.block(vec![tx]).results.remove(0);
    assert_eq!(
        (result.code, result.log.as_str(), result.info.as_str()),
        (0, "", "")
    );
    assert_eq!(result.gas_wanted, 1_000_000);
    assert!(result.gas_used > 0 && result.gas_used <= result.gas_wanted);
    let data = TxMsgData::decode(result.data).unwrap();
    assert_eq!(data.msg_responses.len(), 1);
    assert_eq!(
        data.msg_responses[0].type_url,
        "/cosmos.bank.v1beta1.MsgSendResponse"
    );
    assert!(data.msg_responses[0].value.is_empty());
    let (a, b) = (alice.address(), carol.address());
    let pool = race_app::auth::module_account("fee_collector").to_string();
    let expected = [
        format!("coin_spent spender={a} amount=100000nicoin"),
        format!("coin_received receiver={pool} amount=100000nicoin"),
        format!("transfer recipient={pool} sender={a} amount=100000nicoin"),
        format!("message sender={a}"),
        format!("tx fee=100000nicoin fee_payer={a}"),
        format!("tx acc_seq={a}/0"),
        format!("tx signature={signature}"),
        format!("message action=/cosmos.bank.v1beta1.MsgSend sender={a} module=bank msg_index=0"),
        format!("coin_spent spender={a} amount=1234nicoin msg_index=0"),
        format!("coin_received receiver={b} amount=1234nicoin msg_index=0"),
        format!("transfer recipient={b} sender={a} amount=1234nicoin msg_index=0"),
        format!("message sender={a} msg_index=0"),
    ];
    let events: Vec<_> = result.events.iter().map(shown).collect();
    assert_eq!(events, expected);
    assert!(result
        .events
        .iter()
        .flat_map(|e| &e.attributes)
        .all(|a| a.index));
    assert_eq!(chain.balance(&carol), 1234);
}

#[test]
fn a_multi_send_has_one_pair_of_events_for_each_output() {
    let mut chain = Chain::new(1);
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
    let tx = chain.sign(&alice, vec![Wallet::message(&message)]);
    let result = chain.block(vec![tx]).results.remove(0);
    assert_eq!(result.code, 0, "{}", result.log);
    let kinds: Vec<_> = result.events[7..]
        .iter()
        .map(|e| e.r#type.as_str())
        .collect();
    let expected = [
        "message",
        "coin_spent",
        "message",
        "coin_received",
        "transfer",
        "coin_received",
        "transfer",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_failed_transaction_keeps_the_fee_and_the_sequence_and_nothing_else() {
    let mut chain = Chain::new(1);
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let before = chain.balance(&alice);
    let messages = vec![alice.pays(&carol, 5), alice.pays(&carol, before)];
    let tx = chain.sign(&alice, messages);
    let result = chain.block(vec![tx]).results.remove(0);
    assert_eq!((result.code, result.codespace.as_str()), (5, "sdk"));
    assert!(result.data.is_empty());
    assert_eq!(result.events.len(), 7);
    assert_eq!(chain.balance(&alice), before - 100_000);
    assert_eq!(chain.balance(&carol), 0);
    assert_eq!(chain.signing(&alice).sequence, 1);
}
