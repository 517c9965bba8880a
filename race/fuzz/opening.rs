//! What any bytes may do to the verification of openings: nothing but be refused, or open what an
//! honest tree holds. Shared by the fuzz target and by a test of the crate.

use race::proof::{leaf_hash, Leaf, Multiproof, Node, Opened, Tree};

/// Derives an honest tree, the positions to open and a tampered proof from `bytes`, and panics if what
/// is accepted is not in the tree. `bytes` are tried as an encoded proof, too.
pub fn survives(bytes: &[u8]) {
    let mut input = Input(bytes);
    let tree = honest_tree(&mut input);
    let count = tree.count();
    let wanted = positions(&mut input, count);
    let mut proof = tree.open_many(&wanted).expect("positions of the tree");
    accept_only_what_is_there(&tree, &proof, count, &wanted);
    assert!(proof.verify(&tree.root(), count, &wanted).is_ok());

    // The claims about the commitment may be wrong, too.
    let claimed = match input.byte() {
        0..=127 => count,
        128..=191 => u64::from(input.byte()),
        _ => u64::from_le_bytes(std::array::from_fn(|_| input.byte())),
    };
    let asked = match input.byte() {
        0..=127 => wanted,
        _ => (0..input.byte() % 8)
            .map(|_| u64::from(input.byte()))
            .collect(),
    };
    tamper(&mut proof, &tree, &mut input);
    accept_only_what_is_there(&tree, &proof, claimed, &asked);
    // What is sent is bytes: one encoding each, and reading them changes nothing.
    if let Ok(mut encoded) = proof.encode() {
        assert_eq!(Multiproof::decode(&encoded).as_ref(), Ok(&proof));
        let at = usize::from(input.byte()) | usize::from(input.byte()) << 8;
        if let Some(byte) = encoded.get_mut(at) {
            *byte ^= input.byte();
        }
        decode_and_verify(&tree, &encoded, claimed, &asked);
    }
    decode_and_verify(&tree, bytes, claimed, &asked);
}

fn decode_and_verify(tree: &Tree, bytes: &[u8], count: u64, positions: &[u64]) {
    if let Ok(proof) = Multiproof::decode(bytes) {
        assert_eq!(proof.encode().as_deref(), Ok(bytes));
        accept_only_what_is_there(tree, &proof, count, positions);
        // Its own number of positions, so that the walk is not refused at once.
        let first: Vec<u64> = (0..proof.leaves.len() as u64).collect();
        accept_only_what_is_there(tree, &proof, count, &first);
    }
}

fn accept_only_what_is_there(tree: &Tree, proof: &Multiproof, count: u64, positions: &[u64]) {
    let Ok(opened) = proof.verify(&tree.root(), count, positions) else {
        return;
    };
    let there = |opened: &Opened| {
        let mut leaves = tree.leaves().iter();
        leaves.position(|leaf| (leaf.nonce, leaf.hash) == (opened.nonce, opened.leaf))
    };
    assert_eq!(opened.len(), positions.len());
    for (opened, &position) in opened.iter().zip(positions) {
        assert_eq!(opened.position, position);
        match there(opened) {
            Some(place) if count == tree.count() => assert_eq!(place as u64, position),
            Some(_) => {}
            // The root of a single leaf is its hash, which binds the nonce when it is recomputed.
            None => assert!(count == 1 && opened.leaf == tree.root()),
        }
    }
}

fn honest_tree(input: &mut Input) -> Tree {
    let count = 1 + input.byte() % 70;
    let mut nonce = u64::from(input.byte());
    let leaves = (0..count).map(|_| {
        nonce += 1 + u64::from(input.byte());
        Leaf {
            nonce,
            hash: leaf_hash(nonce, 7, &[1, -1]),
        }
    });
    Tree::new(leaves.collect()).expect("increasing nonces")
}

/// Some positions, at least one.
fn positions(input: &mut Input, count: u64) -> Vec<u64> {
    let mask: [u8; 9] = std::array::from_fn(|_| input.byte());
    let chosen = |&position: &u64| {
        let byte = mask[(position / 8) as usize];
        byte >> (position % 8) & 1 == 1
    };
    let chosen: Vec<u64> = (0..count).filter(chosen).collect();
    if chosen.is_empty() {
        return vec![0];
    }
    chosen
}

fn tamper(proof: &mut Multiproof, tree: &Tree, input: &mut Input) {
    while let Some(kind) = input.next() {
        let (one, other) = (usize::from(input.byte()), usize::from(input.byte()));
        let (leaves, siblings) = (proof.leaves.len(), proof.siblings.len());
        let any = tree.leaves()[one % tree.leaves().len()];
        match kind % 10 {
            0 if leaves > 0 => proof.leaves[one % leaves].nonce ^= 1 << (other % 64),
            1 if leaves > 0 => proof.leaves[one % leaves].hash[other % 32] ^= 1 + kind / 10,
            2 if leaves > 0 => proof.leaves.swap(one % leaves, other % leaves),
            3 if leaves > 0 => proof.leaves[other % leaves] = any,
            4 => proof.leaves.push(any),
            5 => {
                proof.leaves.pop();
            }
            6 if siblings > 0 => proof.siblings.swap(one % siblings, other % siblings),
            7 if siblings > 0 => {
                let sibling: &mut Node = &mut proof.siblings[one % siblings];
                match kind / 10 {
                    0..=8 => sibling.min ^= 1 << (other % 64),
                    9..=17 => sibling.max ^= 1 << (other % 64),
                    _ => sibling.hash[other % 32] ^= 1,
                }
            }
            8 => proof.siblings.push(any.node()),
            9 => {
                proof.siblings.pop();
            }
            _ => {}
        }
    }
}

/// Bytes that are zero where they end.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }
}
