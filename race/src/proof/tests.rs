use super::*;
use proptest::prelude::*;

fn leaf(nonce: u64) -> Leaf {
    Leaf {
        nonce,
        hash: leaf_hash(nonce, 7, &[1, -1]),
    }
}

fn tree(count: u64) -> Tree {
    Tree::new((0..count).map(|i| leaf(i * i + 3 * i)).collect()).unwrap()
}

/// A root over any leaves, as a dishonest participant would compute it: ranges are hashed as the
/// children claim them and nothing is checked. Also gives each position's path.
fn dishonest(leaves: &[Leaf]) -> (Node, Vec<Vec<Node>>) {
    if let [leaf] = leaves {
        return (leaf.node(), vec![vec![]]);
    }
    let middle = split(leaves.len() as u64) as usize;
    let (left, mut paths) = dishonest(&leaves[..middle]);
    let (right, right_paths) = dishonest(&leaves[middle..]);
    paths.iter_mut().for_each(|path| path.push(right));
    paths.extend(right_paths.into_iter().map(|mut path| {
        path.push(left);
        path
    }));
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left.hash);
    hash.update(right.hash);
    for nonce in [left.min, left.max, right.min, right.max] {
        hash.update(nonce.to_le_bytes());
    }
    let node = Node {
        hash: hash.finalize().into(),
        min: left.min.min(right.min),
        max: left.max.max(right.max),
    };
    (node, paths)
}

/// How many positions of a dishonest tree can be opened.
fn openable(leaves: &[Leaf]) -> usize {
    let (root, paths) = dishonest(leaves);
    let count = leaves.len() as u64;
    let openings = paths.into_iter().zip(leaves).enumerate();
    openings
        .filter(|(position, (path, leaf))| {
            let opening = Opening {
                position: *position as u64,
                leaf: **leaf,
                path: path.clone(),
            };
            opening.verify(&root.hash, count).is_ok()
        })
        .count()
}

#[test]
fn no_leaves_have_the_root_of_nothing_and_nothing_to_open() {
    let empty = Tree::new(vec![]).unwrap();
    assert_eq!(empty.root(), empty_root());
    assert_eq!(
        hex::encode(empty_root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(empty.count(), 0);
    assert!(matches!(empty.open(0), Err(ProofError::OutOfRange { .. })));
    assert_eq!(empty.open_many(&[]), Err(ProofError::NoPositions));
    let nothing = Multiproof {
        leaves: vec![],
        siblings: vec![],
    };
    assert_eq!(
        nothing.verify(&empty_root(), 0, &[]),
        Err(ProofError::NoPositions)
    );
}

#[test]
fn one_leaf_is_its_own_root() {
    let one = tree(1);
    assert_eq!(one.root(), one.leaves()[0].hash);
    one.open(0).unwrap().verify(&one.root(), 1).unwrap();
    let proof = one.open_many(&[0]).unwrap();
    assert_eq!(proof.siblings, vec![]);
    proof.verify(&one.root(), 1, &[0]).unwrap();
}

#[test]
fn every_position_opens_alone_in_trees_of_every_shape() {
    for count in 1..70 {
        let tree = tree(count);
        for position in 0..count {
            let opening = tree.open(position).unwrap();
            opening.verify(&tree.root(), count).unwrap();
            assert!(opening.verify(&tree.root(), count + 64).is_err());
        }
        assert!(tree.open(count).is_err());
    }
}

#[test]
fn leaves_that_do_not_increase_make_no_tree() {
    for nonces in [[1, 1, 2], [1, 3, 2], [2, 1, 3]] {
        assert!(matches!(
            Tree::new(nonces.map(leaf).to_vec()),
            Err(ProofError::Order { .. })
        ));
    }
}

#[test]
fn the_dishonest_builder_is_right_when_leaves_are_honest() {
    let tree = tree(29);
    assert_eq!(dishonest(tree.leaves()).0.hash, tree.root());
    assert_eq!(openable(tree.leaves()), 29);
}

#[test]
fn a_count_inflated_by_repeating_every_leaf_opens_at_few_positions() {
    let honest: Vec<Leaf> = (0..100).map(leaf).collect();
    // 0, 0, 1, 1, ...: no pair of neighbours increases.
    let doubled: Vec<Leaf> = honest.iter().flat_map(|&leaf| [leaf, leaf]).collect();
    assert_eq!(openable(&doubled), 0);
    // 0..100, 0..100, ...: some subtree on every path spans a repetition.
    for times in [2, 10] {
        assert_eq!(openable(&honest.repeat(times)), 0, "repeated {times} times");
    }
}

#[test]
fn no_nonce_opens_at_two_positions() {
    // One repeated leaf: whatever still opens, opens with different nonces.
    for place in 0..40 {
        let mut leaves: Vec<Leaf> = (0..40).map(leaf).collect();
        leaves.insert(place, leaf(20));
        let (root, paths) = dishonest(&leaves);
        let mut seen = std::collections::BTreeSet::new();
        for (position, (path, &leaf)) in paths.into_iter().zip(&leaves).enumerate() {
            let opening = Opening {
                position: position as u64,
                leaf,
                path,
            };
            if opening.verify(&root.hash, 41).is_ok() {
                assert!(seen.insert(leaf.nonce), "{} opened twice", leaf.nonce);
            }
        }
        assert!(seen.len() <= 40);
    }
}

#[test]
fn a_sibling_too_narrow_for_its_leaves_is_refused() {
    // Four leaves, the right two claiming the range 5..=5.
    let left = [leaf(1), leaf(2)];
    let right = Node {
        hash: [9; 32],
        min: 5,
        max: 5,
    };
    let pair = Node::join(&left[0].node(), &left[1].node()).unwrap();
    let root = Node::join(&pair, &right).unwrap();
    let opening = Opening {
        position: 0,
        leaf: left[0],
        path: vec![left[1].node(), right],
    };
    assert_eq!(
        opening.verify(&root.hash, 4),
        Err(ProofError::Range {
            leaves: 2,
            min: 5,
            max: 5
        })
    );
    // As the sibling of a single leaf the same node is fine.
    opening.verify(&root.hash, 3).unwrap();
}

#[test]
fn the_multiproof_of_a_large_count_is_as_small_as_published() {
    let tree = tree(29_000);
    let positions: Vec<u64> = (0..64).map(|i| i * 453 + i % 7).collect();
    let proof = tree.open_many(&positions).unwrap();
    let bytes = proof.encode().unwrap();
    assert!(bytes.len() < 31_000, "{} bytes", bytes.len());
    proof.verify(&tree.root(), 29_000, &positions).unwrap();
}

#[test]
fn counts_and_positions_at_the_end_of_u64_do_not_overflow() {
    let proof = Multiproof {
        leaves: vec![leaf(1), leaf(2)],
        siblings: vec![],
    };
    let positions = [0, u64::MAX - 1];
    assert!(matches!(
        proof.verify(&[0; 32], u64::MAX, &positions),
        Err(ProofError::Siblings { .. })
    ));
    assert!(Multiproof::siblings_needed(u64::MAX, &positions).unwrap() <= 126);
}

#[test]
fn positions_out_of_order_or_range_are_refused() {
    let tree = tree(10);
    let proof = tree.open_many(&[2, 5]).unwrap();
    let verify = |positions: &[u64]| proof.verify(&tree.root(), 10, positions);
    assert!(matches!(
        verify(&[5, 2]),
        Err(ProofError::PositionOrder { .. })
    ));
    assert!(matches!(
        verify(&[2, 2]),
        Err(ProofError::PositionOrder { .. })
    ));
    assert!(matches!(
        verify(&[2, 10]),
        Err(ProofError::OutOfRange { .. })
    ));
    assert!(matches!(verify(&[2]), Err(ProofError::Leaves { .. })));
    assert!(matches!(verify(&[0, 1]), Err(ProofError::Siblings { .. })));
    assert!(matches!(
        verify(&[3, 5]),
        Err(ProofError::Overlap { .. } | ProofError::Root { .. })
    ));
}

fn count_and_positions() -> impl Strategy<Value = (u64, Vec<u64>)> {
    (1u64..300).prop_flat_map(|count| {
        let positions = proptest::collection::btree_set(0..count, 1..=(count.min(40) as usize));
        (
            Just(count),
            positions.prop_map(|set| set.into_iter().collect()),
        )
    })
}

proptest! {
    #[test]
    fn a_multiproof_opens_what_it_was_asked_for((count, positions) in count_and_positions()) {
        let tree = tree(count);
        let proof = tree.open_many(&positions).unwrap();
        let needed = Multiproof::siblings_needed(count, &positions).unwrap();
        prop_assert_eq!(proof.siblings.len(), needed);
        let bytes = proof.encode().unwrap();
        let decoded = Multiproof::decode(&bytes).unwrap();
        prop_assert_eq!(&decoded, &proof);
        let opened = decoded.verify(&tree.root(), count, &positions).unwrap();
        for (opened, &position) in opened.iter().zip(&positions) {
            let leaf = tree.leaves()[position as usize];
            prop_assert_eq!(opened.position, position);
            prop_assert_eq!((opened.nonce, opened.leaf), (leaf.nonce, leaf.hash));
        }
        prop_assert_eq!(opened.len(), positions.len());
    }

    #[test]
    fn a_proof_with_any_flipped_bit_is_refused(
        (count, positions) in count_and_positions(),
        bit in any::<prop::sample::Index>(),
    ) {
        let tree = tree(count);
        let mut bytes = tree.open_many(&positions).unwrap().encode().unwrap();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let verified = Multiproof::decode(&bytes)
            .and_then(|proof| proof.verify(&tree.root(), count, &positions));
        if count == 1 && (9 * 8..17 * 8).contains(&bit) {
            // A single leaf's nonce is bound by the leaf hash alone: the root is that hash.
            prop_assert!(verified.is_ok());
        } else {
            prop_assert!(verified.is_err());
        }
    }

    #[test]
    fn random_bytes_never_panic_and_have_one_encoding(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..400),
        leaves in 0u32..5,
        siblings in 0u32..5,
        framed in any::<bool>(),
    ) {
        if framed && bytes.len() >= 9 {
            bytes[0] = 1;
            bytes[1..5].copy_from_slice(&leaves.to_le_bytes());
            bytes[5..9].copy_from_slice(&siblings.to_le_bytes());
            bytes.resize(9 + 40 * leaves as usize + 48 * siblings as usize, 0);
        }
        if let Ok(proof) = Multiproof::decode(&bytes) {
            prop_assert_eq!(proof.encode().unwrap(), bytes);
            let positions: Vec<u64> = (0..proof.leaves.len() as u64).collect();
            for count in [0, 1, 2, 7, u64::MAX] {
                let _ = proof.verify(&[0; 32], count, &positions);
            }
        }
    }
}
