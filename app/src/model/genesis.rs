//! Models of the genesis file.

use race_proto::race::model::v1::Model;

use super::keys;
use super::msgs::check_model;
use crate::error::TxError;
use crate::state::State;

/// Registers models at genesis. One of an exported chain may be retired, and says when it was registered
/// there, which means nothing here.
///
/// # Errors
/// When a model's fields do not make sense or an id comes twice.
pub fn init(state: &mut State, models: &[Model]) -> Result<(), TxError> {
    for model in models {
        let fresh = Model {
            retired: false,
            registered_height: 0,
            ..model.clone()
        };
        check_model(&fresh)?;
        if super::get(state, &model.id).is_some() {
            return Err(super::errors::Error::Exists {
                id: model.id.clone(),
            }
            .into());
        }
        let kept = Model {
            retired: model.retired,
            ..fresh
        };
        keys::MODELS.put(state, &kept.id, &kept);
    }
    Ok(())
}
