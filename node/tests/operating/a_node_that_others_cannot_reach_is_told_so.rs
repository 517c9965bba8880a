use std::path::Path;
use std::process::Command;

use raced::comet::genesis::Genesis;
use raced::network::{self, Network, SCHEMA};

use crate::doctor_says_what_is_wrong_and_what_to_do::{checks, doctor};

/// The file of a network of one node, which is on another machine.
fn network(folder: &Path) -> String {
    let genesis = Genesis::new("race-1", "2026-01-01T00:00:00Z");
    let genesis_path = folder.join("genesis.json");
    genesis.write(&genesis_path).unwrap();
    let node = network::Node {
        name: "first".into(),
        home: String::new(),
        rpc: "http://192.0.2.1:26657".into(),
        grpc: "192.0.2.1:9090".into(),
        rest: String::new(),
        metrics: String::new(),
        pid: 0,
        comet_pid: 0,
        p2p: format!("{}@192.0.2.1:26656", "00".repeat(20)),
        operator: String::new(),
        validator: String::new(),
    };
    let network = Network {
        schema: SCHEMA,
        chain_id: genesis.chain_id.clone(),
        genesis_sha256: genesis.sha256().unwrap(),
        bech32_prefix: "race".into(),
        denom: "nicoin".into(),
        coin_type: 118,
        nodes: vec![node],
        accounts: Vec::new(),
        models: Vec::new(),
        genesis: genesis_path.display().to_string(),
        trust: None,
        ics23_specs: Vec::new(),
        ics23_keys: Vec::new(),
        gas_price: "0.02nicoin".into(),
        min_gas_price: "0.01nicoin".into(),
        block_time_ms: 5_000,
    };
    let path = folder.join("network.json");
    network.write(&path).unwrap();
    path.display().to_string()
}

#[test]
fn init_and_doctor_say_whether_others_can_reach_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path());
    // Nobody answers at their addresses, and waiting for that shows nothing here.
    let no_peers = ["--config", "comet.persistent_peers="];
    let everywhere = "grpc.listen=0.0.0.0:9090";
    for (name, config, reached_at) in [
        ("a", &["grpc.listen=127.0.0.1:9090"][..], None),
        ("b", &[everywhere], None),
        (
            "c",
            &[everywhere, "grpc.external=node.example.org:9090"],
            Some("node.example.org:9090"),
        ),
        ("d", &["grpc.listen=192.0.2.7:9090"], Some("192.0.2.7:9090")),
    ] {
        let home = folder.path().join(name);
        let mut init = Command::new(env!("CARGO_BIN_EXE_raced"));
        init.args(["init", "--output", "json", "--network", &network]);
        init.args(config.iter().flat_map(|key| ["--config", key]));
        let made = init.arg("--home").arg(&home).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let wanted = reached_at.unwrap_or("none, set grpc.external");
        assert_eq!(made["reached_at"], wanted, "{name}");

        let (state, todo) = checks(&doctor(&home, &no_peers))
            .remove("endpoint")
            .unwrap();
        match reached_at {
            Some(_) => assert_eq!(state, "ok", "{name}"),
            None => {
                assert_eq!(state, "fail", "{name}");
                assert!(todo.contains("[grpc] external"), "{todo}");
            }
        }
    }
}
