//! The body of the fuzz target, on random bytes and on the seeds of the fuzzer's corpus.

use proptest::prelude::*;

#[path = "../fuzz/opening.rs"]
mod opening;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_bytes_open_only_what_an_honest_tree_holds(
        bytes in proptest::collection::vec(any::<u8>(), 0..240),
        framed in any::<bool>(),
        counts in (0u32..4, 0u32..5),
    ) {
        let mut bytes = bytes;
        if framed && bytes.len() >= 9 {
            // The frame of an encoded proof, so that what follows is read.
            bytes[0] = 1;
            bytes[1..5].copy_from_slice(&counts.0.to_le_bytes());
            bytes[5..9].copy_from_slice(&counts.1.to_le_bytes());
            bytes.resize(9 + 40 * counts.0 as usize + 48 * counts.1 as usize, 0);
        }
        opening::survives(&bytes);
    }

    #[test]
    fn edits_of_an_honest_proof_open_only_what_the_tree_holds(
        honest in proptest::collection::vec(any::<u8>(), 80),
        edits in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        // The commitment as it is, the positions as they are asked for.
        let bytes = [&honest[..], &[0, 0], &edits[..]].concat();
        opening::survives(&bytes);
    }
}

#[test]
fn the_seeds_of_the_fuzzer_pass() {
    for seed in [
        &include_bytes!("../fuzz/seeds/opening/honest")[..],
        include_bytes!("../fuzz/seeds/opening/tampered"),
        include_bytes!("../fuzz/seeds/opening/encoded"),
    ] {
        opening::survives(seed);
    }
}
