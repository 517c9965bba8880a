//! REST's JSON, name by name.

use race_app::testing::Wallet;
use reqwest::header::{HeaderMap, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN};
use reqwest::Method;
use serde_json::{json, Value};

use super::world::{answer, has, is_refusal, World};

const BASE: &str = "/cosmos/base/tendermint/v1beta1";
const HEIGHT: &str = "grpc-metadata-x-cosmos-block-height";

fn text(json: &Value) -> &str {
    json.as_str().unwrap_or_else(|| panic!("{json} is no text"))
}

/// A number as text.
fn is_number(json: &Value) {
    assert!(text(json).parse::<i128>().is_ok(), "{json}");
}

/// A decimal with 18 places.
fn is_decimal(json: &Value) {
    let (whole, places) = text(json).split_once('.').unwrap();
    assert!(
        whole.parse::<u128>().is_ok() && places.len() == 18,
        "{json}"
    );
}

fn none() -> Value {
    json!({ "next_key": null, "total": "0" })
}

pub async fn the_node_and_its_blocks(world: &World) {
    let info = world.found(&format!("{BASE}/node_info")).await;
    has(&info, &["default_node_info", "application_version"]);
    let node = &info["default_node_info"];
    has(
        node,
        &[
            "protocol_version",
            "default_node_id",
            "listen_addr",
            "network",
            "version",
            "channels",
            "moniker",
            "other",
        ],
    );
    has(&node["protocol_version"], &["p2p", "block", "app"]);
    has(&node["other"], &["tx_index", "rpc_address"]);
    assert_eq!(
        (&node["version"], &node["network"]),
        (&json!("0.38.26"), &json!(world.chain_id))
    );
    let version = &info["application_version"];
    has(
        version,
        &[
            "name",
            "app_name",
            "version",
            "git_commit",
            "build_tags",
            "go_version",
            "build_deps",
            "cosmos_sdk_version",
        ],
    );
    assert_eq!(version["cosmos_sdk_version"], "v0.50.15");

    for which in ["latest", "2"] {
        let block = world.found(&format!("{BASE}/blocks/{which}")).await;
        has(&block, &["block_id", "block", "sdk_block"]);
        has(&block["block_id"], &["hash", "part_set_header"]);
        assert!(block["block_id"]["part_set_header"]["total"].is_u64());
        assert!(text(&block["block_id"]["hash"]).ends_with('='));
        for form in ["block", "sdk_block"] {
            has(&block[form], &["header", "data", "evidence", "last_commit"]);
            is_number(&block[form]["header"]["height"]);
            assert!(block[form]["last_commit"]["round"].is_u64());
            let flag = &block[form]["last_commit"]["signatures"][0]["block_id_flag"];
            assert!(text(flag).starts_with("BLOCK_ID_FLAG_"));
        }
        assert!(text(&block["block"]["header"]["proposer_address"]).ends_with('='));
        let proposer = text(&block["sdk_block"]["header"]["proposer_address"]);
        assert!(proposer.starts_with("racevalcons1"));
    }
    for which in ["latest", "2"] {
        let set = world.found(&format!("{BASE}/validatorsets/{which}")).await;
        has(&set, &["block_height", "validators", "pagination"]);
        let one = &set["validators"][0];
        has(
            one,
            &["address", "pub_key", "voting_power", "proposer_priority"],
        );
        assert!(text(&one["address"]).starts_with("racevalcons1"));
        assert_eq!(one["pub_key"]["@type"], "/cosmos.crypto.ed25519.PubKey");
        is_number(&one["voting_power"]);
        is_number(&one["proposer_priority"]);
        assert_eq!(set["pagination"], json!({ "next_key": null, "total": "1" }));
    }
    let ahead = world.get(&format!("{BASE}/blocks/99999999")).await;
    let message = is_refusal(&ahead, 400, 3);
    assert_eq!(
        message,
        "requested block height is bigger then the chain length"
    );

    let config = world.found("/cosmos/base/node/v1beta1/config").await;
    let expected = json!({
        "minimum_gas_price": "0.010000000000000000nicoin", "pruning_keep_recent": "0",
        "pruning_interval": "0", "halt_height": "0",
    });
    assert_eq!(config, expected);
    let status = world.found("/cosmos/base/node/v1beta1/status").await;
    has(
        &status,
        &[
            "earliest_store_height",
            "height",
            "timestamp",
            "app_hash",
            "validator_hash",
        ],
    );
    is_number(&status["height"]);
    let params = world.found("/cosmos/consensus/v1/params").await;
    has(
        &params["params"],
        &["block", "evidence", "validator", "version", "abci"],
    );
    assert_eq!(params["params"]["block"]["max_gas"], "-1");
    assert!(text(&params["params"]["evidence"]["max_age_duration"]).ends_with('s'));
    assert_eq!(
        params["params"]["validator"]["pub_key_types"],
        json!(["ed25519"])
    );
}

pub async fn accounts_and_coins(world: &World) {
    let (payer, carol, nobody) = (
        world.payer.address(),
        Wallet::named("carol").address(),
        Wallet::named("nobody").address(),
    );
    for (address, has_key) in [(&payer, true), (&carol, false)] {
        let found = world
            .found(&format!("/cosmos/auth/v1beta1/accounts/{address}"))
            .await;
        let account = &found["account"];
        has(
            account,
            &["@type", "address", "pub_key", "account_number", "sequence"],
        );
        assert_eq!(account["@type"], "/cosmos.auth.v1beta1.BaseAccount");
        assert_eq!(account["pub_key"].is_object(), has_key);
        let info = world
            .found(&format!("/cosmos/auth/v1beta1/account_info/{address}"))
            .await;
        has(
            &info["info"],
            &["address", "pub_key", "account_number", "sequence"],
        );
        assert_eq!(info["info"]["account_number"], account["account_number"]);
    }
    let path = format!("/cosmos/auth/v1beta1/accounts/{nobody}");
    let message = is_refusal(&world.get(&path).await, 404, 5);
    assert_eq!(message, format!("account {nobody} not found"));
    for kind in ["balances", "spendable_balances"] {
        let found = world
            .found(&format!("/cosmos/bank/v1beta1/{kind}/{carol}"))
            .await;
        let expected = json!({
            "balances": [{ "denom": "nicoin", "amount": "1235" }],
            "pagination": { "next_key": null, "total": "1" },
        });
        assert_eq!(found, expected);
        let found = world
            .found(&format!("/cosmos/bank/v1beta1/{kind}/{nobody}"))
            .await;
        assert_eq!(found, json!({ "balances": [], "pagination": none() }));
        let by_denom = format!("/cosmos/bank/v1beta1/{kind}/{carol}/by_denom?denom=");
        for (denom, amount) in [("nicoin", "1235"), ("foo", "0")] {
            let expected = json!({ "balance": { "denom": denom, "amount": amount } });
            assert_eq!(world.found(&format!("{by_denom}{denom}")).await, expected);
        }
        is_refusal(
            &world
                .get(&format!("/cosmos/bank/v1beta1/{kind}/garbage"))
                .await,
            400,
            3,
        );
    }
    let supply = world.found("/cosmos/bank/v1beta1/supply").await;
    has(&supply, &["supply", "pagination"]);
    is_number(&supply["supply"][0]["amount"]);
    let one = world
        .found("/cosmos/bank/v1beta1/supply/by_denom?denom=nicoin")
        .await;
    assert_eq!(one["amount"]["denom"], "nicoin");
    let params = world.found("/cosmos/bank/v1beta1/params").await;
    let expected = json!({ "params": { "send_enabled": [], "default_send_enabled": true } });
    assert_eq!(params, expected);
    let params = world.found("/cosmos/auth/v1beta1/params").await;
    let names = [
        "max_memo_characters",
        "tx_sig_limit",
        "tx_size_cost_per_byte",
        "sig_verify_cost_ed25519",
        "sig_verify_cost_secp256k1",
    ];
    has(&params["params"], &names);
    assert_eq!(params["params"]["max_memo_characters"], "256");
    let prefix = world.found("/cosmos/auth/v1beta1/bech32").await;
    assert_eq!(prefix, json!({ "bech32_prefix": "race" }));
}

pub async fn modules_that_wallets_ask(world: &World) {
    let address = world.payer.address();
    let staking = "/cosmos/staking/v1beta1";
    let found = world
        .found(&format!("{staking}/validators?status=BOND_STATUS_BONDED"))
        .await;
    has(&found, &["validators", "pagination"]);
    let one = &found["validators"][0];
    has(
        one,
        &[
            "operator_address",
            "consensus_pubkey",
            "jailed",
            "status",
            "tokens",
            "delegator_shares",
            "description",
            "unbonding_height",
            "unbonding_time",
            "commission",
            "min_self_delegation",
            "unbonding_on_hold_ref_count",
            "unbonding_ids",
        ],
    );
    assert!(text(&one["operator_address"]).starts_with("racevaloper1"));
    assert_eq!(
        one["consensus_pubkey"]["@type"],
        "/cosmos.crypto.ed25519.PubKey"
    );
    assert_eq!(
        (&one["jailed"], &one["status"]),
        (&json!(false), &json!("BOND_STATUS_BONDED"))
    );
    assert_eq!(
        (&one["unbonding_height"], &one["unbonding_ids"]),
        (&json!("0"), &json!([]))
    );
    assert_eq!(one["unbonding_time"], "1970-01-01T00:00:00Z");
    is_number(&one["tokens"]);
    is_decimal(&one["delegator_shares"]);
    let names = [
        "moniker",
        "identity",
        "website",
        "security_contact",
        "details",
    ];
    has(&one["description"], &names);
    has(&one["commission"], &["commission_rates", "update_time"]);
    for rate in ["rate", "max_rate", "max_change_rate"] {
        is_decimal(&one["commission"]["commission_rates"][rate]);
    }
    let unbonded = world
        .found(&format!("{staking}/validators?status=BOND_STATUS_UNBONDED"))
        .await;
    assert_eq!(unbonded, json!({ "validators": [], "pagination": none() }));

    let params = world.found(&format!("{staking}/params")).await;
    let names = [
        "unbonding_time",
        "max_validators",
        "max_entries",
        "historical_entries",
        "bond_denom",
        "min_commission_rate",
    ];
    has(&params["params"], &names);
    assert_eq!(params["params"]["unbonding_time"], "1814400s");
    assert!(params["params"]["max_validators"].is_u64());
    is_decimal(&params["params"]["min_commission_rate"]);
    let pool = world.found(&format!("{staking}/pool")).await;
    has(&pool["pool"], &["not_bonded_tokens", "bonded_tokens"]);
    is_number(&pool["pool"]["bonded_tokens"]);
    let empty = [
        (
            format!("{staking}/delegations/{address}"),
            "delegation_responses",
        ),
        (
            format!("{staking}/delegators/{address}/unbonding_delegations"),
            "unbonding_responses",
        ),
    ];
    for (path, name) in empty {
        assert_eq!(
            world.found(&path).await,
            json!({ name: [], "pagination": none() })
        );
    }
    let distribution = "/cosmos/distribution/v1beta1";
    let rewards = world
        .found(&format!("{distribution}/delegators/{address}/rewards"))
        .await;
    assert_eq!(rewards, json!({ "rewards": [], "total": [] }));
    let params = world.found(&format!("{distribution}/params")).await["params"].clone();
    for rate in [
        "community_tax",
        "base_proposer_reward",
        "bonus_proposer_reward",
    ] {
        is_decimal(&params[rate]);
    }
    assert!(params["withdraw_addr_enabled"].is_boolean());
    let pool = world.found(&format!("{distribution}/community_pool")).await;
    assert!(pool["pool"].is_array());
    is_refusal(&world.get("/cosmos/mint/v1beta1/params").await, 501, 12);
    for path in [
        "/cosmos/slashing/v1beta1/params",
        "/cosmos/gov/v1/params/voting",
    ] {
        world.found(path).await;
    }
    let plan = world.found("/cosmos/upgrade/v1beta1/current_plan").await;
    assert_eq!(plan, json!({ "plan": null }));
}

pub async fn pages_have_keys_and_totals(world: &World) {
    let page = |query: String| async move {
        let path = format!("/cosmos/auth/v1beta1/accounts?{query}");
        let found = world.found(&path).await;
        let accounts = found["accounts"].as_array().unwrap().clone();
        (accounts, found["pagination"].clone())
    };
    let (all, pagination) = page(String::new()).await;
    assert!(all.len() > 3);
    assert_eq!(
        pagination,
        json!({ "next_key": null, "total": all.len().to_string() })
    );
    // More is left: no total unless it is asked for.
    let (first, pagination) = page("pagination.limit=2".into()).await;
    assert_eq!((&first[..], &pagination["total"]), (&all[..2], &json!("0")));
    let key = text(&pagination["next_key"]).replace('+', "%2B");
    let (rest, pagination) = page(format!("pagination.limit=99&pagination.key={key}")).await;
    assert_eq!(
        (&rest[..], &pagination["next_key"]),
        (&all[2..], &Value::Null)
    );
    let (second, pagination) =
        page("pagination.limit=1&pagination.offset=1&pagination.count_total=true".into()).await;
    assert_eq!(second[..], all[1..2]);
    assert_eq!(pagination["total"], all.len().to_string());
    let (last, _) = page("pagination.limit=1&pagination.reverse=true".into()).await;
    assert_eq!(last[0], all[all.len() - 1]);
    let both = format!("/cosmos/auth/v1beta1/accounts?pagination.offset=1&pagination.key={key}");
    is_refusal(&world.get(&both).await, 400, 3);
}

pub async fn headers_and_unknown_paths(world: &World) {
    let supply = "/cosmos/bank/v1beta1/supply";
    let asked = |height: &'static str| {
        let request = world.rest(supply);
        answer(request.header("x-cosmos-block-height", height))
    };
    assert_eq!(asked("1").await.headers[HEIGHT], "1");
    for (height, code) in [("99999999", 26), ("-1", 18), ("soon", 18)] {
        let message = is_refusal(&asked(height).await, 500, 2);
        let start = format!("codespace sdk code {code}: ");
        assert!(message.starts_with(&start), "{message}");
    }
    let message = is_refusal(&world.get("/no/such/path").await, 501, 12);
    assert_eq!(message, "Not Implemented");

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let from_page = |method: Method, path: &str| {
        let request = client.request(method, format!("{}{path}", world.node.rest));
        answer(request.header("origin", "https://wallet.example"))
    };
    let any = |headers: &HeaderMap| headers[ACCESS_CONTROL_ALLOW_ORIGIN] == "*";
    for path in [supply, "/no/such/path"] {
        assert!(any(&from_page(Method::GET, path).await.headers));
        let preflight = from_page(Method::OPTIONS, path).await;
        assert_eq!(preflight.status, 200);
        assert!(any(&preflight.headers));
        assert_eq!(
            preflight.headers[ACCESS_CONTROL_ALLOW_HEADERS],
            "Content-Type"
        );
    }
    let without = world.get(supply).await;
    assert!(!without.headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
}
