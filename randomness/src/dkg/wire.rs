//! Fixed-length encodings: fields one after the other, every length known before.

/// A message of the wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {what} of this session has {expected} bytes, got {got}")]
pub struct WrongLength {
    /// What it should be.
    pub what: &'static str,
    /// The length that it must have.
    pub expected: usize,
    /// The length that it has.
    pub got: usize,
}

/// Takes fields off the front of bytes whose length was checked.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(
        what: &'static str,
        expected: usize,
        bytes: &'a [u8],
    ) -> Result<Self, WrongLength> {
        if bytes.len() == expected {
            Ok(Self(bytes))
        } else {
            Err(WrongLength {
                what,
                expected,
                got: bytes.len(),
            })
        }
    }

    /// The next `N` bytes; zeros past the end, which the length check rules out.
    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        field.try_into().unwrap_or([0; N])
    }
}
