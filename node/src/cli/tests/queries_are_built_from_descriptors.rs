use prost::Message;
use prost_reflect::DynamicMessage;
use race_proto::race::beacon::v1::{Purpose, QueryRoundRequest};
use race_proto::race::node::v1::{QueryNodeRequest, QueryNodeResponse};
use race_proto::{descriptor_pool, Any};
use serde_json::json;

use super::raced;
use crate::cli::query::catalog;
use crate::client::tests::fake::{Behaviour, Fake, HEIGHT};
use crate::proto_json as proto;

/// The request that a command line builds.
fn request(args: &[&str]) -> Result<Vec<u8>, String> {
    crate::cli::query::encode_for_test(args)
}

#[test]
fn every_query_that_the_chain_answers_is_a_command_and_no_other() {
    let commands = || catalog::modules().iter().flat_map(|module| &module.methods);
    let known = |path: &str| commands().any(|known| known.path == path);
    let served = race_app::registry::queries();
    for query in served {
        // Of a module with several versions the latest has the commands.
        let latest = query.path.replace(".v1beta1.", ".v1.");
        assert!(known(query.path) || known(&latest), "{}", query.path);
    }
    for command in commands() {
        let path = &command.path;
        assert!(race_app::registry::query(path).is_some(), "{path}");
    }
}

#[test]
fn the_names_of_cosmos_chains_are_known() {
    for (module, name, path) in [
        ("bank", "balances", "/cosmos.bank.v1beta1.Query/AllBalances"),
        ("bank", "balance", "/cosmos.bank.v1beta1.Query/Balance"),
        ("bank", "total", "/cosmos.bank.v1beta1.Query/TotalSupply"),
        ("auth", "account", "/cosmos.auth.v1beta1.Query/Account"),
        ("gov", "proposals", "/cosmos.gov.v1.Query/Proposals"),
        ("gov", "proposal", "/cosmos.gov.v1.Query/Proposal"),
        ("gov", "tally", "/cosmos.gov.v1.Query/TallyResult"),
        ("params", "params", "/race.params.v1.Query/Params"),
        ("epoch", "current", "/race.epoch.v1.Query/Current"),
        ("beacon", "open-rounds", "/race.beacon.v1.Query/OpenRounds"),
    ] {
        let found = catalog::find(module, name);
        assert_eq!(
            found.map(|method| method.path.as_str()),
            Some(path),
            "{module} {name}"
        );
    }
}

#[test]
fn fields_are_given_by_position_or_by_flag_within_messages_too() {
    let expected = |purpose, epoch, attempt| {
        let mut request = QueryRoundRequest::default();
        let id = request.id.get_or_insert_default();
        (id.purpose, id.epoch, id.attempt) = (i32::from(purpose), epoch, attempt);
        request.encode_to_vec()
    };
    let race_seed = expected(Purpose::RaceSeed, 4, 1);
    for args in [
        &["beacon", "round", "race-seed", "4", "1"][..],
        &["beacon", "round", "PURPOSE_RACE_SEED", "4", "1"],
        &["beacon", "round", "1", "4", "1"],
        &["beacon", "round", "race_seed", "4", "--attempt", "1"],
        &[
            "beacon",
            "round",
            "--attempt",
            "1",
            "--epoch",
            "4",
            "--purpose",
            "race-seed",
        ],
    ] {
        let built = request(args).unwrap();
        let read = |bytes: &[u8]| QueryRoundRequest::decode(bytes).unwrap();
        assert_eq!(read(&built), read(&race_seed), "{args:?}");
    }
    let address = "00112233445566778899aabbccddeeff00112233";
    for text in [address.to_owned(), format!("0x{}", address.to_uppercase())] {
        let built = request(&["node", "node", &text]).unwrap();
        let built = QueryNodeRequest::decode(built.as_slice()).unwrap();
        assert_eq!(hex::encode(built.address), address);
    }
}

#[test]
fn what_does_not_fit_its_field_is_named() {
    for (args, wanted) in [
        (&["beacon", "round", "nonsense", "4"][..], "race-seed"),
        (&["beacon", "round", "race-seed", "-4"], "-4"),
        (
            &["beacon", "round", "race-seed", "4", "4294967296"],
            "attempt",
        ),
        (&["node", "node", "abc"], "hex"),
        (&["session", "session", "one"], "whole number"),
        (&["session", "session", "1", "2"], "2"),
        (
            &["session", "session", "1", "--id", "1"],
            "cannot be used with",
        ),
    ] {
        let error = request(args).unwrap_err();
        assert!(error.contains(wanted), "{args:?}: {error}");
    }
}

#[test]
fn answers_are_proto_json_with_names_of_the_file_and_zeros_kept() {
    let name = "race.node.v1.QueryNodeResponse";
    let descriptor = descriptor_pool().get_message_by_name(name).unwrap();
    let mut answer = QueryNodeResponse::default();
    let node = answer.node.get_or_insert_default();
    node.address = vec![0xab; 20];
    node.registered_epoch = 7;
    let message = DynamicMessage::decode(descriptor, answer.encode_to_vec().as_slice()).unwrap();
    let tree = proto::tree(&message);
    let json: serde_json::Value = serde_json::from_str(&tree.to_json()).unwrap();
    assert_eq!(
        json["node"],
        json!({
            "address": "q6urq6urq6urq6urq6urq6urq6s=", "operator": "", "hot_account": "", "moniker": "",
            "keys": null, "endpoints": null,
            "registered_height": "0", "registered_epoch": "7", "last_race_epoch": "0",
        })
    );
    let text = tree.to_text();
    assert!(text.starts_with(&format!(
        "node:\n  address: {}\n  operator: \"\"\n",
        "ab".repeat(20)
    )));
}

#[test]
fn messages_are_read_from_json_and_shown_as_it() {
    let json = json!({ "@type": "/race.session.v1.MsgOpenSession", "creator": "race1x", "model_id": "m",
        "escrow": { "denom": "nicoin", "amount": "5" }, "session_key": "AQI=", "expiry_height": "12" });
    let any = proto::any_from_json(json).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&proto::any_tree(&any).to_json()).unwrap();
    assert_eq!(shown["@type"], "/race.session.v1.MsgOpenSession");
    assert_eq!(shown["session_key"], "AQI=");
    assert_eq!(shown["escrow"]["amount"], "5");
    assert_eq!(shown["ceiling"], serde_json::Value::Null);
    for bad in [
        json!({ "@type": "/race.session.v1.MsgOpenSession", "nonsense": 1 }),
        json!({ "@type": "/race.session.v1.MsgNonsense" }),
        json!({ "creator": "race1x" }),
        json!(7),
    ] {
        assert!(proto::any_from_json(bad.clone()).is_err(), "{bad}");
    }
    let unknown = Any {
        type_url: "/x.Y".to_owned(),
        value: vec![1],
    };
    let shown = proto::any_tree(&unknown).to_text();
    assert_eq!(shown, "@type: /x.Y\nvalue: 01");
}

#[test]
fn a_proposals_message_is_executed_by_governance_unless_it_says_otherwise() {
    let any = proto::any_from_json(json!({ "@type": "/race.params.v1.MsgUpdateParams" })).unwrap();
    let governance = race_app::address::Account::of_module("gov").to_string();
    assert!(proto::any_tree(&any)
        .to_text()
        .contains(&format!("authority: {governance}")));
}

#[tokio::test]
async fn an_answer_is_printed_and_a_refusal_is_1() {
    let home = tempfile::tempdir().unwrap();
    let fake = Fake::start(Behaviour::default()).await;
    let ask = |args: &[&str]| {
        let node = ["--node", &fake.url].map(str::to_owned);
        let args = args.iter().map(|arg| (*arg).to_owned()).chain(node);
        let (home, args) = (home.path().to_owned(), Vec::from_iter(args));
        async move { raced(&home, &Vec::from_iter(args.iter().map(String::as_str))).await }
    };
    let balances = ask(&["query", "bank", "balances", "race1x", "-o", "json"]).await;
    assert_eq!(
        balances.json()["balances"],
        json!([{ "denom": "nicoin", "amount": "5" }])
    );
    let text = ask(&["q", "bank", "balances", "race1x", "--height", "7"]).await;
    assert_eq!(
        text.out,
        "balances:\n  - denom: nicoin\n    amount: 5\npagination: null\n"
    );
    assert_eq!(fake.with(|f| f.heights.clone()), ["0", "7"]);
    let refused = ask(&["query", "epoch", "current", "-o", "json"]).await;
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    let error: serde_json::Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(error["error"]["code"], 6);
    let missing = ask(&["query", "tx", &"ab".repeat(32)]).await;
    assert_eq!(missing.code, 1);
    assert!(
        missing.err.contains("tx not found: ABAB"),
        "{}",
        missing.err
    );
    let block = ask(&["query", "block", "3", "-o", "json"]).await;
    assert_eq!(block.json()["block"]["header"]["height"], "3");
    let block = ask(&["query", "block", "-o", "json"]).await;
    assert_eq!(
        block.json()["block"]["header"]["height"],
        HEIGHT.to_string()
    );
}
