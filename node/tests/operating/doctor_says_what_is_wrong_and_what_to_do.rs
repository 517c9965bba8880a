use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use raced::comet::home::Home;
use raced::comet::keys::{NodeKey, ValidatorKey};
use raced::config::Config;
use raced::secrets::{self, Secrets};

/// Runs `raced doctor` in JSON.
pub(crate) fn doctor(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_raced"))
        .args(["doctor", "--output", "json", "--home"])
        .arg(home)
        .args(args)
        .output()
        .unwrap()
}

/// State and what to do, by the check's name.
pub(crate) fn checks(done: &Output) -> BTreeMap<String, (String, String)> {
    let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let checks = json["checks"].as_array().unwrap().iter();
    let text = |check: &serde_json::Value, field: &str| check[field].as_str().unwrap().to_owned();
    checks
        .map(|c| (text(c, "name"), (text(c, "state"), text(c, "todo"))))
        .collect()
}

/// A home with keys and with ports that are free, and no genesis.
fn home_of(folder: &Path) -> Config {
    let home = Home::new(folder);
    home.create_dirs().unwrap();
    NodeKey::generate()
        .write_if_absent(&home.node_key())
        .unwrap();
    ValidatorKey::generate()
        .write_if_absent(&home.validator_key(), &home.validator_state())
        .unwrap();
    Secrets::create(folder).unwrap();
    let mut config = Config::default();
    let free = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    config.comet.rpc = free();
    config.comet.p2p = free();
    config.grpc.listen = free();
    config.rest.listen = free();
    config.metrics.listen = free();
    config.write(folder).unwrap();
    config
}

#[test]
fn without_a_configuration_only_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let done = doctor(folder.path(), &[]);
    assert_eq!(done.status.code(), Some(1));
    let checks = checks(&done);
    assert_eq!(checks.len(), 1);
    assert_eq!(checks["configuration"].0, "fail");
}

#[test]
fn every_check_that_fails_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let config = home_of(folder.path());
    let secrets = secrets::path(folder.path());
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o644)).unwrap();
    // A port of its own choice, taken for as long as this runs.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("grpc.listen={}", taken.local_addr().unwrap());
    let model = folder.path().join("model.gguf");
    std::fs::write(&model, "no model").unwrap();
    let model = format!("inference.models={}", model.display());
    let peer = format!("comet.persistent_peers=00@{}", config.comet.p2p);
    let args = ["--config", &listen, "--config", &model, "--config", &peer];
    let done = doctor(folder.path(), &args);
    assert_eq!(done.status.code(), Some(1));
    let told = String::from_utf8(done.stderr.clone()).unwrap();
    assert!(told.contains("checks failed"), "{told}");
    let checks = checks(&done);
    for (name, (state, todo)) in &checks {
        assert_eq!(state == "ok", todo.is_empty(), "{name}");
    }
    for name in [
        "node's secrets",
        "hot key",
        "genesis",
        "ports",
        "endpoint",
        "model file",
        "peers",
    ] {
        assert_eq!(checks[name].0, "fail", "{name}");
    }
    for name in ["configuration", "validator key", "peer-to-peer key", "node"] {
        assert_eq!(checks[name].0, "ok", "{name}");
    }
    assert!(checks["node's secrets"].1.starts_with("chmod"));
}
