//! What a fuzzer's bytes stand for: choices, numbers and edits of something valid.

// Each target uses its part of it.
#![allow(dead_code)]

/// Bytes that are zero where they end.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte, if there is one.
    pub fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// A number below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        (usize::from(self.byte()) | usize::from(self.byte()) << 8) % count
    }

    /// One of these.
    pub fn one_of<'b, T>(&mut self, all: &'b [T]) -> &'b T {
        &all[self.below(all.len())]
    }

    /// A number, often one at an edge.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=127 => u64::from(small),
            128..=159 => u64::MAX - u64::from(self.byte()),
            160..=191 => u64::MAX / 2 + u64::from(self.byte() % 3),
            _ => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    /// A run of bytes with its length before it.
    pub fn run(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (run, rest) = self.0.split_at(length);
        self.0 = rest;
        run
    }

    /// A text; what is no UTF-8 is replaced.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.run()).into_owned()
    }

    /// Changes, repeats or removes bytes of something valid, until the input ends.
    pub fn edit(&mut self, bytes: &mut Vec<u8>) {
        while let Some(kind) = self.next() {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match kind % 5 {
                0 => bytes[at] ^= 1 << (kind / 5 % 8),
                1 => bytes[at] = self.byte(),
                2 => bytes.truncate(at),
                3 => {
                    let run = self.run().to_vec();
                    bytes.splice(at..at, run);
                }
                _ => drop(bytes.remove(at)),
            }
        }
    }
}
