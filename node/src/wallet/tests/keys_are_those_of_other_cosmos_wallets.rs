use crate::wallet::key::{Key, KeyError};
use crate::wallet::mnemonic::{Mnemonic, MnemonicError};

/// CosmJS's test account.
pub(super) const FAUCET: &str = "economy stock theory fatal elder harbor betray wasp final emotion task crumble siren bottom lizard educate guess current outdoor pair theory focus wife stone";

const TWELVE: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

pub(super) fn faucet() -> Key {
    Key::from_mnemonic(&FAUCET.parse().unwrap(), 0).unwrap()
}

#[test]
fn a_known_phrase_gives_the_key_and_address_that_cosmjs_derives() {
    let key = faucet();
    assert_eq!(
        hex::encode(key.public_key()),
        "034f04181eeba35391b858633a765c4a0c189697b40d216354d50890d350c70290"
    );
    assert_eq!(
        key.account().with_prefix("cosmos"),
        "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6"
    );
    assert!(key
        .account()
        .to_string()
        .starts_with("race1pkptre7fdkl6gfrzlesjjvhxhlc3r4gm"));
}

#[test]
fn the_seeds_of_bip39s_own_vectors_are_reproduced_without_passphrase() {
    let seed = TWELVE.parse::<Mnemonic>().unwrap().seed();
    assert_eq!(
        hex::encode(seed.as_slice()),
        "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4"
    );
    let zeros = Mnemonic::from_entropy([0; 32]);
    assert!(zeros.words().ends_with("abandon art"));
    assert_eq!(
        hex::encode(zeros.seed().as_slice()),
        "408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf705489c6fc77dbd4e3dc1dd8cc6bc9f043db8ada1e243c4a0eafb290d399480840"
    );
}

#[test]
fn the_seeds_of_bip39s_own_vectors_are_reproduced_with_their_passphrase() {
    let seed = |mnemonic: Mnemonic| hex::encode(mnemonic.seed().as_slice());
    let twelve: Mnemonic = TWELVE.parse().unwrap();
    assert_eq!(
        seed(twelve.clone().with_passphrase("TREZOR").unwrap()),
        "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04"
    );
    let zeros = Mnemonic::from_entropy([0; 32]).with_passphrase("TREZOR");
    assert_eq!(
        seed(zeros.unwrap()),
        "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8"
    );
    let none = twelve.clone().with_passphrase("").unwrap();
    assert_eq!(seed(none), seed(twelve.clone()));
    assert_eq!(
        twelve.with_passphrase("tr\u{e9}zor").unwrap_err(),
        MnemonicError::Passphrase
    );
}

#[test]
fn new_phrases_have_24_words_differ_and_read_back() {
    let (one, other) = (Mnemonic::generate(), Mnemonic::generate());
    assert_eq!(one.words().split(' ').count(), 24);
    assert_ne!(one.words(), other.words());
    let read: Mnemonic = one.words().parse().unwrap();
    assert_eq!(read.seed(), one.seed());
    assert_eq!(format!("{one:?}"), "Mnemonic(hidden)");
}

#[test]
fn spaces_and_capitals_do_not_matter() {
    let spread = format!("  {}\n", FAUCET.to_uppercase().replace(' ', " \t "));
    assert_eq!(spread.parse::<Mnemonic>().unwrap().words(), FAUCET);
}

#[test]
fn a_mistaken_phrase_is_refused_and_says_where_without_repeating_it() {
    let misspelt = FAUCET.replace("fatal", "fatale");
    let error = misspelt.parse::<Mnemonic>().unwrap_err();
    assert_eq!(error, MnemonicError::Word(4));
    assert!(!error.to_string().contains("fatale"));
    let swapped = FAUCET.replace("economy stock", "stock economy");
    assert_eq!(
        swapped.parse::<Mnemonic>().unwrap_err(),
        MnemonicError::Checksum
    );
    let short = FAUCET.rsplit_once(' ').unwrap().0;
    assert_eq!(
        short.parse::<Mnemonic>().unwrap_err(),
        MnemonicError::Length(23)
    );
    assert_eq!(
        "".parse::<Mnemonic>().unwrap_err(),
        MnemonicError::Length(0)
    );
}

#[test]
fn each_index_is_a_key_of_its_own() {
    let mnemonic: Mnemonic = FAUCET.parse().unwrap();
    let second = Key::from_mnemonic(&mnemonic, 1).unwrap();
    assert_eq!(
        second.account().with_prefix("cosmos"),
        "cosmos10dyr9899g6t0pelew4nvf4j5c3jcgv0r73qga5"
    );
    assert_eq!(
        Key::from_mnemonic(&mnemonic, 1 << 31).unwrap_err(),
        KeyError::Index(1 << 31)
    );
}

#[test]
fn bytes_that_are_no_private_key_are_refused() {
    let key = faucet();
    assert_eq!(
        Key::from_bytes(key.to_bytes().as_slice())
            .unwrap()
            .account(),
        key.account()
    );
    for bytes in [&[0; 32][..], &[0xff; 32], &[1; 31], &[1; 33], &[]] {
        assert_eq!(Key::from_bytes(bytes).unwrap_err(), KeyError::PrivateKey);
    }
}
