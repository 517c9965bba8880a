//! Joining a network by state sync: what is begun again after an interruption, and what is said while it
//! takes its time.
//!
//! CometBFT cannot start on a state that came by state sync before it has the first block after it: the
//! votes of that height, with their extensions, come only with that block. So until the application has
//! executed a block, a restart begins the state sync again; nothing but time is lost by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use race_app::app::App;
use race_app::store::{Engine, Kv, Store, StoreError};

use crate::config::Config;
use crate::node::Failure;

/// What CometBFT keeps of blocks below `data/`. Its keys, and what the validator signed last, are not
/// among it.
const COMET_DATA: &[&str] = &[
    "blockstore.db",
    "state.db",
    "evidence.db",
    "tx_index.db",
    "cs.wal",
];

/// How often a node that waits for a snapshot says so.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// Where the state lies below a home.
pub fn state_folder(home: &Path) -> PathBuf {
    home.join("data").join("state")
}

/// Opens the state of a home; `through` is what stands between it and its database. A state that came by state sync and has had no block since is removed with
/// what CometBFT has of it: it is fetched again.
///
/// # Errors
/// The database does not open, or what is to be removed cannot be.
pub fn open_store(
    home: &Path,
    config: &Config,
    through: impl Fn(Arc<dyn Kv>) -> Arc<dyn Kv>,
) -> Result<Store, Failure> {
    let engine = Engine::from(config.store.backend);
    let path = state_folder(home);
    // Renamed before it is removed: half a database would not open.
    let gone = path.with_extension("gone");
    remove(&gone)?;
    let keep = config.store.keep_versions;
    let open = || Engine::open_store_in(through(engine.open(&path)?), &path, keep);
    let store = open()?;
    let height = store.latest().height();
    if height == 0 || store.restored_height() != Some(height) {
        return Ok(store);
    }
    tracing::warn!(
        height,
        "the node ended between a state sync and its first block: the state sync begins again"
    );
    drop(store);
    // CometBFT's part first: while the state is there, this is repeated.
    for name in COMET_DATA {
        remove(&home.join("data").join(name))?;
    }
    std::fs::rename(&path, &gone)?;
    remove(&gone)?;
    let open: Result<Store, StoreError> = open();
    Ok(open?)
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", path.display()).into())
        }
        _ => Ok(()),
    }
}

/// Says every half minute that no snapshot is restored yet, and what else can be done. Ends with the
/// first state.
pub async fn say_while_waiting(app: Arc<App>) {
    loop {
        tokio::time::sleep(SAY_EVERY).await;
        if app.latest().height() > 0 {
            return;
        }
        tracing::warn!(
            "state sync: no snapshot is restored yet. Peers offer one every [state-sync] \
             snapshot-interval blocks; `raced start --replay` replays every block instead"
        );
    }
}

/// What to do after a failed state sync.
pub fn failed(reason: &str) -> Failure {
    format!(
        "state sync failed: {reason}. Nothing was kept. Start again, with newer trust-height and \
         trust-hash of [state-sync] if the header is not trusted; `raced start --replay` replays every \
         block instead"
    )
    .into()
}

#[cfg(test)]
mod tests {
    use race_app::store::statesync::format::{Limits, Manifest};
    use race_app::store::statesync::restore::Blocks;
    use race_app::store::statesync::take::take;
    use race_app::store::MemKv;

    use super::*;

    fn a_state() -> (Manifest, Vec<u8>) {
        let store = Store::open(Arc::new(MemKv::new())).unwrap();
        let changes = [(("bank", b"key".to_vec()), Some(b"value".to_vec()))];
        let prepared = store.prepare(5, changes).unwrap();
        let snapshot = store.commit(prepared).unwrap();
        let mut chunk = Vec::new();
        let manifest = take(&snapshot, Limits::default(), |bytes| {
            chunk = bytes.to_vec();
            Ok(())
        });
        (manifest.unwrap(), chunk)
    }

    fn home_after_a_restore(blocks: Blocks) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for name in ["blockstore.db", "cs.wal"] {
            std::fs::create_dir_all(home.path().join("data").join(name)).unwrap();
        }
        std::fs::write(home.path().join("data/priv_validator_state.json"), "{}").unwrap();
        let store = open_store(home.path(), &Config::default(), |database| database).unwrap();
        let (manifest, chunk) = a_state();
        let mut restore = store.restore(manifest, blocks).unwrap();
        restore.apply(0, &chunk).unwrap().unwrap();
        home
    }

    #[test]
    fn a_state_sync_without_a_block_after_it_begins_again() {
        let home = home_after_a_restore(Blocks::None);
        let store = open_store(home.path(), &Config::default(), |database| database).unwrap();
        assert_eq!(store.latest().height(), 0);
        let data = home.path().join("data");
        assert!(!data.join("blockstore.db").exists() && !data.join("cs.wal").exists());
        assert!(data.join("priv_validator_state.json").exists());
        assert!(!data.join("state.gone").exists());
    }

    #[test]
    fn with_a_block_after_it_everything_stays() {
        let home = home_after_a_restore(Blocks::None);
        let engine = Engine::from(Config::default().store.backend);
        let store = engine.open_store(&state_folder(home.path()), 2).unwrap();
        let changes = [(("bank", b"key".to_vec()), Some(b"other".to_vec()))];
        store.commit(store.prepare(6, changes).unwrap()).unwrap();
        drop(store);
        let store = open_store(home.path(), &Config::default(), |database| database).unwrap();
        assert_eq!(store.latest().height(), 6);
        assert!(home.path().join("data/blockstore.db").exists());
    }

    #[test]
    fn a_state_that_was_restored_beside_its_blocks_stays() {
        let home = home_after_a_restore(Blocks::Later);
        let store = open_store(home.path(), &Config::default(), |database| database).unwrap();
        assert_eq!(store.latest().height(), 5);
        assert!(home.path().join("data/blockstore.db").exists());
    }
}
