//! Genesis of `race`: the preset.

use race::Preset;

use super::keys;
use crate::state::State;

/// Sets the preset that everybody races.
///
/// # Errors
/// When there is no preset of that name.
pub fn init(state: &mut State, preset: &str) -> Result<(), GenesisError> {
    Preset::by_name(preset).map_err(|e| GenesisError {
        preset: preset.to_owned(),
        reason: e.to_string(),
    })?;
    keys::PRESET.put(state, &preset.to_owned());
    Ok(())
}

/// Why genesis is refused.
#[derive(Debug, thiserror::Error)]
#[error("preset {preset:?}: {reason}")]
pub struct GenesisError {
    preset: String,
    reason: String,
}
