//! From chunks to the committed height of an empty store.
//!
//! Chunks are written as they are proven. The state becomes the store's latest in one atomic batch at
//! the end; before that the database has a mark and no height, and opening the store removes what is
//! there. So an interrupted restore leaves an empty store.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use jmt::proof::SparseMerkleRangeProof;
use jmt::restore::{JellyfishMerkleRestore, StateSnapshotReceiver as _};
use jmt::storage::{Node, NodeBatch, TreeWriter};
use jmt::{KeyHash, RootHash};
use prost::Message as _;
use sha2::Sha256;

use super::format::{self, Manifest, Part, MAX_CHUNK_BYTES};
use super::SnapshotError;
use crate::store::kv::{Batch, Kv};
use crate::store::layout::{self, HeightRecord, Meta, StoreRecord};
use crate::store::snapshot::{lock, Pin};
use crate::store::tree::{self, Base, EMPTY_ROOT};
use crate::store::{Snapshot, Store, StoreError};

/// The version of every restored tree. Roots do not depend on it.
const VERSION: u64 = 1;

/// Entries removed in one batch when leftovers are swept.
const SWEEP_AT_ONCE: usize = 10_000;

type TreeRestore = JellyfishMerkleRestore<Sha256>;

/// A restore in progress. Dropping it leaves what the next open, or the next restore, removes.
///
/// The tree library's restore cannot change threads, so it has one of its own.
pub struct Restore {
    /// `None` once it is dropped.
    chunks: Option<Sender<(u32, Vec<u8>)>>,
    answers: Mutex<Receiver<Applied>>,
    thread: Option<JoinHandle<()>>,
}

/// Which blocks CometBFT has beside a store that a snapshot is restored into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// None: it joins by state sync, and cannot start again before it has the first block after the
    /// snapshot.
    None,
    /// Those after the snapshot's height: it replays them.
    Later,
}

/// What became of a chunk: the restored state after the last one.
type Applied = Result<Option<Snapshot>, SnapshotError>;

/// The restore itself.
struct Work {
    store: Store,
    blocks: Blocks,
    manifest: Manifest,
    next: u32,
    /// The store's place in the manifest, and its tree so far.
    open: Option<(usize, TreeRestore)>,
    nodes: Arc<Nodes>,
}

/// Collects the nodes of one store's tree until they are written.
#[derive(Default)]
struct Nodes {
    inner: Mutex<Collected>,
}

#[derive(Default)]
struct Collected {
    store: String,
    /// The keys of leaves that are not written yet: the last one of a chunk comes with the next.
    raw_keys: BTreeMap<KeyHash, Vec<u8>>,
    batch: Batch,
}

impl Nodes {
    fn with<T>(&self, change: impl FnOnce(&mut Collected) -> T) -> T {
        // Used by one restore, which is given up when anything in it fails.
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TreeWriter for Nodes {
    fn write_node_batch(&self, batch: &NodeBatch) -> anyhow::Result<()> {
        self.with(|collected| {
            for (key, node) in batch.nodes() {
                let raw_key = match node {
                    Node::Leaf(leaf) => collected.raw_keys.remove(&leaf.key_hash()),
                    _ => Some(Vec::new()),
                };
                let raw_key = raw_key.ok_or_else(|| anyhow::anyhow!("a leaf was never given"))?;
                let encoded = layout::encode_node(node, &raw_key)?;
                let key = layout::node_key(&collected.store, key);
                collected.batch.push((key, Some(encoded)));
            }
            Ok(())
        })
    }
}

impl Store {
    /// Begins to restore the snapshot of a manifest, which [`Manifest::check`] has accepted, into this
    /// store, which is empty. What an earlier restore left is removed.
    ///
    /// # Errors
    /// [`SnapshotError::NotEmpty`], and the database's own.
    pub fn restore(&self, manifest: Manifest, blocks: Blocks) -> Result<Restore, SnapshotError> {
        let height = self.latest().height();
        if height != 0 {
            return Err(SnapshotError::NotEmpty(height));
        }
        let kv = self.inner.kv.as_ref();
        sweep(kv)?;
        kv.commit(vec![(layout::restore_key(), Some(vec![1]))])?;
        let (chunks, given) = channel::<(u32, Vec<u8>)>();
        let (answer, answers) = channel();
        let store = self.clone();
        let thread = thread::spawn(move || {
            let mut work = Work {
                store,
                blocks,
                manifest,
                next: 0,
                open: None,
                nodes: Arc::default(),
            };
            for (index, chunk) in given {
                if answer.send(work.apply(index, &chunk)).is_err() {
                    return;
                }
            }
        });
        Ok(Restore {
            chunks: Some(chunks),
            answers: Mutex::new(answers),
            thread: Some(thread),
        })
    }
}

impl Restore {
    /// Checks the next chunk and writes it. Returns the restored state after the last one: it is
    /// durable, and the store's latest.
    ///
    /// # Errors
    /// [`SnapshotError::Foreign`]: nothing happened, give the right bytes. After any other error the
    /// restore is to be dropped.
    ///
    /// # Panics
    /// When the tree library panicked on what it was given.
    pub fn apply(&mut self, index: u32, chunk: &[u8]) -> Applied {
        let given = self.chunks.as_ref();
        given
            .and_then(|chunks| chunks.send((index, chunk.to_vec())).ok())
            .expect("the restore panicked");
        let answers = self
            .answers
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        answers.recv().expect("the restore panicked")
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        self.chunks = None;
        if let Some(thread) = self.thread.take() {
            // A panic was told to who gave the chunk.
            let _ = thread.join();
        }
    }
}

impl Work {
    fn apply(&mut self, index: u32, chunk: &[u8]) -> Applied {
        self.check(index, chunk)?;
        let lie = |reason: String| SnapshotError::Lie { index, reason };
        let mut batch = Batch::new();
        for part in format::parts(chunk).map_err(lie)? {
            self.advance_to(part.store).map_err(lie)?;
            self.add(&part, &mut batch).map_err(lie)?;
        }
        self.next = self.next.saturating_add(1);
        let is_last = usize::try_from(self.next).ok() == Some(self.manifest.chunks.len());
        if is_last {
            self.advance_to(self.manifest.stores.len()).map_err(lie)?;
        }
        batch.append(&mut self.nodes.with(|nodes| std::mem::take(&mut nodes.batch)));
        self.store.inner.kv.commit(batch)?;
        match is_last {
            true => self.go_live().map(Some),
            false => Ok(None),
        }
    }

    /// Whether these are the bytes that the manifest names next.
    fn check(&self, index: u32, chunk: &[u8]) -> Result<(), SnapshotError> {
        let foreign = |reason: String| Err(SnapshotError::Foreign { index, reason });
        if index != self.next {
            return foreign(format!("expected chunk {}", self.next));
        }
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(expected) = self.manifest.chunks.get(place) else {
            return foreign(format!("there are {}", self.manifest.chunks.len()));
        };
        if chunk.len() > MAX_CHUNK_BYTES {
            return foreign(format!(
                "it has {} bytes, the limit is {MAX_CHUNK_BYTES}",
                chunk.len()
            ));
        }
        let digest = format::hash(chunk);
        if digest != expected.as_slice() {
            return foreign(format!(
                "it has the SHA-256 {}, expected {}",
                hex::encode(digest),
                hex::encode(expected)
            ));
        }
        Ok(())
    }

    /// Finishes the open tree if `store` is another, and begins that one. No store is left out.
    fn advance_to(&mut self, store: usize) -> Result<(), String> {
        let next = match self.open.as_ref() {
            Some((open, _)) if *open == store => return Ok(()),
            Some((open, _)) => open.saturating_add(1),
            None => 0,
        };
        if store != next {
            return Err(format!("it goes on with store {store}, expected {next}"));
        }
        if let Some((_, tree)) = self.open.take() {
            tree.finish().map_err(|error| format!("{error:#}"))?;
        }
        let Some(begun) = self.manifest.stores.get(store) else {
            return Ok(());
        };
        self.nodes.with(|nodes| nodes.store.clone_from(&begun.name));
        let root = RootHash(format::root_of(begun));
        let tree = TreeRestore::new_overwrite(Arc::clone(&self.nodes), VERSION, root);
        self.open = Some((store, tree.map_err(|error| format!("{error:#}"))?));
        Ok(())
    }

    /// Proves a part against its store's root and adds it to what is written.
    fn add(&mut self, part: &Part<'_>, batch: &mut Batch) -> Result<(), String> {
        let Some((store, tree)) = self.open.as_mut() else {
            return Err("it names a store that is not there".into());
        };
        let store = self.manifest.stores.get(*store);
        let name = store.map_or("", |store| store.name.as_str());
        let proof: SparseMerkleRangeProof<Sha256> =
            borsh::from_slice(part.proof).map_err(|error| format!("its proof: {error}"))?;
        let mut leaves = Vec::with_capacity(part.entries.len());
        for (key, value) in &part.entries {
            let hash = KeyHash::with::<Sha256>(key);
            leaves.push((hash, value.to_vec()));
            self.nodes
                .with(|nodes| nodes.raw_keys.insert(hash, key.to_vec()));
            let flat = layout::flat_key(name, key, self.manifest.height);
            batch.push((flat, Some(layout::encode_flat(Some(value)))));
        }
        tree.add_chunk(leaves, proof)
            .map_err(|error| format!("{error:#}"))
    }

    /// Checks every root once more, and makes the state the latest in one batch.
    fn go_live(&mut self) -> Result<Snapshot, SnapshotError> {
        let Manifest {
            height,
            app_hash,
            stores,
            ..
        } = &self.manifest;
        let kv = &self.store.inner.kv;
        let mut roots = BTreeMap::new();
        let mut records = Vec::new();
        for store in stores {
            let root = format::root_of(store);
            if tree::root(kv.as_ref(), &store.name, VERSION)? != Some(root) {
                return Err(SnapshotError::Lie {
                    index: self.next.saturating_sub(1),
                    reason: format!("store {:?} is not complete", store.name),
                });
            }
            roots.insert(store.name.clone().into_bytes(), Some(root.to_vec()));
            records.push(StoreRecord {
                name: store.name.clone(),
                version: VERSION,
                root: root.to_vec(),
            });
        }
        let empty = Base {
            store: "",
            version: 0,
            root: EMPTY_ROOT,
        };
        let root = tree::update(kv.as_ref(), &empty, roots)?;
        let record = HeightRecord {
            app_hash: app_hash.clone(),
            root_version: root.version,
            stores: records,
        };
        let restored = match self.blocks {
            Blocks::None => *height,
            Blocks::Later => 0,
        };
        let meta = Meta {
            format: layout::FORMAT,
            height: *height,
            oldest: *height,
            restored,
        };
        let mut batch: Batch = root
            .nodes
            .into_iter()
            .map(|(key, node)| (key, Some(node)))
            .collect();
        batch.push((layout::height_key(*height), Some(record.encode_to_vec())));
        batch.push((layout::restore_key(), None));
        batch.push((layout::meta_key(), Some(meta.encode_to_vec())));
        kv.commit(batch)?;
        kv.note_durable(*height)?;
        lock(&self.store.inner.pins).oldest = *height;
        self.store.inner.restored.store(restored, Ordering::SeqCst);
        let pin = Pin::new(&self.store.inner.pins, *height)?;
        let snapshot = Snapshot::new(Arc::clone(kv), *height, record, pin)?;
        self.store.set_latest(&snapshot);
        Ok(snapshot)
    }
}

/// Removes what an interrupted restore left, its mark last. Returns whether there was one.
pub(in crate::store) fn sweep(kv: &dyn Kv) -> Result<bool, StoreError> {
    let mark = layout::restore_key();
    if kv.get(&mark)?.is_none() {
        return Ok(false);
    }
    loop {
        let mut batch = Batch::new();
        for entry in kv.range(&[], &[0xff; 64]).take(SWEEP_AT_ONCE) {
            let (key, _) = entry?;
            if key != mark {
                batch.push((key, None));
            }
        }
        if batch.is_empty() {
            break;
        }
        kv.commit(batch)?;
    }
    kv.commit(vec![(mark, None)])?;
    Ok(true)
}
