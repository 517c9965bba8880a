use super::keys_are_those_of_other_cosmos_wallets::faucet;
use crate::wallet::armor::{export, import, ArmorError};
use crate::wallet::key::{HdPath, Key, KeyError};

/// Written by the Cosmos SDK 0.50.15 for the first key of the test account.
const ARGON2: &str = "\
-----BEGIN TENDERMINT PRIVATE KEY-----
kdf: argon2
salt: 9D819CA1A59C091D494F054E010E4074
type: secp256k1

WwJUBbGqZqKoM64v72YTxkuoT9qUz0vPTJlbQbfbu5xtwSdjq9b/4aj2pAhSOaLf
bCCUrMU=
=/lEc
-----END TENDERMINT PRIVATE KEY-----
";

/// Written by the same with the key derivation of SDKs before 0.47.
const BCRYPT: &str = "\
-----BEGIN TENDERMINT PRIVATE KEY-----
kdf: bcrypt
salt: 944CD361D297379DADCFB8E1BB306B08

PE2qPu5PEbhcPzJn5r5qVbnTzjHwbrkhAtygmBVfWWeZvzVymMn/LOopX0dudi/x
96uAL6TZIUGm7aMg7vCElowHasXmdNLsIzdqPiw=
=4aTc
-----END TENDERMINT PRIVATE KEY-----
";

const PASSPHRASE: &str = "passw0rd";

#[test]
fn what_the_sdk_exported_is_read_with_either_key_derivation() {
    for armor in [ARGON2, BCRYPT] {
        let key = import(armor, PASSPHRASE).unwrap();
        assert_eq!(key.to_bytes(), faucet().to_bytes());
        assert_eq!(
            import(armor, "passw0rt").unwrap_err(),
            ArmorError::Passphrase
        );
    }
    // As a mail or a Windows machine leaves it.
    let around = format!("my key:\n\n{ARGON2}\nend").replace('\n', "\r\n");
    assert!(import(&around, PASSPHRASE).is_ok());
}

#[test]
fn what_is_exported_here_reads_back_and_is_never_twice_the_same() {
    let one = export(&faucet(), "a passphrase, ünd more");
    assert!(one.starts_with("-----BEGIN TENDERMINT PRIVATE KEY-----\nkdf: argon2\nsalt: "));
    assert!(one.contains("\ntype: secp256k1\n\n"), "{one}");
    assert!(one.lines().all(|line| line.len() <= 64), "{one}");
    let read = import(&one, "a passphrase, ünd more").unwrap();
    assert_eq!(read.to_bytes(), faucet().to_bytes());
    assert_ne!(one, export(&faucet(), "a passphrase, ünd more"));
}

#[test]
fn a_changed_or_cut_export_says_what_is_wrong_with_it() {
    let line = ARGON2.lines().nth(5).unwrap();
    let body = ARGON2.replace(line, &line.replace(&line[..2], "AA"));
    let resummed = body.lines().filter(|line| !line.starts_with('='));
    let resummed: Vec<_> = resummed.collect();
    for (text, says) in [
        (String::new(), "no line \"-----BEGIN"),
        (
            ARGON2.split("-----END").next().unwrap().to_owned(),
            "it was cut",
        ),
        (body.clone(), "checksum is wrong"),
        (
            resummed.join("\n"),
            "wrong passphrase, or the file was changed",
        ),
        (ARGON2.replace(line, "!"), "no base64"),
        (ARGON2.replace("argon2", "scrypt"), "\"kdf\" is \"scrypt\""),
        (ARGON2.replace("salt: ", "salt: 00"), "32 hex digits"),
        (ARGON2.replace("salt: ", "pepper: "), "\"salt\" is \"\""),
        (ARGON2.replace("secp256k1", "ed25519"), "expected secp256k1"),
        (
            ARGON2.replace("PRIVATE KEY", "PUBLIC KEY"),
            "TENDERMINT PUBLIC KEY",
        ),
        (ARGON2.replace("\n\n", "\n"), "empty line"),
        (BCRYPT.replace("bcrypt", "argon2"), "wrong passphrase"),
    ] {
        let error = import(&text, PASSPHRASE).unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn keys_are_derived_at_the_path_that_is_asked_for() {
    let phrase = super::keys_are_those_of_other_cosmos_wallets::FAUCET;
    let phrase = phrase.parse().unwrap();
    let at = |path: &str| Key::at(&phrase, &path.parse().unwrap()).unwrap();
    assert_eq!(at("m/44'/118'/0'/0/0").to_bytes(), faucet().to_bytes());
    assert_eq!(at("44'/118'/0'/0/0").to_bytes(), faucet().to_bytes());
    let third = HdPath::bip44(118, 1, 3).unwrap();
    assert_eq!(third, "m/44'/118'/1'/0/3".parse().unwrap());
    assert_ne!(
        at("m/44'/118'/1'/0/3").to_bytes(),
        at("m/44'/118'/0'/0/3").to_bytes()
    );
    assert_eq!(
        HdPath::bip44(118, 1 << 31, 0),
        Err(KeyError::Index(1 << 31))
    );
    for wrong in ["", "m", "44/x", "m//0", "m/2147483648"] {
        assert!(wrong.parse::<HdPath>().is_err(), "{wrong:?}");
    }
}
