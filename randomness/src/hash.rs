//! The one hash of the state machine: `H(dst, x1, x2, ...) = SHA-256(len32(dst) || dst || len32(x1) || x1 || ...)`.

use sha2::{Digest, Sha256};

/// A consensus address: the first 20 bytes of the SHA-256 of an ed25519 consensus key. Members are
/// named by it everywhere, never by an index.
pub type Address = [u8; 20];

/// A 32-byte digest.
pub type Hash = [u8; 32];

/// `SHA-256(len32(dst) || dst || len32(x1) || x1 || ...)` with 32-bit big-endian lengths.
///
/// `dst` is `race/<module>/<purpose>/v1`. The chain id comes first among the parts unless a part
/// already binds it (a seed, a task id). Since every part carries its length, two different lists
/// of parts never hash the same bytes. Integers enter by [`be`].
///
/// # Panics
///
/// When a part is 4 GiB or longer. Everything that reaches a hash is bounded far below by the size
/// of a block.
#[must_use]
pub fn h(dst: &str, parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    absorb(&mut hasher, dst.as_bytes());
    for part in parts {
        absorb(&mut hasher, part);
    }
    hasher.finalize().into()
}

/// How an integer enters a hash: 64 bits, big-endian.
#[must_use]
pub const fn be(value: u64) -> [u8; 8] {
    value.to_be_bytes()
}

/// How an address is written in errors.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn absorb(hasher: &mut Sha256, part: &[u8]) {
    let length = u32::try_from(part.len()).expect("a part of a hash is shorter than 4 GiB");
    hasher.update(length.to_be_bytes());
    hasher.update(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha256_over_length_prefixed_parts() {
        let mut bytes = Vec::new();
        bytes.extend([0, 0, 0, 14]);
        bytes.extend(b"race/test/x/v1");
        bytes.extend([0, 0, 0, 3]);
        bytes.extend(b"abc");
        bytes.extend([0, 0, 0, 0]);
        bytes.extend([0, 0, 0, 8]);
        bytes.extend([0, 0, 0, 0, 0, 0, 1, 2]);
        let expected: Hash = Sha256::digest(&bytes).into();
        assert_eq!(h("race/test/x/v1", &[b"abc", b"", &be(258)]), expected);
    }

    #[test]
    fn moving_a_byte_between_parts_changes_the_hash() {
        assert_ne!(h("d", &[b"ab", b"c"]), h("d", &[b"a", b"bc"]));
        assert_ne!(h("da", &[b"b"]), h("d", &[b"ab"]));
        assert_ne!(h("d", &[b"a"]), h("d", &[b"a", b""]));
    }
}
