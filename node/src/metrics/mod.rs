//! What a node tells those who watch it: numbers for Prometheus, and whether it is well.
//!
//! | file | what is in it |
//! |---|---|
//! | [`server`] | the listener: `/metrics`, `/healthz`, `/readyz` |
//! | [`health`] | the two questions behind the last two |
//! | [`abci`] | CometBFT's calls, transactions, signatures: counted around the application |
//! | [`chain`] | what committed state says: block, epoch, power, beacon |
//! | [`events`] | what blocks did: seeds, signing attempts, key generations |
//! | [`comet`] | what CometBFT says over its RPC, asked on an interval |
//! | [`work`] | what this node does: racing, answering, checking |
//! | [`store`] | commits to disk |
//! | [`logged`] | warnings and errors in the log, and those that stop a chain |
//! | [`process`] | the process itself |
//!
//! Every number is kept up to date where it comes about; a scrape reads memory and `/proc`, and asks
//! nobody. Names follow the Prometheus conventions and begin with `raced_`; those of [`process`] are the
//! ones that all exporters share. `docs/operate.md` lists them all, which a test compares.

pub mod abci;
pub mod chain;
pub mod comet;
pub mod events;
pub mod health;
pub mod logged;
pub mod process;
pub mod server;
pub mod store;
pub mod work;

use std::sync::atomic::AtomicU64;
use std::sync::Arc;

use prometheus_client::metrics::gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use race_app::upgrade::Program;

/// The prefix of this program's metrics.
pub const PREFIX: &str = "raced";

/// A number that goes up and down.
pub type Gauge = gauge::Gauge<f64, AtomicU64>;

/// The longest times that histograms tell apart, in seconds: from a tenth of a millisecond to ten seconds.
const SECONDS: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Sets a gauge to a whole number; above 2^53 it is rounded.
fn set(gauge: &Gauge, number: u64) {
    gauge.set(number as f64);
}

/// All numbers of a node. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// CometBFT's calls.
    pub abci: abci::Calls,
    /// Committed state.
    pub chain: chain::Chain,
    /// What blocks did.
    pub events: events::Events,
    /// CometBFT.
    pub comet: comet::Comet,
    /// This node's work.
    pub work: work::Work,
    /// Commits to disk.
    pub store: store::Commits,
    /// The log.
    pub logged: logged::Logged,
    registry: Arc<Registry>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::of(&Program::default())
    }
}

impl Metrics {
    /// The numbers of a node that runs this program.
    pub fn of(program: &Program) -> Self {
        let mut all = Registry::default();
        process::register(&mut all);
        let own = all.sub_registry_with_prefix(PREFIX);
        let build = Info::new([
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("app_version", program.version.to_string()),
        ]);
        own.register("build", "The program and its state machine", build);
        Self {
            abci: abci::Calls::new(own),
            chain: chain::Chain::new(own),
            events: events::Events::new(own),
            comet: comet::Comet::new(own),
            work: work::Work::new(own),
            store: store::Commits::new(own),
            logged: logged::Logged::new(own),
            registry: Arc::new(all),
        }
    }

    /// Everything in the OpenMetrics text format.
    ///
    /// # Panics
    /// Never: writing to a text does not fail.
    pub fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("a text takes all that is written");
        text
    }
}
