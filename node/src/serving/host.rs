//! The models that this node has loaded, by their id on chain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use race_inference::engine::{Engine, LoadOptions, LoadStage, LoadedModel};
use race_inference::quantise::{quantise, CoarseFormat};
use race_proto::race::model::v1::{Model, Thresholds as Wire};
use race_verification::compare::{LengthClass, Thresholds};
use sha2::{Digest, Sha256};

use crate::config;
use crate::misbehave::Misbehaviour;
use crate::preempt::{self, Preempt};

/// A model that the chain registered and this node has loaded.
#[derive(Clone)]
pub struct Hosted {
    /// As registered.
    pub spec: Model,
    /// Its thresholds, checked.
    pub thresholds: Thresholds,
    /// Ready to be asked.
    pub model: Arc<dyn LoadedModel>,
}

/// Reads the thresholds of a registered model; `None` when they are out of bounds.
pub fn thresholds(wire: &Wire) -> Option<Thresholds> {
    let classes = wire
        .classes
        .iter()
        .map(|c| LengthClass {
            min_length: c.min_length,
            max_mean_distance: c.max_mean_distance,
            max_mean_margin: c.max_mean_margin,
            max_violations_millis: c.max_violations_millis,
            max_margin: c.max_margin,
        })
        .collect();
    Thresholds::new(u8::try_from(wire.top_k).ok()?, wire.margin_limit, classes).ok()
}

#[derive(Default)]
struct Inner {
    hosted: BTreeMap<String, Hosted>,
    loading: BTreeSet<String>,
    failed: BTreeSet<String>,
}

/// All models of this node. Clones share them.
#[derive(Clone)]
pub struct Host {
    engine: Arc<dyn Engine>,
    config: config::Inference,
    scratch: PathBuf,
    misbehaviour: Option<Misbehaviour>,
    preempt: Preempt,
    inner: Arc<Mutex<Inner>>,
}

impl Host {
    /// A host that loads with the configured engine, and whose work goes before what `preempt` governs.
    ///
    /// # Errors
    /// The engine's name is unknown, or it is not supported.
    pub fn new(
        home: &Path,
        config: config::Inference,
        misbehaviour: Option<Misbehaviour>,
        preempt: Preempt,
    ) -> Result<Self, race_inference::InferenceError> {
        let engine = race_inference::registry::engine(&config.engine)?;
        let scratch = home.join("data").join("models");
        Ok(Self {
            engine,
            config,
            scratch,
            misbehaviour,
            preempt,
            inner: Arc::default(),
        })
    }

    /// A model is going to compute until the guard is dropped: the race lets it go first.
    pub fn begin(&self) -> preempt::Request {
        self.preempt.begin()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A loaded model.
    pub fn get(&self, id: &str) -> Option<Hosted> {
        self.inner().hosted.get(id).cloned()
    }

    /// Ids of the loaded models.
    pub fn loaded(&self) -> Vec<String> {
        self.inner().hosted.keys().cloned().collect()
    }

    /// Whether any model is answering.
    pub fn is_busy(&self) -> bool {
        self.inner()
            .hosted
            .values()
            .any(|h| !h.model.activity().is_idle())
    }

    /// Loads what the chain registers and this node has a file for, in the background, and drops what
    /// was retired.
    pub fn follow(&self, registered: &[Model]) {
        let mut inner = self.inner();
        inner
            .hosted
            .retain(|id, _| registered.iter().any(|m| m.id == *id && !m.retired));
        for spec in registered.iter().filter(|m| !m.retired) {
            let known = inner.hosted.contains_key(&spec.id)
                || inner.failed.contains(&spec.id)
                || !inner.loading.insert(spec.id.clone());
            if known || self.config.models.is_empty() {
                continue;
            }
            let (host, spec) = (self.clone(), spec.clone());
            std::thread::spawn(move || host.load(spec));
        }
    }

    fn load(&self, spec: Model) {
        let id = spec.id.clone();
        let outcome = self.find_and_load(&spec);
        let mut inner = self.inner();
        inner.loading.remove(&id);
        match outcome {
            Ok((model, thresholds)) => {
                tracing::info!(model = %id, format = %model.info().format, "model is loaded");
                inner.hosted.insert(
                    id,
                    Hosted {
                        spec,
                        thresholds,
                        model,
                    },
                );
            }
            Err(reason) => {
                tracing::warn!(model = %id, %reason, "model is not hosted here");
                inner.failed.insert(id);
            }
        }
    }

    fn find_and_load(&self, spec: &Model) -> Result<(Arc<dyn LoadedModel>, Thresholds), String> {
        let thresholds = spec
            .thresholds
            .as_ref()
            .and_then(thresholds)
            .ok_or("its thresholds are out of bounds")?;
        let mut path = self
            .config
            .models
            .iter()
            .find(|path| digest(path).is_ok_and(|d| d.as_slice() == spec.weights_digest))
            .cloned()
            .ok_or_else(|| {
                format!(
                    "no file in [inference] models has the registered digest {}",
                    hex::encode(&spec.weights_digest)
                )
            })?;
        if self.misbehaviour == Some(Misbehaviour::Forge) {
            path = self.coarser(&path)?;
        }
        let options = LoadOptions {
            threads: (self.config.threads > 0).then_some(self.config.threads),
            context: (spec.context_length > 0)
                .then_some(spec.context_length.min(LoadOptions::DEFAULT_CONTEXT_LIMIT)),
            ..LoadOptions::default()
        };
        let mut last = None;
        let model = self
            .engine
            .load(&path, &options, &mut |progress| {
                let quarter = (progress.stage, progress.permille / 250);
                if last.replace(quarter) != Some(quarter) {
                    let stage = match progress.stage {
                        LoadStage::Hashing => "hashing",
                        LoadStage::Loading => "loading",
                    };
                    tracing::info!(model = %spec.id, "{stage}: {}%", progress.permille / 10);
                }
                true
            })
            .map_err(|e| e.to_string())?;
        Ok((model, thresholds))
    }

    /// The forger's file: a coarser copy, made here.
    fn coarser(&self, path: &Path) -> Result<PathBuf, String> {
        std::fs::create_dir_all(&self.scratch).map_err(|e| e.to_string())?;
        let coarse = self.scratch.join("coarse.gguf");
        if !coarse.exists() {
            tracing::warn!("misbehaving: quantising the model more coarsely");
            let half = self.scratch.join("coarse.part");
            quantise(path, &half, CoarseFormat::Q2K, 1).map_err(|e| e.to_string())?;
            std::fs::rename(&half, &coarse).map_err(|e| e.to_string())?;
        }
        Ok(coarse)
    }
}

/// SHA-256 of a file.
///
/// # Errors
/// It cannot be read.
pub fn digest(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().into())
}
