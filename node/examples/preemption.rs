//! How soon a request gets the cores from a race: `cargo run --example preemption -- [PRESET] [BACKEND]`.
//!
//! A request is played by as many threads as there are cores that meet at a barrier after every piece of
//! work, as an engine's threads do: one thread that is held up holds up all. For each of some requests it
//! prints how late the first piece was against the same piece on a machine that does not race, and how
//! much longer the whole request took.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use race::Preset;
use raced::config;
use raced::preempt::Preempt;
use raced::racer::{Racer, Start};

/// Pieces of work of a request.
const PIECES: usize = 200;
/// Steps of a piece: about a millisecond.
const STEPS: u64 = 1_000_000;
const REQUESTS: usize = 10;

fn piece() {
    let mut x = 1u64;
    for step in 0..STEPS {
        x = black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step));
    }
}

/// Plays a request: until its first piece was done, and all of it.
fn request(threads: usize) -> (Duration, Duration) {
    let barrier = Arc::new(Barrier::new(threads));
    let begun = Instant::now();
    let playing: Vec<_> = (0..threads)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            std::thread::spawn(move || {
                let mut first = Duration::ZERO;
                for at in 0..PIECES {
                    piece();
                    barrier.wait();
                    if at == 0 {
                        first = begun.elapsed();
                    }
                }
                first
            })
        })
        .collect();
    let firsts = playing
        .into_iter()
        .map(|thread| thread.join().unwrap_or_default());
    let first = firsts.max().unwrap_or_default();
    (first, begun.elapsed())
}

/// The median and the largest of some times, as text.
fn told(mut times: Vec<Duration>) -> String {
    times.sort();
    let ms = |at: usize| times.get(at).map_or(0.0, |t| t.as_secs_f64() * 1_000.0);
    format!(
        "{:8.1} ms, at most {:8.1} ms",
        ms(times.len() / 2),
        ms(times.len().saturating_sub(1))
    )
}

fn play(what: &str, preempt: Option<&Preempt>, threads: usize) {
    let played: Vec<_> = (0..REQUESTS)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(300));
            let first = preempt.map(Preempt::begin);
            let times = request(threads);
            drop(first);
            times
        })
        .collect();
    let first = told(played.iter().map(|(first, _)| *first).collect());
    let whole = told(played.iter().map(|(_, whole)| *whole).collect());
    println!("{what:24} first piece {first}; all {whole}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let preset = arguments.next().unwrap_or_else(|| "paper".to_owned());
    let backend = arguments.next().unwrap_or_else(|| "flex".to_owned());
    let threads = std::thread::available_parallelism()?.get();
    let home = tempfile::tempdir()?;
    let start = Start {
        id: (1, 1),
        preset: Preset::by_name(&preset)?,
        seed: [7; 32],
        public_key: [1; 32],
    };
    let config = config::Race {
        backend,
        ..config::Race::default()
    };
    play("no race", None, threads);
    let preempt = Preempt::default();
    let mut racer = Racer::new(home.path(), config, None, preempt.clone());
    racer.start(&start);
    let tried = |racer: &Racer| racer.progress().map_or(0, |(_, progress)| progress.tried);
    println!("loading weights and racing the first batch ...");
    while tried(&racer) == 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
    play("racing, priority alone", None, threads);
    play("racing, paused as well", Some(&preempt), threads);
    let before = tried(&racer);
    while tried(&racer) == before {
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("the race goes on: {} nonces tried", tried(&racer));
    let begun = Instant::now();
    drop(racer);
    println!("stopped after {:.2} s", begun.elapsed().as_secs_f64());
    Ok(())
}
