//! What clients ask ABCI for without a library between: raw keys, heights, and what names the application.

use prost::Message;
use race_app::bank::balance_key;
use race_app::testing::{Chain, Wallet};
use race_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use race_proto::cosmos::bank::v1beta1::{
    QueryAllBalancesRequest, QueryDenomMetadataRequest, QuerySupplyOfRequest, QuerySupplyOfResponse,
};
use race_proto::cosmos::tx::v1beta1::{
    AuthInfo, SimulateRequest, SimulateResponse, Tx, TxBody, TxRaw,
};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestInfo, RequestQuery, ResponseQuery};

const BALANCES: &str = "/cosmos.bank.v1beta1.Query/AllBalances";

fn chain() -> Chain {
    let mut chain = Chain::new(1);
    chain.steps(2);
    chain
}

fn ask(chain: &Chain, path: &str, data: Vec<u8>, height: i64, prove: bool) -> ResponseQuery {
    let request = RequestQuery {
        path: path.into(),
        data: data.into(),
        height,
        prove,
    };
    Application::query(&chain.app, request)
}

fn account(chain: &Chain, wallet: &Wallet) -> BaseAccount {
    let request = QueryAccountRequest {
        address: wallet.address(),
    };
    let path = "/cosmos.auth.v1beta1.Query/Account";
    let found: QueryAccountResponse = chain.query(path, &request).unwrap();
    BaseAccount::decode(found.account.unwrap().value.as_slice()).unwrap()
}

#[test]
fn a_balance_by_its_key_is_decimal_text_and_nothing_when_it_is_absent() {
    let chain = chain();
    for (name, value) in [("alice", "1000000000000"), ("nobody", "")] {
        let key = balance_key(&Wallet::named(name).account);
        let answer = ask(&chain, "/store/bank/key", key.clone(), 0, false);
        assert_eq!((answer.code, answer.height), (0, 2), "{}", answer.log);
        assert_eq!((answer.key.to_vec(), answer.proof_ops), (key, None));
        assert_eq!(answer.value, value);
    }
}

#[test]
fn a_proof_needs_a_height_above_one() {
    let chain = chain();
    let key = balance_key(&Wallet::named("alice").account);
    let refused = ask(&chain, "/store/bank/key", key.clone(), 1, true);
    let log =
        "cannot query with proof when height <= 1; please provide a valid height: invalid request";
    assert_eq!((refused.code, refused.log.as_str()), (18, log));
    assert_eq!(ask(&chain, "/store/bank/key", key, 1, false).code, 0);
}

#[test]
fn a_height_that_is_negative_or_to_come_is_refused_whatever_is_asked() {
    let chain = chain();
    for path in ["/store/bank/key", BALANCES] {
        let refused = ask(&chain, path, Vec::new(), -1, false);
        let log = "cannot query with height < 0; please provide a valid height: invalid request";
        assert_eq!((refused.code, refused.log.as_str()), (18, log));
        let refused = ask(&chain, path, Vec::new(), 3, false);
        let log =
            "cannot query with height in the future; please provide a valid height: invalid height";
        let seen = (refused.code, refused.height, refused.log.as_str());
        assert_eq!(seen, (26, 0, log));
        assert_eq!(refused.codespace, "sdk");
    }
}

#[test]
fn what_is_missing_and_what_is_malformed_have_codes_of_their_own() {
    let chain = chain();
    let path = "/cosmos.bank.v1beta1.Query/DenomMetadata";
    let request = QueryDenomMetadataRequest {
        denom: "foo".into(),
    };
    let answer = ask(&chain, path, request.encode_to_vec(), 0, false);
    let log =
        "rpc error: code = NotFound desc = client metadata for denom foo: key not found".to_owned();
    assert_eq!((answer.code, answer.log), (22, log));
    let request = QueryAllBalancesRequest {
        address: "garbage".into(),
        ..Default::default()
    };
    let answer = ask(&chain, BALANCES, request.encode_to_vec(), 0, false);
    let log = "rpc error: code = InvalidArgument desc = invalid address: decoding bech32 failed: \
               invalid bech32 string length 7: invalid request";
    assert_eq!((answer.code, answer.log.as_str()), (18, log));
}

#[test]
fn the_supply_of_an_unknown_coin_is_zero() {
    let request = QuerySupplyOfRequest {
        denom: "foo".into(),
    };
    let path = "/cosmos.bank.v1beta1.Query/SupplyOf";
    let answer: QuerySupplyOfResponse = chain().query(path, &request).unwrap();
    let coin = answer.amount.unwrap();
    assert_eq!((coin.amount.as_str(), coin.denom.as_str()), ("0", "foo"));
}

#[test]
fn who_receives_coins_gets_the_next_number_and_a_key_with_the_first_transaction() {
    let mut chain = chain();
    let (alice, carol, dora) = (
        Wallet::named("alice"),
        Wallet::named("carol"),
        Wallet::named("dora"),
    );
    for to in [&carol, &dora] {
        let tx = chain.sign(&alice, vec![alice.pays(to, 1_000_000)]);
        assert_eq!(chain.block(vec![tx]).results[0].code, 0);
    }
    let (first, second) = (account(&chain, &carol), account(&chain, &dora));
    assert_eq!(second.account_number, first.account_number + 1);
    assert_eq!((first.sequence, first.pub_key), (0, None));
    let tx = chain.sign(&carol, vec![carol.pays(&dora, 1)]);
    assert_eq!(chain.block(vec![tx]).results[0].code, 0);
    let now = account(&chain, &carol);
    assert_eq!((now.sequence, now.pub_key), (1, Some(carol.public_key())));
}

#[test]
fn a_simulation_takes_a_transaction_in_its_parts() {
    let chain = chain();
    let alice = Wallet::named("alice");
    let signed = chain.sign(&alice, vec![alice.pays(&alice, 5)]);
    let raw = TxRaw::decode(signed.as_slice()).unwrap();
    let tx = Tx {
        body: Some(TxBody::decode(raw.body_bytes.as_slice()).unwrap()),
        auth_info: Some(AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap()),
        signatures: raw.signatures,
    };
    let path = "/cosmos.tx.v1beta1.Service/Simulate";
    // The older field, which cosmpy sends.
    #[allow(deprecated)]
    let [parts, bytes] = [(Some(tx), Vec::new()), (None, signed)].map(|(tx, tx_bytes)| {
        let request = SimulateRequest { tx, tx_bytes };
        let answer = ask(&chain, path, request.encode_to_vec(), 0, false);
        assert_eq!(answer.code, 0, "{}", answer.log);
        SimulateResponse::decode(answer.value).unwrap()
    });
    assert_eq!(parts, bytes);
}

#[test]
fn the_application_tells_its_name_version_height_and_hash() {
    let chain = chain();
    let info = Application::info(&chain.app, RequestInfo::default());
    assert!(!info.data.is_empty() && !info.version.is_empty());
    assert_eq!(info.last_block_height, 2);
    assert_eq!(info.last_block_app_hash.to_vec(), chain.app_hash);
}
