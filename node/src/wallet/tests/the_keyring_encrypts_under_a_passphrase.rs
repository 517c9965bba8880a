use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use zeroize::Zeroizing;

use super::keys_are_those_of_other_cosmos_wallets::faucet;
use crate::wallet::key::Key;
use crate::wallet::keyring::{Asked, Keyring, KeyringError, Kind};
use crate::wallet::mnemonic::Mnemonic;

type Log = Arc<Mutex<Vec<Asked>>>;

/// An encrypted keyring whose owner knows this passphrase, and what the owner was asked.
fn keyring(home: &Path, passphrase: &'static str) -> (Keyring, Log) {
    let asked = Log::default();
    let log = asked.clone();
    let ask = move |question| {
        log.lock().unwrap().push(question);
        Ok(Zeroizing::new(passphrase.to_owned()))
    };
    let keyring = Keyring::open(home, "file").unwrap().asking(Arc::new(ask));
    (keyring, asked)
}

fn other() -> Key {
    Key::from_mnemonic(&Mnemonic::from_entropy([2; 32]), 0).unwrap()
}

const RIGHT: &str = "correct horse";

#[test]
fn a_key_is_encrypted_private_and_opened_by_its_passphrase_alone() {
    let home = tempfile::tempdir().unwrap();
    let (first, asked) = keyring(home.path(), RIGHT);
    let info = first.add("alice", &faucet()).unwrap();
    first.add("bob", &other()).unwrap();
    // Chosen once, for all keys.
    assert_eq!(*asked.lock().unwrap(), [Asked::Choose]);

    let path = home.path().join("keyring-file/alice.json");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&hex::encode(faucet().to_bytes().as_slice())));

    let (later, asked) = keyring(home.path(), RIGHT);
    assert_eq!(later.list().unwrap().len(), 2);
    assert_eq!(later.info("alice").unwrap(), info);
    // What is public needs no passphrase.
    assert_eq!(*asked.lock().unwrap(), []);
    for name in ["alice", info.address.as_str(), "bob"] {
        later.get(name).unwrap();
    }
    assert_eq!(
        later.get("alice").unwrap().1.to_bytes(),
        faucet().to_bytes()
    );
    assert_eq!(*asked.lock().unwrap(), [Asked::Open]);

    let (stranger, _) = keyring(home.path(), "wrong horse");
    let error = stranger.get("alice").unwrap_err();
    assert!(matches!(error, KeyringError::Sealed { .. }));
    assert!(error.to_string().contains("wrong passphrase"), "{error}");
    // Nor can a key be added under another passphrase.
    let error = stranger.add("carol", &other()).unwrap_err();
    assert!(matches!(error, KeyringError::Sealed { .. }));
    assert_eq!(later.list().unwrap().len(), 2);
}

#[test]
fn short_passphrases_and_nobody_to_ask_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let (short, _) = keyring(home.path(), "1234567");
    assert!(matches!(
        short.add("alice", &faucet()),
        Err(KeyringError::ShortPassphrase)
    ));
    let alone = Keyring::open(home.path(), "file").unwrap();
    assert!(matches!(
        alone.add("alice", &faucet()),
        Err(KeyringError::NoPassphrase)
    ));
    assert_eq!(alone.list().unwrap(), Vec::new());
}

#[test]
fn a_file_that_was_tampered_with_is_found_out() {
    let home = tempfile::tempdir().unwrap();
    let (one, _) = keyring(home.path(), RIGHT);
    one.add("alice", &faucet()).unwrap();
    let bob = one.add("bob", &other()).unwrap();
    let path = home.path().join("keyring-file/alice.json");
    let text = fs::read_to_string(&path).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();

    let change = |edit: &dyn Fn(&mut serde_json::Value)| {
        let mut changed = json.clone();
        edit(&mut changed);
        fs::write(&path, changed.to_string()).unwrap();
        one.get("alice").unwrap_err().to_string()
    };
    // Another's public key around this private key.
    let error = change(&|file| {
        file["address"] = bob.address.clone().into();
        file["public_key"] = hex::encode(other().public_key()).into();
    });
    assert!(error.contains("the file was changed"), "{error}");
    let error = change(&|file| {
        let sealed = file["sealed"]["ciphertext"].as_str().unwrap();
        let flipped = match sealed.strip_prefix('0') {
            Some(rest) => format!("1{rest}"),
            None => format!("0{}", &sealed[1..]),
        };
        file["sealed"]["ciphertext"] = flipped.into();
    });
    assert!(error.contains("the file was changed"), "{error}");
    let error = change(&|file| file["sealed"]["cost"]["memory_kib"] = u32::MAX.into());
    assert!(error.contains("at most 1048576"), "{error}");
    let error = change(&|file| file["sealed"]["scheme"] = "rot13".into());
    assert!(error.contains("\"rot13\""), "{error}");
    let error = change(&|file| file["address"] = bob.address.clone().into());
    assert!(error.contains("its address says"), "{error}");
}

#[test]
fn a_renamed_key_keeps_its_secret_and_a_watched_one_has_none() {
    let home = tempfile::tempdir().unwrap();
    let (keyring, _) = keyring(home.path(), RIGHT);
    let alice = keyring.add("alice", &faucet()).unwrap();
    let renamed = keyring.rename("alice", "treasurer").unwrap();
    assert_eq!(
        (renamed.name.as_str(), &renamed.address),
        ("treasurer", &alice.address)
    );
    assert!(matches!(
        keyring.info("alice"),
        Err(KeyringError::Unknown { .. })
    ));
    assert_eq!(
        keyring.get("treasurer").unwrap().1.to_bytes(),
        faucet().to_bytes()
    );

    let watched = keyring.add_public("watched", &alice.public_key).unwrap();
    assert_eq!(
        (watched.kind, watched.account()),
        (Kind::Offline, alice.account())
    );
    let error = keyring.get("watched").unwrap_err().to_string();
    assert!(error.contains("--generate-only"), "{error}");
    let error = keyring.rename("watched", "treasurer").unwrap_err();
    assert!(matches!(error, KeyringError::Exists { .. }));
}
