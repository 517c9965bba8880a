//! Reads the header of a GGUF file: enough to name the model, size its memory and digest its
//! tokenizer, and to refuse a damaged file before llama.cpp sees it.
//!
//! Layout (GGUF version 2 and 3, little endian): magic `GGUF`, version `u32`, tensor count `u64`,
//! entry count `u64`; entries (key, type `u32`, value); tensor descriptions (name, dimension count
//! `u32`, dimensions `u64`, type `u32`, offset `u64`); padding; tensor data.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::InferenceError;

/// Longest string of a header, in bytes.
const MAX_STRING: u64 = 16 << 20;
/// Most elements of an array.
const MAX_ARRAY: u64 = 16 << 20;
/// Most entries, and most tensors.
const MAX_COUNT: u64 = 1 << 20;
/// Strings up to this length are kept; longer ones are only read past (and digested).
const KEPT_STRING: usize = 64 << 10;

/// Tensor types (of two dimensions and more) whose products do not depend on how a prompt is cut
/// into batches, by their number in GGUF: Q4_0, Q4_1, Q8_0.
const BATCH_INVARIANT_TYPES: [u32; 3] = [2, 3, 8];

/// A kept value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Integer(u64),
    Text(String),
    ArrayLength(u64),
}

/// What the header of a model file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    values: BTreeMap<String, Value>,
    /// SHA-256 over all `tokenizer.*` entries in order of key: key, type and value as in the file.
    pub tokenizer_digest: [u8; 32],
    /// Number of weights.
    pub parameters: u64,
    /// Whether every matrix has a format in which decoding equals prefill bit for bit.
    pub batch_invariant: bool,
}

impl Header {
    /// Reads the header of the file at `path`.
    ///
    /// # Errors
    /// [`InferenceError::FileMissing`], [`InferenceError::Io`] or [`InferenceError::NotGguf`].
    pub fn read(path: &Path) -> Result<Self, InferenceError> {
        let file = open(path)?;
        Self::parse(BufReader::with_capacity(1 << 16, file)).map_err(|reason| {
            InferenceError::NotGguf {
                path: path.to_path_buf(),
                reason,
            }
        })
    }

    fn parse(input: impl Read) -> Result<Self, String> {
        let mut source = Source {
            input,
            digest: None,
        };
        if &source.array::<4>()? != b"GGUF" {
            return Err("the first four bytes are not GGUF".into());
        }
        let version = source.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("GGUF version 2 or 3 expected, found {version}"));
        }
        let tensors = source.count("tensors", MAX_COUNT)?;
        let entries = source.count("entries", MAX_COUNT)?;

        let mut values = BTreeMap::new();
        let mut tokenizer: BTreeMap<String, [u8; 32]> = BTreeMap::new();
        for _ in 0..entries {
            let key = source.text()?;
            source.digest = key.starts_with("tokenizer.").then(Sha256::new);
            let kind = source.u32()?;
            let value = source.value(kind)?;
            if let Some(digest) = source.digest.take() {
                tokenizer.insert(key.clone(), digest.finalize().into());
            }
            if let Some(value) = value {
                values.insert(key, value);
            }
        }

        let mut parameters = 0u64;
        let mut batch_invariant = true;
        for _ in 0..tensors {
            let _name = source.text()?;
            let dimensions = source.u32()?;
            if dimensions > 4 {
                return Err(format!(
                    "a tensor of {dimensions} dimensions; at most 4 expected"
                ));
            }
            let mut size = 1u64;
            for _ in 0..dimensions {
                size = size
                    .checked_mul(source.u64()?)
                    .ok_or("a tensor's size overflows")?;
            }
            parameters = parameters
                .checked_add(size)
                .ok_or("the model's size overflows")?;
            let kind = source.u32()?;
            batch_invariant &= dimensions < 2 || BATCH_INVARIANT_TYPES.contains(&kind);
            let _offset = source.u64()?;
        }

        let mut digest = Sha256::new();
        for (key, entry) in &tokenizer {
            digest.update((key.len() as u64).to_le_bytes());
            digest.update(key.as_bytes());
            digest.update(entry);
        }
        Ok(Self {
            values,
            tokenizer_digest: digest.finalize().into(),
            parameters,
            batch_invariant,
        })
    }

    /// A text entry.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer entry.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<u64> {
        match self.values.get(key)? {
            Value::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    /// `general.architecture`, or `unknown`.
    #[must_use]
    pub fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or("unknown")
    }

    /// An integer entry under the architecture's name: `sized("context_length")`.
    #[must_use]
    pub fn sized(&self, key: &str) -> Option<u64> {
        self.integer(&format!("{}.{key}", self.architecture()))
    }

    /// Tokens in the vocabulary.
    #[must_use]
    pub fn vocabulary_size(&self) -> Option<u64> {
        match self.values.get("tokenizer.ggml.tokens")? {
            Value::ArrayLength(length) => Some(*length),
            _ => None,
        }
    }

    /// The numeric format in llama.cpp's words, from `general.file_type`.
    #[must_use]
    pub fn format(&self) -> String {
        let Some(number) = self.integer("general.file_type") else {
            return "unnamed".into();
        };
        let name = match number {
            0 => "F32",
            1 => "F16",
            2 => "Q4_0",
            3 => "Q4_1",
            7 => "Q8_0",
            8 => "Q5_0",
            9 => "Q5_1",
            10 => "Q2_K",
            11 => "Q3_K_S",
            12 => "Q3_K_M",
            13 => "Q3_K_L",
            14 => "Q4_K_S",
            15 => "Q4_K_M",
            16 => "Q5_K_S",
            17 => "Q5_K_M",
            18 => "Q6_K",
            32 => "BF16",
            _ => return format!("file type {number}"),
        };
        name.into()
    }
}

/// Opens a model file for reading.
pub(crate) fn open(path: &Path) -> Result<File, InferenceError> {
    let missing = || InferenceError::FileMissing {
        path: path.to_path_buf(),
    };
    match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|meta| meta.is_file()) => Ok(file),
        Ok(_) => Err(missing()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing()),
        Err(source) => Err(InferenceError::Io {
            path: path.to_path_buf(),
            source,
        }),
    }
}

/// A reader that digests what passes while `digest` is set.
struct Source<R> {
    input: R,
    digest: Option<Sha256>,
}

impl<R: Read> Source<R> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), String> {
        self.input
            .read_exact(buffer)
            .map_err(|_| "the header ends early".to_string())?;
        if let Some(digest) = &mut self.digest {
            digest.update(&*buffer);
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn count(&mut self, what: &str, limit: u64) -> Result<u64, String> {
        let count = self.u64()?;
        if count > limit {
            return Err(format!("{count} {what}; at most {limit} expected"));
        }
        Ok(count)
    }

    fn bytes(&mut self) -> Result<Vec<u8>, String> {
        let length = self.count("bytes in a string", MAX_STRING)?;
        let mut bytes = Vec::new();
        // Grows with what is there, not with what the length claims.
        let mut left = length;
        let mut chunk = [0u8; 4096];
        while left > 0 {
            let step = usize::try_from(left.min(4096)).unwrap_or(4096);
            let part = &mut chunk[..step];
            self.fill(part)?;
            bytes.extend_from_slice(part);
            left = left.saturating_sub(step as u64);
        }
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, String> {
        String::from_utf8(self.bytes()?).map_err(|_| "a name is not UTF-8".into())
    }

    /// One value of type `kind`; `None` for those nobody asks for (floats, long texts).
    fn value(&mut self, kind: u32) -> Result<Option<Value>, String> {
        let integer = |value: u64| Some(Value::Integer(value));
        Ok(match kind {
            0 | 1 | 7 => integer(u64::from(self.array::<1>()?[0])),
            2 | 3 => integer(u64::from(u16::from_le_bytes(self.array()?))),
            4 | 5 => integer(u64::from(self.u32()?)),
            10 | 11 => integer(self.u64()?),
            6 => {
                self.u32()?;
                None
            }
            12 => {
                self.u64()?;
                None
            }
            8 => String::from_utf8(self.bytes()?)
                .ok()
                .filter(|text| text.len() <= KEPT_STRING)
                .map(Value::Text),
            9 => {
                let element = self.u32()?;
                let length = self.count("elements in an array", MAX_ARRAY)?;
                if element == 9 {
                    return Err("an array of arrays".into());
                }
                for _ in 0..length {
                    self.value(element)?;
                }
                Some(Value::ArrayLength(length))
            }
            other => return Err(format!("an entry of unknown type {other}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_header_of_the_fixture_says_what_it_is() {
        let header = Header::parse(fixture::tiny_gguf(1).as_slice()).unwrap();
        assert_eq!(header.architecture(), "llama");
        assert_eq!(header.format(), "Q8_0");
        assert_eq!(
            header.sized("context_length"),
            Some(u64::from(fixture::CONTEXT_LENGTH))
        );
        assert_eq!(
            header.vocabulary_size(),
            Some(u64::from(fixture::VOCABULARY_SIZE))
        );
        assert!(header.batch_invariant);
        assert!(header.parameters > 100_000);
    }

    #[test]
    fn the_tokenizer_digest_ignores_weights_and_sees_every_tokenizer_byte() {
        let one = fixture::tiny_gguf(1);
        let digest = |bytes: &[u8]| Header::parse(bytes).unwrap().tokenizer_digest;
        assert_eq!(digest(&one), digest(&fixture::tiny_gguf(2)));

        let mut changed = one.clone();
        let at = one
            .windows(9)
            .position(|window| window == b"assistant")
            .expect("the chat template names the assistant");
        changed[at] = b'A';
        assert_ne!(digest(&one), digest(&changed));
    }

    #[test]
    fn a_header_cut_anywhere_is_refused() {
        let bytes = fixture::tiny_gguf(1);
        for length in (0..2000).chain((2000..12_000).step_by(97)) {
            assert!(Header::parse(&bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_header_that_claims_absurd_lengths_is_refused_without_allocating_them() {
        let mut bytes = fixture::tiny_gguf(1);
        bytes[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Header::parse(bytes.as_slice())
            .unwrap_err()
            .contains("entries"));
        let mut bytes = fixture::tiny_gguf(1);
        bytes[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Header::parse(bytes.as_slice())
            .unwrap_err()
            .contains("string"));
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        assert!(Header::parse(&b"PK\x03\x04............................"[..]).is_err());
    }
}
