//! Pseudo-random streams: ChaCha20 keystreams, the shuffle and the weights' nibbles.
// Index arithmetic within slices that are measured first; the shuffle's 64-bit product
// of two u32 cannot overflow and its high half is a u32.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use crate::Bytes32;

/// `stream(key, id)`: the ChaCha20 keystream with a 64-bit block counter from 0 and the 64-bit
/// stream number `id`.
#[derive(Clone)]
pub struct Stream(ChaCha20Rng);

impl Stream {
    /// The stream from its first byte.
    pub fn new(key: &Bytes32, id: u64) -> Self {
        let mut rng = ChaCha20Rng::from_seed(*key);
        rng.set_stream(id);
        Stream(rng)
    }

    /// The stream from its 4-byte word `word`.
    pub fn at_word(key: &Bytes32, id: u64, word: u64) -> Self {
        let mut stream = Stream::new(key, id);
        stream.0.set_word_pos(u128::from(word));
        stream
    }

    /// The next bytes. The length must be a multiple of 4 whenever more is to be read later: the
    /// rest of a begun word is dropped.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// The next 4 bytes as a little-endian number.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }
}

/// The shuffle of `n` items: which item comes to each place.
pub fn shuffle(mut stream: Stream, n: usize) -> Vec<u32> {
    let mut items: Vec<u32> = (0..n as u32).collect();
    for i in (1..n).rev() {
        let draw = u64::from(stream.next_u32());
        items.swap(i, ((draw * (i as u64 + 1)) >> 32) as usize);
    }
    items
}

/// The first `n` bytes of a stream.
pub(crate) fn first_bytes(mut stream: Stream, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n.next_multiple_of(4)];
    stream.fill(&mut bytes);
    bytes.truncate(n);
    bytes
}

/// Nibbles to weights: the low nibble of each byte first, each `v` becoming `2v - 15`.
/// `weights` has twice the length of `nibbles`.
pub fn expand<W: From<i8>>(nibbles: &[u8], weights: &mut [W]) {
    debug_assert_eq!(weights.len(), 2 * nibbles.len());
    for (pair, &byte) in weights.chunks_exact_mut(2).zip(nibbles) {
        pair[0] = W::from((2 * (byte & 15)) as i8 - 15);
        pair[1] = W::from((2 * (byte >> 4)) as i8 - 15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_can_be_entered_at_any_word() {
        let key = [7; 32];
        let whole = first_bytes(Stream::new(&key, 3), 4096);
        for word in [0, 1, 15, 16, 17, 63, 64, 900] {
            let mut from = [0; 64];
            Stream::at_word(&key, 3, word).fill(&mut from);
            let start = word as usize * 4;
            assert_eq!(from, whole[start..start + 64]);
        }
    }

    #[test]
    fn weights_are_the_sixteen_odd_integers_low_nibble_first() {
        let mut weights = [0i8; 4];
        expand(&[0xf0, 0x87], &mut weights);
        assert_eq!(weights, [-15, 15, -1, 1]);
    }

    #[test]
    fn a_shuffle_is_a_permutation_that_depends_on_its_stream() {
        let one = shuffle(Stream::new(&[1; 32], 0), 512);
        let two = shuffle(Stream::new(&[1; 32], 1), 512);
        assert_ne!(one, two);
        let mut sorted = one;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..512).collect::<Vec<u32>>());
    }
}
