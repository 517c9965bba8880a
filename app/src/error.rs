//! How transactions and queries fail.

use std::fmt;

/// A refused transaction: codespace, code and a sentence that says what was expected, what came
/// and what to do. Codes are never renumbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxError {
    /// Whose table the code is in: `sdk`, or a module's.
    pub codespace: &'static str,
    /// The code, never 0.
    pub code: u32,
    /// The sentence.
    pub log: String,
}

impl TxError {
    /// An error of a module or of the SDK.
    pub fn new(codespace: &'static str, code: u32, log: impl Into<String>) -> Self {
        Self {
            codespace,
            code,
            log: log.into(),
        }
    }

    /// An error of the SDK's own table.
    pub fn sdk(code: u32, log: impl Into<String>) -> Self {
        Self::new("sdk", code, log)
    }
}

impl fmt::Display for TxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.log, self.codespace, self.code)
    }
}

impl std::error::Error for TxError {}

/// The errors of a module.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its codespace.
    pub codespace: &'static str,
    /// Where it is declared.
    pub file: &'static str,
    /// Code, name and sentence, in which `{...}` stands for a value of the case.
    pub rows: &'static [(u32, &'static str, &'static str)],
}

/// Declares a module's error table: codespace, then each error with its code and sentence.
///
/// ```ignore
/// errors! { "race_epoch";
///     /// Sent outside its phase.
///     WrongPhase { expected: String, found: String } = 1, "expected phase {expected}, the epoch is in {found}",
/// }
/// ```
macro_rules! errors {
    ($codespace:literal; $($(#[$doc:meta])* $name:ident $({ $($field:ident: $ty:ty),* $(,)? })? = $code:literal, $text:literal,)*) => {
        /// What this module refuses, with its codes.
        #[derive(Debug, thiserror::Error)]
        pub enum Error {
            $($(#[$doc])* #[error($text)] $name $({ $(#[doc = "See the sentence."] $field: $ty),* })?,)*
        }
        impl Error {
            /// The table: `docs/errors.md` shows it, and no code is in it twice.
            pub const TABLE: $crate::error::Table = $crate::error::Table {
                codespace: $codespace,
                file: file!(),
                rows: &[$(($code, stringify!($name), $text)),*],
            };
        }
        impl From<Error> for $crate::error::TxError {
            fn from(error: Error) -> Self {
                let code = match &error {
                    $(Error::$name $({ $($field: _),* })? => $code,)*
                };
                $crate::error::TxError::new($codespace, code, error.to_string())
            }
        }
    };
}
pub(crate) use errors;

/// A refused query, with the status of gRPC that it maps to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Status 5.
    #[error("{0}")]
    NotFound(String),
    /// Status 3.
    #[error("{0}")]
    InvalidArgument(String),
    /// Status 2.
    #[error("{0}")]
    Unknown(String),
    /// No such path (status 12).
    #[error("unknown query path")]
    UnknownPath,
}
