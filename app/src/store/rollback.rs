//! Going back to a kept height, for an operator whose node went wrong.

use prost::Message;

use super::kv::{Batch, Kv};
use super::{check_roots, layout, read_meta, read_record, Store, StoreError};

impl Store {
    /// Makes the kept height `height` the latest of the closed store in `kv`, and deletes what later
    /// heights wrote, in one atomic batch. CometBFT then replays the blocks after it. Returns the
    /// app hash of `height`.
    ///
    /// Reads every key once: values are not listed by height.
    ///
    /// # Errors
    /// [`StoreError::Future`] above the latest height, [`StoreError::Pruned`] below the oldest, and
    /// the database's own.
    pub fn roll_back(kv: &dyn Kv, height: u64) -> Result<[u8; 32], StoreError> {
        let meta = read_meta(kv)?.unwrap_or_default();
        if height > meta.height {
            return Err(StoreError::Future {
                height,
                latest: meta.height,
            });
        }
        if height < meta.oldest || height == 0 {
            return Err(StoreError::Pruned {
                height,
                oldest: meta.oldest,
            });
        }
        let record = read_record(kv, height)?;
        check_roots(kv, &record)?;
        let mut ranges = vec![layout::nodes_after("", record.root_version)];
        for later in height.saturating_add(1)..=meta.height {
            ranges.push(layout::stale_range(later));
            let key = layout::height_key(later);
            ranges.push((key.clone(), [key.as_slice(), &[0]].concat()));
        }
        // The latest record has every store that ever was, also those younger than `height`.
        let latest = read_record(kv, meta.height)?;
        let mut batch = Batch::new();
        for store in &latest.stores {
            let kept = record.store(&store.name).map_or(0, |kept| kept.version);
            ranges.push(layout::nodes_after(&store.name, kept));
            let (from, to) = layout::flat_range(&store.name, &[], None);
            for entry in kv.range(&from, &to) {
                let (physical, _) = entry?;
                if layout::parse_flat_key(&store.name, &physical)?.1 > height {
                    batch.push((physical, None));
                }
            }
        }
        for (from, to) in ranges {
            for entry in kv.range(&from, &to) {
                batch.push((entry?.0, None));
            }
        }
        let meta = layout::Meta { height, ..meta };
        batch.push((layout::meta_key(), Some(meta.encode_to_vec())));
        // Before the batch: the noted height is never above what is durable.
        kv.note_durable(height)?;
        kv.commit(batch)?;
        record.app_hash()
    }
}
