//! Key files, genesis, and sockets.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::comet::genesis::{EvidenceParams, Genesis, GenesisError};
use crate::comet::home::{Home, ProxyApp, MAX_SOCKET_PATH};
use crate::comet::keys::{Address, JsonPublicKey, KeyError, NodeKey, ValidatorKey};

#[test]
fn the_address_of_a_key_is_that_of_cometbft() {
    // A pair that `cometbft init` wrote.
    let key = JsonPublicKey {
        kind: "tendermint/PubKeyEd25519".to_owned(),
        value: "yO5AdFPJGmKt+MoV4hyeP4zRQu34gJmsGCXTKWC1Sck=".to_owned(),
    };
    let raw = key.to_ed25519().expect("ed25519");
    assert_eq!(
        Address::of(&raw).to_string(),
        "3B298B8193368017157CB8C601E6F6CE5260E0AA"
    );
    assert_eq!(JsonPublicKey::ed25519(&raw), key);
}

#[test]
fn a_node_key_of_cometbft_is_read() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("node_key.json");
    let text = r#"{"priv_key":{"type":"tendermint/PrivKeyEd25519","value":"cLTvAgjMIngE4g07e+vGjoKWQRsNcpWxFJmd1mJzDd2eAEhgU7yIMnTFjeLF6M9/0UQXjTTTXf7PJDKeS79pew=="}}"#;
    std::fs::write(&path, text).expect("write");
    let key = NodeKey::load(&path).expect("key");
    assert_eq!(key.id(), "0fa370528106ac717580568626044c853d3b191f");
}

#[test]
fn keys_and_signing_state_are_private_and_never_replaced() {
    let folder = tempfile::tempdir().expect("folder");
    let home = Home::new(folder.path());
    home.create_dirs().expect("dirs");
    let (first, second) = (ValidatorKey::generate(), ValidatorKey::generate());
    let (key, state) = (home.validator_key(), home.validator_state());
    first.write_if_absent(&key, &state).expect("first");
    let signed = "{\"height\":\"9\",\"round\":0,\"step\":3}";
    std::fs::write(&state, signed).expect("sign");
    let there = second.write_if_absent(&key, &state).expect("second");
    assert_eq!(there.address(), first.address());
    assert_eq!(std::fs::read_to_string(&state).expect("state"), signed);

    let node = NodeKey::from_seed(&[1; 32]);
    node.write_if_absent(&home.node_key()).expect("node");
    let there = NodeKey::from_seed(&[2; 32]).write_if_absent(&home.node_key());
    assert_eq!(there.expect("other").id(), node.id());

    for path in [key, home.node_key()] {
        let mode = std::fs::metadata(&path).expect("meta").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path().join("config"))
        .expect("config")
        .collect();
    assert_eq!(left.len(), 2, "temporary files are left: {left:?}");
}

#[test]
fn a_validator_key_whose_parts_differ_is_refused_without_showing_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("key.json");
    let state = folder.path().join("state.json");
    let key = ValidatorKey::from_seed(&[1; 32]);
    key.write_if_absent(&path, &state).expect("write");
    let other = ValidatorKey::from_seed(&[2; 32]).address().to_string();
    let text = std::fs::read_to_string(&path).expect("read");
    let mixed = text.replace(&key.address().to_string(), &other);
    std::fs::write(&path, &mixed).expect("mix");
    let error = ValidatorKey::load(&path).expect_err("mixed");
    assert!(matches!(error, KeyError::Malformed { .. }), "{error}");

    let secret = text
        .lines()
        .rfind(|line| line.contains("value"))
        .expect("private value")
        .split('"')
        .nth(3)
        .expect("value");
    for broken in [
        text.replace(secret, &secret[..40]),
        text.replace("\"type\"", secret),
    ] {
        std::fs::write(&path, broken).expect("break");
        let error = ValidatorKey::load(&path).expect_err("broken").to_string();
        assert!(!error.contains(&secret[..20]), "{error}");
    }
}

#[test]
fn a_genesis_reads_back_and_has_one_digest() {
    let mut genesis = Genesis::new("race-1", "2026-01-01T00:00:00Z");
    genesis.app_state = serde_json::json!({ "b": 1, "a": ["x"] });
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("genesis.json");
    genesis.write(&path).expect("write");
    let read = Genesis::load(&path).expect("load");
    assert_eq!(read, genesis);
    assert_eq!(
        read.sha256().expect("digest"),
        genesis.sha256().expect("digest")
    );
}

#[test]
fn the_genesis_leaves_block_size_to_the_application_and_turns_vote_extensions_on() {
    let text = Genesis::new("race-1", "2026-01-01T00:00:00Z")
        .to_json()
        .expect("json");
    let json: serde_json::Value = serde_json::from_str(&text).expect("json");
    let params = &json["consensus_params"];
    assert_eq!(params["block"]["max_bytes"], "-1");
    assert_eq!(params["block"]["max_gas"], "-1");
    assert_eq!(params["abci"]["vote_extensions_enable_height"], "1");
    assert_eq!(params["evidence"]["max_age_num_blocks"], "1814400");
    assert_eq!(params["evidence"]["max_age_duration"], "1814400000000000");
    let fast = EvidenceParams::for_block_time(Duration::from_millis(500));
    assert_eq!(fast.max_age_num_blocks, 3_628_800);
}

#[test]
fn a_chain_id_that_cometbft_would_refuse_is_refused() {
    for id in [String::new(), "x".repeat(51)] {
        let genesis = Genesis::new(&id, "2026-01-01T00:00:00Z");
        assert!(matches!(genesis.to_json(), Err(GenesisError::ChainId(_))));
    }
}

#[test]
fn a_socket_lies_in_the_home_unless_its_path_would_be_too_long() {
    let short = ProxyApp::for_home(&PathBuf::from("/srv/race"));
    assert_eq!(short, ProxyApp::Unix("/srv/race/run/abci.sock".into()));
    let told = short.rpc_address();
    assert_eq!(told.as_deref(), Some("unix://run/rpc.sock"));
    let deep = PathBuf::from(format!("/{}", "deep/".repeat(40)));
    let long = ProxyApp::for_home(&deep);
    assert_ne!(long, ProxyApp::for_home(&deep.join("other")));
    let told = long.rpc_address().expect("a socket");
    assert!(told.starts_with("unix:///") && told.ends_with("/rpc.sock"));
    let odd = ProxyApp::Unix("/srv/a,b/run/abci.sock".into());
    assert_eq!((odd.rpc_socket(), odd.rpc_address()), (None, None));
    let ProxyApp::Unix(path) = long else {
        panic!("a socket")
    };
    assert!(
        path.as_os_str().len() <= MAX_SOCKET_PATH,
        "{}",
        path.display()
    );
}

#[test]
fn a_socket_that_a_killed_process_left_is_removed() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("run/abci.sock");
    let app = ProxyApp::Unix(path.clone());
    app.prepare().expect("first");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bind"));
    assert!(path.exists());
    let rpc = app.rpc_socket().expect("beside it");
    assert_eq!(rpc, folder.path().join("run/rpc.sock"));
    drop(std::os::unix::net::UnixListener::bind(&rpc).expect("bind"));
    app.prepare().expect("again");
    assert!(!rpc.exists());
    std::os::unix::net::UnixListener::bind(&path).expect("bind again");
    let mode = std::fs::metadata(folder.path().join("run")).expect("meta");
    assert_eq!(mode.permissions().mode() & 0o777, 0o700);
}
