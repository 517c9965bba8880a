//! Models of the genesis file.

use race_proto::race::model::v1::Model;

use super::keys;
use super::msgs::check_model;
use crate::error::TxError;
use crate::state::State;

/// Registers models at genesis.
///
/// # Errors
/// When a model's fields do not make sense or an id comes twice.
pub fn init(state: &mut State, models: &[Model]) -> Result<(), TxError> {
    for model in models {
        check_model(model)?;
        if super::get(state, &model.id).is_some() {
            return Err(super::errors::Error::Exists {
                id: model.id.clone(),
            }
            .into());
        }
        keys::MODELS.put(state, &model.id, model);
    }
    Ok(())
}
