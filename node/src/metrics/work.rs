//! What this node does: racing, answering, checking, and its shares of the committee's key.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use race_verification::verdict::Outcome;
use tonic::Code;

use super::{set, Gauge};
use crate::serving::verifier::Verdicts;
use crate::status::Status;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    /// gRPC's name of how the request was taken.
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTokens {
    kind: &'static str,
}

/// The numbers of this node's work.
#[derive(Debug, Clone, Default)]
pub struct Work {
    shares: Gauge,
    tried: Gauge,
    found: Gauge,
    rate: Gauge,
    blocks_left: Gauge,
    models: Gauge,
    unsettled: Gauge,
    verdicts: Family<OfOutcome, Gauge>,
    in_progress: Gauge,
    requests: Family<Answered, Counter>,
    answers: Counter,
    tokens: Family<OfTokens, Counter>,
}

impl Work {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let work = Self::default();
        work.follow(&Status::default(), &Verdicts::default());
        let code = "ok".to_owned();
        drop(work.requests.get_or_create(&Answered { code }));
        for kind in ["prompt", "output"] {
            drop(work.tokens.get_or_create(&OfTokens { kind }));
        }
        let mut gauge = |name, help, gauge: &Gauge| registry.register(name, help, gauge.clone());
        gauge(
            "beacon_shares_held",
            "Shares of the committee's key that this node holds",
            &work.shares,
        );
        gauge(
            "race_nonces_tried",
            "Nonces that this node tried in the race that it runs; 0 without one",
            &work.tried,
        );
        gauge(
            "race_nonces_found",
            "Appropriate nonces that it found in that race",
            &work.found,
        );
        gauge(
            "race_nonces_per_second",
            "Nonces that it tries a second in that race",
            &work.rate,
        );
        gauge(
            "race_blocks_left",
            "Blocks until that race's window closes",
            &work.blocks_left,
        );
        gauge(
            "inference_models_loaded",
            "Models that this node can answer with",
            &work.models,
        );
        gauge(
            "inference_unsettled_tasks",
            "Acknowledged answers that the chain has not settled",
            &work.unsettled,
        );
        gauge(
            "inference_requests_in_progress",
            "Requests that this node computes now",
            &work.in_progress,
        );
        registry.register(
            "inference_verdicts",
            "Verdicts of this node on others' answers that it keeps, by outcome",
            work.verdicts.clone(),
        );
        registry.register(
            "inference_requests",
            "Requests that came to this node, by gRPC code; ok was taken or forwarded",
            work.requests.clone(),
        );
        registry.register(
            "inference_answers",
            "Answers that this node computed to their end",
            work.answers.clone(),
        );
        registry.register(
            "inference_tokens",
            "Tokens of those answers, by kind",
            work.tokens.clone(),
        );
        work
    }

    /// What the node says of itself after a block.
    pub fn follow(&self, status: &Status, verdicts: &Verdicts) {
        let race = status.race.as_ref();
        set(&self.tried, race.map_or(0, |race| race.tried));
        set(&self.found, race.map_or(0, |race| race.found));
        set(&self.blocks_left, race.map_or(0, |race| race.blocks_left));
        self.rate
            .set(race.map_or(0.0, |race| race.nonces_per_second));
        let counts = [
            (&self.shares, status.shares),
            (&self.models, status.models.len()),
            (&self.unsettled, status.unsettled),
        ];
        for (gauge, count) in counts {
            set(gauge, u64::try_from(count).unwrap_or(u64::MAX));
        }
        let outcomes = [
            (Outcome::Pass, "pass"),
            (Outcome::False, "false"),
            (Outcome::CannotCheck, "cannot_check"),
        ];
        for (is, outcome) in outcomes {
            let found = verdicts.values().filter(|found| found.outcome() == is);
            let gauge = self.verdicts.get_or_create_owned(&OfOutcome { outcome });
            set(&gauge, u64::try_from(found.count()).unwrap_or(u64::MAX));
        }
    }

    /// A request came and was taken, or refused with a code.
    pub fn requested(&self, code: Code) {
        let code = format!("{code:?}").to_lowercase();
        self.requests.get_or_create(&Answered { code }).inc();
    }

    /// A request is computed until the guard is dropped.
    pub fn begin(&self) -> InProgress {
        self.in_progress.inc();
        InProgress(self.in_progress.clone())
    }

    /// An answer was computed to its end.
    pub fn answered(&self, prompt_tokens: u32, output_tokens: u32) {
        self.answers.inc();
        for (kind, count) in [("prompt", prompt_tokens), ("output", output_tokens)] {
            let tokens = self.tokens.get_or_create_owned(&OfTokens { kind });
            tokens.inc_by(count.into());
        }
    }
}

/// A request that is being computed.
pub struct InProgress(Gauge);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.dec();
    }
}
