//! How a command fails: one sentence, an exit code, and for scripts what else is known.

use std::error::Error;

use crate::client::{ClientError, Refusal};
use crate::tree::Tree;

/// A command failed.
#[derive(Debug)]
pub struct CliError {
    exit_code: u8,
    message: String,
    details: Vec<(&'static str, Tree)>,
}

impl CliError {
    /// Wrong usage: exit code 2.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit_code: 2,
            ..Self::failed(message)
        }
    }

    /// A node ended at a height where this program must not go on: exit code 3, on which no service
    /// manager should start it again.
    #[must_use]
    pub fn halted(message: impl Into<String>) -> Self {
        Self {
            exit_code: 3,
            ..Self::failed(message)
        }
    }

    /// Refused or failed: exit code 1.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            exit_code: 1,
            message: message.into(),
            details: Vec::new(),
        }
    }

    /// An input that cannot be used is wrong usage.
    #[must_use]
    pub fn as_usage(mut self) -> Self {
        self.exit_code = 2;
        self
    }

    /// Says first what was being done.
    #[must_use]
    pub fn while_doing(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Adds what scripts may want to know.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.details.push((name, Tree::text(value)));
        self
    }

    /// Whether the chain itself refused a transaction: it has had, and will have, no effect.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.details.iter().any(|(name, _)| *name == "txhash")
    }

    /// 1; 2 for wrong usage; 3 for a node that halted.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// For people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let message = self.message.trim_end();
        // The argument parser begins its sentences so itself.
        let message = message.strip_prefix("error: ").unwrap_or(message);
        format!("error: {message}")
    }

    /// For scripts: `{"error":{"message","exit_code",...}}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut fields = vec![
            ("message", Tree::text(self.message.trim_end())),
            ("exit_code", Tree::from(self.exit_code())),
        ];
        fields.extend(self.details.clone());
        Tree::map([("error", Tree::map(fields))]).to_json()
    }
}

impl<E: Error + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = inner.source();
        }
        let known: &(dyn Error + 'static) = &error;
        let details = match known.downcast_ref::<ClientError>() {
            Some(ClientError::Refused(refusal)) => refused(refusal),
            Some(ClientError::Query {
                codespace, code, ..
            }) => vec![
                ("codespace", Tree::text(codespace)),
                ("code", Tree::from(*code)),
            ],
            _ => Vec::new(),
        };
        Self {
            details,
            ..Self::failed(message)
        }
    }
}

fn refused(refusal: &Refusal) -> Vec<(&'static str, Tree)> {
    vec![
        ("txhash", Tree::text(&refusal.hash)),
        ("codespace", Tree::text(&refusal.codespace)),
        ("code", Tree::from(refusal.code)),
        ("raw_log", Tree::text(&refusal.log)),
    ]
}
