use serde_json::json;

use super::{raced, raced_with, Done};

/// CosmJS's test account.
const WORDS: &str = "economy stock theory fatal elder harbor betray wasp final emotion task crumble siren bottom lizard educate guess current outdoor pair theory focus wife stone";
/// What `gaiad keys show -p` prints of its first keys.
const FIRST: &str = r#"{"@type":"/cosmos.crypto.secp256k1.PubKey","key":"A08EGB7ro1ORuFhjOnZcSgwYlpe0DSFjVNUIkNNQxwKQ"}"#;
const SECOND: &str = r#"{"@type":"/cosmos.crypto.secp256k1.PubKey","key":"AiDosfIbBi54XJ1QjCeApumcy/FjdtF+YhywPf3DKTx7"}"#;
const THIRD: &str = r#"{"@type":"/cosmos.crypto.secp256k1.PubKey","key":"AzQg33JZqH7vSsm09esZY5bZvmzYwE/SY78cA0iLxpD7"}"#;

/// Runs `raced keys ARGS -o json` and expects it to succeed.
async fn keys(at: &std::path::Path, args: &[&str], input: &str) -> serde_json::Value {
    let args = [&["keys", "-o", "json"][..], args].concat();
    let done = raced_with(at, &args, input).await;
    assert_eq!(done.code, 0, "{args:?}: {}", done.err);
    done.json()
}

fn refused(done: &Done, code: u8, says: &str) {
    assert_eq!((done.code, done.out.as_str()), (code, ""), "{}", done.err);
    assert!(done.err.contains(says), "{says}: {}", done.err);
}

#[tokio::test]
async fn keys_are_shown_as_on_other_cosmos_chains() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    for (name, index) in [("a", "0"), ("b", "1"), ("c", "2")] {
        keys(at, &["add", name, "--recover", "--index", index], WORDS).await;
    }
    assert_eq!(
        keys(at, &["show", "a"], "").await,
        json!({ "name": "a", "type": "local", "pubkey": FIRST,
            "address": "race1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmkqcp30" })
    );
    let shared = [
        "add",
        "three",
        "--multisig",
        "a,b,c",
        "--multisig-threshold",
        "2",
        "--nosort",
    ];
    let three = keys(at, &shared, "").await;
    assert_eq!(three["type"], "multi");
    assert_eq!(
        three["pubkey"],
        format!("{{\"@type\":\"/cosmos.crypto.multisig.LegacyAminoPubKey\",\"threshold\":2,\"public_keys\":[{FIRST},{SECOND},{THIRD}]}}")
    );
    let parsed = keys(at, &["parse", three["address"].as_str().unwrap()], "").await;
    let other = keys(
        at,
        &["parse", "cosmos1x9hx8ryeyffpwpv2ya5jkmn6hthsufgyfmxn9k"],
        "",
    )
    .await;
    assert_eq!(parsed["bytes"], other["bytes"]);
    assert_eq!(
        (&parsed["human"], &other["human"]),
        (&json!("race"), &json!("cosmos"))
    );

    // In the order of addresses unless told otherwise, so that all owners make the same account.
    let sort = |names| {
        [
            "add",
            "sorted",
            "--multisig",
            names,
            "--multisig-threshold",
            "2",
            "--dry-run",
        ]
    };
    let one = keys(at, &sort("a,b,c"), "").await;
    assert_eq!(
        one["address"],
        keys(at, &sort("c,a,b"), "").await["address"]
    );
    let shown = keys(
        at,
        &["show", "a", "b", "c", "--multisig-threshold", "2"],
        "",
    )
    .await;
    assert_eq!(shown["address"], three["address"]);
    let four = [
        "keys",
        "add",
        "four",
        "--multisig",
        "a,b",
        "--multisig-threshold",
        "3",
    ];
    refused(&raced(at, &four).await, 2, "a threshold from 1 to 2");
    let nobody = ["keys", "add", "x", "--multisig", "a,nobody"];
    refused(&raced(at, &nobody).await, 1, "there is no key \"nobody\"");

    let pubkey = raced(at, &["keys", "show", "a", "-p"]).await;
    assert_eq!(pubkey.out.trim(), FIRST);
    let watched = keys(at, &["add", "watched", "--pubkey", FIRST], "").await;
    assert_eq!(
        (&watched["type"], &watched["pubkey"]),
        (&json!("offline"), &json!(FIRST))
    );
    let names = raced(at, &["keys", "list", "-n"]).await;
    assert_eq!(names.out, "a\nb\nc\nthree\nwatched\n");
    let renamed = keys(at, &["rename", "watched", "seen", "--yes"], "").await;
    assert_eq!(renamed["name"], "seen");
    let asked = raced_with(at, &["keys", "rename", "seen", "watched"], "n\n").await;
    refused(&asked, 1, "not renamed");
    let ledger = raced(at, &["keys", "add", "cold", "--ledger"]).await;
    refused(&ledger, 1, "Ledger devices are not supported");
}

#[tokio::test]
async fn an_address_is_shown_in_all_its_forms() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    keys(at, &["add", "a", "--recover"], WORDS).await;
    let forms = keys(
        at,
        &["parse", "0D82B1E7C96DBFA42462FE612932E6BFF111D51B"],
        "",
    )
    .await;
    let forms = forms["formats"].as_array().unwrap();
    assert_eq!(forms.len(), 6);
    for (role, place) in [("acc", 0), ("val", 2), ("cons", 4)] {
        let shown = raced(at, &["keys", "show", "a", "-a", "--bech", role]).await;
        assert_eq!(forms[place], shown.out.trim(), "{role}");
    }
    let operator = forms[2].as_str().unwrap();
    assert!(operator.starts_with("racevaloper1"), "{operator}");
    assert_eq!(
        keys(at, &["parse", operator], "").await["human"],
        "racevaloper"
    );
}

#[tokio::test]
async fn a_dry_run_stores_nothing_and_a_mnemonic_can_be_kept_back() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let dry = keys(at, &["add", "a", "--recover", "--dry-run"], WORDS).await;
    assert_eq!(dry["pubkey"], FIRST);
    assert_eq!(keys(at, &["list"], "").await, json!([]));
    let silent = keys(at, &["add", "quiet", "--no-backup"], "").await;
    assert_eq!(silent["mnemonic"], serde_json::Value::Null);
    let words = raced(at, &["keys", "mnemonic"]).await;
    assert_eq!(words.out.split_whitespace().count(), 24);

    let file = at.join("words.txt");
    std::fs::write(&file, WORDS).unwrap();
    let source = ["add", "b", "--recover", "--source", file.to_str().unwrap()];
    let path = [&source[..], &["--hd-path", "m/44'/118'/0'/0/1"]].concat();
    assert_eq!(keys(at, &path, "").await["pubkey"], SECOND);
}

#[tokio::test]
async fn an_encrypted_keyring_reads_its_passphrase_from_standard_input() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    let file = ["--keyring-backend", "file"];
    let add = [&["add", "a", "--recover"], &file[..]].concat();
    // As `gaiad` asks: first for the mnemonic, then for the passphrase.
    keys(at, &add, &format!("{WORDS}\nlong enough\n")).await;
    let stored = std::fs::read_to_string(at.join("keyring-file/a.json")).unwrap();
    assert!(!stored.contains("private_key"), "{stored}");
    let again = [&["keys", "add", "b"], &file[..]].concat();
    refused(&raced(at, &again).await, 1, "the passphrase is needed");
    refused(
        &raced_with(at, &again, "something else\n").await,
        1,
        "wrong passphrase",
    );
    assert_eq!(raced_with(at, &again, "long enough\n").await.code, 0);

    let hex = ["keys", "export", "a", "--unarmored-hex", "--unsafe", "-y"];
    let hex = [&hex[..], &file].concat();
    refused(
        &raced_with(at, &hex, "wrong one\n").await,
        1,
        "wrong passphrase",
    );
    let hex = raced_with(at, &hex, "long enough\n").await;
    assert!(hex.out.starts_with("e16ee698b4a4ee03"), "{}", hex.err);

    // The export's own passphrase comes first. It goes into the keyring of another home.
    let export = [&["keys", "export", "a"], &file[..]].concat();
    refused(
        &raced_with(at, &export, "short\n").await,
        1,
        "at least 8 characters",
    );
    let armor = raced_with(at, &export, "for the journey\nlong enough\n").await;
    assert_eq!(armor.code, 0, "{}", armor.err);
    let path = at.join("a.armor");
    std::fs::write(&path, &armor.out).unwrap();
    let other = tempfile::tempdir().unwrap();
    let import = ["keys", "import", "moved", path.to_str().unwrap()];
    let wrong = raced_with(other.path(), &import, "long enough\n").await;
    refused(&wrong, 1, "wrong passphrase");
    let moved = raced_with(other.path(), &import, "for the journey\n").await;
    assert!(
        moved.out.contains("race1pkptre7fdkl6gfrzlesjjvhxhlc3r4gm"),
        "{}",
        moved.err
    );
    std::fs::write(&path, "nothing\n").unwrap();
    refused(
        &raced_with(other.path(), &import, "x\n").await,
        2,
        "not an exported key",
    );

    let hex = hex.out.trim();
    let imported = keys(other.path(), &["import-hex", "b", "-"], hex).await;
    assert_eq!(imported["pubkey"], FIRST);
}

#[tokio::test]
async fn a_passphrase_makes_another_key_of_the_same_mnemonic() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    // The first vector of BIP-39.
    let words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
    let with = "A7YgKmoAWk8FdBKh20wAtHEkjbSKadv6KJqZ0PQuKlBz";
    let without = "Ak9OKtmcNNYLm6YoPJQxqEGK+GcyEpYfl6d7Y3f80Fti";
    let interactive = ["add", "a", "--recover", "--interactive", "--dry-run"];
    let passphrase = format!("{words}\nTREZOR\nTREZOR\n");
    for (args, input, key) in [
        (&interactive[..], passphrase.as_str(), with),
        (&["add", "a", "-i", "--dry-run"], &passphrase, with),
        (&interactive, &format!("{words}\n\n"), without),
        (&["add", "a", "--recover", "--dry-run"], words, without),
    ] {
        let made = keys(at, args, input).await;
        let shown = made["pubkey"].as_str().unwrap();
        assert!(shown.contains(key), "{args:?}: {shown}");
        assert_eq!(made["mnemonic"], serde_json::Value::Null);
    }
    let file = at.join("words.txt");
    std::fs::write(&file, words).unwrap();
    let source = ["add", "b", "-i", "--source", file.to_str().unwrap()];
    let made = keys(at, &source, "TREZOR\nTREZOR\n").await;
    assert!(made["pubkey"].as_str().unwrap().contains(with));

    // A new one is shown, and makes the key with its passphrase alone.
    let new = keys(at, &["add", "c", "--interactive"], "\nsecret\nsecret\n").await;
    let again = format!("{}\nsecret\nsecret\n", new["mnemonic"].as_str().unwrap());
    let again = keys(at, &interactive, &again).await;
    assert_eq!(again["pubkey"], new["pubkey"]);

    let mistyped = format!("{words}\nTREZOR\nTRESOR\n");
    let mistyped = raced_with(at, &["keys", "add", "d", "-i"], &mistyped).await;
    refused(&mistyped, 1, "the passphrases differ");
    let alone = ["keys", "add", "d", "--source", file.to_str().unwrap()];
    refused(
        &raced(at, &alone).await,
        2,
        "add --recover or --interactive",
    );
}
