//! Measures on a real model what thresholds of checking are set from: how far apart the committed
//! and the recomputed log-probabilities of an answer are, for honest hosts and for hosts that serve
//! a coarser copy; and how fast the model is.
//!
//! ```text
//! cargo run -p race-inference --example measure -- MODEL.gguf FOLDER [THREADS]
//! ```
//!
//! FOLDER takes the coarser copies. Every figure is per answer (a mean over its positions), and the
//! table gives the least, mean and largest over the answers, in 1e-4 nats or thousandths.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use race_inference::llama::LlamaEngine;
use race_inference::quantise::{quantise, CoarseFormat};
use race_inference::{
    Arithmetic, CancelFlag, ChatMessage, Engine, Generation, LoadOptions, LoadedModel,
    PrefillRequest, StopRules, TokenId, TopK, DEFAULT_TOP_K, LOGPROB_UNITS_PER_NAT,
};

const QUESTIONS: [&str; 10] = [
    "Explain in two sentences why the sky is blue.",
    "Write a short poem about the sea.",
    "What is the capital of France, and what is it known for?",
    "List five things to pack for a hiking trip.",
    "How does a refrigerator work?",
    "Tell me a story about a fox and a crow.",
    "Write a Python function that reverses a string.",
    "What are the benefits of regular exercise?",
    "Describe the water cycle to a child.",
    "Give three tips for learning a new language.",
];
const LENGTHS: [usize; 2] = [32, 64];

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: measure MODEL.gguf FOLDER [THREADS]".into());
    };
    let threads = arguments.next().map(|text| text.parse()).transpose()?;
    let (model, folder) = (PathBuf::from(model), PathBuf::from(folder));

    println!("resident before loading: {} MiB", resident());
    let checker = load(&model, Arithmetic::Exact, threads, None)?;
    let info = checker.info();
    println!(
        "{} {} {}: {} bytes, {} weights, context {}, {} threads, memory budget {} MiB, resident {} MiB",
        info.name,
        info.format,
        info.engine_class,
        info.file_bytes,
        info.parameters,
        info.context_length,
        info.threads,
        info.memory.total() >> 20,
        resident()
    );
    speed("exact", &*checker)?;
    let fast = load(&model, Arithmetic::Fast, threads, None)?;
    speed("fast", &*fast)?;

    println!("\nserver -> checker      mode    tokens |   top-k diff: min mean max | given diff: mean max | same top-1 | given is top-1 | top-1 minus given: mean");
    for (mode, temperature) in [("greedy", 0.0), ("T=0.7", 0.7)] {
        compare(
            "same, exact -> exact",
            mode,
            temperature,
            &*checker,
            &*checker,
        )?;
        compare("same, exact -> fast", mode, temperature, &*checker, &*fast)?;
        compare("same, fast -> exact", mode, temperature, &*fast, &*checker)?;
        compare("same, fast -> fast", mode, temperature, &*fast, &*fast)?;
    }
    drop(fast);
    let wide = load(&model, Arithmetic::Exact, threads, Some(512))?;
    speed("exact in batches of 512", &*wide)?;
    compare("same, batch 512 -> 63", "T=0.7", 0.7, &*wide, &*checker)?;
    compare("same, batch 63 -> 512", "T=0.7", 0.7, &*checker, &*wide)?;
    drop(wide);
    for format in [
        CoarseFormat::Q8_0,
        CoarseFormat::Q4_0,
        CoarseFormat::Q3KM,
        CoarseFormat::Q2K,
    ] {
        let path = folder.join(format!("{format:?}.gguf"));
        quantise(&model, &path, format, 2)?;
        let server = load(&path, Arithmetic::Exact, threads, None)?;
        println!(
            "{format:?}: {} bytes, {}",
            server.info().file_bytes,
            server.info().engine_class
        );
        for (mode, temperature) in [("greedy", 0.0), ("T=0.7", 0.7)] {
            compare(
                &format!("{format:?} -> exact"),
                mode,
                temperature,
                &*server,
                &*checker,
            )?;
        }
    }
    Ok(())
}

fn load(
    path: &Path,
    arithmetic: Arithmetic,
    threads: Option<usize>,
    physical_batch: Option<u32>,
) -> Outcome<Arc<dyn LoadedModel>> {
    let options = LoadOptions {
        arithmetic,
        threads,
        physical_batch,
        context: Some(1024),
        ..LoadOptions::default()
    };
    Ok(LlamaEngine::new()?.load(path, &options, &mut |_| true)?)
}

fn prompt(model: &dyn LoadedModel, question: &str) -> Outcome<Vec<TokenId>> {
    let text = model.chat_prompt(&[ChatMessage::new("user", question)])?;
    Ok(model.tokenise(&text, true)?)
}

/// Samples from the list at a temperature, with a plain generator.
fn sampler(temperature: f64, seed: u64) -> impl FnMut(usize, &TopK) -> TokenId {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    move |_, top| {
        let candidates = top.candidates();
        if temperature == 0.0 {
            return candidates[0].token;
        }
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
        let scale = temperature * f64::from(LOGPROB_UNITS_PER_NAT);
        let weights: Vec<f64> = candidates
            .iter()
            .map(|c| (f64::from(c.logprob) / scale).exp())
            .collect();
        let mut left = unit * weights.iter().sum::<f64>();
        for (candidate, weight) in candidates.iter().zip(&weights) {
            left -= weight;
            if left <= 0.0 {
                return candidate.token;
            }
        }
        candidates[0].token
    }
}

fn answer(
    model: &dyn LoadedModel,
    prompt: &[TokenId],
    length: usize,
    mut pick: impl FnMut(usize, &TopK) -> TokenId,
) -> Outcome<Generation> {
    Ok(model.generate(
        prompt,
        length,
        DEFAULT_TOP_K,
        &StopRules::default(),
        &CancelFlag::new(),
        &mut pick,
        &mut |_| (),
    )?)
}

/// Figures of one answer.
struct Figures {
    top_k: f64,
    given: f64,
    same_top: f64,
    given_is_top: f64,
    regret: f64,
}

fn compare(
    name: &str,
    mode: &str,
    temperature: f64,
    server: &dyn LoadedModel,
    checker: &dyn LoadedModel,
) -> Outcome<()> {
    let mut answers = Vec::new();
    for (seed, question) in (0u64..).zip(QUESTIONS) {
        let prompt = prompt(server, question)?;
        let generation = answer(server, &prompt, LENGTHS[1], sampler(temperature, seed))?;
        answers.push((prompt, generation));
    }
    for length in LENGTHS {
        let mut all = Vec::new();
        for (prompt, generation) in &mut answers.clone() {
            generation.tokens.truncate(length);
            generation.artifacts.truncate(length);
            if generation.tokens.len() >= length / 2 {
                all.push(figures(checker, prompt, generation)?);
            }
        }
        let of = |pick: fn(&Figures) -> f64| {
            let values: Vec<f64> = all.iter().map(pick).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low, mean, high)
        };
        let (top_k, given, same, is_top, regret) = (
            of(|f| f.top_k),
            of(|f| f.given),
            of(|f| f.same_top),
            of(|f| f.given_is_top),
            of(|f| f.regret),
        );
        println!(
            "{name:22} {mode:7} {length:3} x{:2} | {:6.0} {:6.0} {:6.0} | {:6.0} {:6.0} | {:4.0} {:4.0} {:4.0} | {:4.0} {:4.0} {:4.0} | {:6.0}",
            all.len(),
            top_k.0, top_k.1, top_k.2,
            given.1, given.2,
            same.0, same.1, same.2,
            is_top.0, is_top.1, is_top.2,
            regret.1,
        );
    }
    Ok(())
}

fn figures(
    checker: &dyn LoadedModel,
    prompt: &[TokenId],
    generation: &Generation,
) -> Outcome<Figures> {
    let listed: Vec<Vec<TokenId>> = generation
        .artifacts
        .iter()
        .map(|artifact| artifact.top.candidates().iter().map(|c| c.token).collect())
        .collect();
    let scores = checker.prefill(&PrefillRequest {
        prompt,
        output: &generation.tokens,
        k: DEFAULT_TOP_K,
        listed: &listed,
        cancel: &CancelFlag::new(),
    })?;
    let positions = scores.len() as f64;
    let mut sums = Figures {
        top_k: 0.0,
        given: 0.0,
        same_top: 0.0,
        given_is_top: 0.0,
        regret: 0.0,
    };
    for (artifact, score) in generation.artifacts.iter().zip(&scores) {
        let candidates = artifact.top.candidates();
        let apart: f64 = candidates
            .iter()
            .zip(&score.listed)
            .map(|(candidate, &own)| f64::from((candidate.logprob - own).abs()))
            .sum();
        let best = score.top.best().ok_or("an empty list")?;
        let committed = artifact
            .top
            .get(artifact.token)
            .ok_or("a pick outside the list")?;
        sums.top_k += apart / candidates.len() as f64 / positions;
        sums.given += f64::from((committed - score.given).abs()) / positions;
        sums.same_top += f64::from(u8::from(
            artifact.top.best().map(|c| c.token) == Some(best.token),
        )) * 1000.0
            / positions;
        sums.given_is_top += f64::from(u8::from(artifact.token == best.token)) * 1000.0 / positions;
        sums.regret += f64::from(best.logprob - score.given) / positions;
    }
    Ok(sums)
}

fn speed(name: &str, model: &dyn LoadedModel) -> Outcome<()> {
    let text = QUESTIONS.join(" ").repeat(3);
    let tokens = model.tokenise(&text, false)?;
    let prompt = tokens.get(..256).ok_or("the text is too short")?;
    let rules = StopRules {
        ignore_end: true,
        ..StopRules::default()
    };
    let mut first = None;
    let mut last = None;
    let start = Instant::now();
    model.generate(
        prompt,
        129,
        DEFAULT_TOP_K,
        &rules,
        &CancelFlag::new(),
        &mut sampler(0.0, 0),
        &mut |event| {
            if event.position == 0 {
                first = Some(Instant::now());
            }
            last = Some(Instant::now());
        },
    )?;
    let (first, last) = (first.ok_or("no token")?, last.ok_or("no token")?);
    let prefill = 256.0 / (first - start).as_secs_f64();
    let decode = 128.0 / (last - first).as_secs_f64();
    let start = Instant::now();
    let (head, tail) = prompt.split_at(1);
    model.prefill(&PrefillRequest {
        prompt: head,
        output: tail,
        k: DEFAULT_TOP_K,
        listed: &[],
        cancel: &CancelFlag::new(),
    })?;
    let scored = 255.0 / start.elapsed().as_secs_f64();
    println!("{name}: decode {decode:.1} tokens/s after 256; prefill {prefill:.0} tokens/s; scoring every position {scored:.0} tokens/s; resident {} MiB", resident());
    Ok(())
}

/// Resident memory in MiB, where the system tells (Linux); else 0.
fn resident() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(0, |kibibytes| kibibytes >> 10)
}
