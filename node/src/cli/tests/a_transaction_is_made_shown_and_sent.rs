use std::path::Path;

use prost::Message;
use race_app::address::Account;
use race_proto::cosmos::bank::v1beta1::MsgSend;
use race_proto::cosmos::gov::v1::{MsgSubmitProposal, MsgVote, VoteOption};
use race_proto::race::pricing::v1::MsgVotePrice;
use race_proto::race::session::v1::{MsgOpenSession, MsgOpenSessionResponse};
use serde_json::json;
use tempfile::TempDir;

use super::{raced, raced_with, Done};
use crate::cli::config::ClientConfig;
use crate::client::tests::fake::{Behaviour, Fake, HEIGHT};
use crate::wallet::key::Key;
use crate::wallet::keyring::Keyring;
use crate::wallet::mnemonic::Mnemonic;
use crate::wallet::session_key::SessionFile;
use crate::wallet::sign::any;

/// A home whose `alice` is the account of a chain.
async fn alice(behaviour: Behaviour) -> (TempDir, Fake, Account) {
    let home = tempfile::tempdir().unwrap();
    let key = Key::from_mnemonic(&Mnemonic::from_entropy([1; 32]), 0).unwrap();
    Keyring::open(home.path(), "test")
        .unwrap()
        .add("alice", &key)
        .unwrap();
    let behaviour = Behaviour {
        account: Some(key.account()),
        ..behaviour
    };
    let fake = Fake::start(behaviour).await;
    let config = ClientConfig {
        node: Some(fake.url.clone()),
        ..ClientConfig::default()
    };
    config.write(home.path()).unwrap();
    (home, fake, key.account())
}

async fn send(home: &Path, more: &[&str]) -> Done {
    let bob = Account([2; 20]).to_string();
    let args = [
        "tx",
        "bank",
        "send",
        "alice",
        &bob,
        "2.5micoin",
        "-o",
        "json",
    ];
    raced(home, &[&args[..], more].concat()).await
}

#[tokio::test]
async fn coins_are_sent_and_the_block_is_waited_for() {
    let (home, fake, alice) = alice(Behaviour::default()).await;
    let done = send(home.path(), &["--yes", "--note", "rent"]).await;
    assert_eq!(done.code, 0, "{}", done.err);
    let printed = done.json();
    assert_eq!(
        (&printed["height"], &printed["code"]),
        (&json!("11"), &json!(0))
    );
    assert_eq!(printed["events"][0]["type"], "tx");
    let body = fake.with(|f| f.last_body());
    assert_eq!(body.memo, "rent");
    let message = MsgSend::decode(body.messages[0].value.as_slice()).unwrap();
    assert_eq!(message.from_address, alice.to_string());
    assert_eq!(message.amount[0].amount, "2500000");
}

#[tokio::test]
async fn it_is_asked_before_sending_and_no_answer_is_no() {
    let (home, fake, _) = alice(Behaviour::default()).await;
    let bob = Account([2; 20]).to_string();
    let args = ["tx", "bank", "send", "alice", &bob, "1icoin"];
    for input in ["", "n\n", "\n"] {
        let done = raced_with(home.path(), &args, input).await;
        assert_eq!(done.code, 1, "{input:?}");
        assert!(done.err.contains("add --yes"), "{}", done.err);
    }
    assert_eq!(fake.with(|f| f.accepted.len()), 0);
    let done = raced_with(home.path(), &args, "y\n").await;
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.err.contains("650nicoin"), "{}", done.err);
    assert!(done.out.starts_with("height: 11\ntxhash: "), "{}", done.out);
}

#[tokio::test]
async fn a_refusal_is_printed_and_ends_with_1() {
    for (check, deliver, height) in [
        (Some(("sdk", 5, "too poor")), None, "0"),
        (None, Some(("sdk", 5, "too poor")), "11"),
    ] {
        let (home, _fake, _) = alice(Behaviour {
            check,
            deliver,
            ..Behaviour::default()
        })
        .await;
        let done = send(home.path(), &["-y"]).await;
        assert_eq!(done.code, 1);
        assert_eq!(done.json()["height"], height);
        assert_eq!(done.json()["raw_log"], "too poor");
        let error: serde_json::Value = serde_json::from_str(&done.err).unwrap();
        assert_eq!(error["error"]["code"], 5);
    }
}

#[tokio::test]
async fn a_dry_run_and_generate_only_send_nothing_and_need_no_key() {
    let (home, fake, account) = alice(Behaviour::default()).await;
    raced(home.path(), &["keys", "delete", "alice", "-y"]).await;
    let (from, to) = (account.to_string(), Account([2; 20]).to_string());
    let args = ["tx", "bank", "send", &from, &to, "7nicoin", "-o", "json"];
    let dry = raced(home.path(), &[&args[..], &["--dry-run"]].concat())
        .await
        .json();
    assert_eq!(dry["gas_limit"], "65000");
    assert_eq!(dry["fee"], "650nicoin");
    let generate = [
        &args[..],
        &[
            "--generate-only",
            "--gas",
            "9",
            "--fees",
            "3nicoin",
            "--gas-prices",
            "1nicoin",
        ],
    ]
    .concat();
    let tx = raced(home.path(), &generate).await.json();
    assert_eq!(
        tx["body"]["messages"][0]["@type"],
        "/cosmos.bank.v1beta1.MsgSend"
    );
    assert_eq!(tx["body"]["messages"][0]["amount"][0]["amount"], "7");
    assert_eq!(tx["auth_info"]["fee"]["gas_limit"], "9");
    assert_eq!(tx["auth_info"]["fee"]["amount"][0]["amount"], "3");
    assert_eq!(tx["signatures"], json!([]));
    assert_eq!(
        raced(home.path(), &[&args[..], &["-y"]].concat())
            .await
            .code,
        1
    );
    assert_eq!(fake.with(|f| f.accepted.len()), 0);
}

#[tokio::test]
async fn from_must_agree_with_the_first_argument() {
    let (home, _fake, account) = alice(Behaviour::default()).await;
    let address = account.to_string();
    assert_eq!(send(home.path(), &["-y", "--from", &address]).await.code, 0);
    let other = Account([3; 20]).to_string();
    assert_eq!(send(home.path(), &["-y", "--from", &other]).await.code, 2);
}

#[tokio::test]
async fn a_wrong_chain_id_is_refused_by_the_chain() {
    let (home, _fake, _) = alice(Behaviour::default()).await;
    let done = send(home.path(), &["-y", "--chain-id", "another"]).await;
    assert_eq!((done.code, &done.json()["code"]), (1, &json!(4)));
}

#[tokio::test]
async fn votes_carry_what_was_said() {
    let (home, fake, account) = alice(Behaviour::default()).await;
    for (option, expected) in [
        ("yes", VoteOption::Yes),
        ("no", VoteOption::No),
        ("abstain", VoteOption::Abstain),
        ("no_with_veto", VoteOption::NoWithVeto),
    ] {
        let args = [
            "tx",
            "gov",
            "vote",
            "4",
            option,
            "--from",
            "alice",
            "-y",
            "--no-wait",
        ];
        assert_eq!(raced(home.path(), &args).await.code, 0);
        let any = fake.with(|f| f.last_body()).messages.remove(0);
        let vote = MsgVote::decode(any.value.as_slice()).unwrap();
        assert_eq!((vote.proposal_id, vote.option()), (4, expected));
        assert_eq!(vote.voter, account.to_string());
    }
    for (text, price) in [("12", "12"), ("1.5uicoin", "1500")] {
        let args = [
            "tx",
            "pricing",
            "vote",
            text,
            "--from",
            "alice",
            "-y",
            "--no-wait",
        ];
        assert_eq!(raced(home.path(), &args).await.code, 0);
        let any = fake.with(|f| f.last_body()).messages.remove(0);
        assert_eq!(
            MsgVotePrice::decode(any.value.as_slice()).unwrap().price,
            price
        );
    }
}

#[tokio::test]
async fn a_proposal_is_read_from_its_file() {
    let (home, fake, account) = alice(Behaviour::default()).await;
    let path = home.path().join("proposal.json");
    let file = json!({ "messages": [{ "@type": "/race.model.v1.MsgRegisterModel" }],
        "deposit": "10icoin", "title": "A model", "summary": "Let us." });
    std::fs::write(&path, file.to_string()).unwrap();
    let path = path.to_str().unwrap();
    let args = [
        "tx",
        "gov",
        "submit-proposal",
        path,
        "--from",
        "alice",
        "-y",
    ];
    let done = raced(home.path(), &args).await;
    assert_eq!(done.code, 0, "{}", done.err);
    let any = fake.with(|f| f.last_body()).messages.remove(0);
    let proposal = MsgSubmitProposal::decode(any.value.as_slice()).unwrap();
    assert_eq!(proposal.proposer, account.to_string());
    assert_eq!(proposal.initial_deposit[0].amount, "10000000000");
    assert_eq!(
        proposal.messages[0].type_url,
        "/race.model.v1.MsgRegisterModel"
    );
    std::fs::write(path, file.to_string().replace("icoin", "stake")).unwrap();
    let done = raced(home.path(), &args).await;
    assert_eq!(done.code, 2);
    assert!(done.err.contains("deposit: "), "{}", done.err);
}

#[tokio::test]
async fn a_session_is_opened_and_its_key_is_kept() {
    let (home, fake, _) = alice(Behaviour {
        response: Some(any(&MsgOpenSessionResponse { id: 42 })),
        ..Behaviour::default()
    })
    .await;
    let args = [
        "tx",
        "session",
        "open",
        "--model",
        "smollm2",
        "--escrow",
        "1icoin",
        "--ceiling",
        "1micoin",
        "--expiry-blocks",
        "500",
        "--from",
        "alice",
        "-y",
        "-o",
        "json",
    ];
    let done = raced(home.path(), &args).await;
    assert_eq!(done.code, 0, "{}", done.err);
    let any = fake.with(|f| f.last_body()).messages.remove(0);
    let message = MsgOpenSession::decode(any.value.as_slice()).unwrap();
    assert_eq!(message.expiry_height, HEIGHT + 500);
    let file = SessionFile::load(home.path(), 42).unwrap();
    assert_eq!(hex::encode(&message.session_key), file.session_key);
    assert_eq!(file.chain_id, crate::client::tests::fake::CHAIN_ID);
    file.signing_key().unwrap();

    // A refused one leaves nothing behind.
    fake.with(|f| f.check = Some(("sdk", 5, "too poor")));
    assert_eq!(raced(home.path(), &args).await.code, 1);
    let files = std::fs::read_dir(home.path().join("sessions"))
        .unwrap()
        .count();
    assert_eq!(files, 1);

    fake.with(|f| f.check = None);
    let key = "11".repeat(32);
    let given = [&args[..], &["--session-key", &key]].concat();
    assert_eq!(raced(home.path(), &given).await.code, 0);
    let any = fake.with(|f| f.last_body()).messages.remove(0);
    let message = MsgOpenSession::decode(any.value.as_slice()).unwrap();
    assert_eq!(hex::encode(&message.session_key), key);
}
