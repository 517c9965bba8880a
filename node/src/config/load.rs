//! Reading `app.toml` with the variables and flags that lie over it, and writing it.

use std::path::{Path, PathBuf};

use super::{path, Config};

/// Why a configuration cannot be used. Each names the file (or variable), the key and what is
/// allowed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; `raced init` writes it", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file, or a variable over it, is wrong.
    #[error("{origin}: {reason}")]
    Invalid {
        /// The file or variable.
        origin: String,
        /// Key, what is wrong, what is allowed.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] crate::comet::files::FileError),
}

/// The prefix of the environment's variables.
const ENV_PREFIX: &str = "RACED_";

/// Variables with that prefix that are not keys of this file.
const OTHER_VARIABLES: &[&str] = &[
    "RACED_HOME",
    "RACED_COMETBFT",
    "RACED_NODE",
    "RACED_CHAIN_ID",
    "RACED_KEYRING_BACKEND",
    "RACED_FROM",
    "RACED_OUTPUT",
    "RACED_GAS_PRICES",
    "RACED_MISBEHAVE",
    "RACED_MODEL",
];

impl Config {
    /// Reads the file of a home and lays `variables` and `flags` (`section.key`, value) over it.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(
        home: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
        flags: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let path = path(home);
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Read {
            path: path.clone(),
            source,
        })?;
        // The file alone first, so that the message has its line.
        let file: Self = toml::from_str(&text).map_err(|e| ConfigError::Invalid {
            origin: path.display().to_string(),
            reason: e.to_string().trim_end().to_owned(),
        })?;
        let mut table = toml::Table::try_from(&file).map_err(|e| ConfigError::Invalid {
            origin: path.display().to_string(),
            reason: e.to_string(),
        })?;
        for (name, value) in variables {
            if OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            if let Some(rest) = name.strip_prefix(ENV_PREFIX) {
                overlay(&mut table, &name, &rest.to_lowercase(), '_', &value)?;
            }
        }
        for (key, value) in flags {
            overlay(&mut table, &format!("--config {key}"), key, '.', value)?;
        }
        let invalid = |reason: String| ConfigError::Invalid {
            origin: path.display().to_string(),
            reason,
        };
        let config: Self = table
            .try_into()
            .map_err(|e: toml::de::Error| invalid(e.to_string().trim_end().to_owned()))?;
        config.race.check().map_err(invalid)?;
        config.state_sync.check().map_err(invalid)?;
        Ok(config)
    }

    /// This with `flags` (`section.key`, value) laid over it.
    ///
    /// # Errors
    /// A key is unknown or its value of the wrong kind.
    pub fn overlaid(&self, flags: &[(String, String)]) -> Result<Self, ConfigError> {
        let invalid = |reason: String| ConfigError::Invalid {
            origin: "--config".to_owned(),
            reason,
        };
        let mut table = toml::Table::try_from(self).map_err(|e| invalid(e.to_string()))?;
        for (key, value) in flags {
            overlay(&mut table, &format!("--config {key}"), key, '.', value)?;
        }
        table
            .try_into()
            .map_err(|e: toml::de::Error| invalid(e.message().to_owned()))
    }

    /// Writes the file of a home.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, home: &Path) -> Result<(), ConfigError> {
        let text = toml::to_string_pretty(self).expect("the configuration is TOML");
        let text = format!(
            "# Configuration of raced. A variable RACED_SECTION_KEY or a flag --config section.key=value\n\
             # overrides a line. CometBFT's config.toml is written from this file at every start.\n\n{text}"
        );
        crate::comet::files::write_atomically(
            &path(home),
            text.as_bytes(),
            crate::comet::files::PUBLIC,
        )?;
        Ok(())
    }
}

/// Sets one key of the table from text, keeping the type that the key has.
fn overlay(
    table: &mut toml::Table,
    origin: &str,
    key: &str,
    separator: char,
    value: &str,
) -> Result<(), ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid {
        origin: origin.to_owned(),
        reason,
    };
    let sections: Vec<String> = table.keys().cloned().collect();
    let unknown = |known: Vec<String>| {
        invalid(format!(
            "unknown key `{key}`; there are: {}",
            known.join(", ")
        ))
    };
    // A variable's name has no dashes.
    let is = |known: &str, given: &str| match separator {
        '_' => known.replace('-', "_") == given,
        _ => known == given,
    };
    let found = sections.iter().find_map(|section| {
        let end = section.len();
        let rest = key.get(end..)?.strip_prefix(separator)?;
        let is_section = table.get(section).is_some_and(toml::Value::is_table);
        (is_section && is(section, &key[..end])).then_some((section, rest))
    });
    let (target, name) = match found {
        Some((section, name)) => (
            table.get_mut(section).and_then(toml::Value::as_table_mut),
            name,
        ),
        None => (Some(table), key),
    };
    let Some(target) = target else {
        return Err(unknown(sections));
    };
    let known: Vec<String> = target.keys().cloned().collect();
    let found = target.iter_mut().find(|(known, _)| is(known, name));
    let Some((_, old)) = found else {
        return Err(unknown(known));
    };
    *old = match old {
        toml::Value::Integer(_) => toml::Value::Integer(
            value
                .parse()
                .map_err(|_| invalid(format!("`{value}` is no whole number")))?,
        ),
        toml::Value::Boolean(_) => toml::Value::Boolean(
            value
                .parse()
                .map_err(|_| invalid(format!("`{value}` is neither `true` nor `false`")))?,
        ),
        toml::Value::Array(_) => toml::Value::Array(
            value
                .split(',')
                .filter(|v| !v.is_empty())
                .map(|v| toml::Value::String(v.to_owned()))
                .collect(),
        ),
        toml::Value::Table(_) => return Err(unknown(known)),
        _ => toml::Value::String(value.to_owned()),
    };
    Ok(())
}
