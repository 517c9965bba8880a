use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use race_app::app::Committed;
use race_app::beacon;
use race_app::events::typed;
use race_app::store::{MemKv, Store};
use race_proto::race::beacon::v1::{EventSeed, EventUnsigned, Purpose};
use race_proto::race::epoch::v1::{EventPhase, Phase};
use raced::comet::log::LogLine;
use raced::metrics::Metrics;
use serde_json::Value;
use tendermint_proto::v0_38::abci::Event;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::open_metrics;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A sample's value; 0 when it was never counted.
fn value(metrics: &Metrics, series: &str) -> f64 {
    let families = open_metrics::read(&metrics.text());
    let samples = families.values().flat_map(|family| &family.samples);
    let found: BTreeMap<_, _> = samples.collect();
    found.get(&series.to_owned()).map_or(0.0, |value| **value)
}

/// The names under which Prometheus stores the samples of all families.
fn series_names(families: &open_metrics::Families) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, family) in families {
        let suffixes = open_metrics::suffixes(&family.kind).iter();
        names.extend(suffixes.map(|suffix| format!("{name}{suffix}")));
    }
    names
}

/// The words of a text that begin as our metrics do.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = words.filter(|word| {
        ["raced_", "process_"]
            .iter()
            .any(|prefix| word.starts_with(prefix))
    });
    ours.map(str::to_owned).collect()
}

#[test]
fn names_and_types_are_as_prometheus_wants_them() {
    let families = open_metrics::read(&Metrics::default().text());
    assert!(families.len() > 50, "{}", families.len());
    for name in families.keys() {
        assert!(
            name.starts_with("raced_") || name.starts_with("process_"),
            "{name}"
        );
        let counted = name.ends_with("_total") || name.ends_with("_count");
        assert!(!counted, "{name}: the format adds what a type ends with");
    }
}

#[test]
fn rules_and_dashboard_name_only_metrics_that_exist() {
    let families = open_metrics::read(&Metrics::default().text());
    let exist = series_names(&families);
    for file in [
        "deploy/watch/raced.rules.yml",
        "deploy/watch/dashboard.json",
    ] {
        let named = named(&text(file));
        assert!(named.len() > 20, "{file}");
        let unknown: Vec<_> = named.difference(&exist).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
}

#[test]
fn the_operators_handbook_lists_every_metric_and_every_alert() {
    let handbook = text("docs/operate.md");
    let families = open_metrics::read(&Metrics::default().text());
    for (name, family) in families {
        let row = format!("| `{name}` | {} |", family.kind);
        assert!(handbook.contains(&row), "no row {row}");
    }
    let rules = text("deploy/watch/raced.rules.yml");
    let alerts: BTreeSet<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    let runbooks: BTreeSet<_> = handbook
        .lines()
        .filter_map(|line| line.strip_prefix("### Raced").map(|_| &line[4..]))
        .collect();
    assert_eq!(alerts, runbooks);
}

#[test]
fn the_dashboard_can_be_drawn() {
    let dashboard: Value = serde_json::from_str(&text("deploy/watch/dashboard.json")).unwrap();
    let datasource = text("deploy/watch/grafana-datasource.yml");
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        let at = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{panel}");
        for y in at("y")..at("y") + at("h") {
            for x in at("x")..at("x") + at("w") {
                assert!(taken.insert((x, y)), "{} lies over another", panel["title"]);
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            assert!(!target["expr"].as_str().unwrap().is_empty());
            let uid = target["datasource"]["uid"].as_str().unwrap();
            assert!(datasource.contains(&format!("uid: {uid}\n")), "{uid}");
        }
    }
}

fn committed(height: u64, events: Vec<Event>) -> Committed {
    let store = Store::open(Arc::new(MemKv::default())).unwrap();
    Committed {
        height,
        time_ms: 0,
        snapshot: store.latest(),
        events,
    }
}

#[test]
fn what_the_beacon_did_is_counted_from_the_events_of_blocks() {
    let metrics = Metrics::default();
    let me = [7; 20];
    let id = Some(beacon::id(Purpose::RaceSeed, 3, 1, 0));
    let closed = typed(&EventPhase {
        phase: Phase::Seed.into(),
        ..EventPhase::default()
    });
    let unsigned = typed(&EventUnsigned {
        id,
        signing_attempt: 1,
        absent: vec![vec![1; 20], me.to_vec()],
    });
    let seed = typed(&EventSeed {
        id,
        degraded: true,
        ..EventSeed::default()
    });
    metrics.events.count(&committed(10, vec![closed]), &me);
    metrics.events.count(&committed(15, vec![unsigned]), &me);
    metrics.events.count(&committed(17, vec![seed]), &me);
    for (series, wanted) in [
        (
            "raced_beacon_unsigned_attempts_total{purpose=\"race_seed\"}",
            1.0,
        ),
        ("raced_beacon_absent_members", 2.0),
        ("raced_beacon_own_absences_total", 1.0),
        ("raced_beacon_race_seed_blocks", 7.0),
        (
            "raced_beacon_seeds_total{purpose=\"race_seed\",degraded=\"true\"}",
            1.0,
        ),
    ] {
        assert_eq!(value(&metrics, series), wanted, "{series}");
    }
}

#[test]
fn what_stops_a_chain_is_counted_from_cometbfts_log() {
    let metrics = Metrics::default();
    let subscriber = tracing_subscriber::registry().with(metrics.logged.clone());
    tracing::subscriber::with_default(subscriber, || {
        let lines = [
            r#"{"level":"error","module":"consensus","_msg":"CONSENSUS FAILURE!!!","err":"x"}"#,
            r#"{"level":"error","module":"consensus","_msg":"prevote step: ProposalBlock is invalid","err":"wrong Block.Header.AppHash.  Expected A, got B"}"#,
            r#"{"level":"info","module":"consensus","_msg":"finalized block"}"#,
        ];
        lines.iter().for_each(|line| LogLine::parse(line).emit());
        tracing::warn!("of our own");
    });
    for (series, wanted) in [
        ("raced_comet_consensus_failures_total", 1.0),
        ("raced_comet_app_hash_mismatches_total", 1.0),
        (
            "raced_log_events_total{source=\"cometbft\",level=\"error\"}",
            2.0,
        ),
        (
            "raced_log_events_total{source=\"raced\",level=\"warn\"}",
            1.0,
        ),
    ] {
        assert_eq!(value(&metrics, series), wanted, "{series}");
    }
}
