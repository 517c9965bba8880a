use std::path::Path;

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use prost::Message;
use race_app::address::Account;
use race_app::testing::{Chain, Wallet};
use race_proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, MsgGrantAllowance, PeriodicAllowance,
};
use race_proto::Any;
use serde_json::Value;
use tempfile::TempDir;

use super::{raced, Done};
use crate::wallet::key::Key;
use crate::wallet::keyring::Keyring;
use crate::wallet::mnemonic::Mnemonic;

/// A home with the keys `alice`, who has coins, and `hot`, who has none and is not on chain.
struct Scene {
    home: TempDir,
    chain: Chain,
}

impl Scene {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let keyring = Keyring::open(home.path(), "test").unwrap();
        for (name, byte) in [("alice", 1), ("hot", 2)] {
            let key = Key::from_mnemonic(&Mnemonic::from_entropy([byte; 32]), 0).unwrap();
            keyring.add(name, &key).unwrap();
        }
        let mut chain = Chain::new(1);
        chain.block(Vec::new());
        let rich = Wallet::named("alice");
        let mut scene = Self { home, chain };
        let pays = rich.pays(&scene.wallet("alice"), 1_000_000_000);
        let tx = scene.chain.sign(&rich, vec![pays]);
        assert_eq!(scene.chain.block(vec![tx]).results[0].code, 0);
        scene
    }

    fn at(&self) -> &Path {
        self.home.path()
    }

    fn account(&self, name: &str) -> Account {
        let keyring = Keyring::open(self.at(), "test").unwrap();
        keyring.info(name).unwrap().account()
    }

    /// For looking its account up; it signs nothing.
    fn wallet(&self, name: &str) -> Wallet {
        Wallet {
            account: self.account(name),
            ..Wallet::named("alice")
        }
    }

    /// The file of a transaction that nobody has signed.
    async fn unsigned(&self, args: &[&str]) -> String {
        let flags = ["--generate-only", "--offline", "--gas", "400000"];
        let all = [args, &flags, &["--fees", "4000nicoin"]].concat();
        self.write("unsigned.json", &all).await
    }

    async fn write(&self, file: &str, args: &[&str]) -> String {
        let done = raced(self.at(), args).await;
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        let path = self.at().join(file);
        std::fs::write(&path, done.out).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn sign(&self, file: &str, name: &str, mode: &str) -> String {
        let signing = self.chain.signing(&self.wallet(name));
        let (number, sequence) = (signing.number.to_string(), signing.sequence.to_string());
        let sign = ["tx", "sign", file, "--from", name, "--sign-mode", mode];
        let offline = ["--offline", "--chain-id", &signing.chain_id];
        let all = [&sign[..], &offline, &["-a", &number, "-s", &sequence]].concat();
        self.write(&format!("by_{name}.json"), &all).await
    }

    /// Puts a signed transaction into a block: codespace and code.
    async fn deliver(&mut self, file: &str) -> (String, u32) {
        let done = raced(self.at(), &["tx", "encode", file]).await;
        let tx = BASE64.decode(done.out.trim()).unwrap();
        let result = self.chain.block(vec![tx]).results.remove(0);
        self.chain.check_invariants();
        (result.codespace, result.code)
    }

    /// Makes, signs and delivers a transaction.
    async fn send(&mut self, name: &str, args: &[&str]) -> (String, u32) {
        let file = self.unsigned(&[args, &["--from", name]].concat()).await;
        let file = self.sign(&file, name, "direct").await;
        self.deliver(&file).await
    }
}

fn is_done((codespace, code): &(String, u32)) -> bool {
    assert_eq!(codespace, "", "{code}");
    *code == 0
}

fn refused(done: &Done, says: &str) {
    assert_eq!((done.code, done.out.as_str()), (2, ""), "{}", done.err);
    assert!(done.err.contains(says), "{says}: {}", done.err);
}

#[tokio::test]
async fn a_key_without_coins_sends_anothers_coins_at_anothers_cost() {
    let mut scene = Scene::new();
    let carol = Wallet::named("carol");
    let exec = "/cosmos.authz.v1beta1.MsgExec";
    let allow = ["tx", "feegrant", "grant", "alice", "hot"];
    let periods = ["--period", "3600", "--period-limit", "8000nicoin"];
    let only = ["--spend-limit", "1icoin", "--allowed-messages", exec];
    let allow = [&allow[..], &periods, &only].concat();
    assert!(is_done(&scene.send("alice", &allow).await));
    let grant = [
        "tx",
        "authz",
        "grant",
        "hot",
        "send",
        "--spend-limit",
        "9nicoin",
    ];
    let to = carol.address();
    let grant = [&grant[..], &["--allow-list", &to]].concat();
    assert!(is_done(&scene.send("alice", &grant).await));

    let transfer = ["tx", "bank", "send", "alice", &to, "5nicoin"];
    let transfer = scene.unsigned(&transfer).await;
    let kept = scene.at().join("transfer.json");
    std::fs::rename(&transfer, &kept).unwrap();
    let exec = ["tx", "authz", "exec", kept.to_str().unwrap()];
    let exec = [&exec[..], &["--fee-granter", "alice"]].concat();
    assert!(is_done(&scene.send("hot", &exec).await));
    assert_eq!(scene.chain.balance(&carol), 5);
    // Four are left of the grant, and half of the period's fees.
    assert_eq!(scene.send("hot", &exec).await, ("sdk".to_owned(), 5));
    assert_eq!(scene.send("hot", &exec).await, ("feegrant".to_owned(), 2));
    let own = [
        "tx",
        "authz",
        "revoke",
        "alice",
        "/cosmos.bank.v1beta1.MsgSend",
    ];
    let own = [&own[..], &["--fee-granter", "alice"]].concat();
    assert_eq!(scene.send("hot", &own).await, ("feegrant".to_owned(), 7));

    let revoke = [
        "tx",
        "authz",
        "revoke",
        "hot",
        "/cosmos.bank.v1beta1.MsgSend",
    ];
    assert!(is_done(&scene.send("alice", &revoke).await));
    let revoke = ["tx", "feegrant", "revoke", "alice", "hot"];
    assert!(is_done(&scene.send("alice", &revoke).await));
    assert_eq!(scene.send("hot", &exec).await, ("sdk".to_owned(), 38));
    assert!(is_done(
        &scene.send("alice", &["tx", "feegrant", "prune"]).await
    ));
}

#[tokio::test]
async fn a_payer_who_is_not_the_sender_signs_too() {
    let mut scene = Scene::new();
    let (alice, hot) = (scene.wallet("alice"), scene.wallet("hot"));
    let two = ["tx", "bank", "send", "alice", "hot", "7nicoin"];
    assert!(is_done(&scene.send("alice", &two).await));
    let before = scene.chain.balance(&alice);
    let back = ["tx", "bank", "send", "hot", "alice", "7nicoin"];
    let back = [&back[..], &["--fee-payer", "alice"]].concat();
    refused(
        &raced(scene.at(), &[&back[..], &["--yes"]].concat()).await,
        "let both sign it",
    );
    let file = scene.unsigned(&back).await;
    let file = scene.sign(&file, "hot", "amino-json").await;
    let file = scene.sign(&file, "alice", "amino-json").await;
    assert!(is_done(&scene.deliver(&file).await));
    assert_eq!(scene.chain.balance(&hot), 0);
    assert_eq!(scene.chain.balance(&alice), before + 7 - 4_000);
}

#[tokio::test]
async fn an_allowance_is_what_the_flags_say() {
    let scene = Scene::new();
    let grant = ["tx", "feegrant", "grant", "alice", "hot"];
    let flags = [
        "--spend-limit",
        "5icoin",
        "--expiration",
        "2100-01-31T15:04:05Z",
        "--period",
        "60",
        "--period-limit",
        "1micoin",
        "--allowed-messages",
        "/cosmos.gov.v1.MsgVote,/cosmos.bank.v1beta1.MsgSend",
    ];
    let file = scene.unsigned(&[&grant[..], &flags].concat()).await;
    let made: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let message = &made["body"]["messages"][0];
    assert_eq!(message["granter"], scene.account("alice").to_string());
    let bytes = crate::proto_json::any_from_json(message.clone()).unwrap();
    let message = MsgGrantAllowance::decode(bytes.value.as_slice()).unwrap();
    let allowed = message.allowance.unwrap();
    let allowed = AllowedMsgAllowance::decode(allowed.value.as_slice()).unwrap();
    assert_eq!(
        allowed.allowed_messages,
        ["/cosmos.gov.v1.MsgVote", "/cosmos.bank.v1beta1.MsgSend"]
    );
    let periodic: Any = allowed.allowance.unwrap();
    let periodic = PeriodicAllowance::decode(periodic.value.as_slice()).unwrap();
    assert_eq!(periodic.period.unwrap().seconds, 60);
    assert_eq!(periodic.period_spend_limit, periodic.period_can_spend);
    let basic = periodic.basic.unwrap();
    assert_eq!(basic.spend_limit[0].amount, "5000000000");
    assert_eq!(basic.expiration.unwrap().seconds, 4_105_091_045);
}

#[tokio::test]
async fn what_cannot_be_granted_says_why_and_ends_with_2() {
    let scene = Scene::new();
    let feegrant = ["tx", "feegrant", "grant", "alice", "hot"];
    let authz = ["tx", "authz", "grant", "hot"];
    let offline = ["--generate-only", "--offline", "--from", "alice"];
    let vote = "/cosmos.gov.v1.MsgVote";
    for (command, more, says) in [
        (&feegrant[..], &["--period", "60"][..], "--period-limit"),
        (&feegrant, &["--period-limit", "1nicoin"], "--period"),
        (&feegrant, &["--spend-limit", "0nicoin"], "more than zero"),
        (&feegrant, &["--expiration", "tomorrow"], "2027-01-31"),
        (
            &feegrant,
            &[
                "--period",
                "60",
                "--period-limit",
                "1nicoin",
                "--expiration",
                "7",
            ],
            "before its first period",
        ),
        (
            &feegrant,
            &["--allowed-messages", "MsgVote"],
            "no message of this chain",
        ),
        (&feegrant[..4], &["alice"], "to another account"),
        (&authz, &["send"], "--spend-limit"),
        (
            &authz,
            &["send", "--spend-limit", "0icoin"],
            "more than zero",
        ),
        (&authz, &["send", "--msg-type", vote], "--spend-limit"),
        (
            &authz,
            &["send", "--spend-limit", "1icoin", "--allow-list", "hot,hot"],
            "twice",
        ),
        (&authz, &["generic"], "--msg-type"),
        (
            &authz,
            &["generic", "--msg-type", "/x"],
            "no message of this chain",
        ),
        (&authz, &["delegate"], "generic"),
        (
            &authz[..3],
            &["alice", "generic", "--msg-type", vote],
            "to another account",
        ),
        (
            &["tx", "authz", "revoke", "hot"],
            &["/x"],
            "no message of this chain",
        ),
        (
            &["tx", "bank", "send", "alice", "hot", "1nicoin"],
            &["--fee-granter", "nobody"],
            "--fee-granter",
        ),
    ] {
        let args = [command, more, &offline].concat();
        refused(&raced(scene.at(), &args).await, says);
    }
}
