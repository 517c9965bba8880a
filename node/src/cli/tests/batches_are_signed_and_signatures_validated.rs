use std::path::Path;

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use race_app::address::Account;
use race_app::testing::{Chain, Wallet};
use serde_json::{json, Value};
use tempfile::TempDir;

use super::{raced, raced_with};
use crate::cli::config::ClientConfig;
use crate::client::tests::fake::{Behaviour, Fake, CHAIN_ID, NUMBER};
use crate::wallet::key::Key;
use crate::wallet::keyring::Keyring;
use crate::wallet::mnemonic::Mnemonic;

fn key(byte: u8) -> Key {
    Key::from_mnemonic(&Mnemonic::from_entropy([byte; 32]), 0).unwrap()
}

/// A home with the keys `a` and `b`.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(home.path(), "test").unwrap();
    for (name, byte) in [("a", 1), ("b", 2)] {
        keyring.add(name, &key(byte)).unwrap();
    }
    home
}

/// Unsigned transfers of `a` to an account, one after the other in a file.
async fn unsigned(at: &Path, to: &str, amounts: &[&str]) -> String {
    let mut text = String::new();
    for amount in amounts {
        let args = ["tx", "bank", "send", "a", to, amount, "--generate-only"];
        let paying = ["--offline", "--gas", "200000", "--fees", "2000nicoin"];
        let done = raced(at, &[&args[..], &paying].concat()).await;
        assert_eq!(done.code, 0, "{}", done.err);
        text.push_str(&done.out);
    }
    write(at, "unsigned.json", &text)
}

fn write(at: &Path, file: &str, text: &str) -> String {
    let path = at.join(file);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The bytes of the transactions that are printed one a line.
async fn bytes(at: &Path, lines: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for line in lines.lines() {
        let done = raced_with(at, &["tx", "encode", "-"], line).await;
        assert_eq!(done.code, 0, "{}", done.err);
        all.push(BASE64.decode(done.out.trim()).unwrap());
    }
    all
}

/// A chain on which an account has coins, and what `--offline` needs to know of it.
fn chain(account: Account) -> (Chain, Vec<String>) {
    let mut chain = Chain::new(1);
    chain.block(Vec::new());
    let rich = Wallet::named("alice");
    let poor = Wallet {
        account,
        ..rich.clone()
    };
    let tx = chain.sign(&rich, vec![rich.pays(&poor, 1_000_000)]);
    assert_eq!(chain.block(vec![tx]).results[0].code, 0);
    let signing = chain.signing(&poor);
    let number = signing.number.to_string();
    let known = ["--offline", "--chain-id", &signing.chain_id, "-a", &number];
    let known = [&known[..], &["-s", "0"]].concat();
    let known = known.into_iter().map(str::to_owned).collect();
    (chain, known)
}

#[tokio::test]
async fn a_batch_is_signed_with_one_sequence_after_the_other() {
    let home = home();
    let at = home.path();
    let carol = Wallet::named("carol");
    let file = unsigned(at, &carol.address(), &["5nicoin", "7nicoin"]).await;
    let (mut chain, offline) = chain(key(1).account());
    let sign = ["tx", "sign-batch", &file, "--from", "a"];
    let offline: Vec<&str> = offline.iter().map(String::as_str).collect();
    let signed = raced(at, &[&sign[..], &offline].concat()).await;
    assert_eq!(signed.code, 0, "{}", signed.err);
    let txs = bytes(at, &signed.out).await;
    assert_eq!(txs.len(), 2);
    let results = chain.block(txs).results;
    assert!(results.iter().all(|r| r.code == 0), "{results:?}");
    assert_eq!(chain.balance(&carol), 12);

    let only = [&sign[..], &offline, &["--signature-only"]].concat();
    let only = raced(at, &only).await;
    assert_eq!(only.out.lines().count(), 2);
    for (line, sequence) in only.out.lines().zip(["0", "1"]) {
        let found: Value = serde_json::from_str(line).unwrap();
        assert_eq!(found["signatures"][0]["sequence"], sequence);
    }
    let others = ["tx", "sign-batch", &file, "--from", "b"];
    let others = raced(at, &[&others[..], &offline].concat()).await;
    assert_eq!(others.code, 2);
    assert!(
        others.err.contains("unsigned.json, transaction 1: "),
        "{}",
        others.err
    );
    let none = write(at, "none.json", "\n");
    let none = ["tx", "sign-batch", &none, "--from", "a"];
    let none = raced(at, &[&none[..], &offline].concat()).await;
    assert!(none.err.contains("no transaction"), "{}", none.err);
}

#[tokio::test]
async fn a_batch_becomes_one_transaction_of_all_its_messages() {
    let home = home();
    let at = home.path();
    let carol = Wallet::named("carol");
    let file = unsigned(at, &carol.address(), &["5nicoin", "7nicoin"]).await;
    let (mut chain, offline) = chain(key(1).account());
    let sign = ["tx", "sign-batch", &file, "--append", "--from", "a"];
    let offline: Vec<&str> = offline.iter().map(String::as_str).collect();
    let signed = raced(at, &[&sign[..], &offline, &["--note", "rent"]].concat()).await;
    let fee = &signed.json()["auth_info"]["fee"];
    assert_eq!(
        (&fee["gas_limit"], &fee["amount"]),
        (
            &json!("400000"),
            &json!([{ "denom": "nicoin", "amount": "4000" }])
        )
    );
    assert_eq!(signed.json()["body"]["memo"], "rent");
    let txs = bytes(at, &signed.out).await;
    assert_eq!(chain.block(txs).results[0].code, 0);
    assert_eq!(chain.balance(&carol), 12);
}

#[tokio::test]
async fn signatures_are_validated_with_a_node_and_counted_without() {
    let home = home();
    let at = home.path();
    let account = key(1).account();
    let fake = Fake::start(Behaviour {
        account: Some(account),
        ..Behaviour::default()
    })
    .await;
    let config = ClientConfig {
        node: Some(fake.url.clone()),
        ..ClientConfig::default()
    };
    config.write(at).unwrap();
    let file = unsigned(at, &key(2).account().to_string(), &["5nicoin"]).await;
    // Online, a batch begins with the sequence that the node says.
    let signed = raced(at, &["tx", "sign-batch", &file, "--from", "a"]).await;
    assert_eq!(signed.code, 0, "{}", signed.err);
    let number = NUMBER.to_string();
    let offline = ["--offline", "--chain-id", CHAIN_ID, "-a", &number];
    let sign = ["tx", "sign-batch", &file, "--from", "a", "-s", "0"];
    let same = raced(at, &[&sign[..], &offline].concat()).await;
    assert_eq!(signed.out, same.out);

    let right = write(at, "right.json", &signed.out);
    let wrong = write(
        at,
        "wrong.json",
        &signed.out.replace("\"amount\":\"5\"", "\"amount\":\"6\""),
    );
    let validate = |file: &str, more: &[&str]| {
        let args = ["tx", "validate-signatures", file, "-o", "json"];
        let args = [&args[..], more].concat();
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let address = account.to_string();
    for (file, more, code, state) in [
        (&right, &[][..], 0, "OK"),
        (&right, &["--offline"], 0, "OK"),
        (&wrong, &["--offline"], 0, "OK"),
        (&wrong, &[], 1, "ERROR: "),
        (&right, &["--chain-id", CHAIN_ID], 0, "OK"),
    ] {
        let args = validate(file, more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let done = raced(at, &args).await;
        assert_eq!(done.code, code, "{args:?}: {}", done.err);
        let shown = done.json();
        assert_eq!(shown["signers"], json!([address]));
        assert_eq!(shown["signatures"][0]["address"], address);
        let found = shown["signatures"][0]["state"].as_str().unwrap();
        assert!(found.starts_with(state), "{args:?}: {found}");
    }
    // Nobody has signed, and somebody else has.
    let none = raced(at, &["tx", "validate-signatures", &file, "--offline"]).await;
    assert_eq!(none.code, 1);
    assert!(none.err.contains("0 of 1 signatures"), "{}", none.err);
    let other = signed.out.replace(&address, &key(3).account().to_string());
    let other = write(at, "other.json", &other);
    let other = raced(at, &["tx", "validate-signatures", &other, "--offline"]).await;
    assert_eq!(other.code, 1);
    assert!(other.out.contains("does not match"), "{}", other.out);
}
