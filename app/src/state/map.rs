//! Typed access: every key of a module is a [`Map`] or an [`Item`] in its `keys.rs`.
//!
//! A key is `prefix/` in ASCII, then order-preserving fields, so that the order of keys is the
//! order of what they name. A value is a protobuf message.

use std::marker::PhantomData;

use prost::Message;

use super::{State, StoreName};

/// What a message with all fields at their defaults is stored as: field 15, varint 0, which every
/// decoder skips. An empty value could not be proven (ICS-23).
const DEFAULT_VALUE: [u8; 2] = [0x78, 0x00];

/// A part of a key with an order-preserving encoding that needs no separator.
pub trait Key: Sized {
    /// Appends the encoding.
    fn write(&self, to: &mut Vec<u8>);
    /// Reads it back from the front; `None` when the bytes are no such key.
    fn read(from: &mut &[u8]) -> Option<Self>;
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*head)
}

impl Key for u64 {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_be_bytes());
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        take(from).map(Self::from_be_bytes)
    }
}

impl Key for u32 {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_be_bytes());
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        take(from).map(Self::from_be_bytes)
    }
}

impl<const N: usize> Key for [u8; N] {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        take(from)
    }
}

/// Text ends with a zero byte, which it may not contain.
impl Key for String {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_bytes());
        to.push(0);
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        let end = from.iter().position(|b| *b == 0)?;
        let text = std::str::from_utf8(from.get(..end)?).ok()?.to_owned();
        *from = from.get(end.checked_add(1)?..)?;
        Some(text)
    }
}

impl Key for () {
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

macro_rules! tuple_key {
    ($($name:ident . $index:tt),+) => {
        impl<$($name: Key),+> Key for ($($name,)+) {
            fn write(&self, to: &mut Vec<u8>) {
                $(self.$index.write(to);)+
            }
            fn read(from: &mut &[u8]) -> Option<Self> {
                Some(($($name::read(from)?,)+))
            }
        }
    };
}
tuple_key!(A.0, B.1);
tuple_key!(A.0, B.1, C.2);
tuple_key!(A.0, B.1, C.2, D.3);

/// A typed, ordered map in a module's store.
pub struct Map<K, V> {
    store: StoreName,
    prefix: &'static str,
    marker: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Message + Default> Map<K, V> {
    /// A map under `prefix/`. A prefix is used once in a store.
    pub const fn new(store: StoreName, prefix: &'static str) -> Self {
        Self {
            store,
            prefix,
            marker: PhantomData,
        }
    }

    /// The raw key of an entry.
    pub fn raw_key(&self, key: &K) -> Vec<u8> {
        self.raw_prefix(key)
    }

    fn raw_prefix(&self, part: &impl Key) -> Vec<u8> {
        let mut raw = Vec::with_capacity(64);
        raw.extend_from_slice(self.prefix.as_bytes());
        raw.push(b'/');
        part.write(&mut raw);
        raw
    }

    fn decode(&self, raw: &[u8]) -> V {
        V::decode(raw).unwrap_or_else(|e| {
            panic!(
                "state is damaged: {}/{} does not decode: {e}",
                self.store, self.prefix
            )
        })
    }

    /// The value of a key.
    pub fn get(&self, state: &State, key: &K) -> Option<V> {
        state
            .get(self.store, &self.raw_key(key))
            .map(|raw| self.decode(&raw))
    }

    /// Whether a key is there.
    pub fn has(&self, state: &State, key: &K) -> bool {
        state.get(self.store, &self.raw_key(key)).is_some()
    }

    /// Sets a value.
    pub fn put(&self, state: &mut State, key: &K, value: &V) {
        let mut raw = value.encode_to_vec();
        if raw.is_empty() {
            raw = DEFAULT_VALUE.to_vec();
        }
        state.put(self.store, self.raw_key(key), raw);
    }

    /// Removes a key.
    pub fn remove(&self, state: &mut State, key: &K) {
        state.delete(self.store, self.raw_key(key));
    }

    /// All entries, in key order.
    pub fn all(&self, state: &State) -> Vec<(K, V)> {
        self.under(state, &())
    }

    /// All entries whose key starts with the given first fields, in key order.
    pub fn under(&self, state: &State, first: &impl Key) -> Vec<(K, V)> {
        self.read(state.scan(self.store, &self.raw_prefix(first)))
    }

    /// The first entries, at most `count`, in key order.
    pub fn first(&self, state: &State, count: usize) -> Vec<(K, V)> {
        self.read(state.first(self.store, &self.raw_prefix(&()), count))
    }

    fn read(&self, entries: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<(K, V)> {
        let skip = self.prefix.len().saturating_add(1);
        entries
            .into_iter()
            .map(|(raw, value)| {
                let key = raw.get(skip..).and_then(|mut rest| K::read(&mut rest));
                let key = key.unwrap_or_else(|| {
                    panic!(
                        "state is damaged: a key under {}/{}",
                        self.store, self.prefix
                    )
                });
                (key, self.decode(&value))
            })
            .collect()
    }

    /// The values of [`Map::under`].
    pub fn values_under(&self, state: &State, first: &impl Key) -> Vec<V> {
        self.under(state, first)
            .into_iter()
            .map(|(_, value)| value)
            .collect()
    }

    /// Removes all entries whose key starts with the given first fields.
    pub fn remove_under(&self, state: &mut State, first: &impl Key) {
        for (raw, _) in state.scan(self.store, &self.raw_prefix(first)) {
            state.delete(self.store, raw);
        }
    }

    /// Removes entries whose key starts with the given first fields, no more than are `left` to remove in this
    /// block, and counts them off.
    pub fn forget_under(&self, state: &mut State, first: &impl Key, left: &mut usize) {
        let entries = state.first(self.store, &self.raw_prefix(first), *left);
        *left = left.saturating_sub(entries.len());
        for (raw, _) in entries {
            state.delete(self.store, raw);
        }
    }
}

/// A single typed value in a module's store.
pub struct Item<V>(Map<(), V>);

impl<V: Message + Default> Item<V> {
    /// The value under `prefix/`.
    pub const fn new(store: StoreName, prefix: &'static str) -> Self {
        Self(Map::new(store, prefix))
    }

    /// The value, if it was set.
    pub fn get(&self, state: &State) -> Option<V> {
        self.0.get(state, &())
    }

    /// The value, or its default.
    pub fn get_or_default(&self, state: &State) -> V {
        self.get(state).unwrap_or_default()
    }

    /// Sets the value.
    pub fn put(&self, state: &mut State, value: &V) {
        self.0.put(state, &(), value);
    }

    /// Removes it.
    pub fn remove(&self, state: &mut State) {
        self.0.remove(state, &());
    }
}

/// A counter: ids and account numbers.
impl Item<u64> {
    /// Returns the next id, starting at `first`, and counts it.
    pub fn next(&self, state: &mut State, first: u64) -> u64 {
        let id = self.get(state).unwrap_or(first);
        let after = id.checked_add(1).expect("2^64 ids are never used up");
        self.put(state, &after);
        id
    }
}
