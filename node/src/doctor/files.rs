//! The files of a node.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use race_proto::race::model::v1::{QueryModelsRequest, QueryModelsResponse};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Check, Patient};
use crate::cli::about::COMETBFT_VERSION;
use crate::client::ChainClient;
use crate::comet::binary;
use crate::comet::genesis::Genesis;
use crate::comet::home::Home;
use crate::comet::keys::{NodeKey, ValidatorKey};
use crate::config::{self, Config};
use crate::node::HOT_KEY;
use crate::retention::Keep;
use crate::secrets::{self, Secrets};
use crate::wallet::keyring::{Keyring, BACKEND};

/// How long an executable may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// The first bytes of a model file.
const GGUF: &[u8; 4] = b"GGUF";

/// The configuration, if it can be read, and what is to say about it.
pub fn configuration(
    home: &Path,
    variables: impl IntoIterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> (Option<Config>, Vec<Check>) {
    let name = "configuration";
    let config = match Config::load(home, variables, flags) {
        Ok(config) => config,
        Err(error) => {
            let check = Check::fail(
                name,
                error.to_string(),
                "correct it, or give the node's folder with --home",
            );
            return (None, vec![check]);
        }
    };
    let path = config::path(home).display().to_string();
    let check = match tracing_subscriber::EnvFilter::try_new(&config.log) {
        Ok(_) => Check::ok(name, path),
        Err(error) => Check::fail(
            name,
            format!("{path}: `log` is no filter: {error}"),
            "write for instance log = \"info,cometbft=warn\"",
        ),
    };
    (Some(config), vec![check])
}

/// Files that hold keys: what they are, whether they can be read, and whether others can.
pub fn keys(patient: &Patient) -> Vec<Check> {
    let home = Home::new(&patient.home);
    let shown = |error: &dyn std::error::Error| error.to_string();
    let read = [
        (
            "validator key",
            home.validator_key(),
            ValidatorKey::load(&home.validator_key())
                .map(|key| key.address().to_string())
                .map_err(|e| shown(&e)),
        ),
        (
            "peer-to-peer key",
            home.node_key(),
            NodeKey::load(&home.node_key())
                .map(|key| key.id())
                .map_err(|e| shown(&e)),
        ),
        (
            "node's secrets",
            secrets::path(&patient.home),
            Secrets::load(&patient.home)
                .map(|_| "readable".to_owned())
                .map_err(|e| shown(&e)),
        ),
        (
            "hot key",
            patient.home.join("keyring-test"),
            Keyring::open(&patient.home, BACKEND)
                .and_then(|keyring| keyring.get(HOT_KEY))
                .map(|(info, _)| info.address)
                .map_err(|e| shown(&e)),
        ),
    ];
    read.map(|(name, path, outcome)| key(name, &path, outcome))
        .into()
}

fn key(name: &'static str, path: &Path, outcome: Result<String, String>) -> Check {
    match outcome {
        Err(error) => Check::fail(
            name,
            error,
            "restore it from the backup; `raced init` makes the keys of a new node",
        ),
        Ok(found) => match open_to_others(path) {
            Some(mode) => Check::fail(
                name,
                format!("{} has mode {mode:o}: others can read it", path.display()),
                format!("chmod -R go= {}", path.display()),
            ),
            None => Check::ok(name, found),
        },
    }
}

/// The mode of a file or folder that others than its owner may use.
fn open_to_others(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// The genesis file.
pub fn genesis(patient: &Patient) -> Check {
    let name = "genesis";
    let digest = |genesis: Genesis| Ok((genesis.sha256()?, genesis.chain_id));
    match Genesis::load(&Home::new(&patient.home).genesis()).and_then(digest) {
        Ok((digest, chain_id)) => Check::ok(name, format!("{chain_id}, SHA-256 {digest}")),
        Err(error) => Check::fail(
            name,
            error.to_string(),
            "take the genesis file that the network publishes",
        ),
    }
}

/// How many blocks are kept, which is what the disk fills with.
pub fn blocks(patient: &Patient) -> Check {
    let name = "blocks";
    if patient.config.store.keep_blocks == 0 {
        let found = "all are kept ([store] keep_blocks = 0): the disk fills with them";
        return Check::ok(name, found);
    }
    let genesis = match Genesis::load(&Home::new(&patient.home).genesis()) {
        Ok(genesis) => genesis,
        // What is wrong with it is told elsewhere.
        Err(_) => return Check::ok(name, "how many are kept says the genesis file"),
    };
    let keep = Keep::of(&patient.config, &genesis.consensus_params.evidence);
    let blocks = keep.blocks().unwrap_or(u64::MAX);
    let found = format!("the last {blocks} are kept, and all since the oldest snapshot");
    match blocks == keep.wanted {
        true => Check::ok(name, found),
        false => Check::ok(
            name,
            format!(
                "{found}: [store] keep_blocks = {} is less than evidence ({}) or past states ({}) need",
                keep.wanted, keep.evidence, keep.versions
            ),
        ),
    }
}

/// The `cometbft` executable and its version.
pub async fn cometbft(patient: &Patient) -> Check {
    let name = "cometbft";
    if !patient.config.comet.run {
        return Check::ok(name, "is not run by this node ([comet] run)");
    }
    let given = &patient.config.comet.binary;
    let given = (!given.is_empty()).then(|| PathBuf::from(given));
    let path = match binary::find(given.as_deref()) {
        Ok(path) => path,
        Err(error) => {
            return Check::fail(
                name,
                error.to_string(),
                "build or install it, and set [comet] binary",
            )
        }
    };
    let shown = path.display();
    let mut command = Command::new(&path);
    let asked = timeout(VERSION_LIMIT, command.arg("version").output()).await;
    let version = match asked {
        Ok(Ok(output)) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(Err(error)) => {
            let found = format!("{shown} cannot be run: {error}");
            return Check::fail(name, found, "build it for this machine");
        }
        Err(_) => {
            let found = format!("{shown} version does not end");
            return Check::fail(name, found, "build it again");
        }
    };
    let number = version.trim_start_matches('v');
    let number = number.split('+').next().unwrap_or_default();
    let found = format!("{shown}, version {version}");
    match number == COMETBFT_VERSION {
        true => Check::ok(name, found),
        false if number.starts_with("0.38.") => Check::warn(
            name,
            found,
            format!("this release was tested with {COMETBFT_VERSION}"),
        ),
        false => Check::fail(
            name,
            found,
            format!("install version {COMETBFT_VERSION}: others speak another protocol"),
        ),
    }
}

/// The model files, compared with those that the chain registers when the node answers.
pub async fn models(patient: &Patient) -> Vec<Check> {
    let registered = registered(patient).await;
    let mut checks = Vec::new();
    for path in patient.config.inference.models.clone() {
        let registered = registered.clone();
        let checked = tokio::task::spawn_blocking(move || model(&path, registered.as_deref()));
        // A task that panicked has said so.
        checks.extend(checked.await);
    }
    if checks.is_empty() {
        checks.push(Check::ok(
            "models",
            "none configured: this node answers no requests",
        ));
    }
    checks
}

/// Digests of the models on chain, with their ids; nothing when the node does not answer.
async fn registered(patient: &Patient) -> Option<Vec<(Vec<u8>, String)>> {
    patient.running?;
    let chain = ChainClient::connect(patient.rpc.url()).await.ok()?;
    let all = QueryModelsRequest::default();
    let answer: QueryModelsResponse = chain.ask("/race.model.v1.Query/Models", &all).await.ok()?;
    let models = answer.models.into_iter();
    Some(models.map(|m| (m.weights_digest, m.id)).collect())
}

fn model(path: &Path, registered: Option<&[(Vec<u8>, String)]>) -> Check {
    let name = "model file";
    let shown = path.display();
    let fix = "correct [inference] models, or fetch the file with raced model fetch";
    let mut first = [0; 4];
    let read = std::fs::File::open(path)
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut first));
    if let Err(error) = read {
        return Check::fail(name, format!("{shown} cannot be read: {error}"), fix);
    }
    if first != *GGUF {
        return Check::fail(name, format!("{shown} is no GGUF file"), fix);
    }
    let Some(registered) = registered else {
        let found = format!("{shown}; its digest is compared while the node runs");
        return Check::ok(name, found);
    };
    match crate::serving::host::digest(path) {
        Err(error) => Check::fail(name, format!("{shown} cannot be read: {error}"), fix),
        Ok(digest) => match registered.iter().find(|(known, _)| *known == digest) {
            Some((_, id)) => Check::ok(name, format!("{shown} is {id}")),
            None => Check::warn(
                name,
                format!(
                    "{shown}: no model on chain has its digest {}",
                    hex::encode(digest)
                ),
                "it is not served: fetch the registered file, or propose the model",
            ),
        },
    }
}
