//! What is written, into memory.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::with_default;

use super::*;
use crate::comet::log::LogLine;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// The lines, each of which must be one JSON object.
    fn objects(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        let objects = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let objects: Vec<Value> = objects.collect();
        assert!(objects.iter().all(Value::is_object));
        objects
    }
}

/// Runs `say` with a log in JSON that goes into memory.
fn logged(filter: &str, say: impl FnOnce(&Log)) -> Vec<Value> {
    let written = Written::default();
    let to = written.clone();
    let (log, lines) = Log::lines(filter, LogFormat::Json, true, move || to.clone()).unwrap();
    with_default(tracing_subscriber::registry().with(lines), || say(&log));
    written.objects()
}

#[test]
fn each_line_of_json_has_time_level_target_message_and_fields() {
    let hostile = "a \"quoted\" text\n{\"level\":\"ERROR\"}\r\u{1b}[31m\u{0}\u{2028}\\";
    let lines = logged("trace", |_| {
        tracing::info!(height = 7u64, ready = true, ratio = 0.5, "a block");
        tracing::warn!(error = hostile, peer = ?hostile, "{hostile}");
        tracing::error!(target: "raced::elsewhere", "no fields");
        tracing::debug!(only = "fields");
        let span = tracing::info_span!("call", name = hostile);
        span.in_scope(|| tracing::trace!("within"));
    });
    let levels = ["INFO", "WARN", "ERROR", "DEBUG", "TRACE"];
    assert_eq!(lines.len(), levels.len());
    for (line, level) in lines.iter().zip(levels) {
        assert_eq!(line["level"], level);
        let time = line["timestamp"].as_str().unwrap();
        humantime::parse_rfc3339(time).unwrap();
        assert!(line["target"].as_str().unwrap().starts_with("raced::"));
    }
    let block = &lines[0];
    assert_eq!(block["target"], "raced::logging::tests");
    assert_eq!(block["message"], "a block");
    assert_eq!(
        (&block["height"], &block["ready"]),
        (&7.into(), &true.into())
    );
    assert_eq!(block["ratio"], 0.5);
    assert_eq!(lines[1]["message"], hostile);
    assert_eq!(lines[1]["error"], hostile);
    assert_eq!(lines[1]["peer"], format!("{hostile:?}"));
    assert_eq!(lines[3]["only"], "fields");
    assert_eq!(lines[4]["span"]["name"], "call");
}

#[test]
fn whatever_cometbft_writes_is_one_object_a_line() {
    let said = [
        r#"{"level":"error","module":"p2p","_msg":"no \"peer\"\nin sight","ts":"x","level2":"y"}"#,
        "I[2026-01-02|03:04:05.678] Committed state   module=state height=4",
        "panic: runtime error: \u{1b}[1mindex out of range\u{7}",
        "{\"level\":",
        "",
    ];
    let lines = logged("info", |_| {
        for line in said {
            LogLine::parse(line).emit();
        }
    });
    assert_eq!(lines.len(), said.len());
    assert!(lines.iter().all(|line| line["target"] == "cometbft"));
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["message"], "no \"peer\"\nin sight");
    assert_eq!(lines[0]["module"], "p2p");
    assert_eq!(lines[1]["fields"], "height=4");
    assert_eq!(lines[2]["level"], "WARN");
}

#[test]
fn the_level_of_one_module_is_changed_while_it_is_written() {
    let lines = logged("info,raced::noisy=error", |log| {
        let say = |round: u64| {
            tracing::debug!(target: "raced::racer", round, "racer");
            tracing::info!(target: "raced::noisy", round, "noisy");
            tracing::info!(target: "raced::other", round, "other");
            tracing::debug!(target: "raced::other", round, "hidden");
        };
        say(1);
        log.set("info,raced::racer=debug").unwrap();
        say(2);
        let error = log.set("info,raced::racer=loud").unwrap_err();
        assert!(error.contains("expected for instance"), "{error}");
        say(3);
        log.set("off").unwrap();
        say(4);
    });
    let said = |line: &Value| format!("{} {}", line["round"], line["message"].as_str().unwrap());
    let said: Vec<String> = lines.iter().map(said).collect();
    let changed = ["racer", "noisy", "other"];
    let expected = [2, 3].map(|round| changed.map(|who| format!("{round} {who}")));
    assert_eq!(
        said,
        [vec!["1 other".to_owned()], expected.concat()].concat()
    );
}
