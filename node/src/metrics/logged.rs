//! Warnings and errors in the log, counted as they are written; CometBFT's lines that mean that this
//! node's chain stands still have numbers of their own.

use std::fmt;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::comet::log::TARGET;

/// CometBFT's words when its consensus has panicked: it answers on, and makes no blocks.
const CONSENSUS_FAILURE: &str = "CONSENSUS FAILURE";
/// Its words when the others' blocks have another app hash than this node's application returned.
const OTHER_APP_HASH: &str = "wrong Block.Header.AppHash";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Written {
    source: &'static str,
    level: &'static str,
}

/// The numbers of the log, and the layer that counts.
#[derive(Debug, Clone, Default)]
pub struct Logged {
    written: Family<Written, Counter>,
    failures: Counter,
    other_app_hashes: Counter,
}

impl Logged {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let logged = Self::default();
        for source in ["raced", "cometbft"] {
            for level in ["warn", "error"] {
                drop(logged.written.get_or_create(&Written { source, level }));
            }
        }
        registry.register(
            "log_events",
            "Warnings and errors, written or filtered out, by who said them",
            logged.written.clone(),
        );
        registry.register(
            "comet_consensus_failures",
            "Times that CometBFT's consensus stopped for good: only a restart helps, if anything",
            logged.failures.clone(),
        );
        registry.register(
            "comet_app_hash_mismatches",
            "Blocks refused since their app hash is not that of this node's state",
            logged.other_app_hashes.clone(),
        );
        logged
    }
}

/// An event's message and fields in one text.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!(" {value:?}"));
    }
}

impl<S: Subscriber> Layer<S> for Logged {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            _ => return,
        };
        let is_comet = event.metadata().target() == TARGET;
        let source = if is_comet { "cometbft" } else { "raced" };
        let written = Written { source, level };
        self.written.get_or_create(&written).inc();
        if is_comet {
            let mut text = Text::default();
            event.record(&mut text);
            if text.0.contains(CONSENSUS_FAILURE) {
                self.failures.inc();
            }
            if text.0.contains(OTHER_APP_HASH) {
                self.other_app_hashes.inc();
            }
        }
    }
}
