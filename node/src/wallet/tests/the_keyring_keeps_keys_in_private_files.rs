use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::keys_are_those_of_other_cosmos_wallets::faucet;
use crate::wallet::key::Key;
use crate::wallet::keyring::{Keyring, KeyringError};
use crate::wallet::mnemonic::Mnemonic;
use crate::wallet::session_key::{SessionFile, SessionKeyError};

fn key(byte: u8) -> Key {
    Key::from_mnemonic(&Mnemonic::from_entropy([byte; 32]), 0).unwrap()
}

#[test]
fn a_key_is_found_by_name_and_by_address_and_its_file_is_private() {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(home.path(), "test").unwrap();
    assert_eq!(keyring.list().unwrap(), Vec::new());
    keyring.add("zoe", &key(1)).unwrap();
    let info = keyring.add("alice", &faucet()).unwrap();
    let names: Vec<_> = keyring
        .list()
        .unwrap()
        .into_iter()
        .map(|k| k.name)
        .collect();
    assert_eq!(names, ["alice", "zoe"]);
    for name in ["alice", info.address.as_str()] {
        let (found, key) = keyring.get(name).unwrap();
        assert_eq!(found, info);
        assert_eq!(key.to_bytes(), faucet().to_bytes());
    }
    let file = home.path().join("keyring-test/alice.json");
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    keyring.delete("alice").unwrap();
    assert!(matches!(
        keyring.get("alice"),
        Err(KeyringError::Unknown { .. })
    ));
    assert!(keyring.get("zoe").is_ok());
}

#[test]
fn a_taken_name_keeps_its_key() {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(home.path(), "test").unwrap();
    keyring.add("alice", &key(1)).unwrap();
    let error = keyring.add("alice", &key(2)).unwrap_err();
    assert!(matches!(error, KeyringError::Exists { .. }));
    assert_eq!(
        keyring.get("alice").unwrap().1.to_bytes(),
        key(1).to_bytes()
    );
}

#[test]
fn other_backends_say_what_to_use_instead() {
    for backend in ["os", "pass", ""] {
        let error = Keyring::open("/nowhere".as_ref(), backend).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("use --keyring-backend file (encrypted) or test"),
            "{error}"
        );
    }
}

#[test]
fn names_that_are_paths_or_addresses_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(home.path(), "test").unwrap();
    let address = key(1).account().to_string();
    let long = "x".repeat(65);
    for name in [
        "", "../alice", "a/b", ".hidden", "-a", "a b", "é", &address, &long,
    ] {
        assert!(
            matches!(keyring.add(name, &key(1)), Err(KeyringError::Name(_))),
            "{name:?}"
        );
    }
}

#[test]
fn a_file_that_was_changed_by_hand_is_named() {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(home.path(), "test").unwrap();
    keyring.add("alice", &key(1)).unwrap();
    let file = home.path().join("keyring-test/alice.json");
    let swapped = fs::read_to_string(&file)
        .unwrap()
        .replace(&key(1).account().to_string(), &key(2).account().to_string());
    fs::write(&file, swapped).unwrap();
    let error = keyring.get("alice").unwrap_err().to_string();
    assert!(
        error.contains("alice.json") && error.contains("its address says"),
        "{error}"
    );
    fs::write(&file, "{").unwrap();
    assert!(matches!(
        keyring.get("alice"),
        Err(KeyringError::Damaged { .. })
    ));
}

#[test]
fn a_sessions_key_is_stored_before_it_has_an_id_and_moves_when_it_gets_one() {
    let home = tempfile::tempdir().unwrap();
    let file = SessionFile::generate("race-1", "race1owner", "smollm2");
    let pending = file.store(home.path()).unwrap();
    assert!(pending.exists());
    let key = file.signing_key().unwrap();
    let (opened, path) = file.opened(home.path(), 7).unwrap();
    assert!(!pending.exists());
    assert_eq!(path, home.path().join("sessions/7.json"));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let loaded = SessionFile::load(home.path(), 7).unwrap();
    assert_eq!(loaded, opened);
    assert_eq!(loaded.signing_key().unwrap(), key);
    assert!(matches!(
        SessionFile::load(home.path(), 8),
        Err(SessionKeyError::Unknown { id: 8, .. })
    ));
}

#[test]
fn a_session_file_whose_keys_do_not_match_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let (file, path) = SessionFile::generate("c", "o", "m")
        .opened(home.path(), 1)
        .unwrap();
    let other = SessionFile::generate("c", "o", "m");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&file.session_key, &other.session_key)).unwrap();
    let error = SessionFile::load(home.path(), 1)
        .unwrap()
        .signing_key()
        .unwrap_err();
    assert!(matches!(error, SessionKeyError::Damaged { .. }));
}
