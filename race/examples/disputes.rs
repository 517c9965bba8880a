//! Measures the recomputation of disputes, as JSON:
//! `cargo run -p race --example disputes -- paper 16 2` (preset, nonces, threads).

use std::time::Instant;

use race::{recompute_all, Preset};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let preset = Preset::by_name(&arguments.next().unwrap_or("paper".into()))?;
    let nonces: u64 = arguments.next().unwrap_or("16".into()).parse()?;
    let threads: usize = arguments.next().unwrap_or("2".into()).parse()?;
    let claims: Vec<_> = (0..nonces).map(|nonce| ([7; 32], nonce)).collect();
    let begin = Instant::now();
    let done = recompute_all(preset, &[1; 32], &claims, threads);
    let seconds = begin.elapsed().as_secs_f64();
    let report = serde_json::json!({
        "preset": preset.name,
        "nonces": done.len(),
        "threads": threads,
        "seconds": seconds,
    });
    println!("{report}");
    Ok(())
}
