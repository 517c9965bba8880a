//! Whether the node is well: two questions that service managers and load balancers ask.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, SystemTime};

use race_app::upgrade::{self, Program};
use race_proto::cosmos::upgrade::v1beta1::Plan;
use serde::Serialize;

use super::Metrics;
use crate::latest::Latest;

/// A call of CometBFT that takes longer means that the state machine is stuck.
pub const STUCK: Duration = Duration::from_secs(120);

/// What is asked of a node before requests are sent to it.
#[derive(Clone)]
pub struct Health {
    /// The node's numbers.
    pub metrics: Metrics,
    /// Its newest state.
    pub latest: Latest,
    /// The version of the state machine that the node runs.
    pub program: Program,
    /// The last block may be so old.
    pub max_block_age: Duration,
}

/// The answer to whether a node is ready.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Readiness {
    /// Whether it is.
    pub ready: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// The last committed block.
    pub height: u64,
    /// Its age, by this machine's clock.
    pub block_age_seconds: f64,
    /// The upgrade that is planned, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<String>,
}

/// A planned upgrade as seen after the block of a height.
pub fn planned(plan: &Plan, height: u64) -> String {
    let (name, at) = (&plan.name, plan.height);
    let left = u64::try_from(at).unwrap_or(0).saturating_sub(height);
    format!("upgrade '{name}' is planned for height {at}, in {left} blocks")
}

impl Health {
    /// Whether the state machine is not stuck.
    ///
    /// # Errors
    /// Which call hangs.
    pub fn is_alive(&self) -> Result<(), String> {
        match self.metrics.abci.longest() {
            Some((call, time)) if time > STUCK => Err(format!(
                "{call} has not ended for {} seconds: the state machine is stuck; restart the node",
                time.as_secs()
            )),
            _ => Ok(()),
        }
    }

    /// Whether the node is up to date. Reads the store: not for a thread that serves connections.
    pub fn readiness(&self) -> Readiness {
        let view = self.latest.view();
        // A read changes nothing that a panic could leave half changed.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let next = upgrade::next(&view.state, view.height, &self.program);
            let halt = next.err().filter(|_| view.height > 0);
            (halt, upgrade::plan(&view.state))
        }));
        let age = SystemTime::UNIX_EPOCH + Duration::from_millis(view.time_ms);
        // A header from the future is no old one.
        let age = SystemTime::now().duration_since(age).unwrap_or_default();
        let mut reasons = Vec::new();
        reasons.extend(self.is_alive().err());
        let upgrade = match read {
            Ok((halt, plan)) => {
                reasons.extend(halt.map(|halt| halt.to_string()));
                plan.map(|plan| planned(&plan, view.height))
            }
            Err(_) => {
                reasons.push("the store does not answer; the log says why".to_owned());
                None
            }
        };
        if !self.metrics.comet.is_up() {
            reasons.push("CometBFT does not answer".to_owned());
        } else if !self.metrics.comet.is_synced() {
            reasons.push("the node is catching up with its peers".to_owned());
        }
        if view.height == 0 {
            reasons.push("there is no block yet".to_owned());
        } else if age > self.max_block_age {
            reasons.push(format!(
                "the last block is {} seconds old, more than {}",
                age.as_secs(),
                self.max_block_age.as_secs()
            ));
        }
        Readiness {
            ready: reasons.is_empty(),
            reasons,
            height: view.height,
            block_age_seconds: age.as_secs_f64(),
            upgrade,
        }
    }
}
