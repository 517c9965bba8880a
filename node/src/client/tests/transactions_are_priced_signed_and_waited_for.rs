use std::time::Duration;

use race_app::address::Account;
use race_proto::cosmos::bank::v1beta1::MsgSend;
use race_proto::race::session::v1::MsgOpenSessionResponse;
use race_proto::Any;

use super::fake::{Behaviour, Fake, CHAIN_ID, GAS, NUMBER};
use crate::client::{AccountNumbers, ChainClient, ClientError, Gas, TxOptions};
use crate::wallet::amount;
use crate::wallet::key::Key;
use crate::wallet::mnemonic::Mnemonic;
use crate::wallet::sign::any;

fn key() -> Key {
    Key::from_mnemonic(&Mnemonic::from_entropy([1; 32]), 0).unwrap()
}

fn send(key: &Key) -> Vec<Any> {
    vec![any(&MsgSend {
        from_address: key.account().to_string(),
        to_address: Account([2; 20]).to_string(),
        amount: vec![amount::coin(7)],
    })]
}

async fn chain(behaviour: Behaviour) -> (Fake, ChainClient) {
    let behaviour = Behaviour {
        account: Some(key().account()),
        ..behaviour
    };
    let fake = Fake::start(behaviour).await;
    let chain = ChainClient::connect(&fake.url).await.unwrap();
    assert_eq!(chain.chain_id(), CHAIN_ID);
    (fake, chain)
}

#[tokio::test]
async fn a_transaction_is_simulated_paid_for_signed_and_found_in_its_block() {
    let (fake, chain) = chain(Behaviour {
        committed: 5,
        pending: 5,
        response: Some(any(&MsgOpenSessionResponse { id: 9 })),
        ..Behaviour::default()
    })
    .await;
    let options = TxOptions::default();
    let estimate = chain
        .estimate(&key().account(), None, &send(&key()), &options)
        .await
        .unwrap();
    assert_eq!(estimate.gas_used, Some(GAS));
    assert_eq!((estimate.gas_limit, estimate.fee), (65_000, 650));
    let expected = AccountNumbers {
        number: NUMBER,
        sequence: 5,
    };
    assert_eq!(estimate.account, expected);
    let done = chain.send(&key(), send(&key()), &options).await.unwrap();
    assert_eq!((done.height, done.gas_used), (11, 51_000));
    assert_eq!(done.response::<MsgOpenSessionResponse>(0).unwrap().id, 9);
    assert!(done.response::<MsgOpenSessionResponse>(1).is_err());
    assert!(done.response::<MsgSend>(0).is_err());
    assert!(fake.with(|f| f.polls) > 1);
    assert_eq!(fake.with(|f| f.last_body()).messages, send(&key()));
}

#[tokio::test]
async fn transactions_that_wait_in_the_mempool_are_counted() {
    let (fake, chain) = chain(Behaviour {
        committed: 5,
        pending: 8,
        ..Behaviour::default()
    })
    .await;
    let options = TxOptions::default();
    chain.submit(&key(), &send(&key()), &options).await.unwrap();
    // Without a simulation it is the mempool that tells.
    let fixed = TxOptions {
        gas: Gas::Limit(1),
        ..options
    };
    chain.submit(&key(), &send(&key()), &fixed).await.unwrap();
    assert_eq!(fake.with(|f| f.accepted.len()), 2);
}

#[tokio::test]
async fn a_refusal_carries_codespace_code_log_and_block() {
    let (fake, chain) = chain(Behaviour {
        check: Some(("sdk", 13, "insufficient fees")),
        ..Behaviour::default()
    })
    .await;
    let options = TxOptions::default();
    let error = chain
        .send(&key(), send(&key()), &options)
        .await
        .unwrap_err();
    let ClientError::Refused(refusal) = &error else {
        panic!("{error}");
    };
    assert_eq!((refusal.code, refusal.height), (13, None));
    fake.with(|f| (f.check, f.deliver) = (None, Some(("race_session", 4, "no such model"))));
    let error = chain
        .send(&key(), send(&key()), &options)
        .await
        .unwrap_err();
    let ClientError::Refused(refusal) = &error else {
        panic!("{error}");
    };
    assert_eq!((refusal.code, refusal.height), (4, Some(11)));
    assert_eq!(
        error.to_string(),
        "the chain refused the transaction in block 11: no such model (race_session code 4)"
    );
}

#[tokio::test]
async fn an_account_that_is_not_there_is_told_apart() {
    let (_fake, chain) = chain(Behaviour::default()).await;
    let nobody = Account([9; 20]);
    let error = chain.account(&nobody).await.unwrap_err();
    assert!(matches!(error, ClientError::NoAccount(account) if account == nobody));
    assert_eq!(chain.balance(&nobody).await.unwrap(), 10u128.pow(20));
}

#[tokio::test]
async fn a_transaction_that_gets_into_no_block_is_named() {
    let (_fake, chain) = chain(Behaviour {
        stuck: true,
        ..Behaviour::default()
    })
    .await;
    let options = TxOptions {
        wait: Duration::from_millis(300),
        ..TxOptions::default()
    };
    let error = chain
        .send(&key(), send(&key()), &options)
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::NotIncluded { .. }), "{error}");
}

#[test]
fn the_gas_limit_is_never_below_what_was_used() {
    assert_eq!(Gas::Auto { adjustment: 1.3 }.limit(100_001), 130_002);
    assert_eq!(Gas::Auto { adjustment: 0.5 }.limit(100), 100);
    assert_eq!(Gas::Limit(7).limit(100), 7);
}
