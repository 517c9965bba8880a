//! CosmJS, in the versions that `cosmjs/package-lock.json` pins, against a real network of one node.
//! It needs `node` and `npm`, which fetches the packages from its registry.

use std::path::{Path, PathBuf};
use std::time::Duration;

use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;

fn plan(home: &Path) -> Plan {
    Plan {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_raced")),
        home: home.to_owned(),
        nodes: 1,
        base_port: free_base_port(1, 30_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(8),
        block_time: Duration::from_millis(500),
        models: Vec::new(),
        params: Vec::new(),
        misbehave: Vec::new(),
    }
}

async fn run(program: &str, arguments: &[&str], folder: &Path) {
    let done = tokio::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{program}: {error}; install Node.js 18 or later"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        done.status.success(),
        "{program} {}: {}\n{}",
        arguments.join(" "),
        text(&done.stdout),
        text(&done.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_that_exist_work_unchanged() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cosmjs");
    let client = tempfile::tempdir().unwrap();
    for file in ["package.json", "package-lock.json", "check.mjs"] {
        std::fs::copy(source.join(file), client.path().join(file)).unwrap();
    }
    run("npm", &["ci", "--no-audit", "--no-fund"], client.path()).await;

    let home = tempfile::tempdir().unwrap();
    let mut localnet = Localnet::start(plan(home.path())).await.unwrap();
    let network = localnet.network.clone();
    let (node, alice) = (&network.nodes[0], &network.accounts[0]);
    let arguments = ["check.mjs", &node.rpc, &node.rest, &alice.mnemonic];
    run("node", &arguments, client.path()).await;
    localnet.stop().await;
}
