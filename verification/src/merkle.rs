//! Merkle trees as in RFC 6962, section 2.1, over SHA-256: leaves are hashed with prefix 0, nodes with
//! prefix 1, and a tree of n leaves is split at the largest power of two below n.

use race_randomness::hash::Hash;
use sha2::{Digest, Sha256};

/// The hash of a leaf: `SHA-256(0x00 || data)`.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(data)
        .finalize()
        .into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The largest power of two below `n`, for n at least 2.
fn split(n: usize) -> usize {
    n.div_ceil(2).next_power_of_two()
}

/// The root over leaf hashes; `SHA-256("")` over none.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// The audit path of a leaf, from the leaf up; `None` if there is no such leaf.
#[must_use]
pub fn prove(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    descend(leaves, index, &mut path);
    Some(path)
}

fn descend(leaves: &[Hash], index: usize, path: &mut Vec<Hash>) {
    if leaves.len() <= 1 {
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    if let Some(index) = index.checked_sub(left.len()) {
        descend(right, index, path);
        path.push(root(left));
    } else {
        descend(left, index, path);
        path.push(root(right));
    }
}

/// Whether `leaf` is leaf `index` of the tree of `count` leaves with this root.
#[must_use]
pub fn verify(expected: &Hash, leaf: &Hash, index: u64, count: u64, path: &[Hash]) -> bool {
    if index >= count {
        return false;
    }
    // RFC 9162, section 2.1.3.2: `place` and `last` are the positions on the current level.
    let (mut place, mut last, mut hash) = (index, count.saturating_sub(1), *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A last node without a right sibling moves up unhashed.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *expected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: usize) -> Vec<Hash> {
        (0..n)
            .map(|i| leaf_hash(&(i as u32).to_be_bytes()))
            .collect()
    }

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Known answers of the certificate transparency reference implementation.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let data: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let leaves: Vec<Hash> = data.iter().map(|d| leaf_hash(d)).collect();
        let known = [
            (
                0,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                1,
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            ),
            (
                2,
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            ),
            (
                3,
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            ),
            (
                7,
                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            ),
            (
                8,
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ),
        ];
        for (n, expected) in known {
            assert_eq!(hex(&root(&leaves[..n])), expected, "{n} leaves");
        }
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proved_and_no_other() {
        for n in 1..=33 {
            let leaves = leaves(n);
            let root = root(&leaves);
            for index in 0..n {
                let path = prove(&leaves, index).unwrap();
                for (other, leaf) in leaves.iter().enumerate() {
                    assert_eq!(
                        verify(&root, leaf, index as u64, n as u64, &path),
                        other == index
                    );
                    assert!(
                        other == index
                            || !verify(&root, &leaves[index], other as u64, n as u64, &path)
                    );
                }
                let mut longer = path.clone();
                longer.push([0; 32]);
                assert!(!verify(
                    &root,
                    &leaves[index],
                    index as u64,
                    n as u64,
                    &longer
                ));
                if let Some((_, shorter)) = path.split_last() {
                    assert!(!verify(
                        &root,
                        &leaves[index],
                        index as u64,
                        n as u64,
                        shorter
                    ));
                }
            }
            assert_eq!(prove(&leaves, n), None);
            assert!(!verify(&root, &leaves[0], n as u64, n as u64, &[]));
        }
    }
}
