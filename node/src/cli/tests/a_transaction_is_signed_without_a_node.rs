use std::path::{Path, PathBuf};

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use race_app::address::Account;
use race_app::testing::{Chain, Wallet};
use serde_json::{json, Value};
use tempfile::TempDir;

use super::{raced, raced_with, Done};
use crate::cli::config::ClientConfig;
use crate::client::tests::fake::{Behaviour, Fake, CHAIN_ID, NUMBER};
use crate::wallet::key::Key;
use crate::wallet::keyring::Keyring;
use crate::wallet::mnemonic::Mnemonic;

fn key(byte: u8) -> Key {
    Key::from_mnemonic(&Mnemonic::from_entropy([byte; 32]), 0).unwrap()
}

/// A home with the keys `a`, `b` and `c`, and `shared`, of which two must sign.
struct Owners {
    home: TempDir,
    shared: Account,
}

impl Owners {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let keyring = Keyring::open(home.path(), "test").unwrap();
        for (name, byte) in [("a", 1), ("b", 2), ("c", 3)] {
            keyring.add(name, &key(byte)).unwrap();
        }
        let add = [
            "keys",
            "add",
            "shared",
            "--multisig",
            "a,b,c",
            "--multisig-threshold",
            "2",
        ];
        assert_eq!(raced(home.path(), &add).await.code, 0);
        let shared = keyring.info("shared").unwrap().account();
        Self { home, shared }
    }

    fn at(&self) -> &Path {
        self.home.path()
    }

    /// Runs a command that succeeds, and puts what it prints into a file.
    async fn write(&self, file: &str, args: &[&str]) -> PathBuf {
        let done = raced(self.at(), args).await;
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        let path = self.at().join(file);
        std::fs::write(&path, done.out).unwrap();
        path
    }

    /// An unsigned transfer.
    async fn unsigned(&self, from: &str, to: &str) -> String {
        let args = [
            "tx",
            "bank",
            "send",
            from,
            to,
            "5nicoin",
            "--generate-only",
            "--offline",
            "--gas",
            "200000",
            "--fees",
            "2000nicoin",
            "--note",
            "rent & more",
        ];
        let path = self.write("unsigned.json", &args).await;
        path.to_str().unwrap().to_owned()
    }
}

/// The bytes of a transaction in a file.
async fn bytes(at: &Path, file: &str) -> Vec<u8> {
    let done = raced(at, &["tx", "encode", file]).await;
    assert_eq!(done.code, 0, "{}", done.err);
    BASE64.decode(done.out.trim()).unwrap()
}

fn refused(done: &Done, says: &str) {
    assert_eq!((done.code, done.out.as_str()), (2, ""), "{}", done.err);
    assert!(done.err.contains(says), "{says}: {}", done.err);
}

/// A chain on which these accounts have coins.
fn chain(accounts: &[Account]) -> Chain {
    let mut chain = Chain::new(1);
    chain.block(Vec::new());
    let alice = Wallet::named("alice");
    let wallet = |account| Wallet {
        account,
        ..alice.clone()
    };
    let pays = accounts
        .iter()
        .map(|account| alice.pays(&wallet(*account), 1_000_000_000));
    let tx = chain.sign(&alice, pays.collect());
    assert_eq!(chain.block(vec![tx]).results[0].code, 0);
    chain
}

/// `--offline` for the first transaction of an account.
fn offline(chain: &Chain, account: Account) -> Vec<String> {
    let alice = Wallet::named("alice");
    let signing = chain.signing(&Wallet { account, ..alice });
    let number = signing.number.to_string();
    [
        "--offline",
        "--chain-id",
        &signing.chain_id,
        "-a",
        &number,
        "-s",
        "0",
    ]
    .map(str::to_owned)
    .into()
}

#[tokio::test]
async fn two_of_three_owners_sign_apart_and_the_chain_accepts_it() {
    let owners = Owners::new().await;
    let mut chain = chain(&[owners.shared]);
    let offline = offline(&chain, owners.shared);
    let offline: Vec<&str> = offline.iter().map(String::as_str).collect();
    let shared = owners.shared.to_string();
    let carol = Wallet::named("carol");
    let unsigned = owners.unsigned(&shared, &carol.address()).await;

    // `c` keeps its key encrypted elsewhere and knows only the account's address.
    let apart = tempfile::tempdir().unwrap();
    let encrypted = ["--keyring-backend", "file"];
    let secret = hex::encode(key(3).to_bytes().as_slice());
    let import = [&["keys", "import-hex", "me", &secret], &encrypted[..]].concat();
    assert_eq!(
        raced_with(apart.path(), &import, "long enough\n")
            .await
            .code,
        0
    );
    let sign = [
        "tx",
        "sign",
        &unsigned,
        "--from",
        "me",
        "--multisig",
        &shared,
    ];
    let file = apart.path().join("c.json");
    let out = ["--output-document", file.to_str().unwrap()];
    let sign = [&sign[..], &offline, &encrypted, &out].concat();
    let done = raced_with(apart.path(), &sign, "long enough\n").await;
    assert_eq!((done.code, done.out.as_str()), (0, ""), "{}", done.err);
    let by_c = file.to_str().unwrap();

    let sign = [
        "tx",
        "sign",
        &unsigned,
        "--from",
        "a",
        "--multisig",
        "shared",
    ];
    let by_a = owners
        .write("a.json", &[&sign[..], &offline].concat())
        .await;
    let by_a = by_a.to_str().unwrap();

    let join = |files: &[&str]| {
        let args = [&["tx", "multisign", &unsigned, "shared"][..], files].concat();
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let at = owners.at();
    let run = |args: Vec<String>, offline: Vec<String>| {
        let all = [args, offline].concat();
        async move {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            raced(at, &all).await
        }
    };
    let given: Vec<String> = offline.iter().map(ToString::to_string).collect();
    let done = run(join(&[by_c, by_a]), given.clone()).await;
    assert_eq!(done.code, 0, "{}", done.err);
    let signed = apart.path().join("signed.json");
    std::fs::write(&signed, &done.out).unwrap();
    let info = &done.json()["auth_info"]["signer_infos"][0];
    assert_eq!(
        info["mode_info"]["multi"]["bitarray"]["extra_bits_stored"],
        3
    );

    let tx = bytes(apart.path(), signed.to_str().unwrap()).await;
    assert_eq!(chain.app.check_tx(&tx, false).error, None);
    assert_eq!(chain.block(vec![tx]).results[0].code, 0);
    assert_eq!(chain.balance(&carol), 5);

    // What cannot be joined says why.
    refused(
        &run(join(&[by_a]), given.clone()).await,
        "2 of the keys must sign, 1 did",
    );
    refused(
        &run(join(&[by_a, by_a]), given.clone()).await,
        "2 of the keys must sign, 1 did",
    );
    refused(
        &run(join(&[&unsigned]), given.clone()).await,
        "unsigned.json: ",
    );
    let mut later = given.clone();
    *later.last_mut().unwrap() = "1".to_owned();
    refused(&run(join(&[by_a, by_c]), later).await, "does not fit");
}

#[tokio::test]
async fn one_owner_signs_in_either_mode_and_the_chain_accepts_it() {
    let owners = Owners::new().await;
    for (mode, place) in [("direct", 1), ("amino-json", 2)] {
        let account = key(place).account();
        let mut chain = chain(&[account]);
        let offline = offline(&chain, account);
        let offline: Vec<&str> = offline.iter().map(String::as_str).collect();
        let carol = Wallet::named("carol");
        let unsigned = owners
            .unsigned(&account.to_string(), &carol.address())
            .await;
        let address = account.to_string();
        let sign = [
            "tx",
            "sign",
            &unsigned,
            "--from",
            &address,
            "--sign-mode",
            mode,
        ];
        let sign = [&sign[..], &offline].concat();
        let signed = owners.write("signed.json", &sign).await;
        let signed = signed.to_str().unwrap();
        let tx = bytes(owners.at(), signed).await;
        assert_eq!(chain.block(vec![tx.clone()]).results[0].code, 0, "{mode}");

        // What is decoded is what was encoded.
        let decode = ["tx", "decode", &BASE64.encode(&tx)];
        let decoded = raced(owners.at(), &decode).await.json();
        let file: Value = serde_json::from_str(&std::fs::read_to_string(signed).unwrap()).unwrap();
        assert_eq!(decoded, file);
        assert_eq!(decoded["body"]["memo"], "rent & more");
        let alone = raced(owners.at(), &[&sign[..], &["--signature-only"]].concat())
            .await
            .json();
        let single = &alone["signatures"][0]["data"]["single"];
        assert_eq!(single["signature"], decoded["signatures"][0]);

        let again = ["tx", "sign", signed, "--from", &address];
        let again = [&again[..], &offline].concat();
        refused(&raced(owners.at(), &again).await, "--overwrite");
        let over = raced(owners.at(), &[&again[..], &["--overwrite"]].concat()).await;
        assert_eq!(over.json()["signatures"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn two_accounts_of_one_transaction_sign_in_any_order() {
    let owners = Owners::new().await;
    let accounts = [key(1).account(), key(2).account()];
    let mut chain = chain(&accounts);
    let carol = Wallet::named("carol").address();
    let first = owners.unsigned(&accounts[0].to_string(), &carol).await;
    let mut both: Value = serde_json::from_str(&std::fs::read_to_string(&first).unwrap()).unwrap();
    let mut second = both["body"]["messages"][0].clone();
    second["from_address"] = accounts[1].to_string().into();
    both["body"]["messages"]
        .as_array_mut()
        .unwrap()
        .push(second);
    // SDK 0.53 says more.
    both["body"]["unordered"] = false.into();
    both["body"]["timeout_timestamp"] = Value::Null;
    std::fs::write(&first, both.to_string()).unwrap();

    let mut file = first.clone();
    for (name, place) in [("b", 1), ("a", 0)] {
        let offline = offline(&chain, accounts[place]);
        let offline: Vec<&str> = offline.iter().map(String::as_str).collect();
        let sign = ["tx", "sign", &file, "--from", name];
        let sign = [&sign[..], &offline].concat();
        refused(&raced(owners.at(), &sign).await, "--sign-mode amino-json");
        let sign = [&sign[..], &["--sign-mode", "amino-json"]].concat();
        let path = owners.write(&format!("by_{name}.json"), &sign).await;
        file = path.to_str().unwrap().to_owned();
    }
    let tx = bytes(owners.at(), &file).await;
    let result = chain.block(vec![tx]).results.remove(0);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
}

#[tokio::test]
async fn what_cannot_be_signed_or_sent_says_why_and_ends_with_2() {
    let owners = Owners::new().await;
    let at = owners.at();
    let (a, b) = (key(1).account().to_string(), key(2).account().to_string());
    let unsigned = owners.unsigned(&a, &b).await;
    let offline = ["--offline", "--chain-id", "race-1", "-a", "1", "-s", "0"];
    let sign = |file: &str, more: &[&str]| {
        let args = [&["tx", "sign", file], more, &offline[..]].concat();
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let text = std::fs::read_to_string(&unsigned).unwrap();
    let changed = at.join("changed.json");
    let changed = changed.to_str().unwrap();
    for (from, to, more, says) in [
        (
            "",
            "",
            &["--from", "b"][..],
            "does not sign this transaction",
        ),
        (
            "",
            "",
            &["--from", "a", "--multisig", "shared"],
            "does not sign this transaction",
        ),
        (
            "",
            "",
            &["--from", "a", "--multisig", "b"],
            "none of the keys of b",
        ),
        (
            "",
            "",
            &[
                "--from",
                "a",
                "--multisig",
                "shared",
                "--sign-mode",
                "direct",
            ],
            "amino JSON",
        ),
        (
            "race1",
            "rbce1",
            &["--from", "a"],
            "the chain would refuse this transaction",
        ),
        ("MsgSend", "MsgSpend", &["--from", "a"], "changed.json: "),
        ("\"memo\"", "\"demo\"", &["--from", "a"], "demo"),
        ("\"auth_info\"", "\"auth\"", &["--from", "a"], "auth"),
        ("{", "", &["--from", "a"], "changed.json: "),
        (
            "\"signatures\": []",
            "\"signatures\": [\"AA==\"]",
            &["--from", "a"],
            "do not belong",
        ),
    ] {
        std::fs::write(changed, text.replacen(from, to, 1)).unwrap();
        let args = sign(changed, more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        refused(&raced(at, &args).await, says);
    }
    refused(
        &raced(at, &["tx", "broadcast", &unsigned]).await,
        "nobody has signed it",
    );
    let unknown = [
        "tx",
        "sign",
        &unsigned,
        "--from",
        "a",
        "--offline",
        "-a",
        "1",
        "-s",
        "0",
    ];
    refused(&raced(at, &unknown).await, "--chain-id");
    // A key that is only watched cannot send.
    let send = ["tx", "bank", "send", "shared", &b, "1nicoin", "--yes"];
    let done = raced(at, &send).await;
    assert_eq!(done.code, 1);
    assert!(done.err.contains("--generate-only"), "{}", done.err);
}

#[tokio::test]
async fn a_node_says_number_and_sequence_and_takes_the_result() {
    let owners = Owners::new().await;
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
    config.write(owners.at()).unwrap();
    let unsigned = owners.unsigned("a", &key(2).account().to_string()).await;
    let gas = raced(owners.at(), &["tx", "simulate", &unsigned, "-o", "json"]).await;
    assert_eq!(gas.json(), json!({ "gas_info": { "gas_used": "50000" } }));
    let sign = ["tx", "sign", &unsigned, "--from", "a"];
    let signed = owners.write("signed.json", &sign).await;
    let number = NUMBER.to_string();
    let offline = [
        "--offline",
        "--chain-id",
        CHAIN_ID,
        "-a",
        &number,
        "-s",
        "0",
    ];
    let same = raced(owners.at(), &[&sign[..], &offline].concat()).await;
    assert_eq!(same.out, std::fs::read_to_string(&signed).unwrap());
    let send = ["tx", "broadcast", "-", "-o", "json"];
    let done = raced_with(owners.at(), &send, &same.out).await;
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(done.json()["height"], "11");
    assert_eq!(fake.with(|f| f.last_body()).memo, "rent & more");
}
