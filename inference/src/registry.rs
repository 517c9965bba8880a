//! Engines by name.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::InferenceError;
use crate::llama::LlamaEngine;

/// Names that [`engine`] knows and can give.
pub const SUPPORTED: [&str; 1] = ["llama"];

/// The engine called `name`.
///
/// # Errors
/// [`InferenceError::NotSupported`] for `openai` (an HTTP server that already runs the model) and
/// for names that do not exist; [`InferenceError::Engine`] if the engine cannot start.
pub fn engine(name: &str) -> Result<Arc<dyn Engine>, InferenceError> {
    match name {
        "llama" => Ok(Arc::new(LlamaEngine::new()?)),
        "openai" => Err(InferenceError::NotSupported {
            what: "engine `openai`".into(),
            hint: "this version serves models in its own process; use engine `llama`".into(),
        }),
        other => Err(InferenceError::NotSupported {
            what: format!("engine `{other}`"),
            hint: format!("known engines: {}", SUPPORTED.join(", ")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_engine_exists_and_others_say_that_they_are_not_supported() {
        assert_eq!(engine("llama").unwrap().name(), "llama");
        for name in ["openai", "candle", ""] {
            assert!(matches!(
                engine(name),
                Err(InferenceError::NotSupported { .. })
            ));
        }
    }
}
