//! State sync behind CometBFT's interface: which snapshots are offered, and the one restore that may be
//! under way. What a snapshot is and proves: [`crate::store::statesync`].

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use tendermint_proto::v0_38::abci::response_apply_snapshot_chunk::Result as Applied;
use tendermint_proto::v0_38::abci::response_offer_snapshot::Result as Offered;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestLoadSnapshotChunk, RequestOfferSnapshot,
    ResponseApplySnapshotChunk, ResponseListSnapshots, ResponseLoadSnapshotChunk,
    ResponseOfferSnapshot, Snapshot,
};

use crate::app::App;
use crate::store::statesync::format::{hash, Manifest, FORMAT};
use crate::store::statesync::restore::{Blocks, Restore};
use crate::store::statesync::shelf::Shelf;
use crate::store::statesync::SnapshotError;

/// What an application offers and restores.
#[derive(Default)]
pub(crate) struct StateSync {
    shelf: OnceLock<Arc<Shelf>>,
    restore: Mutex<Option<Restore>>,
}

impl App {
    /// Offers the snapshots of a folder to other nodes from now on. The first call counts.
    pub fn offer_snapshots(&self, shelf: Arc<Shelf>) {
        let _ = self.statesync().shelf.set(shelf);
    }
}

/// What other nodes can restore from.
pub(crate) fn list(app: &App) -> ResponseListSnapshots {
    let offered = app.statesync().shelf.get().map(|shelf| {
        let offered = shelf.offered(app.latest().height()).into_iter();
        offered.map(|(bytes, manifest)| Snapshot {
            height: manifest.height,
            format: FORMAT,
            chunks: u32::try_from(manifest.chunks.len()).unwrap_or(u32::MAX),
            hash: hash(&bytes).to_vec().into(),
            metadata: bytes.into(),
        })
    });
    ResponseListSnapshots {
        snapshots: offered.into_iter().flatten().collect(),
    }
}

/// A chunk for another node; empty when it is not there, which that node refuses and asks elsewhere.
pub(crate) fn load(app: &App, request: &RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
    let shelf = app.statesync().shelf.get();
    let shelf = shelf.filter(|_| request.format == FORMAT);
    let chunk = shelf.and_then(|shelf| shelf.chunk(request.height, request.chunk));
    ResponseLoadSnapshotChunk {
        chunk: chunk.map(Bytes::from).unwrap_or_default(),
    }
}

/// Decides on a snapshot that others offer; `app_hash` is what the light client verified. Nothing of a
/// state is fetched before its manifest has that app hash.
pub(crate) fn offer(app: &App, request: RequestOfferSnapshot) -> ResponseOfferSnapshot {
    let answer = match begin(app, request) {
        Ok(()) => Offered::Accept,
        Err(Refused::Format(format)) => {
            tracing::warn!(format, expected = FORMAT, "a snapshot of another format");
            Offered::RejectFormat
        }
        Err(Refused::Because(error @ SnapshotError::Manifest(_))) => {
            tracing::warn!(%error, "a snapshot is refused with those who offer it");
            Offered::RejectSender
        }
        Err(Refused::Because(error)) => {
            tracing::error!(%error, "no snapshot can be restored");
            Offered::Abort
        }
    };
    ResponseOfferSnapshot {
        result: answer.into(),
    }
}

enum Refused {
    Format(u32),
    Because(SnapshotError),
}

impl From<SnapshotError> for Refused {
    fn from(error: SnapshotError) -> Self {
        Self::Because(error)
    }
}

fn begin(app: &App, request: RequestOfferSnapshot) -> Result<(), Refused> {
    let refused = |reason: &str| SnapshotError::Manifest(reason.to_owned());
    let offered = request
        .snapshot
        .ok_or_else(|| refused("there is no snapshot in the offer"))?;
    if offered.format != FORMAT {
        return Err(Refused::Format(offered.format));
    }
    let manifest = Manifest::check(&offered.metadata)?;
    if hash(&offered.metadata).as_slice() != offered.hash {
        return Err(refused("it does not have the hash that it is offered under").into());
    }
    let chunks = usize::try_from(offered.chunks).unwrap_or(usize::MAX);
    if (manifest.height, manifest.chunks.len()) != (offered.height, chunks) {
        return Err(refused("it is of another height or size than it is offered under").into());
    }
    if manifest.app_hash != request.app_hash {
        return Err(refused("it is not the state that the light client verified").into());
    }
    tracing::info!(
        height = manifest.height,
        chunks,
        bytes = manifest.bytes,
        "restoring a snapshot"
    );
    let mut slot = restore_slot(app);
    *slot = None;
    *slot = Some(app.store().restore(manifest, Blocks::None)?);
    Ok(())
}

fn restore_slot(app: &App) -> std::sync::MutexGuard<'_, Option<Restore>> {
    let restore = app.statesync().restore.lock();
    // A restore in which something panicked is dropped by the next offer.
    restore.unwrap_or_else(PoisonError::into_inner)
}

/// Takes the next chunk of the snapshot that is being restored.
pub(crate) fn apply(app: &App, request: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
    let mut slot = restore_slot(app);
    // Taken out: should this panic, nothing half done is gone on with.
    let Some(mut restore) = slot.take() else {
        return answer(Applied::Abort);
    };
    let sender = || vec![request.sender.clone()];
    match restore.apply(request.index, &request.chunk) {
        Ok(None) => {
            *slot = Some(restore);
            answer(Applied::Accept)
        }
        Ok(Some(snapshot)) => {
            tracing::info!(height = snapshot.height(), "the state was restored");
            app.restored();
            answer(Applied::Accept)
        }
        Err(error @ SnapshotError::Foreign { .. }) => {
            tracing::warn!(%error, sender = request.sender, "a chunk is fetched again elsewhere");
            *slot = Some(restore);
            ResponseApplySnapshotChunk {
                refetch_chunks: vec![request.index],
                reject_senders: sender(),
                ..answer(Applied::Retry)
            }
        }
        Err(error @ SnapshotError::Lie { .. }) => {
            tracing::warn!(%error, sender = request.sender, "a snapshot is refused");
            ResponseApplySnapshotChunk {
                reject_senders: sender(),
                ..answer(Applied::RejectSnapshot)
            }
        }
        Err(error) => {
            tracing::error!(%error, "the restore is given up");
            answer(Applied::Abort)
        }
    }
}

fn answer(result: Applied) -> ResponseApplySnapshotChunk {
    ResponseApplySnapshotChunk {
        result: result.into(),
        ..ResponseApplySnapshotChunk::default()
    }
}
