use clap::CommandFactory;

use super::raced;
use crate::cli::config::{ClientConfig, DEFAULT_NODE};
use crate::cli::tx::Tx;
use crate::client::tests::fake::{Behaviour, Fake};

fn config(text: &str) -> ClientConfig {
    ClientConfig {
        chain_id: Some(format!("{text}-chain")),
        node: Some(format!("http://{text}:1")),
        keyring_backend: Some(text.to_owned()),
        gas_prices: Some("7nicoin".to_owned()),
    }
}

#[test]
fn it_reads_back_as_written_and_a_missing_file_says_nothing() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(
        ClientConfig::read(home.path()).unwrap(),
        ClientConfig::default()
    );
    config("file").write(home.path()).unwrap();
    assert_eq!(ClientConfig::read(home.path()).unwrap(), config("file"));
    let partly = ClientConfig {
        chain_id: None,
        ..config("file")
    };
    partly.write(home.path()).unwrap();
    assert_eq!(ClientConfig::read(home.path()).unwrap(), partly);
}

#[test]
fn a_misspelt_key_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    config("file").write(home.path()).unwrap();
    std::fs::write(ClientConfig::path(home.path()), "chain-id = \"x\"\n").unwrap();
    let error = ClientConfig::read(home.path()).unwrap_err().to_string();
    assert!(
        error.contains("client.toml") && error.contains("chain-id"),
        "{error}"
    );
}

#[test]
fn each_key_of_the_flags_goes_before_that_of_the_file() {
    let flags = ClientConfig {
        node: Some("http://flag:1".to_owned()),
        ..ClientConfig::default()
    };
    let both = flags.or(config("file"));
    assert_eq!(both.node(), "http://flag:1");
    assert_eq!(both.chain_id.as_deref(), Some("file-chain"));
    assert_eq!(ClientConfig::default().node(), DEFAULT_NODE);
}

#[test]
fn every_key_has_a_flag_and_a_variable() {
    // The argument parser puts a flag before its variable.
    let tx = Tx::command();
    let send = tx
        .find_subcommand("bank")
        .unwrap()
        .find_subcommand("send")
        .unwrap();
    for key in ["chain_id", "node", "keyring_backend", "gas_prices"] {
        let flag = send
            .get_arguments()
            .find(|arg| arg.get_id() == key)
            .unwrap();
        assert_eq!(flag.get_long(), Some(key.replace('_', "-").as_str()));
        let variable = format!("RACED_{}", key.to_uppercase());
        assert_eq!(flag.get_env().unwrap().to_str(), Some(variable.as_str()));
    }
}

#[tokio::test]
async fn commands_use_the_file_until_a_flag_says_otherwise() {
    let home = tempfile::tempdir().unwrap();
    let fake = Fake::start(Behaviour::default()).await;
    let config = ClientConfig {
        node: Some(fake.url.replace("http://", "tcp://")),
        ..ClientConfig::default()
    };
    config.write(home.path()).unwrap();
    let query = ["query", "bank", "balances", "race1x", "-o", "json"];
    assert_eq!(raced(home.path(), &query).await.code, 0);
    let nowhere = [&query[..], &["--node", "http://127.0.0.1:1"]].concat();
    let done = raced(home.path(), &nowhere).await;
    assert_eq!(done.code, 1);
    assert!(done.err.contains("http://127.0.0.1:1"), "{}", done.err);

    let config = ClientConfig {
        keyring_backend: Some("os".to_owned()),
        ..ClientConfig::default()
    };
    config.write(home.path()).unwrap();
    assert_eq!(raced(home.path(), &["keys", "list"]).await.code, 1);
    let test = ["keys", "list", "--keyring-backend", "test"];
    assert_eq!(raced(home.path(), &test).await.code, 0);
}
