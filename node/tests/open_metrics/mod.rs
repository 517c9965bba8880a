//! A strict reader of the OpenMetrics text format, for tests: what it takes, Prometheus takes.

use std::collections::{BTreeMap, BTreeSet};

/// A family: its type, and its samples by name and labels as written.
#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub samples: BTreeMap<String, f64>,
}

/// Families by name.
pub type Families = BTreeMap<String, Family>;

/// Names and values, as written.
type Labels = Vec<(String, String)>;

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c.is_ascii_lowercase())
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The suffixes that samples of a type have.
pub fn suffixes(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" => &["_total"],
        "gauge" => &[""],
        "histogram" => &["_bucket", "_sum", "_count"],
        "info" => &["_info"],
        other => panic!("unknown type {other}"),
    }
}

/// The labels of `{a="b",c="d"}`, in order.
fn labels(text: &str) -> Labels {
    let mut rest = text;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect("a label has a quoted value");
        assert!(is_name(name), "{name} is no label in {text}");
        let mut end = None;
        let mut escaped = false;
        for (at, letter) in after.char_indices() {
            match letter {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => {
                    end = Some(at);
                    break;
                }
                _ => escaped = false,
            }
        }
        let end = end.expect("a label's value is closed");
        found.push((name.to_owned(), after[..end].to_owned()));
        rest = &after[end + 1..];
        if !rest.is_empty() {
            rest = rest.strip_prefix(',').expect("labels have commas between");
        }
    }
    let names: BTreeSet<_> = found.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), found.len(), "a label comes twice: {text}");
    found
}

/// Reads everything; panics at the first thing that is not as the format wants it.
pub fn read(text: &str) -> Families {
    let mut families = Families::new();
    let mut current: Option<String> = None;
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(is_name(name), "{name} is no name");
            assert!(!help.is_empty(), "{name} has no help");
            let before = families.insert(name.to_owned(), Family::default());
            assert!(before.is_none(), "{name} comes twice");
            current = Some(name.to_owned());
            continue;
        }
        let name = current.clone().expect("a family begins with its help");
        let family = families.get_mut(&name).unwrap();
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (of, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(of, name);
            suffixes(kind);
            family.kind = kind.to_owned();
        } else if let Some(rest) = line.strip_prefix("# UNIT ") {
            let (of, unit) = rest.split_once(' ').expect("a unit");
            assert_eq!(of, name);
            assert!(name.ends_with(&format!("_{unit}")), "{name} in {unit}");
        } else {
            assert!(!line.starts_with('#'), "{line}");
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let value: f64 = value.parse().unwrap_or_else(|e| panic!("{line}: {e}"));
            let (sample, inside) = match series.split_once('{') {
                Some((sample, rest)) => (sample, rest.strip_suffix('}').expect("closed labels")),
                None => (series, ""),
            };
            labels(inside);
            let suffix = sample.strip_prefix(name.as_str()).unwrap_or_else(|| {
                panic!("{sample} stands among {name}");
            });
            assert!(suffixes(&family.kind).contains(&suffix), "{line}");
            let before = family.samples.insert(series.to_owned(), value);
            assert!(before.is_none(), "{series} comes twice");
            if family.kind == "counter" {
                assert!(value >= 0.0, "{line}");
            }
        }
    }
    for (name, family) in &families {
        assert!(!family.kind.is_empty(), "{name} has no type");
        if family.kind == "histogram" {
            check_histogram(name, family);
        }
    }
    families
}

/// Buckets grow, and the last is the count.
fn check_histogram(name: &str, family: &Family) {
    // By the other labels: bound and count.
    let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, value) in &family.samples {
        let Some(inside) = series.strip_prefix(&format!("{name}_bucket{{")) else {
            continue;
        };
        let mut labels = labels(inside.strip_suffix('}').unwrap());
        let at = labels.iter().position(|(name, _)| name == "le").unwrap();
        let (_, bound) = labels.remove(at);
        let bound = bound.parse().unwrap();
        buckets.entry(labels).or_default().push((bound, *value));
    }
    for (labels, mut buckets) in buckets {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let count = match labels.is_empty() {
            true => format!("{name}_count"),
            false => format!("{name}_count{{{}}}", labels.join(",")),
        };
        let (bound, last) = buckets.last().unwrap();
        assert!(bound.is_infinite(), "{name} has no last bucket");
        assert_eq!(family.samples.get(&count), Some(last), "{count}");
    }
}
