//! Private keys in ASCII armour, as `gaiad keys export` writes them and `gaiad keys import` reads them.
//!
//! The text is OpenPGP's armour with the block type `TENDERMINT PRIVATE KEY`. The header `kdf` says how
//! the passphrase becomes a key and, with it, which cipher is used: `argon2` (since SDK 0.47) is
//! Argon2id with ChaCha20-Poly1305 under a nonce of zeros, which is sound because every salt is new;
//! `bcrypt` (before) is the SHA-256 of bcrypt's text with NaCl's secretbox. It is read and never
//! written. Inside is the key in amino's binary encoding.

use std::collections::BTreeMap;

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use crypto_secretbox::XSalsa20Poly1305;
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::key::{Key, KeyError};
use super::seal::{derive, Cost};

const BLOCK: &str = "TENDERMINT PRIVATE KEY";
const KEY_TYPE: &str = "secp256k1";
/// The SDK's settings of Argon2id.
const ARGON2: Cost = Cost {
    memory_kib: 64 * 1024,
    passes: 1,
    lanes: 4,
};
/// The SDK's cost of bcrypt.
const BCRYPT_COST: u32 = 12;
/// Amino's name of a secp256k1 private key, and its length.
const AMINO: [u8; 5] = [0xe1, 0xb0, 0xf7, 0x9b, 32];
const LINE: usize = 64;
const NONCE_OF_SECRETBOX: usize = 24;

/// Why a text is no exported key that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// No armour at all, or a damaged one.
    #[error("not an exported key: {0}")]
    Form(String),
    /// Armour around something else.
    #[error("this is a {0:?}, not a {BLOCK:?}")]
    Block(String),
    /// A header that cannot be used.
    #[error("header {name:?} is {value:?}; expected {expected}")]
    Header {
        /// Its name.
        name: &'static str,
        /// What it says; empty when it is missing.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// Decryption failed.
    #[error("wrong passphrase, or the file was changed")]
    Passphrase,
    /// Decrypted, and no key of this chain.
    #[error("what is inside is no secp256k1 key")]
    Content,
    /// Decrypted, and no private key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Encrypts a key under a passphrase, readable by every Cosmos SDK since 0.47.
#[must_use]
pub fn export(key: &Key, passphrase: &str) -> String {
    let mut salt = [0; 16];
    OsRng.fill_bytes(&mut salt);
    let secret = Zeroizing::new([&AMINO[..], key.to_bytes().as_slice()].concat());
    let derived = derive(passphrase, &salt, ARGON2).expect("the SDK's settings are valid");
    let body = ChaCha20Poly1305::new(derived.as_slice().into())
        .encrypt(&Nonce::default(), secret.as_slice())
        .expect("a key is far below the cipher's limit");
    let headers = [
        ("kdf", "argon2".to_owned()),
        ("salt", hex::encode_upper(salt)),
        ("type", KEY_TYPE.to_owned()),
    ];
    encode(BLOCK, &headers, &body)
}

/// Decrypts a key that was exported here, by `gaiad` or by another chain of the SDK.
///
/// # Errors
/// When it is no such text, of another type of key, or the passphrase is wrong.
pub fn import(text: &str, passphrase: &str) -> Result<Key, ArmorError> {
    let armor = decode(text)?;
    if armor.block != BLOCK {
        return Err(ArmorError::Block(armor.block));
    }
    let header = |name: &str| armor.headers.get(name).map_or("", String::as_str);
    // The SDK takes a type that is not there for this one.
    if !["", KEY_TYPE].contains(&header("type")) {
        return Err(ArmorError::Header {
            name: "type",
            value: header("type").to_owned(),
            expected: KEY_TYPE,
        });
    }
    let salt = hex::decode(header("salt")).ok();
    let salt: [u8; 16] = salt.and_then(|salt| salt.try_into().ok()).ok_or_else(|| {
        let value = header("salt").to_owned();
        ArmorError::Header {
            name: "salt",
            value,
            expected: "32 hex digits",
        }
    })?;
    let secret = match header("kdf") {
        "argon2" => with_argon2(&armor.body, passphrase, &salt)?,
        "bcrypt" => with_bcrypt(&armor.body, passphrase, salt)?,
        other => {
            return Err(ArmorError::Header {
                name: "kdf",
                value: other.to_owned(),
                expected: "argon2 or bcrypt",
            })
        }
    };
    let bytes = secret.strip_prefix(&AMINO).ok_or(ArmorError::Content)?;
    Ok(Key::from_bytes(bytes)?)
}

type Secret = Zeroizing<Vec<u8>>;

fn with_argon2(body: &[u8], passphrase: &str, salt: &[u8]) -> Result<Secret, ArmorError> {
    let key = derive(passphrase, salt, ARGON2).expect("the SDK's settings are valid");
    ChaCha20Poly1305::new(key.as_slice().into())
        .decrypt(&Nonce::default(), body)
        .map(Zeroizing::new)
        .map_err(|_| ArmorError::Passphrase)
}

fn with_bcrypt(body: &[u8], passphrase: &str, salt: [u8; 16]) -> Result<Secret, ArmorError> {
    let (nonce, ciphertext) = body
        .split_at_checked(NONCE_OF_SECRETBOX)
        .ok_or_else(|| ArmorError::Form("it is too short".to_owned()))?;
    let hash = bcrypt::hash_with_salt(passphrase, BCRYPT_COST, salt)
        .map_err(|_| ArmorError::Passphrase)?;
    let text = Zeroizing::new(hash.format_for_version(bcrypt::Version::TwoA));
    let key = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(text.as_bytes())));
    XSalsa20Poly1305::new(key.as_slice().into())
        .decrypt(nonce.into(), ciphertext)
        .map(Zeroizing::new)
        .map_err(|_| ArmorError::Passphrase)
}

/// What is between the lines of an armour.
#[derive(Debug, PartialEq, Eq)]
struct Armor {
    block: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn encode(block: &str, headers: &[(&str, String)], body: &[u8]) -> String {
    let mut lines = vec![format!("-----BEGIN {block}-----")];
    lines.extend(
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    lines.push(String::new());
    let text = BASE64.encode(body);
    let full = text.as_bytes().chunks(LINE);
    lines.extend(full.map(|line| String::from_utf8_lossy(line).into_owned()));
    lines.push(format!("={}", BASE64.encode(checksum(body))));
    lines.push(format!("-----END {block}-----"));
    lines.join("\n")
}

/// Reads the first armour of a text; what is around it does not matter.
fn decode(text: &str) -> Result<Armor, ArmorError> {
    let form = |what: &str| ArmorError::Form(what.to_owned());
    let mut lines = text.lines().map(str::trim);
    let block = lines
        .find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .ok_or_else(|| form("it has no line \"-----BEGIN ...-----\""))?;
    let mut headers = BTreeMap::new();
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(": ")
            .ok_or_else(|| form("its headers do not end with an empty line"))?;
        headers.insert(name.to_owned(), value.to_owned());
    }
    let (mut base64, mut sum, mut ended) = (String::new(), None, false);
    for line in lines {
        if line.starts_with("-----END ") {
            ended = true;
            break;
        }
        match line.strip_prefix('=') {
            Some(given) => sum = Some(given),
            None => base64.push_str(line),
        }
    }
    if !ended {
        return Err(form("it has no line \"-----END ...-----\": it was cut"));
    }
    let body = BASE64
        .decode(base64)
        .map_err(|_| form("its body is no base64"))?;
    if sum.is_some_and(|sum| sum != BASE64.encode(checksum(&body))) {
        return Err(form("its checksum is wrong: a character was changed"));
    }
    Ok(Armor {
        block: block.to_owned(),
        headers,
        body,
    })
}

/// CRC-24 of OpenPGP (RFC 4880, section 6.1).
fn checksum(bytes: &[u8]) -> [u8; 3] {
    let mut crc: u32 = 0x00b7_04ce;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
    }
    let [_, a, b, c] = crc.to_be_bytes();
    [a, b, c]
}
