//! What any bytes may do as the app state of a genesis file: be refused with a reason, or make a state
//! whose invariants hold and that a first block can follow.

use std::sync::{Arc, OnceLock};

use race_app::app::{App, NewBlock};
use race_app::genesis::AppGenesis;
use race_app::invariants;
use race_app::store::{MemKv, Store};
use race_app::testing::{committee, Builder, FakeOracle};
use serde_json::{json, Value};

use crate::input::Input;

fn honest() -> &'static Value {
    static HONEST: OnceLock<Value> = OnceLock::new();
    HONEST.get_or_init(|| {
        let genesis = Builder::new(2).param("epoch/serve_blocks", 7).genesis();
        let mut json: Value = serde_json::from_slice(&genesis.to_json()).expect("it is JSON");
        json["accounts"][0]["vesting"] = json!({ "amount": "5", "start": 1, "end": 9 });
        json
    })
}

/// Tries the bytes as the JSON, and the changes of a valid one that they describe.
pub fn survives(bytes: &[u8]) {
    tried(bytes);
    let mut genesis = honest().clone();
    let mut input = Input(bytes);
    if input.byte() % 4 == 0 {
        genesis["carried"] = json!({
            "chain_id": "race-old-1", "height": 9, "supply": "2000000000000", "treasury": "0",
            "training_fund": "0", "minted": "0", "fees_counted": "0", "burned": "0",
            "issued_since_ms": null, "next_proposal": 3,
        });
    }
    while !input.0.is_empty() {
        change(&mut genesis, &mut input);
    }
    tried(&serde_json::to_vec(&genesis).expect("it is JSON"));
}

/// Replaces, removes or doubles a value somewhere in the JSON.
fn change(json: &mut Value, input: &mut Input) {
    match json {
        Value::Object(fields) if !fields.is_empty() && input.byte() < 240 => {
            let names: Vec<_> = fields.keys().cloned().collect();
            let name = input.one_of(&names).clone();
            match input.byte() {
                0..=223 => change(&mut fields[&name], input),
                224..=239 => drop(fields.remove(&name)),
                _ => drop(fields.insert(input.text(), value(input))),
            }
        }
        Value::Array(items) if !items.is_empty() && input.byte() < 240 => {
            let at = input.below(items.len());
            match input.byte() {
                0..=191 => change(&mut items[at], input),
                192..=223 => drop(items.remove(at)),
                _ => items.push(items[at].clone()),
            }
        }
        // Of the same kind most of the time, or nothing but the types would be refused.
        Value::Number(_) if input.byte() < 224 => *json = json!(input.number()),
        Value::String(text) if input.byte() < 224 => match text.parse::<u128>() {
            Ok(_) => *text = input.number().to_string(),
            Err(_) => {
                let mut edited = std::mem::take(text).into_bytes();
                if let Some(byte) = edited.get_mut(usize::from(input.byte())) {
                    *byte ^= 1;
                }
                *text = String::from_utf8_lossy(&edited).into_owned();
            }
        },
        other => *other = value(input),
    }
}

fn value(input: &mut Input) -> Value {
    match input.byte() % 10 {
        0 => Value::Null,
        1 => json!(input.number()),
        2 => json!(input.number().to_string()),
        3 => json!(u128::MAX.to_string()),
        4 => json!((u128::MAX / 2 + 1).to_string()),
        5 => json!(-1),
        6 => json!([]),
        7 => json!({}),
        8 => json!(hex_text(input)),
        _ => json!(input.text()),
    }
}

fn hex_text(input: &mut Input) -> String {
    input
        .run()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn tried(bytes: &[u8]) {
    let genesis = match AppGenesis::from_json(bytes) {
        Ok(genesis) => genesis,
        Err(refused) => return assert!(!refused.to_string().is_empty()),
    };
    let again = AppGenesis::from_json(&genesis.to_json());
    assert_eq!(again.ok().as_ref(), Some(&genesis));
    let store = Store::open(Arc::new(MemKv::new())).expect("an empty store opens");
    let app = App::new(store, Arc::new(FakeOracle), Arc::new(committee::NoShares));
    let first = app.init_chain("race-test-1", 1, 1_790_000_000_000, &genesis);
    let Ok((validators, _)) = first else {
        return;
    };
    assert!(!validators.is_empty());
    let holds = || {
        let holds = app.read_next(|_, state| invariants::all(state));
        holds
            .expect("there is a state")
            .unwrap_or_else(|broken| panic!("{broken}"));
    };
    holds();
    app.finalize_block(&NewBlock {
        height: 1,
        time_ms: 1_790_000_001_000,
        ..NewBlock::default()
    });
    app.commit();
    holds();
}
