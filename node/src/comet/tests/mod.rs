//! Tests of this module, those with the real CometBFT included: they find it as `raced` does
//! (`RACED_COMETBFT`, or `target/bin/cometbft`), and fail when it is missing.

mod binary;
mod files;
mod process;
mod real;
mod rpc;
mod text;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config::CometConfig;
use super::genesis::{Genesis, GenesisValidator};
use super::home::{Home, ProxyApp};
use super::keys::{NodeKey, ValidatorKey};

/// The real CometBFT.
fn cometbft() -> PathBuf {
    super::binary::find(None).unwrap_or_else(|error| panic!("this test needs CometBFT: {error}"))
}

/// A port that nobody listened on a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("address").port()
}

/// Writes the home of a chain with one validator, fast blocks, and the given application.
fn single_node(root: &Path, app: ProxyApp) -> (Home, CometConfig, ValidatorKey) {
    let home = Home::new(root);
    let block_time = Duration::from_millis(50);
    let mut config = CometConfig::for_localnet("solo", free_port(), free_port(), block_time);
    config.proxy_app = app;
    let node_key = NodeKey::generate();
    let validator = ValidatorKey::generate();
    let mut genesis = Genesis::new("race-test-1", "2026-01-01T00:00:00Z");
    let public_key = validator.public_key().to_bytes();
    genesis.validators = vec![GenesisValidator::new(&public_key, 10, "solo")];
    // The application built into CometBFT has version 1 and wants no vote extensions of its own.
    home.write(&config, &genesis, &node_key, &validator)
        .expect("home");
    (home, config, validator)
}

/// An executable shell script.
///
/// `install` writes it, not this process: a file that is open for writing cannot be run, and
/// another test's child could hold this process's handle for a moment.
fn script(folder: &Path, name: &str, body: &str) -> PathBuf {
    let (text, path) = (folder.join(format!("{name}.sh")), folder.join(name));
    std::fs::write(&text, format!("#!/bin/sh\n{body}\n")).expect("write");
    let installed = std::process::Command::new("install")
        .args(["-m", "755"])
        .args([&text, &path])
        .status();
    assert!(installed.expect("install").success());
    path
}

/// A process of a test, ended with the test whatever its outcome.
struct Owned(std::process::Child);

impl Owned {
    /// Starts it with nothing on its standard streams, and waits until it is that program.
    fn spawn(command: &mut std::process::Command) -> Self {
        let null = std::process::Stdio::null;
        command.stdin(null()).stdout(null()).stderr(null());
        let owned = Self(command.spawn().expect("spawn"));
        // The kernel shows a new program's command line a moment after it started.
        while !process::runs(owned.0.id()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        owned
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Ended already is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
