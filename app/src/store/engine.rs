//! The durable engines by name.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{FjallKv, Kv, SledKv, Store, StoreError};

/// A durable engine. A folder belongs to the engine that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// fjall 3.
    Fjall,
    /// sled 0.34.
    Sled,
}

impl Engine {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::Fjall, Self::Sled];

    /// Its name in configuration, and in its folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
        }
    }

    /// Opens or creates the database in the folder `path`.
    ///
    /// # Errors
    /// [`StoreError::OtherEngine`] if another engine made the folder, [`StoreError::Open`] if it
    /// does not open. Nothing is repaired or deleted.
    pub fn open(self, path: &Path) -> Result<Arc<dyn Kv>, StoreError> {
        Ok(match self {
            Self::Fjall => Arc::new(FjallKv::open(path)?),
            Self::Sled => Arc::new(SledKv::open(path)?),
        })
    }

    /// Opens the store in the folder `path`, keeping `keep_versions` heights.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`Store::open_keeping`]; what the store finds damaged is told
    /// with its folder.
    pub fn open_store(self, path: &Path, keep_versions: u64) -> Result<Store, StoreError> {
        Self::open_store_in(self.open(path)?, path, keep_versions)
    }

    /// As [`open_store`](Self::open_store), in the folder's database that was opened before.
    ///
    /// # Errors
    /// As [`open_store`](Self::open_store).
    pub fn open_store_in(
        kv: Arc<dyn Kv>,
        path: &Path,
        keep_versions: u64,
    ) -> Result<Store, StoreError> {
        Store::open_keeping(kv, keep_versions).map_err(|error| match error {
            StoreError::Damaged(reason) => StoreError::Open {
                path: path.to_path_buf(),
                reason,
            },
            other => other,
        })
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
