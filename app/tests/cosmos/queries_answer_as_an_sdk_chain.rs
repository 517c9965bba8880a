use prost::Message;
use race_app::testing::{Chain, Signing, Wallet};
use race_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use race_proto::cosmos::bank::v1beta1::{
    QueryAllBalancesRequest, QueryAllBalancesResponse, QueryBalanceRequest, QueryBalanceResponse,
};
use race_proto::cosmos::staking::v1beta1::QueryDelegationRequest;
use race_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse, TxRaw};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};

fn chain() -> Chain {
    let mut chain = Chain::new(1);
    chain.steps(2);
    chain
}

fn ask(chain: &Chain, path: &str, data: Vec<u8>) -> ResponseQuery {
    Application::query(
        &chain.app,
        RequestQuery {
            path: path.into(),
            data: data.into(),
            ..Default::default()
        },
    )
}

#[test]
fn an_account_is_a_base_account_and_a_missing_one_not_found() {
    let chain = chain();
    let alice = Wallet::named("alice").address();
    let path = "/cosmos.auth.v1beta1.Query/Account";
    let answer = ask(
        &chain,
        path,
        QueryAccountRequest {
            address: alice.clone(),
        }
        .encode_to_vec(),
    );
    assert_eq!((answer.code, answer.height), (0, 2));
    let any = QueryAccountResponse::decode(answer.value)
        .unwrap()
        .account
        .unwrap();
    assert_eq!(any.type_url, "/cosmos.auth.v1beta1.BaseAccount");
    assert_eq!(
        BaseAccount::decode(any.value.as_slice()).unwrap().address,
        alice
    );
    let nobody = Wallet::named("nobody").address();
    let answer = ask(
        &chain,
        path,
        QueryAccountRequest {
            address: nobody.clone(),
        }
        .encode_to_vec(),
    );
    let log =
        format!("rpc error: code = NotFound desc = account {nobody} not found: key not found");
    assert_eq!(
        (answer.code, answer.codespace.as_str(), answer.log),
        (22, "sdk", log)
    );
    let answer = ask(&chain, path, Vec::new());
    let log = "rpc error: code = InvalidArgument desc = Address cannot be empty: invalid request";
    assert_eq!((answer.code, answer.log.as_str()), (18, log));
}

#[test]
fn undecodable_unknown_empty_and_future_requests_have_their_codes() {
    let chain = chain();
    let answer = ask(
        &chain,
        "/cosmos.bank.v1beta1.Query/Balance",
        vec![0x0a, 0x50],
    );
    assert_eq!(
        (answer.code, answer.log.as_str()),
        (18, "unexpected EOF: invalid request")
    );
    let answer = ask(&chain, "/no.such.Query/Path", Vec::new());
    assert_eq!(
        (answer.code, answer.height, answer.log.as_str()),
        (6, 0, "unknown query path: unknown request")
    );
    let answer = ask(&chain, "", Vec::new());
    assert_eq!(
        (answer.code, answer.log.as_str()),
        (6, "no query path provided: unknown request")
    );
    let request = RequestQuery {
        path: "/store/bank/key".into(),
        height: 99,
        ..Default::default()
    };
    let answer = Application::query(&chain.app, request);
    assert_eq!((answer.code, answer.height), (26, 0));
    let request = RequestQuery {
        path: "/store/bank/key".into(),
        height: 1,
        prove: true,
        ..Default::default()
    };
    assert_eq!(Application::query(&chain.app, request).code, 18);
    let answer = ask(&chain, "/store/x/key", vec![1]);
    assert_eq!((answer.code, answer.codespace.as_str()), (4, "store"));
    let answer = ask(&chain, "/app/version", Vec::new());
    assert_eq!((answer.code, answer.codespace.as_str()), (0, "sdk"));
    assert_eq!(answer.value, env!("CARGO_PKG_VERSION"));
}

#[test]
fn balances_of_nobody_and_of_unknown_coins_are_zero() {
    let chain = chain();
    let address = Wallet::named("nobody").address();
    let request = QueryAllBalancesRequest {
        address: address.clone(),
        ..Default::default()
    };
    let all: QueryAllBalancesResponse = chain
        .query("/cosmos.bank.v1beta1.Query/AllBalances", &request)
        .unwrap();
    assert_eq!((all.balances.len(), all.pagination.unwrap().total), (0, 0));
    let path = "/cosmos.bank.v1beta1.Query/Balance";
    let request = QueryBalanceRequest {
        address: address.clone(),
        denom: "foo".into(),
    };
    let one: QueryBalanceResponse = chain.query(path, &request).unwrap();
    let coin = one.balance.unwrap();
    assert_eq!((coin.amount.as_str(), coin.denom.as_str()), ("0", "foo"));
    let request = QueryBalanceRequest {
        address,
        denom: String::new(),
    };
    let error = chain
        .query::<_, QueryBalanceResponse>(path, &request)
        .unwrap_err();
    assert_eq!(error.to_string(), "invalid denom: ");
}

#[test]
fn a_delegation_is_a_key_not_found() {
    let request = QueryDelegationRequest {
        delegator_addr: "a".into(),
        validator_addr: "b".into(),
    };
    let answer = ask(
        &chain(),
        "/cosmos.staking.v1beta1.Query/Delegation",
        request.encode_to_vec(),
    );
    assert_eq!(answer.code, 22);
    assert!(
        answer.log.contains("NotFound") && answer.log.contains("key not found"),
        "{}",
        answer.log
    );
}

#[test]
fn a_simulation_needs_no_signature_no_fee_and_no_key() {
    let chain = chain();
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let signing = Signing {
        fee: 0,
        gas: 0,
        ..chain.signing(&alice)
    };
    let (body, mut auth) = alice.body_and_auth(vec![alice.pays(&carol, 5)], &signing);
    auth.signer_infos[0].public_key = None;
    auth.signer_infos[0].mode_info = None;
    let raw = |signatures| {
        let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth.encode_to_vec());
        TxRaw {
            body_bytes,
            auth_info_bytes,
            signatures,
        }
        .encode_to_vec()
    };
    for signatures in [Vec::new(), vec![Vec::new()]] {
        #[allow(deprecated)]
        let request = SimulateRequest {
            tx: None,
            tx_bytes: raw(signatures),
        };
        let answer = ask(
            &chain,
            "/cosmos.tx.v1beta1.Service/Simulate",
            request.encode_to_vec(),
        );
        assert_eq!(answer.code, 0, "{}", answer.log);
        let answer = SimulateResponse::decode(answer.value).unwrap();
        let gas = answer.gas_info.unwrap();
        assert_eq!(gas.gas_wanted, u64::MAX);
        let result = answer.result.unwrap();
        assert_eq!(result.msg_responses.len(), 1);
        assert!(result
            .events
            .iter()
            .flat_map(|e| &e.attributes)
            .all(|a| !a.index));
        // What it says suffices.
        let tx = alice.sign(
            vec![alice.pays(&carol, 5)],
            &Signing {
                gas: gas.gas_used,
                fee: 10_000,
                ..signing.clone()
            },
        );
        let mut again = self::chain();
        let result = again.block(vec![tx]).results.remove(0);
        assert_eq!(result.code, 0, "{}", result.log);
    }
    assert_eq!(chain.balance(&carol), 0);
}

#[test]
fn a_simulation_that_fails_says_why() {
    let chain = chain();
    let alice = Wallet::named("alice");
    let simulate = |tx_bytes| {
        #[allow(deprecated)]
        let request = SimulateRequest { tx: None, tx_bytes };
        ask(
            &chain,
            "/cosmos.tx.v1beta1.Service/Simulate",
            request.encode_to_vec(),
        )
        .log
    };
    let signing = chain.signing(&alice);
    let log = simulate(alice.sign(vec![alice.pays(&alice, u128::MAX)], &signing));
    assert!(
        log.contains("failed to execute message; message index: 0: "),
        "{log}"
    );
    assert!(log.contains("insufficient funds"), "{log}");
    let wrong = Signing {
        sequence: 100,
        ..signing
    };
    let log = simulate(alice.sign(vec![alice.pays(&alice, 1)], &wrong));
    assert!(
        log.contains("account sequence mismatch, expected 0, got 100: incorrect account sequence"),
        "{log}"
    );
    assert!(simulate(Vec::new()).contains("empty txBytes is not allowed"));
}

#[test]
fn past_heights_answer_what_was() {
    let mut chain = chain();
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    chain.send(&alice, vec![alice.pays(&carol, 5)]).unwrap();
    chain.step();
    let request = QueryBalanceRequest {
        address: carol.address(),
        denom: "nicoin".into(),
    }
    .encode_to_vec();
    for (height, expected) in [(2, "0"), (3, "5")] {
        let path = "/cosmos.bank.v1beta1.Query/Balance".into();
        let request = RequestQuery {
            path,
            height,
            data: request.clone().into(),
            ..Default::default()
        };
        let answer = Application::query(&chain.app, request);
        let balance = QueryBalanceResponse::decode(answer.value)
            .unwrap()
            .balance
            .unwrap();
        assert_eq!((answer.height, balance.amount.as_str()), (height, expected));
    }
}
