//! The function on the CPU through burn's flex backend.

use std::sync::atomic::AtomicBool;

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
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Box<dyn Backend>, BackendError> {
    let device = Default::default();
    type Flex = BurnBackend<burn::backend::Flex>;
    let backend = Flex::load(NAME, race, device, options, cancel, progress)?;
    Ok(Box::new(backend))
}
