//! The function on the CPU through burn's flex backend.

use super::burn::BurnBackend;
use super::{Backend, BackendError, Entry, Options};
use crate::Race;

const NAME: &str = "flex";

/// Its entry in the registry.
pub const ENTRY: Entry = Entry {
    name: NAME,
    about: "CPU, f32 products by burn's flex backend",
    unavailable: || None,
    load,
};

fn load(
    race: Race,
    options: Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Box<dyn Backend>, BackendError> {
    let device = Default::default();
    let backend = BurnBackend::<burn::backend::Flex>::load(NAME, race, device, options, progress);
    Ok(Box::new(backend))
}
