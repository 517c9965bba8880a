//! What committed state says, read after every block.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use race_app::app::App;
use race_app::beacon::{self, keygen};
use race_app::epoch;
use race_app::mempool::Waiting;
use race_app::upgrade;
use race_proto::race::beacon::v1::{Purpose, Round, RoundId, RoundStatus};
use race_proto::race::epoch::v1::Phase;

use super::{set, Gauge, Metrics};
use crate::latest::Latest;
use crate::protocol::{Identity, View};

/// How often the mempool is counted: right after a block it is empty, and fills again.
const MEMPOOL_EVERY: Duration = Duration::from_secs(1);

/// Purposes of rounds, as labels.
pub(super) const PURPOSES: [(Purpose, &str); 4] = [
    (Purpose::RaceSeed, "race_seed"),
    (Purpose::Challenge, "challenge"),
    (Purpose::SessionRound, "session_round"),
    (Purpose::Duties, "duties"),
];

/// What an open round can be doing, as labels.
const STATUSES: [(RoundStatus, &str); 3] = [
    (RoundStatus::Open, "open"),
    (RoundStatus::Signing, "signing"),
    (RoundStatus::Fallback, "fallback"),
];

/// The name of an epoch's phase, as a label and in the log.
pub fn phase_name(phase: Phase) -> String {
    let name = phase.as_str_name().trim_start_matches("PHASE_");
    name.to_lowercase()
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InPhase {
    phase: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPurpose {
    purpose: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRound {
    purpose: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLane {
    lane: &'static str,
}

/// The numbers of committed state.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    height: Gauge,
    time: Gauge,
    epoch: Gauge,
    phase: Family<InPhase, Gauge>,
    blocks_left: Gauge,
    race_attempt: Gauge,
    key_attempt: Gauge,
    power: Gauge,
    total_power: Gauge,
    waiting: Family<OfLane, Gauge>,
    rounds: Family<OfRound, Gauge>,
    signing_attempt: Family<OfPurpose, Gauge>,
    seen: Family<OfPurpose, Gauge>,
    threshold: Gauge,
    members: Gauge,
    deals: Gauge,
    complaints: Gauge,
    confirmations: Gauge,
    upgrade: Gauge,
}

impl Chain {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let chain = Self::default();
        chain.say_phase(Phase::Unspecified);
        chain.say_waiting(Waiting::default());
        chain.say_rounds(&[], &[]);
        let mut gauge = |name, help, gauge: &Gauge| registry.register(name, help, gauge.clone());
        gauge("block_height", "The last committed block", &chain.height);
        gauge("epoch_number", "The current epoch", &chain.epoch);
        gauge(
            "epoch_phase_blocks_left",
            "Blocks until the phase ends, if nothing prolongs or ends it",
            &chain.blocks_left,
        );
        gauge(
            "epoch_race_attempt",
            "Which run of the epoch's race this is, from 1",
            &chain.race_attempt,
        );
        gauge(
            "epoch_key_attempt",
            "Which attempt at the next committee's key this is, from 1",
            &chain.key_attempt,
        );
        gauge(
            "validator_power",
            "This node's voting power in this epoch",
            &chain.power,
        );
        gauge(
            "epoch_total_power",
            "The voting power of this epoch's committee",
            &chain.total_power,
        );
        gauge(
            "beacon_shares_threshold",
            "Shares of the committee's key that make a signature",
            &chain.threshold,
        );
        gauge(
            "keygen_members",
            "Members of the key generation that is under way; 0 without one",
            &chain.members,
        );
        gauge(
            "keygen_deals",
            "Deals in the key generation that is under way",
            &chain.deals,
        );
        gauge(
            "keygen_complaints",
            "Complaints in the key generation that is under way",
            &chain.complaints,
        );
        gauge(
            "keygen_confirmations",
            "Confirmations in the key generation that is under way",
            &chain.confirmations,
        );
        gauge(
            "upgrade_height",
            "The first height of the upgrade that is planned; 0 without one",
            &chain.upgrade,
        );
        registry.register_with_unit(
            "block_timestamp",
            "Header time of the last committed block, since 1970",
            Unit::Seconds,
            chain.time.clone(),
        );
        registry.register(
            "epoch_phase",
            "1 for the phase that the epoch is in, 0 for all others",
            chain.phase.clone(),
        );
        registry.register(
            "mempool_txs",
            "Transactions that wait for a block, by lane",
            chain.waiting.clone(),
        );
        registry.register(
            "beacon_open_rounds",
            "Rounds of the beacon that have no seed yet, by what is awaited",
            chain.rounds.clone(),
        );
        registry.register(
            "beacon_signing_attempt",
            "The signing attempt of the round that is signed, from 1; 0 without one",
            chain.signing_attempt.clone(),
        );
        registry.register(
            "beacon_shares_seen",
            "Shares seen of the signature that is awaited; 0 without one",
            chain.seen.clone(),
        );
        chain
    }

    fn follow(&self, view: &View, me: &Identity, app: &App) {
        let state = &view.state;
        set(&self.height, view.height);
        self.time.set(view.time_ms as f64 / 1_000.0);
        let now = epoch::current(state);
        set(&self.epoch, now.number);
        self.say_phase(now.phase());
        set(&self.blocks_left, now.phase_end.saturating_sub(view.height));
        set(&self.race_attempt, now.race_attempt.into());
        set(&self.key_attempt, now.key_attempt.into());
        set(&self.power, epoch::power(state, now.number, &me.address));
        set(&self.total_power, epoch::total_power(state, now.number));

        let plan = upgrade::plan(state);
        self.upgrade
            .set(plan.map_or(0.0, |plan| plan.height as f64));
        self.say_rounds(&beacon::open_rounds(state), &app.shares_seen());
        let key = keygen::key(state, now.number);
        set(&self.threshold, key.map_or(0, |key| key.threshold.into()));
        self.follow_key_generation(view);
    }

    fn say_phase(&self, now: Phase) {
        for phase in (0..).map_while(|number| Phase::try_from(number).ok()) {
            let of = InPhase {
                phase: phase_name(phase),
            };
            let gauge = self.phase.get_or_create_owned(&of);
            set(&gauge, u64::from(phase == now));
        }
    }

    fn say_waiting(&self, waiting: Waiting) {
        for (lane, number) in [("protocol", waiting.protocol), ("user", waiting.user)] {
            set(&self.waiting.get_or_create_owned(&OfLane { lane }), number);
        }
    }

    fn say_rounds(&self, open: &[Round], seen: &[(RoundId, usize)]) {
        for (purpose, name) in PURPOSES {
            let is = |round: &&Round| round.id.is_some_and(|id| id.purpose() == purpose);
            for (status, label) in STATUSES {
                let there = open.iter().filter(is).filter(|r| r.status() == status);
                let gauge = self.rounds.get_or_create_owned(&OfRound {
                    purpose: name,
                    status: label,
                });
                set(&gauge, u64::try_from(there.count()).unwrap_or(u64::MAX));
            }
            let signing = |round: &&Round| round.status() == RoundStatus::Signing;
            let attempts = open.iter().filter(is).filter(signing);
            let attempt = attempts.map(|round| round.signing_attempt).max();
            let of = OfPurpose { purpose: name };
            let gauge = self.signing_attempt.get_or_create_owned(&of);
            set(&gauge, attempt.unwrap_or(0).into());
            let shares = seen.iter().filter(|(id, _)| id.purpose() == purpose);
            let shares = shares.map(|(_, shares)| *shares).max().unwrap_or(0);
            let gauge = self.seen.get_or_create_owned(&of);
            set(&gauge, u64::try_from(shares).unwrap_or(u64::MAX));
        }
    }

    fn follow_key_generation(&self, view: &View) {
        let state = &view.state;
        let attempt = epoch::key_attempt(state);
        let generation = attempt.and_then(|attempt| keygen::generation(state, &attempt));
        let posts = attempt.map(|attempt| keygen::posts(state, &attempt));
        let posts = posts.unwrap_or_default();
        let counts = [
            (
                &self.members,
                generation.map_or(0, |generation| generation.members.len()),
            ),
            (&self.deals, posts.deals.len()),
            (&self.complaints, posts.complaints.len()),
            (&self.confirmations, posts.confirmations.len()),
        ];
        for (gauge, count) in counts {
            set(gauge, u64::try_from(count).unwrap_or(u64::MAX));
        }
    }
}

/// Follows the chain until the node stops.
pub async fn follow(metrics: Metrics, app: App, me: Arc<Identity>, mut latest: Latest) {
    let mut number = None;
    let mut turns = tokio::time::interval(MEMPOOL_EVERY);
    let mut view = latest.view();
    loop {
        let epoch = epoch::current(&view.state).number;
        if number.replace(epoch) != Some(epoch) {
            metrics.abci.begin_epoch();
        }
        metrics.chain.follow(&view, &me, &app);
        view = loop {
            tokio::select! {
                committed = latest.changed() => match committed {
                    Some(view) => break view,
                    None => return,
                },
                _ = turns.tick() => metrics.chain.say_waiting(app.waiting()),
            }
        };
    }
}
