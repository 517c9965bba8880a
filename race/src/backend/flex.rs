//! The function on the CPU through burn's flex backend.

use super::burn::BurnBackend;
use super::{Backend, BackendError, Options};
use crate::Race;

/// The name in the registry.
pub const NAME: &str = "flex";

/// Prepares `race` on burn's CPU backend.
///
/// # Errors
/// None at present; the signature is the registry's.
pub fn load(
    race: Race,
    options: Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Box<dyn Backend>, BackendError> {
    let device = Default::default();
    let backend = BurnBackend::<burn::backend::Flex>::load(NAME, race, device, options, progress);
    Ok(Box::new(backend))
}
