//! What any bytes may do as a query: get an answer, and the same one again.

use prost::Message as _;
use race_app::registry;
use race_app::testing::{Chain, Wallet};
use race_proto::cosmos::bank::v1beta1::QueryAllBalancesRequest;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::RequestQuery;

use crate::input::Input;

thread_local! {
    static CHAIN: Chain = {
        let mut chain = Chain::new(1);
        chain.steps(3);
        chain
    };
}

const OTHERS: &[&str] = &[
    "/store/bank/key",
    "/store/auth/key",
    "/store//key",
    "/store/bank",
    "/app/version",
    "/cosmos.tx.v1beta1.Service/Simulate",
];

/// Asks the path, height and data that the bytes describe, and them as a whole.
pub fn survives(bytes: &[u8]) {
    let mut input = Input(bytes);
    let paths: Vec<_> = registry::queries().map(|query| query.path).collect();
    let path = match input.byte() {
        0..=191 => (*input.one_of(&paths)).to_owned(),
        192..=239 => (*input.one_of(OTHERS)).to_owned(),
        _ => input.text(),
    };
    let height = match input.byte() {
        0..=127 => 0,
        small @ 128..=223 => i64::from(small % 8) - 2,
        _ => i64::from_le_bytes(input.number().to_le_bytes()),
    };
    let prove = input.byte() % 2 == 1;
    let data = match input.byte() {
        // Most requests have an address first.
        0..=63 => {
            let mut data = QueryAllBalancesRequest {
                address: Wallet::named("alice").address(),
                ..QueryAllBalancesRequest::default()
            }
            .encode_to_vec();
            input.edit(&mut data);
            data
        }
        _ => input.0.to_vec(),
    };
    let request = RequestQuery {
        data: data.into(),
        path,
        height,
        prove,
    };
    CHAIN.with(|chain| {
        let answer = Application::query(&chain.app, request.clone());
        if answer.code != 0 {
            assert!(!answer.codespace.is_empty() && !answer.log.is_empty());
            assert!(answer.value.is_empty() && answer.proof_ops.is_none());
        }
        assert_eq!(Application::query(&chain.app, request), answer);
    });
}
