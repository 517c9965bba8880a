//! What blocks did, from their events.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use race_app::address::ConsensusAddress;
use race_app::app::Committed;
use serde_json::Value;
use tendermint_proto::v0_38::abci::Event;

use super::chain::PURPOSES;
use super::{set, Gauge};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPurpose {
    purpose: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSeed {
    purpose: String,
    /// `true` or `false`.
    degraded: String,
}

/// The numbers of what blocks did.
#[derive(Debug, Clone, Default)]
pub struct Events {
    seeds: Family<OfSeed, Counter>,
    unsigned: Family<OfPurpose, Counter>,
    failed: Family<OfPurpose, Counter>,
    absent: Gauge,
    own_absences: Counter,
    seed_blocks: Gauge,
    keys: Counter,
    keys_failed: Counter,
    races_failed: Counter,
    /// The last block that took reveals of the race seed that is awaited.
    reveals_closed: Arc<Mutex<Option<u64>>>,
}

/// A field of a typed event: its attributes are JSON.
fn field(event: &Event, name: &str) -> Value {
    let found = event.attributes.iter().find(|a| a.key == name);
    found
        .and_then(|attribute| serde_json::from_str(&attribute.value).ok())
        .unwrap_or_default()
}

/// The label of an enumeration's value in JSON: `PURPOSE_RACE_SEED` is `race_seed`.
fn label(value: &Value, prefix: &str) -> String {
    let name = value.as_str().unwrap_or_default();
    name.trim_start_matches(prefix).to_lowercase()
}

impl Events {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let events = Self::default();
        // A counter that appears with its first count has not increased, to Prometheus.
        for (_, purpose) in PURPOSES {
            let purpose = purpose.to_owned();
            for degraded in [false, true] {
                let (purpose, degraded) = (purpose.clone(), degraded.to_string());
                drop(events.seeds.get_or_create(&OfSeed { purpose, degraded }));
            }
            let of = OfPurpose { purpose };
            drop(events.unsigned.get_or_create(&of));
            drop(events.failed.get_or_create(&of));
        }
        registry.register(
            "beacon_seeds",
            "Rounds that got their seed; degraded ones without the committee's signature",
            events.seeds.clone(),
        );
        registry.register(
            "beacon_unsigned_attempts",
            "Signing attempts whose window ended without a signature",
            events.unsigned.clone(),
        );
        registry.register(
            "beacon_failed_rounds",
            "Rounds that ended without a seed",
            events.failed.clone(),
        );
        registry.register(
            "beacon_absent_members",
            "Members that did not post shares in the last signing attempt that failed",
            events.absent.clone(),
        );
        registry.register(
            "beacon_own_absences",
            "Failed signing attempts in which this node is among the absent",
            events.own_absences.clone(),
        );
        registry.register(
            "beacon_race_seed_blocks",
            "Blocks from the close of the reveals to the last race seed",
            events.seed_blocks.clone(),
        );
        registry.register(
            "keygen_keys",
            "Key generations that gave a key",
            events.keys.clone(),
        );
        registry.register(
            "keygen_failed",
            "Key generations that gave none",
            events.keys_failed.clone(),
        );
        registry.register(
            "epoch_failed_races",
            "Epochs whose race failed: the old set stays",
            events.races_failed.clone(),
        );
        events
    }

    /// Counts a block's events. It is quick: it runs on the consensus thread.
    pub fn count(&self, committed: &Committed, me: &ConsensusAddress) {
        for event in &committed.events {
            let Some(kind) = event.r#type.strip_prefix("race.") else {
                continue;
            };
            match kind {
                "epoch.v1.EventPhase" => self.phase(committed.height, event),
                "epoch.v1.EventSwitch" if field(event, "race_failed") == Value::Bool(true) => {
                    self.races_failed.inc();
                }
                "beacon.v1.EventSeed" => self.seed(committed.height, event),
                "beacon.v1.EventUnsigned" => self.unsigned(event, me),
                "beacon.v1.EventRoundFailed" => {
                    self.failed.get_or_create(&purpose(event)).inc();
                }
                "beacon.v1.EventKey" => {
                    self.keys.inc();
                }
                "beacon.v1.EventKeyFailed" => {
                    self.keys_failed.inc();
                }
                _ => {}
            }
        }
    }

    /// SEED begins at the close of the block that takes the last reveals.
    fn phase(&self, height: u64, event: &Event) {
        if label(&field(event, "phase"), "PHASE_") == "seed" {
            *self.closed() = Some(height);
        }
    }

    fn seed(&self, height: u64, event: &Event) {
        let OfPurpose { purpose } = purpose(event);
        if purpose == "race_seed" {
            if let Some(closed) = self.closed().take() {
                set(&self.seed_blocks, height.saturating_sub(closed));
            }
        }
        let degraded = field(event, "degraded").as_bool().unwrap_or_default();
        let degraded = degraded.to_string();
        let of = OfSeed { purpose, degraded };
        self.seeds.get_or_create(&of).inc();
    }

    fn unsigned(&self, event: &Event, me: &ConsensusAddress) {
        self.unsigned.get_or_create(&purpose(event)).inc();
        let absent = field(event, "absent");
        let absent = absent.as_array().map_or(&[][..], Vec::as_slice);
        set(
            &self.absent,
            u64::try_from(absent.len()).unwrap_or(u64::MAX),
        );
        let own = base64::engine::general_purpose::STANDARD.encode(me);
        if absent.iter().any(|member| *member == own) {
            self.own_absences.inc();
        }
    }

    fn closed(&self) -> std::sync::MutexGuard<'_, Option<u64>> {
        self.reveals_closed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn purpose(event: &Event) -> OfPurpose {
    let purpose = label(&field(event, "id")["purpose"], "PURPOSE_");
    OfPurpose { purpose }
}
