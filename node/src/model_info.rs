//! What a model file says of itself, and the message that registers it.

use std::path::Path;

use race_app::address::Account;
use race_inference::gguf::Header;
use race_inference::{InferenceError, LoadOptions};
use race_proto::race::model::v1::{LengthClass, Model, MsgRegisterModel, Thresholds};

/// Bytes of memory are rounded up to these.
const MIB: u64 = 1 << 20;

/// The id that a file gets unless another is chosen: its name, in the letters of an id.
#[must_use]
pub fn suggested_id(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let lower = stem.unwrap_or("model").to_lowercase();
    lower
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .take(64)
        .collect()
}

/// Thresholds as calibrated for the demo model, with this limit on the mean distance (1e-4 nats).
/// Another model's are measured first: `race-inference`, example `measure`.
#[must_use]
pub fn thresholds(max_mean_distance: u32) -> Thresholds {
    Thresholds {
        top_k: 20,
        margin_limit: 5_000,
        classes: vec![LengthClass {
            min_length: 4,
            max_mean_distance,
            max_mean_margin: 2_500,
            max_violations_millis: 300,
            max_margin: 0,
        }],
    }
}

/// A model file, as a proposal would register it.
#[derive(Debug, Clone)]
pub struct ModelInfo {
    /// What its header calls it, if anything.
    pub name: String,
    /// `llama`, for instance.
    pub architecture: String,
    /// Its weights, counted.
    pub parameters: u64,
    /// Tokens that the model was made for.
    pub trained_context: u64,
    /// As registered.
    pub model: Model,
}

impl ModelInfo {
    /// Reads the header of the GGUF file at `path`, whose size and digest are known.
    ///
    /// # Errors
    /// It is missing, unreadable or no GGUF file.
    pub fn read(path: &Path, bytes: u64, sha256: Vec<u8>) -> Result<Self, InferenceError> {
        let header = Header::read(path)?;
        let most = LoadOptions::DEFAULT_CONTEXT_LIMIT;
        let trained_context = header.sized("context_length").unwrap_or(u64::from(most));
        let model = Model {
            id: suggested_id(path),
            weights_digest: sha256,
            tokenizer_digest: header.tokenizer_digest.to_vec(),
            // A unit of compute is a token of a million weights.
            units_per_token: header.parameters.div_ceil(1_000_000).max(1),
            numeric_format: header.format(),
            thresholds: Some(thresholds(crate::demo::MAX_MEAN_DISTANCE)),
            // The weights, and as much again for context and work space.
            min_memory_bytes: bytes.div_ceil(MIB).saturating_mul(MIB).saturating_mul(2),
            context_length: u32::try_from(trained_context).unwrap_or(most).min(most),
            ..Model::default()
        };
        Ok(Self {
            name: header.text("general.name").unwrap_or_default().to_owned(),
            architecture: header.architecture().to_owned(),
            parameters: header.parameters,
            trained_context,
            model,
        })
    }

    /// The message that governance executes to register it.
    #[must_use]
    pub fn register(&self) -> MsgRegisterModel {
        MsgRegisterModel {
            authority: Account::of_module("gov").to_string(),
            model: Some(self.model.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_letters_that_the_chain_allows() {
        let id = suggested_id(Path::new("/x/SmolLM2-135M_Instruct Q4.gguf"));
        assert_eq!(id, "smollm2-135m-instruct-q4");
        assert_eq!(suggested_id(Path::new(&"é".repeat(80))).len(), 64);
    }
}
