//! BIP-39 phrases: new ones have 24 words; 12, 15, 18 and 21 are read, too.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use bip32::{Language, Mnemonic as Phrase24};
use hmac::{Hmac, Mac};
use rand_core::OsRng;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

/// Words in the list, and bits a word: 2^11.
const WORD_BITS: usize = 11;
const SEED_ROUNDS: u32 = 2048;

/// Why a text is no mnemonic. The words themselves are not repeated: they are secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MnemonicError {
    /// Not one of the lengths.
    #[error("a mnemonic has 24 words (12, 15, 18 and 21 are read, too); this one has {0}")]
    Length(usize),
    /// A word that is not in the list.
    #[error(
        "word {0} of the mnemonic is not in the English word list of BIP-39: check its spelling"
    )]
    Word(usize),
    /// A passphrase that wallets would read differently.
    #[error("the passphrase of a mnemonic may have letters of ASCII alone: wallets encode others in different ways, and make different keys of them")]
    Passphrase,
    /// All words are known, but do not belong together.
    #[error("the mnemonic's checksum is wrong: a word is mistaken, missing or out of its place")]
    Checksum,
}

/// A checked phrase and its passphrase, which is empty unless one is said. Overwritten when dropped; never
/// printed by `Debug`.
#[derive(Clone)]
pub struct Mnemonic {
    words: Zeroizing<String>,
    passphrase: Zeroizing<String>,
}

impl Mnemonic {
    /// A new phrase of 24 words, from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self::of(Phrase24::random(OsRng, Language::English).phrase())
    }

    /// The phrase of 32 given bytes of entropy: the same bytes, the same phrase.
    #[must_use]
    pub fn from_entropy(entropy: [u8; 32]) -> Self {
        Self::of(Phrase24::from_entropy(entropy, Language::English).phrase())
    }

    fn of(words: &str) -> Self {
        Self {
            words: Zeroizing::new(words.to_owned()),
            passphrase: Zeroizing::default(),
        }
    }

    /// The same words under a passphrase: all other keys.
    ///
    /// # Errors
    /// When it has letters beyond ASCII.
    pub fn with_passphrase(self, passphrase: &str) -> Result<Self, MnemonicError> {
        if !passphrase.is_ascii() {
            return Err(MnemonicError::Passphrase);
        }
        Ok(Self {
            passphrase: Zeroizing::new(passphrase.to_owned()),
            ..self
        })
    }

    /// Whether the words alone do not make its keys.
    #[must_use]
    pub fn has_passphrase(&self) -> bool {
        !self.passphrase.is_empty()
    }

    /// The words, with one space between them.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// The seed of BIP-39 (64 bytes).
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 64]> {
        // PBKDF2-HMAC-SHA512; 64 bytes are one block of it.
        let keyed = Hmac::<Sha512>::new_from_slice(self.words.as_bytes())
            .expect("HMAC takes keys of any length");
        let mut round = keyed.clone();
        round.update(b"mnemonic");
        round.update(self.passphrase.as_bytes());
        round.update(&1u32.to_be_bytes());
        let mut last = round.finalize().into_bytes();
        let mut seed = Zeroizing::new([0; 64]);
        seed.copy_from_slice(&last);
        for _ in 1..SEED_ROUNDS {
            let mut round = keyed.clone();
            round.update(&last);
            last = round.finalize().into_bytes();
            for (byte, other) in seed.iter_mut().zip(&last) {
                *byte ^= other;
            }
        }
        seed
    }
}

impl FromStr for Mnemonic {
    type Err = MnemonicError;

    /// Reads a phrase; spaces between words may be any, letters of any case.
    fn from_str(text: &str) -> Result<Self, MnemonicError> {
        let text = Zeroizing::new(text.to_ascii_lowercase());
        let words: Vec<_> = text.split_whitespace().collect();
        if ![12, 15, 18, 21, 24].contains(&words.len()) {
            return Err(MnemonicError::Length(words.len()));
        }
        let mut bits = Zeroizing::new(Vec::with_capacity(words.len() * WORD_BITS));
        for (place, word) in words.iter().enumerate() {
            let number = word_list()
                .get(*word)
                .ok_or(MnemonicError::Word(place + 1))?;
            bits.extend((0..WORD_BITS).rev().map(|bit| (number >> bit) & 1 == 1));
        }
        // 32 bits of entropy for each bit of checksum.
        let checksum_bits = bits.len() / 33;
        let (entropy, checksum) = bits.split_at(bits.len() - checksum_bits);
        let entropy: Zeroizing<Vec<u8>> = Zeroizing::new(
            entropy
                .chunks(8)
                .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit)))
                .collect(),
        );
        let digest = Sha256::digest(entropy.as_slice())[0];
        let right = checksum
            .iter()
            .enumerate()
            .all(|(place, bit)| (digest >> (7 - place)) & 1 == u8::from(*bit));
        if !right {
            return Err(MnemonicError::Checksum);
        }
        Ok(Self::of(&Zeroizing::new(words.join(" "))))
    }
}

impl fmt::Debug for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mnemonic(hidden)")
    }
}

/// Each English word and its number, read off phrases of known entropy: `bip32` holds the list,
/// but hands it out only in phrases.
fn word_list() -> &'static BTreeMap<String, u16> {
    static LIST: OnceLock<BTreeMap<String, u16>> = OnceLock::new();
    LIST.get_or_init(|| {
        let first_word = |number: u16| {
            let mut entropy = [0; 32];
            entropy[..2].copy_from_slice(&(number << (16 - WORD_BITS)).to_be_bytes());
            let phrase = Phrase24::from_entropy(entropy, Language::English);
            let word = phrase.phrase().split(' ').next().unwrap_or_default();
            (word.to_owned(), number)
        };
        (0..1 << WORD_BITS).map(first_word).collect()
    })
}
