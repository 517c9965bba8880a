//! Ways for a node of a local network to break the rules, so that one can watch the network find
//! out. Never on by default; `raced start` refuses them unless the chain is a local one.

use std::str::FromStr;

/// What a node does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Serves answers of a coarser quantisation of the model as the real one's.
    Forge,
    /// Adds made-up leaves to its proof.
    Inflate,
    /// Submits a proof and does not open it.
    NoOpen,
    /// Says of the first leaf it checks that it does not match.
    Accuse,
}

/// Every kind with its name.
const KINDS: [(&str, Misbehaviour); 4] = [
    ("forge", Misbehaviour::Forge),
    ("inflate", Misbehaviour::Inflate),
    ("no-open", Misbehaviour::NoOpen),
    ("accuse", Misbehaviour::Accuse),
];

impl FromStr for Misbehaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        KINDS
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, kind)| *kind)
            .ok_or_else(|| {
                let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
                format!(
                    "unknown kind of misbehaviour `{text}`; there are: {}",
                    names.join(", ")
                )
            })
    }
}

impl std::fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            KINDS
                .iter()
                .find(|(_, kind)| kind == self)
                .map_or("", |(name, _)| name),
        )
    }
}
