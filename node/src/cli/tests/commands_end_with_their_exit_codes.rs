use super::{raced, raced_with};
use crate::cli::command;
use crate::config::Config;
use crate::home_lock::HomeLock;
use crate::wallet::mnemonic::Mnemonic;

#[test]
fn the_command_line_is_consistent_and_every_command_has_an_example() {
    fn check(command: &clap::Command, path: &str) {
        let help = command.get_after_help().map(ToString::to_string);
        assert!(
            help.is_some_and(|help| help.contains("Example:\n  raced ")),
            "{path} has no example"
        );
        assert!(
            command.get_about().is_some(),
            "{path} does not say what it does"
        );
        for below in command.get_subcommands() {
            check(below, &format!("{path} {}", below.get_name()));
        }
    }
    command().debug_assert();
    check(&command(), "raced");
}

#[tokio::test]
async fn a_node_whose_race_cannot_be_run_does_not_start() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("config")).unwrap();
    Config::default().write(home.path()).unwrap();
    for (key, says) in [
        ("race.nonces=5/4", "1/4 to 4/4"),
        ("race.nonces=8..8", "empty"),
        ("race.backend=abacus", "this machine has"),
        ("race.margin_blocks=0", "1 is the least"),
        ("race.threads=-1", "threads"),
    ] {
        let done = raced(home.path(), &["start", "--config", key]).await;
        assert_eq!(done.code, 2, "{key}: {}", done.err);
        assert!(done.err.contains(says), "{key}: {}", done.err);
    }
}

#[tokio::test]
async fn wrong_usage_is_2_help_is_0() {
    let home = tempfile::tempdir().unwrap();
    for args in [
        &["nonsense"][..],
        &[],
        &["snapshot"],
        &["snapshot", "export"],
        &["export"],
        &["export", "genesis.json"],
        // No node lives there.
        &["snapshot", "list"],
        &["snapshot", "export", "file"],
        &["snapshot", "restore", "file"],
        &["rollback"],
        &["export", "genesis.json", "--chain-id", "another"],
        &["init", "--network", "/nowhere/network.json"],
        &["init", "--network", "ftp://127.0.0.1/network.json"],
        &["init", "--network", "http://example.org/network.json"],
        &["keys"],
        &["keys", "add"],
        &["keys", "show", "a", "--nonsense"],
        &["keys", "export", "a", "--unsafe"],
        &["keys", "export", "a", "--unarmored-hex"],
        &["keys", "add", "a", "--hd-path", "44/x"],
        &["keys", "add", "a", "--index", "2147483648"],
        &["keys", "add", "a", "--pubkey", "{}"],
        &["keys", "add", "a", "--pubkey", "{", "--dry-run"],
        &["keys", "import", "a", "/nowhere/key"],
        &["keys", "import", "a", "/nowhere/key", "b"],
        &["keys", "import-hex", "a", "00"],
        &["keys", "parse", "race1nothing"],
        &["tx", "sign", "/nowhere/tx.json", "--from", "a"],
        &["tx", "sign", "/nowhere/tx.json"],
        &["tx", "sign", "-", "--from", "a"],
        &["tx", "sign", "-", "--from", "a", "--offline"],
        &["tx", "multisign", "-", "a"],
        &["tx", "broadcast", "/nowhere/tx.json"],
        &["tx", "encode", "-"],
        &["tx", "decode", "??"],
        &["tx", "decode", "ffff", "--hex"],
        &["tx", "bank", "send", "a", "b", "1nicoin", "--offline"],
        &["tx", "bank", "send", "alice", "bob"],
        &["tx", "bank", "send", "alice", "bob", "5"],
        &["tx", "bank", "send", "alice", "bob", "0nicoin"],
        &["tx", "bank", "send", "alice", "bob", "0.1nicoin"],
        &["tx", "gov", "vote", "1", "perhaps"],
        &[
            "tx",
            "gov",
            "submit-proposal",
            "/nowhere/file.json",
            "--from",
            "alice",
        ],
        &["tx", "node", "bond", "0nicoin"],
        &["tx", "pricing", "vote", "7"],
        &["query", "bank", "balances"],
        &["query", "bank", "balance", "race1x"],
        &["query", "nonsense"],
        &["query", "tx", "12"],
        &["query", "block", "x"],
        &["race", "check"],
        &["race", "check", "/nowhere/file.json"],
        &["race", "check", "/"],
        &["race", "bench", "--preset", "huge"],
        &["race", "bench", "--preset", "tiny", "--seconds", "0"],
        &["race", "bench", "--preset", "tiny", "--threads", "0"],
        &["race", "study", "--preset", "huge"],
        &["race", "study", "--preset", "tiny", "--nonces", "1"],
        &["race", "study", "--preset", "tiny", "--skip", "5"],
        &["race", "study", "--preset", "tiny", "--skip", "1,x"],
        &["race", "bench", "--backend", "abacus"],
        &["race", "work"],
        &["race", "work", "--nonces", "5/4"],
        &["race", "work", "--nonces", "9..3"],
        &["race", "work", "--nonces", "2/2"],
        &["beacon", "verify", "--public-key", "zz"],
        &["model", "fetch", "https"],
        &["model", "info", "/nowhere/model.gguf"],
        &["model", "generate", "why?"],
        &[
            "model",
            "generate",
            "--session",
            "1",
            "why?",
            "--temperature",
            "hot",
        ],
        &[
            "model",
            "generate",
            "--session",
            "1",
            "why?",
            "--max-tokens",
            "0",
        ],
        &["tx", "node", "register", "--from", "operator"],
        &["completions", "noshell"],
        &["--output", "xml", "version"],
    ] {
        let done = raced(home.path(), args).await;
        assert_eq!(done.code, 2, "{args:?}: {}", done.err);
        assert_eq!(done.out, "", "{args:?}");
        assert!(
            done.err.starts_with("error: ") || args.len() < 2,
            "{args:?}: {}",
            done.err
        );
    }
    for args in [
        &["--help"][..],
        &["tx", "bank", "send", "--help"],
        &["help", "keys"],
        &["--version"],
    ] {
        let done = raced(home.path(), args).await;
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{args:?}");
    }
}

#[tokio::test]
async fn a_home_on_which_a_node_works_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("config")).unwrap();
    Config::default().write(home.path()).unwrap();
    let held = HomeLock::take(home.path()).unwrap();
    for args in [&["snapshot", "restore", "file"][..], &["rollback"]] {
        let done = raced(home.path(), args).await;
        assert_eq!(done.code, 1, "{args:?}: {}", done.err);
        assert!(done.err.contains("stop it first"), "{}", done.err);
    }
    // To look is no work.
    let done = raced(home.path(), &["snapshot", "list", "--output", "json"]).await;
    assert_eq!((done.code, done.json()), (0, serde_json::json!([])));
    drop(held);
    let done = raced(home.path(), &["snapshot", "restore", "file"]).await;
    assert_eq!(done.code, 1);
    assert!(done.err.contains("joins by state sync"), "{}", done.err);
}

#[tokio::test]
async fn what_is_not_built_yet_says_so_whatever_follows() {
    let home = tempfile::tempdir().unwrap();
    for args in [
        &["gateway", "--port", "8080"][..],
        &["receipt", "verify", "FILE"],
        &["report", "x"],
        &["simulate"],
        &["economy", "--json"],
    ] {
        let done = raced(home.path(), args).await;
        assert_eq!(done.code, 1, "{args:?}: {}", done.err);
        assert!(
            done.err.contains("not supported yet"),
            "{args:?}: {}",
            done.err
        );
    }
}

#[tokio::test]
async fn errors_are_json_when_output_is() {
    let home = tempfile::tempdir().unwrap();
    for (args, code) in [
        (&["keys", "show", "nobody", "--output", "json"][..], 1),
        (&["keys", "show", "--output=json"], 2),
        (&["-o", "json", "nonsense"], 2),
    ] {
        let done = raced(home.path(), args).await;
        assert_eq!(done.code, code, "{args:?}");
        let error: serde_json::Value = serde_json::from_str(&done.err).unwrap();
        assert_eq!(error["error"]["exit_code"], code, "{args:?}");
        assert!(error["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn a_key_goes_through_its_whole_life() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let added = raced(at, &["keys", "add", "alice", "--output", "json"])
        .await
        .json();
    let words = added["mnemonic"].as_str().unwrap().to_owned();
    let address = added["address"].as_str().unwrap();
    let parsed: Mnemonic = words.parse().unwrap();
    assert_eq!(parsed.words(), words);

    let again = raced(at, &["keys", "add", "alice"]).await;
    assert_eq!(again.code, 1);
    let shown = raced(at, &["keys", "show", "alice", "-a"]).await;
    assert_eq!(shown.out.trim(), address);
    let recovered = raced_with(at, &["keys", "recover", "again", "-o", "json"], &words).await;
    assert_eq!(recovered.json()["address"], address);
    assert_eq!(recovered.json()["mnemonic"], serde_json::Value::Null);
    let recovered = raced_with(at, &["keys", "add", "third", "--recover"], &words).await;
    assert_eq!(recovered.code, 0, "{}", recovered.err);
    let listed = raced(at, &["keys", "list", "-o", "json"]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 3);

    let export = raced(at, &["keys", "export", "alice"]).await;
    assert_eq!((export.code, export.out.as_str()), (1, ""));
    let hex = ["keys", "export", "alice", "--unsafe", "--unarmored-hex"];
    let export = raced(at, &hex).await;
    assert_eq!((export.code, export.out.as_str()), (1, ""));
    let export = raced_with(at, &hex, "y\n").await;
    assert_eq!(export.out.trim().len(), 64);
    assert_eq!(raced(at, &["keys", "delete", "alice"]).await.code, 1);
    assert_eq!(
        raced_with(at, &["keys", "delete", "alice"], "n\n")
            .await
            .code,
        1
    );
    assert_eq!(
        raced_with(at, &["keys", "delete", "alice"], "y\n")
            .await
            .code,
        0
    );
    assert_eq!(raced(at, &["keys", "show", "alice"]).await.code, 1);

    let other = raced(at, &["keys", "list", "--keyring-backend", "os"]).await;
    assert_eq!(other.code, 1);
    assert!(other
        .err
        .contains("not supported: use --keyring-backend file"));
}

#[tokio::test]
async fn version_and_completions_print() {
    let home = tempfile::tempdir().unwrap();
    let version = raced(home.path(), &["version", "-o", "json"]).await.json();
    assert_eq!(version["name"], "raced");
    assert_eq!(version["cometbft_version"], "0.38.26");
    assert_eq!(version["app_version"], race_app::upgrade::APP_VERSION);
    let script = raced(home.path(), &["completions", "bash"]).await;
    assert!(script.out.contains("complete -F _raced"));
}
