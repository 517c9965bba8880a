//! The state at one committed height.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::kv::{Entry, Kv};
use super::layout::HeightRecord;
use super::range::{Range, Versioned};
use super::{layout, proof, tree, MemKv, Proof, StoreError};

/// Which heights are kept: pruning never passes the oldest height that somebody still holds.
#[derive(Debug, Default)]
pub(super) struct Pins {
    /// Oldest height that can be read.
    pub oldest: u64,
    /// Heights with a living snapshot, and how many.
    held: BTreeMap<u64, usize>,
}

impl Pins {
    /// The oldest height with a living snapshot.
    pub fn oldest_held(&self) -> Option<u64> {
        self.held.keys().next().copied()
    }
}

pub(super) type SharedPins = Arc<Mutex<Pins>>;

pub(super) fn lock(pins: &SharedPins) -> MutexGuard<'_, Pins> {
    // The counts change in one step each, so they are whole even after a panic elsewhere.
    pins.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps one height from being pruned while it lives.
pub(super) struct Pin {
    height: u64,
    pins: SharedPins,
}

impl Pin {
    /// Pins `height`, unless it is already gone.
    pub fn new(pins: &SharedPins, height: u64) -> Result<Self, StoreError> {
        let mut guard = lock(pins);
        if height < guard.oldest {
            return Err(StoreError::Pruned {
                height,
                oldest: guard.oldest,
            });
        }
        let count = guard.held.entry(height).or_insert(0);
        *count = count.saturating_add(1);
        Ok(Self {
            height,
            pins: Arc::clone(pins),
        })
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut guard = lock(&self.pins);
        if let Some(count) = guard.held.get_mut(&self.height) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                guard.held.remove(&self.height);
            }
        }
    }
}

/// A key of the state with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreEntry {
    /// Name of the store.
    pub store: String,
    /// The raw key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

struct Inner {
    kv: Arc<dyn Kv>,
    height: u64,
    app_hash: [u8; 32],
    record: HeightRecord,
    _pin: Option<Pin>,
}

/// The state at one committed height: immutable, cheap to clone, usable from any thread.
///
/// It answers for its height as long as it lives, whatever is committed meanwhile; while it
/// lives, its height and later ones are not pruned, so do not keep one forever.
///
/// [`get`](Self::get) and [`range`](Self::range) panic when the database itself fails: on the
/// consensus path a node must stop then, and the ABCI server turns a panic in a query into an
/// answer. [`try_get`](Self::try_get) and [`try_range`](Self::try_range) return the error.
#[derive(Clone)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let app_hash = hex::encode(self.app_hash());
        out.debug_struct("Snapshot")
            .field("height", &self.height())
            .field("app_hash", &app_hash)
            .finish()
    }
}

impl Snapshot {
    /// The state before the first commit: height 0, no key.
    pub(super) fn empty(kv: Arc<dyn Kv>) -> Self {
        let record = HeightRecord {
            app_hash: tree::EMPTY_ROOT.to_vec(),
            ..HeightRecord::default()
        };
        let app_hash = tree::EMPTY_ROOT;
        Self {
            inner: Arc::new(Inner {
                kv,
                height: 0,
                app_hash,
                record,
                _pin: None,
            }),
        }
    }

    pub(super) fn new(
        kv: Arc<dyn Kv>,
        height: u64,
        record: HeightRecord,
        pin: Pin,
    ) -> Result<Self, StoreError> {
        let app_hash = record.app_hash()?;
        Ok(Self {
            inner: Arc::new(Inner {
                kv,
                height,
                app_hash,
                record,
                _pin: Some(pin),
            }),
        })
    }

    pub(super) fn kv(&self) -> &dyn Kv {
        self.inner.kv.as_ref()
    }

    pub(super) fn record(&self) -> &HeightRecord {
        &self.inner.record
    }

    /// The height; 0 before the first commit.
    pub fn height(&self) -> u64 {
        self.inner.height
    }

    /// The app hash after this height's block; [`EMPTY_ROOT`](super::EMPTY_ROOT) before the first.
    pub fn app_hash(&self) -> [u8; 32] {
        self.inner.app_hash
    }

    /// Names of the stores that have a key, in order.
    pub fn stores(&self) -> impl Iterator<Item = &str> {
        self.inner
            .record
            .stores
            .iter()
            .filter(|store| !store.root.is_empty())
            .map(|store| store.name.as_str())
    }

    /// The value of `key` in `store`.
    ///
    /// # Panics
    /// When the database fails; see [`try_get`](Self::try_get).
    pub fn get(&self, store: &str, key: &[u8]) -> Option<Vec<u8>> {
        stop_on_failure(self.try_get(store, key))
    }

    /// The value of `key` in `store`, or the database's error.
    pub fn try_get(&self, store: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.flat_entry(store, key)?.and_then(|(_, value)| value))
    }

    /// The newest flat entry of `key`: the height that wrote it and the value (`None`: deleted).
    pub(super) fn flat_entry(
        &self,
        store: &str,
        key: &[u8],
    ) -> Result<Option<Versioned<u64>>, StoreError> {
        let from = layout::flat_key(store, key, self.height());
        let found = self
            .inner
            .kv
            .range(&from, &layout::flat_key_end(store, key))
            .next();
        let Some((physical, stored)) = found.transpose()? else {
            return Ok(None);
        };
        let (_, height) = layout::parse_flat_key(store, &physical)?;
        Ok(Some((height, layout::decode_flat(stored)?)))
    }

    /// Entries of `store` with `from <= key < to` (without `to`: up to the end) in the order of
    /// raw keys.
    ///
    /// # Panics
    /// When the database fails; see [`try_range`](Self::try_range).
    pub fn range<'a>(
        &'a self,
        store: &str,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> impl Iterator<Item = Entry> + 'a {
        self.try_range(store, from, to).map(stop_on_failure)
    }

    /// As [`range`](Self::range), with the database's errors.
    pub fn try_range(&self, store: &str, from: &[u8], to: Option<&[u8]>) -> Range<'_> {
        Range::new(
            self.inner.kv.as_ref(),
            self.height(),
            store,
            (from, to),
            false,
        )
    }

    /// As [`range`](Self::range), from the last key to the first.
    ///
    /// # Panics
    /// When the database fails; see [`try_range_reversed`](Self::try_range_reversed).
    pub fn range_reversed<'a>(
        &'a self,
        store: &str,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> impl Iterator<Item = Entry> + 'a {
        self.try_range_reversed(store, from, to)
            .map(stop_on_failure)
    }

    /// As [`range_reversed`](Self::range_reversed), with the database's errors.
    pub fn try_range_reversed(&self, store: &str, from: &[u8], to: Option<&[u8]>) -> Range<'_> {
        Range::new(
            self.inner.kv.as_ref(),
            self.height(),
            store,
            (from, to),
            true,
        )
    }

    /// Entries of `store` whose key starts with `prefix`, in the order of raw keys.
    ///
    /// # Panics
    /// When the database fails.
    pub fn prefix<'a>(&'a self, store: &str, prefix: &[u8]) -> impl Iterator<Item = Entry> + 'a {
        self.range(store, prefix, layout::prefix_end(prefix).as_deref())
    }

    /// All raw keys and values: store by store in the order of names, each in the order of raw keys.
    /// Whoever writes them at once has this height's app hash. A store ends with its first error.
    pub fn entries(&self) -> impl Iterator<Item = Result<StoreEntry, StoreError>> + '_ {
        self.stores().flat_map(|store| {
            let entries = self.try_range(store, &[], None);
            entries.map(move |entry| {
                let (key, value) = entry?;
                Ok(StoreEntry {
                    store: store.to_string(),
                    key,
                    value,
                })
            })
        })
    }

    /// Proves the value of `key` in `store`, or its absence, under this height's app hash.
    ///
    /// # Errors
    /// [`StoreError::NothingToProve`] on the empty state, [`StoreError::EmptyKey`], and the
    /// database's own.
    pub fn prove(&self, store: &str, key: &[u8]) -> Result<Proof, StoreError> {
        if key.is_empty() {
            return Err(StoreError::EmptyKey {
                store: store.to_string(),
            });
        }
        let height = self.height();
        if self.app_hash() == tree::EMPTY_ROOT {
            return Err(StoreError::NothingToProve { height });
        }
        let (kv, record) = (self.inner.kv.as_ref(), &self.inner.record);
        let root_of = |name: &[u8]| {
            let name = String::from_utf8_lossy(name);
            Ok(record.store(&name).map(|store| store.root.clone()))
        };
        let (_, store_proof) =
            tree::prove(kv, "", record.root_version, store.as_bytes(), &root_of)?;
        let store_op = proof::op(store.as_bytes(), &store_proof);
        match record.store(store).filter(|found| !found.root.is_empty()) {
            None => Ok(Proof {
                value: None,
                ops: vec![store_op],
            }),
            Some(found) => {
                let value_of = |raw: &[u8]| self.try_get(store, raw);
                let (value, key_proof) = tree::prove(kv, store, found.version, key, &value_of)?;
                Ok(Proof {
                    value,
                    ops: vec![proof::op(key, &key_proof), store_op],
                })
            }
        }
    }

    /// Recomputes the app hash from all keys and values, to find damage that no single read sees.
    /// Takes as long as writing the whole state anew, in memory.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] names the first store whose contents do not have its root.
    pub fn check(&self) -> Result<(), StoreError> {
        let scratch = MemKv::new();
        let mut roots = BTreeMap::new();
        for store in &self.inner.record.stores {
            let entries = self.try_range(&store.name, &[], None);
            let entries: BTreeMap<_, _> = entries
                .map(|entry| entry.map(|(key, value)| (key, Some(value))))
                .collect::<Result<_, _>>()?;
            let root = if entries.is_empty() {
                Vec::new()
            } else {
                rebuilt(&scratch, &store.name, entries)?.to_vec()
            };
            if root != store.root {
                return Err(StoreError::Damaged(format!(
                    "at height {} the contents of store {:?} do not have its root {}",
                    self.height(),
                    store.name,
                    hex::encode(&store.root)
                )));
            }
            if !root.is_empty() {
                roots.insert(store.name.clone().into_bytes(), Some(root));
            }
        }
        if root_over(roots)? != self.app_hash() {
            let height = self.height();
            return Err(StoreError::Damaged(format!(
                "the stores of height {height} do not have its app hash"
            )));
        }
        Ok(())
    }
}

/// The app hash of stores with these roots, by name.
pub(super) fn root_over(roots: BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Result<[u8; 32], StoreError> {
    match roots.is_empty() {
        true => Ok(tree::EMPTY_ROOT),
        false => rebuilt(&MemKv::new(), "", roots),
    }
}

/// Root of a tree of these entries, made anew.
fn rebuilt(
    scratch: &MemKv,
    store: &str,
    entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
) -> Result<[u8; 32], StoreError> {
    let base = tree::Base {
        store,
        version: 0,
        root: tree::EMPTY_ROOT,
    };
    Ok(tree::update(scratch, &base, entries)?.root)
}

fn stop_on_failure<T>(result: Result<T, StoreError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
