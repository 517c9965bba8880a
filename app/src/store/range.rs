//! Ordered walks over one store at one height.

use super::kv::{Entry, EntryIter, Kv};
use super::{layout, StoreError};

/// A height or a key, and the value written there; `None` says that the key was deleted.
pub(super) type Versioned<T> = (T, Option<Vec<u8>>);

/// An ordered walk over one store at one height.
pub struct Range<'a> {
    entries: Box<dyn EntryIter + 'a>,
    store: String,
    height: u64,
    reversed: bool,
    /// Forwards: the key last decided. Backwards: the newest version so far of the key at hand.
    current: Option<Versioned<Vec<u8>>>,
    failed: bool,
}

impl<'a> Range<'a> {
    pub(super) fn new(
        kv: &'a dyn Kv,
        height: u64,
        store: &str,
        (from, to): (&[u8], Option<&[u8]>),
        reversed: bool,
    ) -> Self {
        let (start, end) = layout::flat_range(store, from, to);
        Self {
            entries: kv.range(&start, &end),
            store: store.to_string(),
            height,
            reversed,
            current: None,
            failed: false,
        }
    }

    /// The next version of any key at or below the height: raw key and value.
    fn version(&mut self) -> Result<Option<Versioned<Vec<u8>>>, StoreError> {
        loop {
            let entry = if self.reversed {
                self.entries.next_back()
            } else {
                self.entries.next()
            };
            let Some((physical, stored)) = entry.transpose()? else {
                return Ok(None);
            };
            let (key, height) = layout::parse_flat_key(&self.store, &physical)?;
            if height <= self.height {
                return Ok(Some((key, layout::decode_flat(stored)?)));
            }
        }
    }

    /// Versions of a key come newest first: the first one decides.
    fn forwards(&mut self) -> Result<Option<Entry>, StoreError> {
        while let Some((key, value)) = self.version()? {
            if self.current.as_ref().is_some_and(|(last, _)| *last == key) {
                continue;
            }
            self.current = Some((key.clone(), None));
            if let Some(value) = value {
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }

    /// Versions of a key come oldest first: the last one before another key decides.
    fn backwards(&mut self) -> Result<Option<Entry>, StoreError> {
        loop {
            let next = self.version()?;
            let over = next.is_none();
            let same_key = match (&self.current, &next) {
                (Some((current, _)), Some((key, _))) => current == key,
                _ => false,
            };
            let decided = std::mem::replace(&mut self.current, next);
            match decided {
                Some((key, Some(value))) if !same_key => return Ok(Some((key, value))),
                _ if over => return Ok(None),
                _ => {}
            }
        }
    }
}

impl Iterator for Range<'_> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let found = if self.reversed {
            self.backwards()
        } else {
            self.forwards()
        };
        self.failed = found.is_err();
        found.transpose()
    }
}
