//! The committed state: named stores of ordered keys under one app hash.
//!
//! # How it works
//!
//! Each store is a Jellyfish Merkle tree of its own; a root tree over (store name, store's root)
//! gives the app hash. Beside the trees lie the values themselves, one entry for each key and
//! height that wrote it, so that reads and ordered walks need no tree and work at every kept
//! height (`layout.rs`).
//!
//! A block is [prepared](Store::prepare) in memory, which gives its app hash and writes nothing,
//! then [committed](Store::commit): one atomic batch (values, tree nodes, lists of what became
//! stale, height, app hash, removal of what only pruned heights needed), then an fsync, then the
//! swap of the latest [`Snapshot`]. A crash before the batch leaves the old height, a crash after
//! it the new one.
//!
//! A block's writes go through each tree in one pass that hashes each node once (`tree.rs`). Decoded
//! nodes are not kept between blocks: it was measured, and costs more than the engines' own caches
//! leave to gain. [`Engine`] names the durable engines.
//!
//! Invariants: the app hash depends on the keys and values alone, not on the way there; a
//! snapshot answers for its height as long as it lives; no empty key and no empty value is
//! stored, since ICS-23 cannot prove them.

mod engine;
mod error;
mod fjall;
mod folder;
mod kv;
mod layout;
mod mem;
mod proof;
mod range;
mod rollback;
mod sled;
mod snapshot;
pub mod statesync;
mod tree;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use prost::Message;

pub use self::engine::Engine;
pub use self::error::StoreError;
pub use self::fjall::FjallKv;
pub use self::folder::set_aside;
pub use self::kv::{Batch, Entry, EntryIter, Kv};
pub use self::mem::MemKv;
pub use self::proof::{ics23_specs, Proof, PROOF_OP_TYPE};
pub use self::range::Range;
pub use self::sled::SledKv;
pub use self::snapshot::{Snapshot, StoreEntry};
pub use self::tree::EMPTY_ROOT;

use self::layout::{HeightRecord, Meta, StoreRecord};
use self::snapshot::{lock, Pin, Pins, SharedPins};
use self::tree::Base;

/// Past heights that [`Store::open`] keeps.
pub const DEFAULT_KEEP_VERSIONS: u64 = 1000;

/// Heights pruned at most in one commit, so that a long-held snapshot does not end in one
/// enormous batch.
const PRUNE_AT_ONCE: u64 = 64;

/// Writes of a block: (store, key) to the new value, or `None` to delete.
pub type Changes = BTreeMap<(String, Vec<u8>), Option<Vec<u8>>>;

/// A block's state, computed but not written. Dropping it leaves no trace.
pub struct Prepared {
    height: u64,
    base: u64,
    record: HeightRecord,
    app_hash: [u8; 32],
    batch: Batch,
}

impl Prepared {
    /// The height that a commit would make the latest.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The app hash after the block.
    pub fn app_hash(&self) -> [u8; 32] {
        self.app_hash
    }
}

struct Inner {
    kv: Arc<dyn Kv>,
    keep_versions: u64,
    latest: RwLock<Snapshot>,
    pins: SharedPins,
    committing: Mutex<()>,
    /// The height that came from a snapshot, 0 for none.
    restored: AtomicU64,
}

/// The state store. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl Store {
    /// Opens the store in `kv`, which is either new or was written by a store, keeping
    /// [`DEFAULT_KEEP_VERSIONS`] heights.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Format`] if the database contradicts itself or is
    /// another program's; nothing is repaired.
    pub fn open(kv: Arc<dyn Kv>) -> Result<Self, StoreError> {
        Self::open_keeping(kv, DEFAULT_KEEP_VERSIONS)
    }

    /// As [`open`](Self::open), keeping `keep_versions` heights (at least 1), the latest included.
    pub fn open_keeping(kv: Arc<dyn Kv>, keep_versions: u64) -> Result<Self, StoreError> {
        let pins = SharedPins::new(Mutex::new(Pins::default()));
        if statesync::restore::sweep(kv.as_ref())? {
            tracing::info!("a restore was interrupted: what it left of a state was removed");
        }
        let meta = read_meta(kv.as_ref())?;
        let restored = meta.as_ref().map_or(0, |meta| meta.restored);
        let (height, noted) = (
            meta.as_ref().map_or(0, |meta| meta.height),
            kv.noted_height()?,
        );
        if height < noted {
            return Err(StoreError::Damaged(format!(
                "it is at height {height}, but had height {noted}: what it wrote last is lost"
            )));
        }
        let latest = match meta {
            None => Snapshot::empty(Arc::clone(&kv)),
            Some(meta) => {
                lock(&pins).oldest = meta.oldest;
                let record = read_record(kv.as_ref(), meta.height)?;
                check_roots(kv.as_ref(), &record)?;
                let pin = Pin::new(&pins, meta.height)?;
                Snapshot::new(Arc::clone(&kv), meta.height, record, pin)?
            }
        };
        let inner = Inner {
            kv,
            keep_versions: keep_versions.max(1),
            latest: RwLock::new(latest),
            pins,
            committing: Mutex::new(()),
            restored: restored.into(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The latest committed state.
    pub fn latest(&self) -> Snapshot {
        self.inner
            .latest
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_latest(&self, snapshot: &Snapshot) {
        *self
            .inner
            .latest
            .write()
            .unwrap_or_else(PoisonError::into_inner) = snapshot.clone();
    }

    /// The height that came by state sync, if that is how this store came to be. While it is the latest,
    /// no block was executed on it yet, and CometBFT cannot start again.
    pub fn restored_height(&self) -> Option<u64> {
        match self.inner.restored.load(Ordering::SeqCst) {
            0 => None,
            height => Some(height),
        }
    }

    /// The oldest height that [`at`](Self::at) answers; 0 before the first commit.
    pub fn oldest_height(&self) -> u64 {
        lock(&self.inner.pins).oldest
    }

    /// The state at a kept height.
    ///
    /// # Errors
    /// [`StoreError::Future`] above the latest height, [`StoreError::Pruned`] below the oldest.
    pub fn at(&self, height: u64) -> Result<Snapshot, StoreError> {
        let latest = self.latest();
        if height == latest.height() {
            return Ok(latest);
        }
        if height > latest.height() {
            return Err(StoreError::Future {
                height,
                latest: latest.height(),
            });
        }
        let pin = Pin::new(&self.inner.pins, height)?;
        let record = read_record(self.inner.kv.as_ref(), height)?;
        Snapshot::new(Arc::clone(&self.inner.kv), height, record, pin)
    }

    /// Proves the value of `key` in `store`, or its absence, at a kept height.
    ///
    /// # Errors
    /// As [`at`](Self::at) and [`Snapshot::prove`].
    pub fn prove(&self, height: u64, store: &str, key: &[u8]) -> Result<Proof, StoreError> {
        self.at(height)?.prove(store, key)
    }

    /// Computes the state after `changes` on top of the latest, and writes nothing. Deletions of
    /// absent keys and writes of the value already there change nothing.
    ///
    /// `changes` is a [`Changes`] or any other map or list from (store, key) to the new value. An
    /// empty store takes any first height, so that a chain may start above 1.
    ///
    /// # Errors
    /// [`StoreError::WrongHeight`] if `height` does not follow the latest,
    /// [`StoreError::EmptyValue`], [`StoreError::EmptyKey`], [`StoreError::StoreName`], and the
    /// database's own.
    pub fn prepare<S: Into<String>>(
        &self,
        height: u64,
        changes: impl IntoIterator<Item = ((S, Vec<u8>), Option<Vec<u8>>)>,
    ) -> Result<Prepared, StoreError> {
        let changes: Changes = changes
            .into_iter()
            .map(|((store, key), value)| ((store.into(), key), value))
            .collect();
        let latest = self.latest();
        let base = latest.height();
        let expected = base.saturating_add(1);
        if height == 0 || (base != 0 && height != expected) {
            return Err(StoreError::WrongHeight {
                expected,
                got: height,
            });
        }
        let kv = self.inner.kv.as_ref();
        let mut block = BlockWrites {
            height,
            batch: Batch::new(),
            stale: Vec::new(),
        };
        let by_store = block.flat(&latest, changes)?;

        let mut stores: BTreeMap<String, StoreRecord> = latest
            .record()
            .stores
            .iter()
            .map(|store| (store.name.clone(), store.clone()))
            .collect();
        let mut roots = BTreeMap::new();
        for (name, changes) in by_store {
            let new = StoreRecord {
                name: name.clone(),
                ..StoreRecord::default()
            };
            let store = stores.entry(name.clone()).or_insert(new);
            let base = Base {
                store: &name,
                version: store.version,
                root: store.root_hash()?,
            };
            let root;
            (store.version, root) = block.tree(kv, &base, changes)?;
            let left = (root != EMPTY_ROOT).then(|| root.to_vec());
            store.root = left.clone().unwrap_or_default();
            roots.insert(name.into_bytes(), left);
        }
        let mut root_version = latest.record().root_version;
        let mut app_hash = latest.app_hash();
        if !roots.is_empty() {
            let base = Base {
                store: "",
                version: root_version,
                root: app_hash,
            };
            (root_version, app_hash) = block.tree(kv, &base, roots)?;
        }
        let stores = stores.into_values().collect();
        let record = HeightRecord {
            app_hash: app_hash.to_vec(),
            root_version,
            stores,
        };
        Ok(Prepared {
            height,
            base,
            app_hash,
            batch: block.finish(&record),
            record,
        })
    }

    /// Writes a prepared block in one atomic batch, waits until it is durable, and makes it the
    /// latest. Returns the new latest state.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] if it was prepared on another height, and the database's own:
    /// after those nothing is certain but the disk, so stop and open the store again.
    pub fn commit(&self, prepared: Prepared) -> Result<Snapshot, StoreError> {
        let _one_at_a_time = self
            .inner
            .committing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Prepared {
            height,
            base,
            record,
            mut batch,
            ..
        } = prepared;
        let latest = self.latest().height();
        if base != latest {
            return Err(StoreError::Superseded {
                height,
                base,
                latest,
            });
        }
        let pin = self.prune(height, base == 0, &mut batch)?;
        let kv = &self.inner.kv;
        kv.commit(batch)?;
        kv.note_durable(height)?;
        let snapshot = Snapshot::new(Arc::clone(kv), height, record, pin)?;
        self.set_latest(&snapshot);
        Ok(snapshot)
    }

    /// Adds to `batch` the removal of what only heights below the new oldest need, and the record
    /// that names the new latest height. Returns the pin of that height.
    fn prune(&self, height: u64, first: bool, batch: &mut Batch) -> Result<Pin, StoreError> {
        let (old, oldest, pin) = {
            let mut pins = lock(&self.inner.pins);
            let old = if first { height } else { pins.oldest };
            let wanted = height
                .saturating_add(1)
                .saturating_sub(self.inner.keep_versions);
            let held = pins.oldest_held().unwrap_or(height);
            let oldest = wanted
                .min(held)
                .min(old.saturating_add(PRUNE_AT_ONCE))
                .max(old);
            // From here on nobody can pin what is about to go.
            pins.oldest = oldest;
            drop(pins);
            (old, oldest, Pin::new(&self.inner.pins, height)?)
        };
        let kv = self.inner.kv.as_ref();
        for gone in old..oldest {
            batch.push((layout::height_key(gone), None));
            let (from, to) = layout::stale_range(gone.saturating_add(1));
            for entry in kv.range(&from, &to) {
                let (key, record) = entry?;
                batch.extend(
                    layout::parse_stale_record(&record)?
                        .into_iter()
                        .map(|key| (key, None)),
                );
                batch.push((key, None));
            }
        }
        let meta = Meta {
            format: layout::FORMAT,
            height,
            oldest,
            restored: self.inner.restored.load(Ordering::SeqCst),
        };
        batch.push((layout::meta_key(), Some(meta.encode_to_vec())));
        Ok(pin)
    }
}

/// Collects what a block writes.
struct BlockWrites {
    height: u64,
    batch: Batch,
    stale: Vec<Vec<u8>>,
}

type StoreChanges = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl BlockWrites {
    /// Writes the values and returns the real changes of each store.
    fn flat(
        &mut self,
        latest: &Snapshot,
        changes: Changes,
    ) -> Result<BTreeMap<String, StoreChanges>, StoreError> {
        let mut by_store: BTreeMap<String, StoreChanges> = BTreeMap::new();
        for ((store, key), value) in changes {
            if !layout::is_store_name(&store) {
                return Err(StoreError::StoreName(store));
            }
            if key.is_empty() {
                return Err(StoreError::EmptyKey { store });
            }
            if value.as_ref().is_some_and(Vec::is_empty) {
                return Err(StoreError::EmptyValue {
                    store,
                    key: hex::encode(key),
                });
            }
            let before = latest.flat_entry(&store, &key)?;
            if before.as_ref().and_then(|(_, value)| value.as_ref()) == value.as_ref() {
                continue;
            }
            if let Some((height, _)) = before {
                self.stale.push(layout::flat_key(&store, &key, height));
            }
            let physical = layout::flat_key(&store, &key, self.height);
            if value.is_none() {
                // Where nothing older is kept, absence needs no entry.
                self.stale.push(physical.clone());
            }
            self.batch
                .push((physical, Some(layout::encode_flat(value.as_deref()))));
            by_store.entry(store).or_default().insert(key, value);
        }
        Ok(by_store)
    }

    /// Writes the next version of a tree and returns it with its root.
    fn tree(
        &mut self,
        kv: &dyn Kv,
        base: &Base<'_>,
        changes: StoreChanges,
    ) -> Result<(u64, [u8; 32]), StoreError> {
        let update = tree::update(kv, base, changes)?;
        let nodes = update.nodes.into_iter();
        self.batch
            .extend(nodes.map(|(key, node)| (key, Some(node))));
        self.stale.extend(update.stale);
        Ok((update.version, update.root))
    }

    fn finish(mut self, record: &HeightRecord) -> Batch {
        let stale = layout::stale_records(self.height, &self.stale);
        self.batch
            .extend(stale.into_iter().map(|(key, list)| (key, Some(list))));
        self.batch.push((
            layout::height_key(self.height),
            Some(record.encode_to_vec()),
        ));
        self.batch
    }
}

fn read_meta(kv: &dyn Kv) -> Result<Option<Meta>, StoreError> {
    let Some(stored) = kv.get(&layout::meta_key())? else {
        return match kv.range(&[], &[0xff; 64]).next().transpose()? {
            None => Ok(None),
            Some(_) => Err(StoreError::Damaged(
                "it has entries but no record of its height".into(),
            )),
        };
    };
    let meta = Meta::decode(stored.as_slice()).map_err(|error| {
        StoreError::Damaged(format!("the record of its height does not parse: {error}"))
    })?;
    if meta.format != layout::FORMAT {
        return Err(StoreError::Format {
            found: meta.format,
            expected: layout::FORMAT,
        });
    }
    Ok(Some(meta))
}

fn read_record(kv: &dyn Kv, height: u64) -> Result<HeightRecord, StoreError> {
    let damaged =
        |what: String| StoreError::Damaged(format!("the record of height {height} {what}"));
    let stored = kv
        .get(&layout::height_key(height))?
        .ok_or_else(|| damaged("is missing".into()))?;
    HeightRecord::decode(stored.as_slice())
        .map_err(|error| damaged(format!("does not parse: {error}")))
}

/// Checks that the roots of the trees are there and lead to the app hash's record.
fn check_roots(kv: &dyn Kv, record: &HeightRecord) -> Result<(), StoreError> {
    let trees = record
        .stores
        .iter()
        .map(|store| (store.name.as_str(), store.version, &store.root));
    let empty = record.app_hash == EMPTY_ROOT;
    let root_tree = (!empty).then_some(("", record.root_version, &record.app_hash));
    for (name, version, root) in trees
        .filter(|(_, _, root)| !root.is_empty())
        .chain(root_tree)
    {
        let found = tree::root(kv, name, version)?;
        if found.map(|found| found.to_vec()).as_ref() != Some(root) {
            return Err(StoreError::Damaged(format!(
                "the root of tree {name:?} is {}, its record says {}",
                found.map_or("missing".to_string(), hex::encode),
                hex::encode(root)
            )));
        }
    }
    Ok(())
}
