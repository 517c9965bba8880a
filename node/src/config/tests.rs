use super::*;

fn home_with(text: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("config")).unwrap();
    std::fs::write(path(home.path()), text).unwrap();
    home
}

#[test]
fn what_was_written_reads_back() {
    let home = home_with("");
    let config = Config {
        moniker: "a b".into(),
        ..Config::default()
    };
    config.write(home.path()).unwrap();
    assert_eq!(Config::load(home.path(), [], &[]).unwrap(), config);
}

#[test]
fn a_flag_beats_a_variable_and_a_variable_beats_the_file() {
    let home = home_with("[grpc]\nlisten = \"127.0.0.1:1\"\n[race]\nthreads = 1\n");
    let variables = [
        ("RACED_GRPC_LISTEN".to_owned(), "127.0.0.1:2".to_owned()),
        ("RACED_RACE_THREADS".to_owned(), "2".to_owned()),
        ("RACED_STORE_KEEP_VERSIONS".to_owned(), "7".to_owned()),
    ];
    let flags = [("race.threads".to_owned(), "3".to_owned())];
    let config = Config::load(home.path(), variables, &flags).unwrap();
    assert_eq!(config.grpc.listen.port(), 2);
    assert_eq!(config.race.threads, 3);
    assert_eq!(config.store.keep_versions, 7);
}

#[test]
fn the_section_with_a_dash_is_set_by_file_variable_and_flag() {
    let home = home_with("[state-sync]\nsnapshot-interval = 5\n");
    let variables = [
        ("RACED_STATE_SYNC_ENABLE".to_owned(), "true".to_owned()),
        ("RACED_STATE_SYNC_TRUST_HEIGHT".to_owned(), "7".to_owned()),
        ("RACED_STATE_SYNC_TRUST_HASH".to_owned(), "AB".repeat(32)),
    ];
    let servers = "http://127.0.0.1:1".to_owned();
    let flags = [("state-sync.rpc-servers".to_owned(), servers.clone())];
    let config = Config::load(home.path(), variables.clone(), &flags).unwrap();
    assert_eq!(config.state_sync.snapshot_interval, 5);
    assert_eq!(config.state_sync.trust_height, 7);
    let comet = config.comet(ProxyApp::for_home(home.path()));
    // CometBFT asks two at least.
    assert_eq!(comet.statesync.rpc_servers, format!("{servers},{servers}"));
    assert!(comet.statesync.enable);
    assert_eq!(comet.rpc.laddr, "tcp://127.0.0.1:26657,unix://run/rpc.sock");
    let without = Config::load(home.path(), variables, &[]).unwrap_err();
    assert!(without.to_string().contains("rpc-servers"), "{without}");
}

#[test]
fn mistakes_are_named_with_file_key_and_allowed_values() {
    let home = home_with("[store]\nbackend = \"sledd\"\n");
    let text = Config::load(home.path(), [], &[]).unwrap_err().to_string();
    assert!(
        text.contains("app.toml") && text.contains("backend") && text.contains("`sled`"),
        "{text}"
    );

    let home = home_with("[stroe]\n");
    let text = Config::load(home.path(), [], &[]).unwrap_err().to_string();
    assert!(text.contains("stroe") && text.contains("store"), "{text}");

    let home = home_with("");
    let flags = [("race.threads".to_owned(), "many".to_owned())];
    let text = Config::load(home.path(), [], &flags)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("race.threads") && text.contains("many"),
        "{text}"
    );
    let flags = [("race.thraeds".to_owned(), "1".to_owned())];
    let text = Config::load(home.path(), [], &flags)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("thraeds") && text.contains("threads"),
        "{text}"
    );
}

#[test]
fn a_race_that_cannot_be_run_is_refused_with_what_is_allowed() {
    let refused = |key: &str, value: &str, says: &[&str]| {
        let home = home_with("");
        let flags = [(format!("race.{key}"), value.to_owned())];
        let by_flag = Config::load(home.path(), [], &flags).unwrap_err();
        let value = match key {
            "margin_blocks" => value.to_owned(),
            _ => format!("{value:?}"),
        };
        let home = home_with(&format!("[race]\n{key} = {value}\n"));
        let by_file = Config::load(home.path(), [], &[]).unwrap_err();
        for text in [by_flag.to_string(), by_file.to_string()] {
            assert!(text.contains(key), "{text}");
            assert!(says.iter().all(|part| text.contains(part)), "{text}");
        }
    };
    refused("nonces", "5/4", &["no part 5 of 4", "1/4 to 4/4"]);
    refused("nonces", "7..7", &["7..7", "empty"]);
    refused("nonces", "most", &["`most`", "`all`", "`2/4`"]);
    refused("margin_blocks", "0", &["0 leaves no block"]);
    refused("backend", "flex,abacus", &["`abacus`", "flex", "reference"]);
    refused("backend", "", &["``", "flex"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_edit_of_the_file_is_a_configuration_or_refused_with_its_name(
        edits in proptest::collection::vec((proptest::prelude::any::<u16>(), "[ -~\n]{0,6}"), 0..4),
        variable in "RACED_[A-Z_]{0,20}", value in "[ -~]{0,12}",
    ) {
        let mut text = toml::to_string_pretty(&Config::default()).unwrap();
        for (at, with) in &edits {
            let at = usize::from(*at) % text.len();
            text.replace_range(at..(at + with.len()).min(text.len()), with);
        }
        let home = home_with(&text);
        match Config::load(home.path(), [(variable, value)], &[]) {
            Ok(config) => {
                config.comet(ProxyApp::for_home(home.path()));
                config.write(home.path()).unwrap();
                assert_eq!(Config::load(home.path(), [], &[]).unwrap(), config);
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("app.toml") || said.contains("RACED_"), "{said}");
            }
        }
    }
}
