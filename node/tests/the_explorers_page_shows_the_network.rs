//! What other explorers ask of REST is answered, and the node's own page shows a real network of one node,
//! in headless Chromium. It needs `node` and `npm`; without Chromium the page's part is skipped.

mod support;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use serde_json::{json, Value};
use support::binary;

/// What would run if the page took text for HTML.
const MEMO: &str = "<img src=x onerror=alert(1)>";
const TITLE: &str = "<script>alert(2)</script> & more";

fn plan(home: &Path) -> Plan {
    Plan {
        binary: binary(),
        home: home.to_owned(),
        nodes: 1,
        base_port: free_base_port(1, 31_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(8),
        block_time: Duration::from_millis(500),
        models: Vec::new(),
        params: Vec::new(),
        misbehave: Vec::new(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn run(program: impl AsRef<Path>, arguments: &[&str], folder: &Path) -> Output {
    let program = program.as_ref();
    let done = tokio::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(
        done.status.success(),
        "{} {}: {}\n{}",
        program.display(),
        arguments.join(" "),
        text(&done.stdout),
        text(&done.stderr)
    );
    done
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut files =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    files.find(|file| file.is_file())
}

#[tokio::test(flavor = "multi_thread")]
async fn explorers_are_answered_and_the_page_shows_the_network() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explorer");
    let client = tempfile::tempdir().unwrap();
    let folder = client.path();
    for file in [
        "package.json",
        "package-lock.json",
        "explorers.mjs",
        "page.mjs",
    ] {
        std::fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    run("npm", &["ci", "--no-audit", "--no-fund"], folder).await;

    let home = tempfile::tempdir().unwrap();
    let mut localnet = Localnet::start(plan(home.path())).await.unwrap();
    let network = localnet.network.clone();
    let (node, alice, bob) = (
        &network.nodes[0],
        &network.accounts[0],
        &network.accounts[1],
    );
    let keys = home.path().join("client");
    let keys = keys.to_str().unwrap();

    let send = [
        "tx",
        "bank",
        "send",
        "alice",
        &bob.address,
        "5micoin",
        "--note",
        MEMO,
    ];
    let sent = [&send[..], &["--yes", "--output", "json", "--home", keys]].concat();
    let sent: Value = serde_json::from_slice(&run(binary(), &sent, folder).await.stdout).unwrap();
    let hash = sent["txhash"].as_str().unwrap();
    let message = json!({
        "@type": "/race.params.v1.MsgUpdateParams",
        "params": [{ "name": "epoch/serve_blocks", "value": "9" }],
    });
    let proposal = json!({
        "messages": [message], "deposit": "10icoin", "title": TITLE, "summary": "Text of the chain is text.",
    });
    std::fs::write(folder.join("proposal.json"), proposal.to_string()).unwrap();
    let submit = [
        "tx",
        "gov",
        "submit-proposal",
        "proposal.json",
        "--from",
        "alice",
    ];
    run(
        binary(),
        &[&submit[..], &["--yes", "--home", keys]].concat(),
        folder,
    )
    .await;

    run(
        "node",
        &["explorers.mjs", &node.rest, &alice.address, hash],
        folder,
    )
    .await;
    match chromium() {
        Some(browser) => {
            let browser = browser.to_str().unwrap();
            let arguments = ["page.mjs", &node.rest, browser, hash, MEMO, TITLE];
            run("node", &arguments, folder).await;
        }
        None => {
            eprintln!("SKIPPED, the page in a browser: deploy/chromium.sh says what is missing")
        }
    }
    localnet.stop().await;
}
