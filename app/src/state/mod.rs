//! State as the modules see it: a committed snapshot below, layers of changes above.
//!
//! Invariant: reads and writes are pure functions of the snapshot and of the writes before them.
//! Nothing here touches a disk; the block's changes leave through [`State::changes`].

mod committed;
mod map;
mod remembered;

pub use map::{Item, Key, Map};
pub use remembered::Remembered;

use std::collections::BTreeMap;
use std::sync::Arc;

use tendermint_proto::v0_38::abci::Event;

/// The name of a module's store.
pub type StoreName = &'static str;

/// Changes by (store, key): a new value, or `None` for a deletion.
pub type Changes = BTreeMap<(StoreName, Vec<u8>), Option<Vec<u8>>>;

/// What lies below all layers: an immutable, ordered view of committed state.
pub trait Base: Send + Sync {
    /// The value of a key.
    fn get(&self, store: &str, key: &[u8]) -> Option<Vec<u8>>;
    /// All entries whose key starts with `prefix`, in key order.
    fn scan(&self, store: &str, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)>;
    /// The first of these entries, at most `count`.
    fn first(&self, store: &str, prefix: &[u8], count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut all = self.scan(store, prefix);
        all.truncate(count);
        all
    }
}

/// State before the first block.
impl Base for () {
    fn get(&self, _: &str, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn scan(&self, _: &str, _: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }
}

#[derive(Default, Clone)]
struct Layer {
    writes: Changes,
    events: Vec<Event>,
}

/// A committed snapshot with layers of changes over it.
///
/// Layers give all-or-nothing execution: [`State::begin`] before a transaction, then
/// [`State::keep`] or [`State::discard`]. Events belong to the layer in which they happened.
///
/// A clone shares layers until one of the two writes: those of genesis or of a migration may be large.
#[derive(Clone)]
pub struct State {
    base: Arc<dyn Base>,
    layers: Vec<Arc<Layer>>,
}

impl State {
    /// State over a committed view.
    pub fn new(base: Arc<dyn Base>) -> Self {
        Self {
            base,
            layers: vec![Arc::default()],
        }
    }

    /// Empty state, as before genesis.
    pub fn empty() -> Self {
        Self::new(Arc::new(()))
    }

    /// The raw value of a key.
    pub fn get(&self, store: StoreName, key: &[u8]) -> Option<Vec<u8>> {
        let full = (store, key.to_vec());
        for layer in self.layers.iter().rev() {
            if let Some(change) = layer.writes.get(&full) {
                return change.clone();
            }
        }
        self.base.get(store, key)
    }

    /// Sets the raw value of a key. Empty values cannot be proven (ICS-23) and are a bug.
    pub fn put(&mut self, store: StoreName, key: Vec<u8>, value: Vec<u8>) {
        assert!(
            !value.is_empty(),
            "an empty value in store {store}: delete the key instead"
        );
        self.top().writes.insert((store, key), Some(value));
    }

    /// Deletes a key.
    pub fn delete(&mut self, store: StoreName, key: Vec<u8>) {
        self.top().writes.insert((store, key), None);
    }

    /// All entries whose key starts with `prefix`, in key order.
    pub fn scan(&self, store: StoreName, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> =
            self.base.scan(store, prefix).into_iter().collect();
        for layer in &self.layers {
            let from = (store, prefix.to_vec());
            for ((s, key), change) in layer.writes.range(from..) {
                if *s != store || !key.starts_with(prefix) {
                    break;
                }
                match change {
                    Some(value) => merged.insert(key.clone(), value.clone()),
                    None => merged.remove(key),
                };
            }
        }
        merged.into_iter().collect()
    }

    /// The first entries whose key starts with `prefix`, at most `count`, in key order. The cost does not
    /// grow with how many there are.
    pub fn first(&self, store: StoreName, prefix: &[u8], count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut changed: BTreeMap<&[u8], &Option<Vec<u8>>> = BTreeMap::new();
        for layer in &self.layers {
            let here = layer.writes.range((store, prefix.to_vec())..);
            let here = here.take_while(|((s, key), _)| *s == store && key.starts_with(prefix));
            changed.extend(here.map(|((_, key), change)| (key.as_slice(), change)));
        }
        // Of what is below, as many may be deleted here.
        let deleted = changed.values().filter(|change| change.is_none()).count();
        let below = self
            .base
            .first(store, prefix, count.saturating_add(deleted));
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> = below.into_iter().collect();
        for (key, change) in changed {
            match change {
                Some(value) => merged.insert(key.to_vec(), value.clone()),
                None => merged.remove(key),
            };
        }
        merged.into_iter().take(count).collect()
    }

    /// Records an event.
    pub fn emit(&mut self, event: Event) {
        self.top().events.push(event);
    }

    /// Events of the top layer so far.
    pub fn events(&self) -> &[Event] {
        self.layers.last().map_or(&[], |layer| &layer.events)
    }

    /// Takes the events of the top layer.
    pub fn take_events(&mut self) -> Vec<Event> {
        match self.events().is_empty() {
            true => Vec::new(),
            false => std::mem::take(&mut self.top().events),
        }
    }

    /// Opens a layer.
    pub fn begin(&mut self) {
        self.layers.push(Arc::default());
    }

    /// Merges the top layer, events included, into the one below.
    pub fn keep(&mut self) {
        assert!(self.layers.len() > 1, "keep without begin");
        if let Some(layer) = self.layers.pop() {
            let layer = Arc::unwrap_or_clone(layer);
            let top = self.top();
            top.writes.extend(layer.writes);
            top.events.extend(layer.events);
        }
    }

    /// Drops the top layer, events included.
    pub fn discard(&mut self) {
        assert!(self.layers.len() > 1, "discard without begin");
        self.layers.pop();
    }

    /// All changes since the snapshot, once no layer is open.
    pub fn changes(&self) -> &Changes {
        assert_eq!(self.layers.len(), 1, "a layer is still open");
        &self.layers[0].writes
    }

    fn top(&mut self) -> &mut Layer {
        let top = self.layers.last_mut().expect("there is always a layer");
        Arc::make_mut(top)
    }
}

#[cfg(test)]
mod tests;
