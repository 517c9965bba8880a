//! A whole committee in memory: what each step costs, and how the committee fares when members do
//! wrong.
//!
//! ```text
//! cargo run -p race-randomness --example committee -- --members 100 --weights random
//! cargo run -p race-randomness --example committee -- --members 31 --faults third-bad-shares,one-crash
//! ```

// An example has a clock: it measures.
#![allow(clippy::disallowed_types)]

use clap::{Parser, ValueEnum};
use race_randomness::dkg::{
    Attempt, Board, CommitteeKey, Complaint, Confirmation, Deal, Outcome, Participant,
    SecretShares, Session,
};
use race_randomness::hash::Address;
use race_randomness::scheme::{Blst, Message, Scheme, ThresholdCrypto};
use race_randomness::shares::Allotment;
use race_randomness::signing::{extension, Pool};
use race_randomness::sim::{Committee, Fault, KeyRun, Spread, Wrong};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

/// Generates a committee's key and draws a seed with it, in memory, and says what each step takes.
#[derive(Parser)]
struct Options {
    /// How many members.
    #[arg(long, default_value_t = 4)]
    members: usize,
    /// How power is spread.
    #[arg(long, value_enum, default_value_t = Weights::Equal)]
    weights: Weights,
    /// Who does what wrong: one, third, half or all, a hyphen, and a fault; several with commas.
    #[arg(long, value_delimiter = ',', long_help = fault_help())]
    faults: Vec<Wrong>,
    /// Key attempts before it is given up.
    #[arg(long, default_value_t = 3)]
    attempts: u64,
    /// Only what each step costs, without a whole committee.
    #[arg(long)]
    costs_only: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Weights {
    Equal,
    Random,
    Decaying,
}

impl From<Weights> for Spread {
    fn from(weights: Weights) -> Self {
        match weights {
            Weights::Equal => Self::Equal,
            Weights::Random => Self::Random,
            Weights::Decaying => Self::Decaying,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Table,
    Json,
}

fn fault_help() -> String {
    let faults = Fault::ALL.map(Fault::name).join(", ");
    format!("Who does what wrong: one, third, half or all, a hyphen, and one of: {faults}. Several with commas.")
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let powers = Committee::powers(options.members, options.weights.into());
    let honest = Committee::new(&powers);
    let mut report = costs(&honest)?;
    if !options.costs_only {
        let committee = options
            .faults
            .iter()
            .fold(honest, |c, wrong| c.with(*wrong));
        report.push(("committee", scenario(&committee, &options)));
    }
    match options.output {
        Output::Json => {
            let report: BTreeMap<_, _> = report.into_iter().collect();
            println!("{}", serde_json::to_string_pretty(&report)?);
        }
        Output::Table => {
            for (part, lines) in &report {
                println!("{part}");
                for (name, value) in lines.as_object().into_iter().flatten() {
                    let value = value.as_str().map_or(value.to_string(), str::to_owned);
                    println!("  {name:<44} {value}");
                }
            }
        }
    }
    Ok(())
}

/// The fastest of some runs, in milliseconds: what it takes when nothing else runs.
fn time<T>(mut run: impl FnMut() -> T) -> Value {
    let (begin, mut runs) = (Instant::now(), 0);
    let mut fastest = Duration::MAX;
    while runs < 3 || (runs < 50 && begin.elapsed() < Duration::from_secs(1)) {
        let start = Instant::now();
        run();
        fastest = fastest.min(start.elapsed());
        runs += 1;
    }
    milliseconds(fastest)
}

fn milliseconds(time: Duration) -> Value {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    json!(micros as f64 / 1000.0)
}

type Report = Vec<(&'static str, Value)>;

/// Sizes, and times of single steps, of an honest committee: of the member with the most shares where
/// they differ.
fn costs(committee: &Committee) -> Result<Report, Box<dyn Error>> {
    let powers = committee
        .nodes()
        .map(|node| (node.address, node.power))
        .collect();
    let session = Session::new(attempt(), committee.members())?;
    let largest = session
        .seats()
        .iter()
        .max_by_key(|(_, seat)| seat.shares())
        .map(|(address, seat)| (*address, seat.shares()))
        .ok_or("no members")?;
    let node = committee.nodes().find(|node| node.address == largest.0);
    let mut member = node.ok_or("no members")?.participant();
    let bytes = member.deal(&session);
    let deal = Deal::check(&session, &largest.0, &bytes)?;
    let complaint = member.complain(&session, &deal);
    let parsed = Complaint::decode(&session, &largest.0, &complaint)?;
    // A key of this one deal: its size and costs are those of any key.
    let key = CommitteeKey::sum(&session, [&deal].into_iter()).ok_or("no key")?;
    let shares = member.secret_shares(&session, [&deal].into_iter(), &key)?;
    let message = Message::new([1; 32]);
    let committee_line = json!({
        "members": session.members().len(),
        "dropped": session.allotment().dropped.len(),
        "shares (W)": session.total(),
        "threshold (t)": session.threshold(),
        "shares of the largest member": largest.1,
    });
    let bytes_line = json!({
        "deal": bytes.len(),
        "deals of all members": bytes.len().saturating_mul(session.members().len()),
        "complaint": complaint.len(),
        "confirmation": Confirmation::LENGTH,
        "extension of the largest member": extension::<Blst>(&shares, &message).len(),
        "committee key": key.encode().len(),
    });
    let steps = json!({
        "shares and threshold": time(|| Allotment::of(&powers)),
        "make a deal": time(|| member.deal(&session)),
        "check a deal (the chain)": time(|| Deal::check(&session, &largest.0, &bytes)),
        "restore a deal": time(|| Deal::restore(&session, &largest.0, &bytes)),
        "open a deal (the receiver)": time(|| restarted(committee, &member).is_good(&session, &deal)),
        "make a complaint": time(|| member.complain(&session, &deal)),
        "judge a complaint (the chain)": time(|| parsed.judge(&session, &deal)),
        "keys of all shares": time(|| key.public_keys()),
        "decode the committee key": time(|| CommitteeKey::decode(&key.encode())),
    });
    assert!(member.is_good(&session, &deal));
    let all = dealt(committee, &session, &deal, &key)?;
    Ok(vec![
        ("size", committee_line),
        ("bytes", bytes_line),
        ("milliseconds", steps),
        ("milliseconds, blst", scheme::<Blst>(&key, &all, &message)),
        (
            "milliseconds, threshold_crypto",
            scheme::<ThresholdCrypto>(&key, &all, &message),
        ),
    ])
}

fn attempt() -> Attempt {
    Attempt {
        chain_id: "race-costs-1".to_owned(),
        epoch: 1,
        race_attempt: 0,
        key_attempt: 0,
    }
}

/// The member as it is after a start, with nothing checked yet.
fn restarted(committee: &Committee, member: &Participant) -> Participant {
    let node = committee
        .nodes()
        .find(|node| node.address == *member.address());
    node.expect("it is a member").participant()
}

type Extensions = BTreeMap<Address, SecretShares>;

/// Everyone's shares of the key of one deal.
fn dealt(
    committee: &Committee,
    session: &Session,
    deal: &Deal,
    key: &CommitteeKey,
) -> Result<Extensions, Box<dyn Error>> {
    let mut all = BTreeMap::new();
    for node in committee.nodes() {
        if session.indices(&node.address).next().is_some() {
            let shares = node
                .participant()
                .secret_shares(session, [deal].into_iter(), key)?;
            all.insert(node.address, shares);
        }
    }
    Ok(all)
}

fn scheme<S: Scheme>(key: &CommitteeKey, all: &Extensions, message: &Message) -> Value {
    let keys = key.public_keys().expect("no share is the identity");
    let prepare = time(|| S::new(keys.clone()));
    let scheme = S::new(keys);
    let mut shares = BTreeMap::new();
    let mut extensions = BTreeMap::new();
    for (member, secrets) in all {
        extensions.insert(*member, extension::<S>(secrets, message));
        shares.extend(
            secrets
                .iter()
                .map(|(i, secret)| (i, S::sign(secret, message))),
        );
    }
    let (index, share) = shares.iter().next().expect("there are shares");
    let secret = all.values().flat_map(|secrets| secrets.iter()).next();
    let (_, secret) = secret.expect("there are shares");
    let signature = scheme.combine(&shares).expect("enough shares");
    let pooled = || {
        let mut pool = Pool::new(key, &scheme, message.clone());
        for (member, extension) in &extensions {
            pool.add(member, extension).expect("good extensions");
        }
        pool.signature()
    };
    json!({
        "prepare the keys, once": prepare,
        "sign, a share": time(|| S::sign(secret, message)),
        "verify, a share": time(|| scheme.verify_share(*index, message, share)),
        "verify all shares at once": time(|| scheme.verify_shares(message, &shares)),
        "combine t shares": time(|| scheme.combine(&shares)),
        "verify the signature": time(|| scheme.verify(message, &signature)),
        "pool: read all, combine, verify": time(pooled),
    })
}

/// A whole committee, with its faults.
fn scenario(committee: &Committee, options: &Options) -> Value {
    let start = Instant::now();
    let run = committee.generate_key(options.attempts);
    let generated = start.elapsed();
    let faults = options.faults.iter().map(Wrong::to_string);
    let mut lines = json!({
        "faults": faults.collect::<Vec<_>>().join(" "),
        "key: failed attempts": run.failed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "key: refused posts": run.refused.len(),
        "key: false dealers": run.false_dealers.len(),
        "key: false accusers": run.false_accusers.len(),
        "key: milliseconds, all members": milliseconds(generated),
    });
    let outcome = match &run.outcome {
        Outcome::Failed { shortfall, left } => format!("none: {shortfall}; {} left", left.len()),
        Outcome::Active { confirmers, .. } => format!("active, {} confirmed", confirmers.len()),
    };
    lines["key"] = json!(outcome);
    if let Outcome::Active { key, .. } = &run.outcome {
        lines["key: milliseconds, rebuilt from the posts"] = rebuild(&run, key);
        let start = Instant::now();
        let seed = committee.draw_seed::<Blst>(&run);
        lines["seed: milliseconds, all members"] = milliseconds(start.elapsed());
        lines["seed"] = json!(seed
            .seed
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>());
        lines["seed: degraded"] = json!(seed.degraded);
        lines["seed: blocks"] = json!(seed.blocks);
        lines["seed: bad extensions"] = json!(seed.bad.len());
    }
    lines
}

/// What one node that joins late does with all posts.
fn rebuild(run: &KeyRun, key: &CommitteeKey) -> Value {
    let start = Instant::now();
    let mut board = Board::new(run.board.session().clone());
    for (i, (from, post)) in run.posts.iter().enumerate() {
        if i == run.deals {
            board.close_deals();
        }
        board.take(from, post).expect("it was taken before");
    }
    let Outcome::Active { key: rebuilt, .. } = board.outcome() else {
        panic!("the posts make no key");
    };
    assert_eq!(rebuilt, *key);
    milliseconds(start.elapsed())
}
