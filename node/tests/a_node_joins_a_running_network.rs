//! Four real CometBFT nodes, and two more that join in two commands each: one from a snapshot, which is
//! killed right after, and one by replaying every block. Both get power by racing; one is away until it
//! has lost it, and comes back.

mod support;

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use raced::client::ChainClient;
use raced::comet::home::Home;
use raced::comet::keys::ValidatorKey;
use raced::comet::rpc::RpcClient;
use raced::demo::sight::Sight;
use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use raced::network::Network;
use support::{app_hash, binary, Joiner, LIMIT};

fn plan(home: &Path) -> Plan {
    Plan {
        binary: binary(),
        home: home.to_owned(),
        nodes: 4,
        base_port: free_base_port(6, 31_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(4),
        block_time: Duration::from_millis(500),
        models: Vec::new(),
        params: Vec::new(),
        misbehave: Vec::new(),
    }
}

fn ok(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    let err = String::from_utf8_lossy(err);
    assert!(output.status.success(), "{err}");
    String::from_utf8_lossy(out).into_owned()
}

fn refused(output: &Output, says: &str) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && err.contains(says), "{err}");
}

async fn earliest(rpc: &str) -> u64 {
    let status = RpcClient::new(rpc).unwrap().status().await.unwrap();
    status.sync_info.earliest_block_height
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_in_two_commands_and_gets_power_by_racing() {
    let folder = tempfile::tempdir().unwrap();
    let mut localnet = Localnet::start(plan(folder.path())).await.unwrap();
    let (plan, network) = (localnet.plan.clone(), localnet.network.clone());
    let chain = ChainClient::new(&network.nodes[0].rpc, &network.chain_id).unwrap();
    let sight = Sight { chain };
    let file = plan.network_file();

    // What the file says is checked before anything is made.
    let mut fast = Joiner::new(&plan, "fast", 4);
    let wrong = folder.path().join("wrong.json");
    let written = |change: &dyn Fn(&mut Network)| {
        let mut network = network.clone();
        change(&mut network);
        network.write(&wrong).unwrap();
    };
    written(&|network| network.genesis_sha256 = "00".repeat(32));
    refused(&fast.init(&wrong, &[]), "digest");
    written(&|network| network.chain_id = "another".into());
    refused(&fast.init(&wrong, &[]), "of chain");
    written(&|network| network.trust.as_mut().unwrap().hash = "00".repeat(32));
    refused(&fast.init(&wrong, &[]), "one of them is wrong");
    assert!(!fast.home.join("config").exists());

    // A snapshot of height 20 is offered from 22 on.
    sight.chain.wait_for_height(23, LIMIT).await.unwrap();
    assert!(ok(&fast.init(&file, &[])).contains("state sync"));
    fast.start();
    let rpc = RpcClient::new(&fast.rpc).unwrap();
    rpc.wait_for_height(1, LIMIT).await.unwrap();
    assert!(earliest(&fast.rpc).await > 20, "it replayed");
    fast.kill();
    fast.start();

    let mut slow = Joiner::new(&plan, "slow", 5);
    assert!(ok(&slow.init(&file, &["--replay"])).contains("replay"));
    slow.start();
    let height = sight.chain.height().await.unwrap();
    for joined in [&fast.rpc, &slow.rpc] {
        let mine = app_hash(joined, height).await;
        assert_eq!(mine, app_hash(&network.nodes[0].rpc, height).await);
    }
    assert!(earliest(&fast.rpc).await > 20, "it began again by replay");
    assert_eq!(earliest(&slow.rpc).await, 1);

    // They register by themselves, without coins, and race.
    let mut validators = Vec::new();
    for home in [&fast.home, &slow.home] {
        let key = ValidatorKey::load(&Home::new(home).validator_key()).unwrap();
        validators.push(hex::encode_upper(key.address().0));
    }
    let rpc = RpcClient::new(&network.nodes[0].rpc).unwrap();
    let (rpc, validators) = (&rpc, &validators);
    sight
        .until("power of both", || async move {
            let set = rpc.validators(None).await?;
            let has = |who: &String| set.validators.iter().any(|v| v.address == *who);
            Ok(validators.iter().all(has).then_some(()))
        })
        .await
        .unwrap();

    // One goes away, for as long as it takes to lose its power.
    fast.kill();

    // What a stopped node can be asked and done to.
    refused(&slow.command(&["rollback"]), "stop it first");
    slow.kill();
    let snapshot = folder.path().join("state.snapshot");
    let snapshot = snapshot.to_str().unwrap();
    let text = ok(&slow.command(&["snapshot", "export", snapshot]));
    assert!(text.contains("app_hash"), "{text}");
    let back: serde_json::Value = serde_json::from_str(&ok(&slow.command(&["rollback"]))).unwrap();
    let back = back["height"].as_u64().unwrap();
    assert!(back > 1);
    refused(
        &slow.command(&["snapshot", "restore", snapshot]),
        "--replace",
    );
    slow.start();
    let height = sight.chain.height().await.unwrap();
    assert_eq!(
        app_hash(&slow.rpc, height).await,
        app_hash(&network.nodes[0].rpc, height).await
    );
    slow.kill();
    ok(&slow.command(&["snapshot", "restore", snapshot, "--replace"]));
    slow.start();
    let height = sight.chain.height().await.unwrap();
    assert_eq!(
        app_hash(&slow.rpc, height).await,
        app_hash(&network.nodes[0].rpc, height).await
    );

    // Who was away comes back as it came: it is started, and races.
    let has_power = |wanted: bool| async move {
        let set = rpc.validators(None).await?;
        let has = set.validators.iter().any(|v| v.address == validators[0]);
        Ok((has == wanted).then_some(()))
    };
    sight
        .until("the power of who is away gone", || has_power(false))
        .await
        .unwrap();
    fast.start();
    sight
        .until("its power again", || has_power(true))
        .await
        .unwrap();
    fast.kill();
    slow.kill();
    localnet.stop().await;
}
