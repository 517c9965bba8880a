//! Measures a backend: `cargo run -p race --features flex --example rate -- flex tiny 5 1`
//! (backend, preset, seconds, threads).

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use race::backend::{self, Options};
use race::{bench::bench, Preset, Race};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or("reference".into());
    let preset = Preset::by_name(&arguments.next().unwrap_or("tiny".into()))?;
    let seconds = arguments.next().unwrap_or("5".into()).parse()?;
    let mut options = Options::default();
    if let Some(threads) = arguments.next() {
        options.threads = threads.parse()?;
    }
    let race = Race::new(preset, [1; 32]);
    let never = AtomicBool::new(false);
    let begin = Instant::now();
    let mut backend = backend::load(&name, race, options, &never, &mut |_, _| ())?;
    println!("loaded in {:.2?}", begin.elapsed());
    let begin = Instant::now();
    let limit = Duration::from_secs(seconds);
    let counts = bench(backend.as_mut(), &never, &mut |_| begin.elapsed() < limit)?;
    let elapsed = begin.elapsed().as_secs_f64();
    println!(
        "{name} {} on {} threads: {:.1} nonces/s, {:.1} GFLOP/s, {} of {} appropriate",
        preset.name,
        options.threads,
        counts.nonces as f64 / elapsed,
        counts.flop as f64 / elapsed / 1e9,
        counts.appropriate,
        counts.nonces,
    );
    Ok(())
}
