//! Measures what the mempool and a block of transfers cost the application, without CometBFT.
//!
//! `bench_mempool [TRANSFERS]`, by default 3000, as many as users may have waiting, over a fjall database in a new
//! folder inside the system's folder for temporary files. JSON goes to standard output.

// A measurement reads the clock; the state machine never does.
#![allow(clippy::disallowed_types)]

use std::error::Error;
use std::time::Instant;

use bytes::Bytes;
use race_app::app::NewBlock;
use race_app::block::Block;
use race_app::store::Engine;
use race_app::testing::{Builder, Chain, Signing, Wallet};

/// Accounts that send, each fewer than its quota.
const ACCOUNTS: usize = 100;
const FUNDS: u128 = 1_000_000_000;

/// Transfers of the accounts in turn.
fn transfers(chain: &Chain, wallets: &[Wallet], count: usize) -> Vec<Bytes> {
    let first: Vec<Signing> = wallets.iter().map(|wallet| chain.signing(wallet)).collect();
    let one = |n: usize| {
        let (from, turn) = (n % wallets.len(), n / wallets.len());
        let signing = Signing {
            sequence: first[from].sequence + turn as u64,
            ..first[from].clone()
        };
        let to = &wallets[(from + 1) % wallets.len()];
        let from = &wallets[from];
        from.sign(vec![from.pays(to, 1)], &signing).into()
    };
    (0..count).map(one).collect()
}

/// Runs something; how long it took, ms.
fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let done = run();
    (done, start.elapsed().as_secs_f64() * 1e3)
}

fn check(chain: &Chain, txs: &[Bytes], recheck: bool) {
    for tx in txs {
        let error = chain.app.check_tx(tx, recheck).error;
        assert!(error.is_none(), "{error:?}");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(3_000), |n| n.parse())?;
    let folder = tempfile::tempdir()?;
    let wallets: Vec<_> = (0..ACCOUNTS)
        .map(|n| Wallet::named(&format!("sender {n}")))
        .collect();
    let builder = Builder::new(1).kv(Engine::Fjall.open(folder.path())?);
    let funded = wallets.iter().cloned();
    let mut chain = funded
        .fold(builder, |builder, wallet| builder.fund(wallet, FUNDS))
        .start();
    chain.block(Vec::new());
    let txs = transfers(&chain, &wallets, count);

    let ((), check_ms) = timed(|| check(&chain, &txs, false));
    chain.block(Vec::new());
    let ((), recheck_ms) = timed(|| check(&chain, &txs, true));
    let (proposed, prepare_ms) = timed(|| chain.app.prepare_proposal(&[], txs.clone(), u64::MAX));
    assert_eq!(proposed.len(), count);
    let (good, process_ms) = timed(|| chain.app.process_proposal(&proposed));
    assert!(good);
    let new = NewBlock {
        height: chain.height + 1,
        time_ms: chain.time_ms + chain.block_ms,
        block: Block {
            txs: proposed,
            ..Block::default()
        },
    };
    let (done, finalize_ms) = timed(|| chain.app.finalize_block(&new));
    assert!(done.results.iter().all(|result| result.code == 0));
    let (_, commit_ms) = timed(|| chain.app.commit());
    let figures = [
        ("transfers", count as f64),
        ("check_per_s", count as f64 / check_ms * 1e3),
        ("check_ms", check_ms),
        ("recheck_ms", recheck_ms),
        ("prepare_ms", prepare_ms),
        ("process_ms", process_ms),
        ("finalize_ms", finalize_ms),
        ("commit_ms", commit_ms),
    ];
    let figures: serde_json::Map<_, _> = figures
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    println!("{}", serde_json::Value::Object(figures));
    Ok(())
}
