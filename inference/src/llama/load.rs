//! Loading: header, memory check, digest, then llama.cpp on the model's own thread.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use llama_cpp_2::context::params::{KvCacheType, LlamaContextParams};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::{list_llama_ggml_backend_devices, LlamaBackendDeviceType};
use llama_cpp_sys_2 as sys;

use super::worker::{self, Runner};
use super::{backend, LlamaLoaded, EXACT_BATCH_LIMIT, FAST_BATCH};
use crate::engine::{
    Arithmetic, CancelFlag, EngineClass, LoadOptions, LoadProgress, LoadStage, Memory, ModelInfo,
};
use crate::error::InferenceError;
use crate::gguf::Header;
use crate::hash::file_sha256;

/// Bytes of one element of the key-value cache (half precision).
const CACHE_ELEMENT: u64 = 2;
/// Bytes of one logit.
const LOGIT: u64 = 4;
/// Compute buffers beyond the logits, roughly.
const COMPUTE_BUFFERS: u64 = 64 << 20;

/// Format of the value cache in the exact class; keys are in half precision.
///
/// With both caches in one float format llama.cpp's CPU attention takes other ways for one query
/// over 512 positions and more (keys split among the threads) and for 64 queries and more (tiles).
/// Decoding would then depend on the number of threads and differ from prefill. With two formats
/// every query goes the same way.
const EXACT_VALUE_CACHE: KvCacheType = KvCacheType::BF16;

/// Decisions taken before llama.cpp is asked.
#[derive(Clone, Copy)]
struct Plan {
    context: u32,
    trained_context: u32,
    batch: u32,
    threads: u32,
    gpu_layers: u32,
    value_cache: KvCacheType,
    memory: Memory,
}

/// What the worker reports while it loads.
enum Event {
    Progress(u16),
    Ready(Arc<LlamaModel>),
    Failed(String),
}

/// See [`Engine::load`](crate::Engine::load).
pub(super) fn load(
    path: &Path,
    options: &LoadOptions,
    on_progress: &mut dyn FnMut(LoadProgress) -> bool,
) -> Result<LlamaLoaded, InferenceError> {
    let backend = backend()?;
    let header = Header::read(path)?;
    if path.to_str().is_none() {
        return Err(InferenceError::BadRequest(format!(
            "the path {} is not UTF-8; move the model",
            path.display()
        )));
    }
    let plan = plan(path, &header, options)?;
    let available = options.memory_limit.or_else(free_memory);
    if let Some(available) = available.filter(|&available| plan.memory.total() > available) {
        return Err(InferenceError::OutOfMemory {
            needed: plan.memory.total(),
            available,
        });
    }

    let mut last = None;
    let mut report = |stage, permille| {
        let progress = LoadProgress { stage, permille };
        last.replace(progress) == Some(progress) || on_progress(progress)
    };
    let (weights_sha256, file_bytes) = file_sha256(path, |done, total| {
        report(LoadStage::Hashing, permille(done, total))
    })?;

    let cancel = CancelFlag::new();
    let (events_in, events) = mpsc::channel();
    let (jobs, jobs_out) = mpsc::channel();
    let worker = thread::Builder::new()
        .name("inference".into())
        .spawn({
            let path = path.to_path_buf();
            let cancel = cancel.clone();
            move || {
                let Some(model) = load_model(backend, &path, plan, &cancel, &events_in) else {
                    return;
                };
                let runner = match start(backend, &model, plan) {
                    Ok(runner) => runner,
                    Err(reason) => {
                        let _ = events_in.send(Event::Failed(reason));
                        return;
                    }
                };
                let ready = events_in.send(Event::Ready(Arc::clone(&model)));
                drop(events_in);
                if ready.is_ok() {
                    worker::run(runner, &jobs_out);
                }
            }
        })
        .map_err(|error| InferenceError::Engine(format!("cannot start a thread: {error}")))?;

    let failed = |reason: String| InferenceError::LoadFailed {
        path: path.to_path_buf(),
        architecture: header.architecture().to_string(),
        reason,
    };
    let model = loop {
        match events.recv() {
            Ok(Event::Progress(permille)) => {
                if !report(LoadStage::Loading, permille) {
                    cancel.cancel();
                }
            }
            Ok(Event::Ready(model)) => break model,
            Ok(Event::Failed(_)) if cancel.is_cancelled() => return Err(InferenceError::Cancelled),
            Ok(Event::Failed(reason)) => return Err(failed(reason)),
            Err(_) => {
                return Err(failed(
                    "the engine stopped while loading; the file may be of a kind that does not \
                     generate text"
                        .into(),
                ))
            }
        }
    };

    let vocabulary_size = u32::try_from(model.n_vocab()).unwrap_or(0);
    let info = ModelInfo {
        name: header.text("general.name").unwrap_or_default().to_string(),
        architecture: header.architecture().to_string(),
        format: header.format(),
        file_bytes,
        parameters: header.parameters,
        context_length: plan.context,
        trained_context_length: plan.trained_context,
        vocabulary_size,
        threads: plan.threads,
        engine_class: engine_class(backend, &header, &model, plan),
        weights_sha256,
        tokenizer_digest: header.tokenizer_digest,
        memory: plan.memory,
    };
    tracing::info!(
        path = %path.display(),
        format = %info.format,
        class = %info.engine_class,
        context = info.context_length,
        threads = info.threads,
        memory = info.memory.total(),
        "model loaded"
    );
    Ok(LlamaLoaded {
        info,
        model,
        jobs: Some(jobs),
        worker: Some(worker),
        open: AtomicUsize::new(0),
        queue: options.queue,
        reading: Mutex::default(),
    })
}

/// Runs on the worker's thread. `None` after a failure, which was reported.
fn load_model(
    backend: &LlamaBackend,
    path: &PathBuf,
    plan: Plan,
    cancel: &CancelFlag,
    events: &Sender<Event>,
) -> Option<Arc<LlamaModel>> {
    let parameters = LlamaModelParams::default()
        .with_n_gpu_layers(plan.gpu_layers)
        .with_progress_callback({
            let events = events.clone();
            let cancel = cancel.clone();
            move |fraction| {
                // llama.cpp's fraction is within 0 and 1; the cast saturates anyway.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let permille = (fraction * 1000.0) as u16;
                let _ = events.send(Event::Progress(permille));
                !cancel.is_cancelled()
            }
        });
    match LlamaModel::load_from_file(backend, path, &parameters) {
        Ok(model) => Some(Arc::new(model)),
        Err(_) => {
            let _ = events.send(Event::Failed(
                "unknown architecture, missing tensors or too little memory; llama.cpp's own \
                 message is in the log"
                    .into(),
            ));
            None
        }
    }
}

/// Makes the context and computes one token with it, so that what cannot generate fails here and
/// the weights are in memory.
fn start<'model>(
    backend: &LlamaBackend,
    model: &'model LlamaModel,
    plan: Plan,
) -> Result<Runner<'model>, String> {
    let threads = i32::try_from(plan.threads).unwrap_or(i32::MAX);
    let parameters = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(plan.context))
        .with_n_batch(plan.batch)
        .with_n_ubatch(plan.batch)
        .with_n_seq_max(1)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_flash_attention_policy(sys::LLAMA_FLASH_ATTN_TYPE_ENABLED)
        .with_type_k(KvCacheType::F16)
        .with_type_v(plan.value_cache)
        .with_offload_kqv(plan.gpu_layers > 0)
        .with_op_offload(plan.gpu_layers > 0);
    let context = model
        .new_context(backend, parameters)
        .map_err(|_| "no memory for the key-value cache; lower the context length".to_string())?;
    let mut runner = Runner::new(context, plan.batch);
    runner
        .feed(&[0], 0, &CancelFlag::new(), &mut |_, _| Ok(()))
        .map_err(|error| format!("a first token could not be computed: {error}"))?;
    runner.clear();
    Ok(runner)
}

fn plan(path: &Path, header: &Header, options: &LoadOptions) -> Result<Plan, InferenceError> {
    let damaged = |key: &str| InferenceError::NotGguf {
        path: path.to_path_buf(),
        reason: format!(
            "no usable entry {key} for architecture {}",
            header.architecture()
        ),
    };
    let small = |key: &str| {
        header
            .sized(key)
            .and_then(|value| u32::try_from(value).ok())
            .filter(|&value| value > 0)
    };
    let need = |key: &str| small(key).ok_or_else(|| damaged(key));
    let trained_context = need("context_length")?;
    let context = match options.context {
        Some(0) => {
            return Err(InferenceError::BadRequest(
                "a context of zero tokens asked for; at least one is needed".into(),
            ))
        }
        Some(wanted) if wanted > trained_context => {
            return Err(InferenceError::BadRequest(format!(
                "a context of {wanted} tokens asked for; the model was trained for {trained_context}"
            )))
        }
        Some(wanted) => wanted,
        None => trained_context.min(LoadOptions::DEFAULT_CONTEXT_LIMIT),
    };
    let batch = options
        .physical_batch
        .unwrap_or(match options.arithmetic {
            Arithmetic::Exact => EXACT_BATCH_LIMIT,
            Arithmetic::Fast => FAST_BATCH,
        })
        .clamp(1, context);
    let threads = options.threads.unwrap_or_else(|| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        cores.saturating_sub(1)
    });

    let vocabulary = header
        .vocabulary_size()
        .ok_or_else(|| damaged("tokenizer.ggml.tokens"))?;
    let width = u64::from(need("embedding_length")?);
    let heads = small("attention.head_count").unwrap_or(1);
    let cached_heads = small("attention.head_count_kv").unwrap_or(heads);
    let cache_width = width / u64::from(heads) * u64::from(cached_heads);
    let cache = [
        u64::from(need("block_count")?),
        u64::from(context),
        cache_width,
        2, // keys and values
        CACHE_ELEMENT,
    ];
    Ok(Plan {
        context,
        trained_context,
        batch,
        threads: u32::try_from(threads.max(1)).unwrap_or(u32::MAX),
        gpu_layers: options.gpu_layers,
        value_cache: match options.arithmetic {
            Arithmetic::Exact => EXACT_VALUE_CACHE,
            Arithmetic::Fast => KvCacheType::F16,
        },
        memory: Memory {
            weights: std::fs::metadata(path).map_or(0, |meta| meta.len()),
            cache: cache.into_iter().fold(1, u64::saturating_mul),
            buffers: vocabulary
                .saturating_mul(u64::from(batch))
                .saturating_mul(LOGIT)
                .saturating_add(COMPUTE_BUFFERS),
        },
    })
}

/// `Exact` only where it was shown to hold: dense transformers on the CPU, with all matrices in
/// formats that do not depend on the batch, in small batches.
fn engine_class(
    backend: &LlamaBackend,
    header: &Header,
    model: &LlamaModel,
    plan: Plan,
) -> EngineClass {
    let device = (plan.gpu_layers > 0 && backend.supports_gpu_offload())
        .then(|| {
            list_llama_ggml_backend_devices()
                .into_iter()
                .find(|device| {
                    matches!(
                        device.device_type,
                        LlamaBackendDeviceType::Gpu | LlamaBackendDeviceType::IntegratedGpu
                    )
                })
                .map(|device| device.backend.to_lowercase())
        })
        .flatten()
        .unwrap_or_else(cpu);
    let dense = !model.is_recurrent()
        && !model.is_hybrid()
        && header.sized("expert_count").unwrap_or(0) == 0;
    let exact = device == cpu()
        && dense
        && header.batch_invariant
        && plan.value_cache == EXACT_VALUE_CACHE
        && plan.batch <= EXACT_BATCH_LIMIT;
    EngineClass {
        engine: "llama".into(),
        device,
        arithmetic: if exact {
            Arithmetic::Exact
        } else {
            Arithmetic::Fast
        },
    }
}

/// The processor, as far as it decides the order of additions: llama.cpp is built for the same
/// instructions as this code.
fn cpu() -> String {
    let wide = if cfg!(target_feature = "avx512f") {
        "-avx512"
    } else {
        ""
    };
    format!("cpu-{}{wide}", std::env::consts::ARCH)
}

fn permille(done: u64, total: u64) -> u16 {
    let part = done
        .saturating_mul(1000)
        .checked_div(total)
        .unwrap_or(1000)
        .min(1000);
    u16::try_from(part).unwrap_or(1000)
}

/// Memory that the machine can give, where it says so (Linux).
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}
