//! Durations, log lines, and the rendered configuration.

use std::time::Duration;

use crate::comet::config::CometConfig;
use crate::comet::go_duration::{format, parse};
use crate::comet::home::ProxyApp;
use crate::comet::log::{LogLine, Stuck};

#[test]
fn go_durations_are_read() {
    for (text, millis) in [
        ("0", 0),
        ("0s", 0),
        ("250ms", 250),
        ("1.5s", 1500),
        ("1m0s", 60_000),
        ("168h0m0s", 604_800_000),
        ("1h30m", 5_400_000),
        ("1000000ns", 1),
        ("2000us", 2),
        ("2000µs", 2),
    ] {
        assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
    }
}

#[test]
fn what_is_not_a_go_duration_is_refused() {
    for text in [
        "", "1", "s", "-1s", "1 s", "1x", "1..5s", ".s", "9999999h", "1é",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn durations_survive_writing_and_reading() {
    for nanos in [0, 1, 999, 1_000, 1_500_000, 50_000_000, 3_600_000_000_000] {
        let duration = Duration::from_nanos(nanos);
        assert_eq!(parse(&format(duration)), Ok(duration));
    }
}

#[test]
fn json_log_lines_are_taken_apart() {
    let line = r#"{"_msg":"executed block","height":7,"app_hash":"AB","level":"info","module":"state","ts":"2026-11-21T12:36:22Z"}"#;
    let log = LogLine::parse(line);
    assert_eq!(log.level, tracing::Level::INFO);
    assert_eq!(
        (log.module.as_str(), log.message.as_str()),
        ("state", "executed block")
    );
    assert_eq!(log.fields, "app_hash=AB height=7");
}

#[test]
fn plain_log_lines_are_taken_apart() {
    let line = "E[2026-01-02|03:04:05.678] dialing failed          module=p2p attempts=3 err=x";
    let log = LogLine::parse(line);
    assert_eq!(log.level, tracing::Level::ERROR);
    assert_eq!(
        (log.module.as_str(), log.message.as_str()),
        ("p2p", "dialing failed")
    );
    assert_eq!(log.fields, "attempts=3 err=x");
}

#[test]
fn a_full_disk_is_told_from_other_failures_and_from_what_peers_write() {
    let stuck = |message: &str, err: &str| {
        let line = serde_json::json!({
            "level": "error", "module": "consensus", "_msg": message, "err": err, "stack": "goroutine 1",
        });
        LogLine::parse(&line.to_string()).stuck()
    };
    let full = "write data/cs.wal/wal: no space left on device";
    for message in ["failed writing to WAL", "CONSENSUS FAILURE!!!"] {
        let told = Some(Stuck::DiskFull(format!("err={full}")));
        assert_eq!(stuck(message, full), told, "{message}");
        let quoted = format!("{full}: said a peer");
        assert_eq!(stuck(message, &quoted), None, "{message}");
    }
    assert_eq!(stuck("Stopping peer for error", full), None);
    assert_eq!(stuck("CONSENSUS FAILURE!!!", "wrong app hash"), None);
}

#[test]
fn other_lines_are_warnings_with_all_their_text() {
    for line in [
        "panic: runtime error",
        "{not json",
        "[1,2]",
        "{\"level\":7}",
        "E",
        "I[x] y",
        "é",
        "Error: x",
    ] {
        let log = LogLine::parse(line);
        assert_eq!(log.level, tracing::Level::WARN, "{line}");
        assert_eq!(log.message, line);
    }
}

#[test]
fn the_rendered_configuration_reads_back_as_the_same() {
    let mut config = CometConfig::for_localnet("a \"name\"\n", 1, 2, Duration::from_millis(1500));
    config.proxy_app = ProxyApp::Unix("/some where/abci.sock".into());
    config.set_persistent_peers(["aa@127.0.0.1:5".to_owned(), "bb@127.0.0.1:6".to_owned()]);
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("config.toml");
    config.write(&path).expect("write");
    assert_eq!(CometConfig::load(&path).expect("load"), config);
}

#[test]
fn every_rendered_key_is_explained() {
    // `to_toml` refuses a key without a comment and a comment without a key.
    let text = CometConfig::default().to_toml().expect("rendered");
    let keys = text.lines().filter(|line| line.contains(" = ")).count();
    let explained = text
        .lines()
        .zip(text.lines().skip(1))
        .filter(|(comment, key)| comment.starts_with("# ") && key.contains(" = "))
        .count();
    assert_eq!(keys, explained);
    assert!(keys > 40, "{keys}");
}

#[test]
fn a_partial_configuration_of_an_operator_has_defaults_for_the_rest() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("config.toml");
    let text = "moniker = \"me\"\nonly_comet_knows = 1\n[consensus]\ntimeout_commit = \"7s\"\n";
    std::fs::write(&path, text).expect("write");
    let config = CometConfig::load(&path).expect("load");
    assert_eq!(config.moniker, "me");
    assert_eq!(config.consensus.timeout_commit, Duration::from_secs(7));
    assert_eq!(config.mempool, CometConfig::default().mempool);
    std::fs::write(&path, "[consensus]\ntimeout_commit = \"soon\"\n").expect("write");
    let error = CometConfig::load(&path).expect_err("soon").to_string();
    assert!(
        error.contains("config.toml") && error.contains("soon"),
        "{error}"
    );
}

#[test]
fn the_url_of_a_node_that_listens_everywhere_is_loopback() {
    let mut config = CometConfig::default();
    config.rpc.laddr = "tcp://0.0.0.0:4".to_owned();
    assert_eq!(config.rpc_url().as_deref(), Some("http://127.0.0.1:4"));
    config.rpc.laddr = "tcp://localhost:5".to_owned();
    assert_eq!(config.rpc_url().as_deref(), Some("http://localhost:5"));
    config.rpc.laddr = "tcp://0.0.0.0:6,unix:///x".to_owned();
    assert_eq!(config.rpc_url().as_deref(), Some("http://127.0.0.1:6"));
    config.rpc.laddr = "unix:///x".to_owned();
    assert_eq!(config.rpc_url(), None);
}

#[test]
fn the_mempool_has_room_for_the_protocol_beside_the_users_whole_quota() {
    use race_app::mempool::{PROTOCOL_BYTES_PER_ACCOUNT, USER_BYTES};
    use race_app::tx::params::{MAX_PROTOCOL_BYTES, PENDING_OF_USERS};
    let mempool = CometConfig::default().mempool;
    assert!(u64::from(mempool.size) >= PENDING_OF_USERS.network + 1_000);
    assert!(mempool.max_txs_bytes >= USER_BYTES + 16 * PROTOCOL_BYTES_PER_ACCOUNT);
    assert!(mempool.max_tx_bytes >= MAX_PROTOCOL_BYTES.max);
}
