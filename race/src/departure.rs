//! Finding the layer in which a backend goes wrong.
//!
//! A backend shows only outputs. But the first layers of a race are a race of their own, with the same
//! weights, so the backend is asked for fewer and fewer of them.
// Layer counts are at most 2^20 by `preset`.
#![allow(clippy::arithmetic_side_effects)]

use std::sync::atomic::AtomicBool;

use crate::backend::{Backend, BackendError};
use crate::preset::{Preset, PresetError, Spec};
use crate::reference::Reference;
use crate::seed::NonceInput;
use crate::Race;

/// Where a backend first differs from [`Reference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The layer, counted from 0; what goes into it is still right. In layer 0 the fault may also be
    /// in the input.
    pub layer: usize,
    /// The first nonce that shows it.
    pub nonce: u64,
}

/// Looks for the layer of `race` after which the backend that `load` makes first differs from the
/// reference on `inputs`; `None` when they agree to the end.
///
/// # Errors
/// Those of `load` and of the backend.
pub fn first_departure(
    race: &Race,
    inputs: &[NonceInput],
    threads: usize,
    load: &mut dyn FnMut(Race) -> Result<Box<dyn Backend>, BackendError>,
) -> Result<Option<Departure>, BackendError> {
    let never = AtomicBool::new(false);
    let mut wrong_after = |layers| -> Result<Option<u64>, BackendError> {
        let race = first_layers(race, layers)?;
        let expected = Reference::new(race.clone(), threads).outputs(inputs, &never)?;
        let mut backend = load(race)?;
        let mut computed = Vec::new();
        for batch in inputs.chunks(backend.batch().max(1)) {
            computed.extend(backend.forward(batch, &never)?);
        }
        let mut outputs = inputs.iter().zip(expected.iter().zip(&computed));
        let wrong = outputs.find(|(_, (expected, computed))| expected != computed);
        Ok(wrong.map(|(input, _)| input.nonce))
    };
    let (mut right, mut wrong) = (0, race.preset().layers);
    let Some(mut nonce) = wrong_after(wrong)? else {
        return Ok(None);
    };
    while wrong - right > 1 {
        let middle = right + (wrong - right) / 2;
        match wrong_after(middle)? {
            Some(shown_by) => (wrong, nonce) = (middle, shown_by),
            None => right = middle,
        }
    }
    Ok(Some(Departure {
        layer: wrong - 1,
        nonce,
    }))
}

/// The race of the first `layers` layers.
fn first_layers(race: &Race, layers: usize) -> Result<Race, BackendError> {
    let spec = Spec {
        layers,
        ..**race.preset()
    };
    let refused = |error: PresetError| BackendError::Device(error.to_string());
    // A race keeps its preset for the life of the program: a few hundred bytes for each of the few
    // steps of a search that somebody asked for.
    let preset = Box::leak(Box::new(Preset::prove(spec).map_err(refused)?));
    Ok(Race::new(preset, *race.seed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::TINY;
    use crate::study::inputs;

    /// Right until `right` layers, then wrong in the nonces from 3 on.
    struct Broken {
        reference: Reference,
        right: usize,
    }

    impl Backend for Broken {
        fn name(&self) -> &'static str {
            "broken"
        }

        fn race(&self) -> &Race {
            self.reference.race()
        }

        fn batch(&self) -> usize {
            2
        }

        fn forward(
            &mut self,
            inputs: &[NonceInput],
            cancel: &AtomicBool,
        ) -> Result<Vec<Vec<i8>>, BackendError> {
            let mut outputs = self.reference.outputs(inputs, cancel)?;
            if self.race().preset().layers > self.right {
                let late = outputs.iter_mut().zip(inputs).filter(|(_, i)| i.nonce >= 3);
                late.for_each(|(output, _)| output[7] ^= 1);
            }
            Ok(outputs)
        }
    }

    #[test]
    fn the_layer_and_the_nonce_where_a_backend_goes_wrong_are_found() {
        let race = Race::new(&TINY, [8; 32]);
        let inputs = inputs(&race, 6);
        for right in 0..=TINY.layers {
            let found = first_departure(&race, &inputs, 1, &mut |race| {
                let reference = Reference::new(race, 1);
                Ok(Box::new(Broken { reference, right }))
            });
            let expected = (right < TINY.layers).then_some(Departure {
                layer: right,
                nonce: 3,
            });
            assert_eq!(found, Ok(expected));
        }
    }
}
