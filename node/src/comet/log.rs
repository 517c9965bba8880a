//! CometBFT's log lines, json or plain, as `tracing` events of target `cometbft`.

use serde_json::Value;

/// The target of every forwarded event, for filters such as `cometbft=debug`.
pub const TARGET: &str = "cometbft";

/// One line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its level. A line that is not a log line (a Go panic, say) is a warning.
    pub level: tracing::Level,
    /// The part of CometBFT that wrote it; empty if it does not say.
    pub module: String,
    /// The message.
    pub message: String,
    /// What else it carries, as `key=value key=value`.
    pub fields: String,
}

/// Why a CometBFT that runs on makes no more blocks, in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stuck {
    /// It has given up a state sync.
    StateSync(String),
    /// It could not write: the messages that it votes on are not on disk.
    DiskFull(String),
}

impl LogLine {
    /// Takes a line apart; nothing is refused, and nothing but the time is lost.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        parse_json(line)
            .or_else(|| parse_plain(line))
            .unwrap_or_else(|| Self {
                level: tracing::Level::WARN,
                module: String::new(),
                message: line.to_owned(),
                fields: String::new(),
            })
    }

    /// Whether this says that CometBFT makes no more blocks, although its process runs on.
    #[must_use]
    pub fn stuck(&self) -> Option<Stuck> {
        const STATE_SYNC: &[&str] = &[
            "State sync failed",
            "Failed to bootstrap node with new state",
            "Failed to store last seen commit",
            "Failed to switch to block sync",
        ];
        const WRITING: &[&str] = &["failed writing to WAL", "CONSENSUS FAILURE!!!"];
        let says = |messages: &[&str]| {
            self.level == tracing::Level::ERROR && messages.contains(&&*self.message)
        };
        // Where the reason ends, so that nothing that a peer wrote is taken for it.
        let reason = self.fields.split(" stack=").next().unwrap_or_default();
        if says(STATE_SYNC) {
            Some(Stuck::StateSync(self.fields.clone()))
        } else if says(WRITING) && reason.ends_with("no space left on device") {
            Some(Stuck::DiskFull(reason.to_owned()))
        } else {
            None
        }
    }

    /// Emits it.
    pub fn emit(&self) {
        macro_rules! emit {
            ($level:ident) => {
                tracing::event!(
                    target: TARGET,
                    tracing::Level::$level,
                    module = self.module,
                    fields = self.fields,
                    "{}",
                    self.message
                )
            };
        }
        match self.level {
            tracing::Level::ERROR => emit!(ERROR),
            tracing::Level::WARN => emit!(WARN),
            tracing::Level::INFO => emit!(INFO),
            tracing::Level::DEBUG => emit!(DEBUG),
            tracing::Level::TRACE => emit!(TRACE),
        }
    }
}

/// `{"level":"info","module":"consensus","_msg":"...","ts":"...", ...}`
fn parse_json(line: &str) -> Option<LogLine> {
    if !line.starts_with('{') {
        return None;
    }
    let Ok(Value::Object(mut object)) = serde_json::from_str(line) else {
        return None;
    };
    let level = match object.remove("level")?.as_str()? {
        "debug" => tracing::Level::DEBUG,
        "info" => tracing::Level::INFO,
        "error" => tracing::Level::ERROR,
        _ => tracing::Level::WARN,
    };
    object.remove("ts");
    let mut text = |key| object.remove(key).map(|value| plain(&value));
    let message = text("_msg").unwrap_or_default();
    let module = text("module").unwrap_or_default();
    let fields = object
        .iter()
        .map(|(key, value)| format!("{key}={}", plain(value)))
        .collect::<Vec<_>>()
        .join(" ");
    Some(LogLine {
        level,
        module,
        message,
        fields,
    })
}

/// `I[2026-01-02|03:04:05.678] message   module=consensus height=4`
fn parse_plain(line: &str) -> Option<LogLine> {
    let level = match line.as_bytes().first()? {
        b'D' => tracing::Level::DEBUG,
        b'I' => tracing::Level::INFO,
        b'E' => tracing::Level::ERROR,
        _ => return None,
    };
    let (time, rest) = line.get(1..)?.strip_prefix('[')?.split_once("] ")?;
    if !time.contains('|') {
        return None;
    }
    // The message is padded with spaces; pairs follow it.
    let (message, pairs) = match rest.find(" module=") {
        Some(start) => rest.split_at(start),
        None => (rest, ""),
    };
    let pairs = pairs.trim_start().strip_prefix("module=").unwrap_or(pairs);
    let (module, fields) = pairs.split_once(' ').unwrap_or((pairs, ""));
    Some(LogLine {
        level,
        module: module.to_owned(),
        message: message.trim_end().to_owned(),
        fields: fields.trim().to_owned(),
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
