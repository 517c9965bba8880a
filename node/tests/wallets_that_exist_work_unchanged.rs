//! Clients that exist, in the versions that `clients/` pins, against a real network of one node with a tiny
//! random model: CosmJS, cosmpy, cosmrs, grpcurl, CometBFT's light client and the Go library of ICS-23; and
//! the examples of our own packages, which open a session and stream an answer. REST's OpenAPI document is
//! checked by a validator of its kind.
//! `clients/setup.sh` gets what they need from their registries.

use std::path::{Path, PathBuf};
use std::time::Duration;

use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;

/// What the packages' examples ask.
const QUESTION: &str = "What is a race?";

fn plan(home: &Path, model: PathBuf) -> Plan {
    Plan {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_raced")),
        home: home.to_owned(),
        nodes: 1,
        base_port: free_base_port(1, 30_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(8),
        block_time: Duration::from_millis(500),
        models: vec![model],
        params: vec![("gov/voting_period".into(), 5_000)],
        misbehave: Vec::new(),
    }
}

/// Programs that run in one folder.
struct Programs {
    clients: PathBuf,
    /// Where `setup.sh` leaves what it makes.
    made: PathBuf,
}

impl Programs {
    /// Runs one to its end, which has to be a good one, and gives what it printed.
    async fn run(&self, program: impl AsRef<Path>, arguments: &[&str]) -> String {
        self.run_as("", program, arguments).await
    }

    /// The same for one that signs with the key of a mnemonic.
    async fn run_as(
        &self,
        mnemonic: &str,
        program: impl AsRef<Path>,
        arguments: &[&str],
    ) -> String {
        let program = program.as_ref();
        let modules = [self.made.join("python"), self.clients.join("py")];
        let done = tokio::process::Command::new(program)
            .args(arguments)
            .current_dir(&self.clients)
            .env("PYTHONPATH", std::env::join_paths(modules).unwrap())
            .env("RACE_MNEMONIC", mnemonic)
            .kill_on_drop(true)
            .output()
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            done.status.success(),
            "{} {}: {}\n{}",
            program.display(),
            arguments.join(" "),
            text(&done.stdout),
            text(&done.stderr)
        );
        text(&done.stdout)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_that_exist_work_unchanged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let programs = Programs {
        clients: root.join("clients"),
        made: root.join("target/clients"),
    };
    programs.run("./setup.sh", &[]).await;

    let home = tempfile::tempdir().unwrap();
    let model = home.path().join("tiny-random.gguf");
    race_inference::fixture::write_tiny_gguf(&model, 7).unwrap();
    let info = ["model", "info", model.to_str().unwrap(), "--proposal"];
    let proposal = home.path().join("proposal.json");
    let proposed = programs.run(env!("CARGO_BIN_EXE_raced"), &info).await;
    std::fs::write(&proposal, proposed).unwrap();

    let mut localnet = Localnet::start(plan(home.path(), model)).await.unwrap();
    let network = localnet.network.clone();
    let (file, proposal) = (localnet.plan.network_file(), proposal.to_str().unwrap());
    let (file, node) = (file.to_str().unwrap(), &network.nodes[0]);
    let made = |name: &str| programs.made.join(name);

    // Each account has one user at a time: its sequence is counted by what sends.
    let alice = async {
        programs
            .run("node", &["js/network/race.mjs", file, proposal])
            .await;
        programs.run("node", &["js/network/cosmjs.mjs", file]).await;
        programs.run(made("verify"), &[file]).await;
    };
    let bob = async {
        programs
            .run("python3", &["py/network/check.py", file])
            .await;
        programs
            .run(made("cosmrs/debug/cosmrs-against-raced"), &[file])
            .await;
        let grpcurl = made("grpcurl").display().to_string();
        programs.run("grpc/check.sh", &[&grpcurl, &node.grpc]).await;
        let openapi = ["py/network/openapi.py", &node.rest];
        programs.run("python3", &openapi).await;
    };
    tokio::join!(alice, bob);

    let (alice, bob) = (&network.accounts[0].mnemonic, &network.accounts[1].mnemonic);
    let (rpc, grpc, chain) = (&node.rpc, &node.grpc, &network.chain_id);
    let model = &network.models[0].id;
    let script = ["js/examples/ask.mjs", rpc, grpc, model, QUESTION];
    let answer = programs.run_as(alice, "node", &script).await;
    let script = ["py/examples/ask.py", chain, grpc, model, QUESTION];
    let again = programs.run_as(bob, "python3", &script).await;
    assert!(!answer.trim().is_empty());
    assert_eq!(answer, again, "the likeliest tokens are the same");
    localnet.stop().await;
}
