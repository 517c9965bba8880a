//! The finds file: what was tried and found in one race, on disk as it is found.
//!
//! An append-only file of records of 49 bytes after a header of 46:
//!
//! ```text
//! header  "race finds 1\n\n" | SHA-256("race/finds/v1" | preset | race seed | public key)
//! found   'F' | nonce (u64 LE) | leaf hash (32)               | check (8)
//! tried   'T' | first nonce (u64 LE) | end (u64 LE) | 0 (24)  | check (8)
//! ```
//!
//! `check` is the start of SHA-256 over the header's digest and the record, so a record of another
//! race, or half a record, is none. Reading ends at the first that is none: what comes after a torn
//! record is dropped, and the next record is written in its place.
//!
//! A batch's finds are written before the record that says that it was tried, in one write. So a batch
//! is tried again when it was cut short, never skipped; and since no nonce is written twice, **a count
//! names a set of leaves: the first `count` of the file**. A root that is on chain can be opened after
//! any crash, whatever was found after it.
//!
//! Every write has reached the kernel when `record` returns, so a killed process loses nothing of it.
//! What a power failure may take is bounded: the file is synced once a second while it grows,
//! and before a root over it is handed out.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use race::proof::Leaf;
use sha2::{Digest, Sha256};

use super::nonces::Nonces;
use crate::comet::files::{self, FileError};

const MAGIC: &[u8; 14] = b"race finds 1\n\n";
const HEADER_BYTES: usize = MAGIC.len() + 32;
const BODY_BYTES: usize = 41;
const CHECK_BYTES: usize = 8;
const RECORD_BYTES: usize = BODY_BYTES + CHECK_BYTES;
const FOUND: u8 = b'F';
const TRIED: u8 = b'T';

/// Most that a power failure takes.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Which race, and whose: finds of another one are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Of([u8; 32]);

impl Of {
    /// The race of `preset` under `seed`, as run by the holder of `public_key`.
    pub fn new(preset: &str, seed: &[u8; 32], public_key: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"race/finds/v1");
        hash.update(preset.as_bytes());
        hash.update(seed);
        hash.update(public_key);
        Self(hash.finalize().into())
    }

    fn header(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &self.0].concat()
    }

    fn check(&self, body: &[u8]) -> [u8; CHECK_BYTES] {
        let digest = Sha256::new().chain_update(self.0).chain_update(body);
        let mut check = [0; CHECK_BYTES];
        check.copy_from_slice(&digest.finalize()[..CHECK_BYTES]);
        check
    }

    fn record(&self, kind: u8, nonce: u64, payload: &[u8; 32], bytes: &mut Vec<u8>) {
        let mut body = [0; BODY_BYTES];
        body[0] = kind;
        body[1..9].copy_from_slice(&nonce.to_le_bytes());
        body[9..].copy_from_slice(payload);
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&self.check(&body));
    }
}

/// What was tried and found.
#[derive(Debug, Clone, Default)]
pub struct Finds {
    leaves: Vec<Leaf>,
    known: BTreeSet<u64>,
    tried: Nonces,
}

impl Finds {
    /// The leaves in the order in which they were written, each nonce once.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The nonces that were tried.
    pub fn tried(&self) -> &Nonces {
        &self.tried
    }

    fn add(&mut self, leaf: Leaf) -> bool {
        let new = self.known.insert(leaf.nonce);
        if new {
            self.leaves.push(leaf);
        }
        new
    }

    /// The finds in `bytes` of a file, and the length of what is good in it; `None` when it is not
    /// a finds file of that race.
    fn parse(of: &Of, bytes: &[u8]) -> Option<(Self, usize)> {
        let records = bytes.strip_prefix(of.header().as_slice())?;
        let mut finds = Self::default();
        let mut good = HEADER_BYTES;
        for record in records.chunks_exact(RECORD_BYTES) {
            let (body, check) = record.split_at(BODY_BYTES);
            if of.check(body) != check {
                break;
            }
            let u64_at = |at: usize| {
                let mut word = [0; 8];
                word.copy_from_slice(&body[at..at + 8]);
                u64::from_le_bytes(word)
            };
            let nonce = u64_at(1);
            match body[0] {
                FOUND => {
                    let mut hash = [0; 32];
                    hash.copy_from_slice(&body[9..]);
                    finds.add(Leaf { nonce, hash });
                }
                TRIED => finds.tried.insert(nonce..u64_at(9)),
                _ => break,
            }
            good += RECORD_BYTES;
        }
        Some((finds, good))
    }

    /// Reads a file that another process may be writing; `None` when it is not a finds file of that
    /// race (or not yet).
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path, of: &Of) -> Result<Option<Self>, FileError> {
        let bytes = std::fs::read(path).map_err(FileError::of("read", path))?;
        Ok(Self::parse(of, &bytes).map(|(finds, _)| finds))
    }
}

/// The finds file of this process, open for writing.
#[derive(Debug)]
pub struct Log {
    of: Of,
    path: PathBuf,
    file: File,
    /// Where the next record goes.
    end: u64,
    /// Records that a full disk refused; they are written with the next.
    pending: Vec<u8>,
    synced: Instant,
    finds: Finds,
}

impl Log {
    /// Opens the file of a race, or makes it. A torn end is cut off. A file of another race (of a
    /// chain that was here before) is replaced: nobody can ask for its leaves any more.
    ///
    /// # Errors
    /// The file cannot be read or written, or another process is writing it.
    pub fn open(path: &Path, of: Of) -> Result<Self, FileError> {
        if let Some(folder) = path.parent() {
            files::create_private_dir(folder)?;
        }
        let write = FileError::of("write", path);
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(files::PRIVATE)
            .open(path);
        let open = || {
            let mut file = opened?;
            // Two writers would write over each other.
            file.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => io::Error::other("another process is writing it"),
                TryLockError::Error(error) => error,
            })?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let (finds, end) = match Finds::parse(&of, &bytes) {
                Some((finds, end)) => {
                    if end < bytes.len() {
                        tracing::warn!(path = %path.display(), bytes = bytes.len() - end, "the end of the finds file was torn and is dropped");
                    }
                    file.set_len(end as u64)?;
                    (finds, end)
                }
                None => {
                    if bytes.len() >= HEADER_BYTES {
                        tracing::warn!(path = %path.display(), "a finds file of another race is replaced");
                    }
                    file.set_len(0)?;
                    file.write_all_at(&of.header(), 0)?;
                    (Finds::default(), HEADER_BYTES)
                }
            };
            file.sync_all()?;
            if let Some(folder) = path.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok((file, finds, end as u64))
        };
        let (file, finds, end) = open().map_err(write)?;
        Ok(Self {
            of,
            path: path.to_owned(),
            file,
            end,
            pending: Vec::new(),
            synced: Instant::now(),
            finds,
        })
    }

    /// What is in it.
    pub fn finds(&self) -> &Finds {
        &self.finds
    }

    /// Appends what a batch found, then that it was tried. Leaves that are known are left out. What
    /// cannot be written stays in memory and is written with the next record.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn record(
        &mut self,
        found: impl IntoIterator<Item = Leaf>,
        tried: Range<u64>,
    ) -> Result<(), FileError> {
        for leaf in found {
            if self.finds.add(leaf) {
                self.of
                    .record(FOUND, leaf.nonce, &leaf.hash, &mut self.pending);
            }
        }
        if !tried.is_empty() {
            let mut payload = [0; 32];
            payload[..8].copy_from_slice(&tried.end.to_le_bytes());
            self.of
                .record(TRIED, tried.start, &payload, &mut self.pending);
            self.finds.tried.insert(tried);
        }
        self.write()?;
        if self.synced.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), FileError> {
        // At a place of its own, so that what a failed write left is written over.
        self.file
            .write_all_at(&self.pending, self.end)
            .map_err(FileError::of("write", &self.path))?;
        self.end += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Returns once everything recorded would survive a power failure.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn sync(&mut self) -> Result<(), FileError> {
        self.write()?;
        self.file
            .sync_data()
            .map_err(FileError::of("write", &self.path))?;
        self.synced = Instant::now();
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is being started holds a copy of the file for a
        // moment, and the lock with it. A lock that stays is one that the next opening names.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(race: u8) -> Of {
        Of::new("tiny", &[race; 32], &[1; 32])
    }

    fn leaf(nonce: u64) -> Leaf {
        let hash = Sha256::digest(nonce.to_le_bytes()).into();
        Leaf { nonce, hash }
    }

    fn written(folder: &Path, batches: &[(&[u64], Range<u64>)]) -> PathBuf {
        let path = folder.join("1-1.finds");
        let mut log = Log::open(&path, of(1)).unwrap();
        for (found, tried) in batches {
            let found = found.iter().map(|&nonce| leaf(nonce));
            log.record(found, tried.clone()).unwrap();
        }
        path
    }

    fn nonces(finds: &Finds) -> Vec<u64> {
        finds.leaves().iter().map(|leaf| leaf.nonce).collect()
    }

    #[test]
    fn a_file_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1-1.finds");
        let first = Log::open(&path, of(1)).unwrap();
        let refused = Log::open(&path, of(1)).unwrap_err().to_string();
        assert!(refused.contains("another process"), "{refused}");
        drop(first);
        Log::open(&path, of(1)).unwrap();
    }

    #[test]
    fn what_was_recorded_is_there_after_the_process_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        // Out of order, as several workers write.
        let path = written(folder.path(), &[(&[250], 200..300), (&[7, 90], 0..100)]);
        let log = Log::open(&path, of(1)).unwrap();
        assert_eq!(log.finds().leaves(), [leaf(250), leaf(7), leaf(90)]);
        let left = log.finds().tried().missing_from(0..300);
        assert_eq!(left, Nonces::default().missing_from(100..200));
    }

    #[test]
    fn a_torn_end_is_dropped_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[(&[3], 0..10), (&[14], 10..20)]);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut log = Log::open(&path, of(1)).unwrap();
            let records = cut.saturating_sub(HEADER_BYTES) / RECORD_BYTES;
            let expected: &[u64] = [&[][..], &[3], &[3], &[3, 14]][records];
            assert_eq!(nonces(log.finds()), expected, "cut at {cut}");
            // Never skipped: a batch counts as tried only with all of its finds.
            let tried = log.finds().tried().clone();
            assert_eq!(tried.len(), [0, 0, 10, 10][records], "cut at {cut}");
            log.record([leaf(14), leaf(25)], 10..30).unwrap();
            drop(log);
            let again = Log::open(&path, of(1)).unwrap();
            assert_eq!(
                nonces(again.finds()),
                [expected_with(expected), vec![25]].concat()
            );
        }
    }

    fn expected_with(before: &[u64]) -> Vec<u64> {
        let mut all = before.to_vec();
        if !all.contains(&14) {
            all.push(14);
        }
        all
    }

    #[test]
    fn a_record_that_was_changed_ends_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[(&[3], 0..10), (&[14], 10..20)]);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[HEADER_BYTES + 2 * RECORD_BYTES + 12] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let finds = Finds::read(&path, &of(1)).unwrap().unwrap();
        assert_eq!(nonces(&finds), [3]);
        assert_eq!(finds.tried().len(), 10);
    }

    #[test]
    fn a_nonce_that_is_found_again_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[(&[3, 5], 0..8)]);
        let length = std::fs::metadata(&path).unwrap().len();
        let mut log = Log::open(&path, of(1)).unwrap();
        log.record([leaf(3), leaf(5)], 0..0).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), length);
        assert_eq!(nonces(log.finds()), [3, 5]);
    }

    #[test]
    fn finds_of_another_race_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &[(&[3], 0..10)]);
        assert!(Finds::read(&path, &of(2)).unwrap().is_none());
        // The node's own file of that name is of a chain that is gone.
        let log = Log::open(&path, of(2)).unwrap();
        assert!(log.finds().leaves().is_empty());
        assert!(Finds::read(&path, &of(1)).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn a_count_names_the_same_leaves_before_and_after_a_crash(
            batches in proptest::collection::vec(proptest::collection::vec(0u64..500, 0..6), 1..12),
            cut in 0usize..2_000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("1-1.finds");
            let mut log = Log::open(&path, of(1)).unwrap();
            for (at, batch) in batches.iter().enumerate() {
                let at = at as u64;
                log.record(batch.iter().map(|&n| leaf(n)), at..at + 1).unwrap();
            }
            let before = log.finds().leaves().to_vec();
            drop(log);
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..cut.min(bytes.len())]).unwrap();
            let after = Log::open(&path, of(1)).unwrap();
            let kept = after.finds().leaves();
            prop_assert_eq!(kept, &before[..kept.len()]);
        }
    }
}
