//! Measures proofs: `cargo run -p race --example proof -- 30000` (leaves). Prints JSON.

use std::time::Instant;

use race::proof::{Leaf, Multiproof, Tree};
use sha2::{Digest, Sha256};

/// Milliseconds that `work` takes, the quickest of ten.
fn milliseconds<T>(mut work: impl FnMut() -> T) -> f64 {
    let times = (0..10).map(|_| {
        let begin = Instant::now();
        std::hint::black_box(work());
        begin.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args().nth(1).unwrap_or("30000".into()).parse()?;
    let leaves: Vec<Leaf> = (0..count)
        .map(|i| Leaf {
            nonce: 900 * i,
            hash: Sha256::digest(i.to_le_bytes()).into(),
        })
        .collect();
    let tree = Tree::new(leaves.clone())?;
    let mut report = serde_json::json!({
        "leaves": count,
        "tree_ms": milliseconds(|| Tree::new(leaves.clone())),
    });
    for k in [64, 256] {
        let positions: Vec<u64> = (0..k.min(count))
            .map(|i| i * count / k.min(count))
            .collect();
        let bytes = tree.open_many(&positions)?.encode()?;
        let (root, proof) = (tree.root(), Multiproof::decode(&bytes)?);
        proof.verify(&root, count, &positions)?;
        report[format!("opening_of_{k}")] = serde_json::json!({
            "bytes": bytes.len(),
            "open_ms": milliseconds(|| tree.open_many(&positions)),
            "verify_ms": milliseconds(|| proof.verify(&root, count, &positions)),
        });
    }
    println!("{report}");
    Ok(())
}
