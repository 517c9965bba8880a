//! `feegrant`: a fee that names a granter is paid by it, as far as it allowed.

use prost::Message;
use race_app::chain;
use race_app::testing::{Builder, Chain, Wallet};
use race_app::time::{duration, timestamp};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance, MsgPruneAllowances, MsgRevokeAllowance,
    PeriodicAllowance, QueryAllowanceRequest, QueryAllowanceResponse,
    QueryAllowancesByGranterRequest, QueryAllowancesByGranterResponse, QueryAllowancesRequest,
    QueryAllowancesResponse,
};
use race_proto::Any;
use tendermint_proto::v0_38::abci::ExecTxResult;

const FEE: u128 = 100_000;

struct Scene {
    chain: Chain,
    alice: Wallet,
    hot: Wallet,
}

impl Scene {
    fn new() -> Self {
        let mut chain = Builder::new(1).start();
        chain.block(Vec::new());
        Self {
            chain,
            alice: Wallet::named("alice"),
            hot: Wallet::named("hot"),
        }
    }

    fn deliver(&mut self, tx: Vec<u8>) -> ExecTxResult {
        let result = self.chain.block(vec![tx]).results.remove(0);
        self.chain.check_invariants();
        result
    }

    fn allow(&mut self, allowance: Any) -> ExecTxResult {
        let message = MsgGrantAllowance {
            granter: self.alice.address(),
            grantee: self.hot.address(),
            allowance: Some(allowance),
        };
        let message = Wallet::message(&message);
        let tx = self.chain.sign(&self.alice, vec![message]);
        self.deliver(tx)
    }

    fn revoke(&mut self) -> ExecTxResult {
        let message = Wallet::message(&MsgRevokeAllowance {
            granter: self.alice.address(),
            grantee: self.hot.address(),
        });
        let tx = self.chain.sign(&self.alice, vec![message]);
        self.deliver(tx)
    }

    /// A transaction of the hot key whose fee alice is to pay.
    fn paid_by_alice(&self) -> Vec<u8> {
        let signing = self.chain.signing(&self.hot);
        let vote = self.hot.pays(&self.alice, 1);
        let (body, mut auth) = self.hot.body_and_auth(vec![vote], &signing);
        auth.fee.as_mut().unwrap().granter = self.alice.address();
        self.hot
            .sign_raw(&body, &auth, &signing.chain_id, signing.number)
            .encode_to_vec()
    }

    fn left(&self) -> Option<BasicAllowance> {
        let packed = self.stored()?;
        Some(BasicAllowance::decode(packed.value.as_slice()).unwrap())
    }

    fn stored(&self) -> Option<Any> {
        let request = QueryAllowanceRequest {
            granter: self.alice.address(),
            grantee: self.hot.address(),
        };
        let path = "/cosmos.feegrant.v1beta1.Query/Allowance";
        let answer: QueryAllowanceResponse = self.chain.query(path, &request).ok()?;
        answer.allowance?.allowance
    }

    fn now(&self) -> u64 {
        self.chain.read(|_, state| chain::time_ms(state))
    }
}

fn basic(limit: Option<u128>, expiration_ms: Option<u64>) -> Any {
    let coin = |amount: u128| Coin {
        denom: "nicoin".into(),
        amount: amount.to_string(),
    };
    Wallet::message(&BasicAllowance {
        spend_limit: limit.map(coin).into_iter().collect(),
        expiration: expiration_ms.map(timestamp),
    })
}

fn code(result: &ExecTxResult) -> (&str, u32) {
    (&result.codespace, result.code)
}

#[test]
fn an_account_without_coins_sends_at_anothers_cost() {
    let mut scene = Scene::new();
    assert_eq!(scene.allow(basic(Some(FEE * 3 / 2), None)).code, 0);
    let before = scene.chain.balance(&scene.alice);
    let tx = scene.paid_by_alice();
    // The transfer fails, the fee is paid.
    let result = scene.deliver(tx);
    assert_eq!(code(&result), ("sdk", 5), "{}", result.log);
    assert_eq!(scene.chain.balance(&scene.alice), before - FEE);
    let kinds: Vec<_> = result.events.iter().map(|e| e.r#type.as_str()).collect();
    assert_eq!(
        &kinds[..3],
        ["use_feegrant", "update_feegrant", "coin_spent"]
    );
    let payer = result.events.iter().find(|e| e.r#type == "tx").unwrap();
    assert_eq!(payer.attributes[1].value, scene.alice.address());
    assert_eq!(
        scene.left().unwrap().spend_limit[0].amount,
        (FEE / 2).to_string()
    );

    let tx = scene.paid_by_alice();
    let error = scene.chain.app.check_tx(&tx, false).error.unwrap();
    assert_eq!((error.codespace, error.code), ("feegrant", 2), "{error}");
}

#[test]
fn an_allowance_that_is_used_up_is_gone() {
    let mut scene = Scene::new();
    scene.allow(basic(Some(FEE), None));
    let tx = scene.paid_by_alice();
    let result = scene.deliver(tx);
    assert!(result.events.iter().any(|e| e.r#type == "revoke_feegrant"));
    assert_eq!(scene.left(), None);
}

#[test]
fn an_allowance_without_a_limit_stays_until_it_is_revoked() {
    let mut scene = Scene::new();
    scene.allow(basic(None, None));
    let tx = scene.paid_by_alice();
    scene.deliver(tx);
    assert!(scene.left().is_some());
    assert_eq!(code(&scene.allow(basic(None, None))), ("sdk", 18));
    assert_eq!(scene.revoke().code, 0);
    assert_eq!(code(&scene.revoke()), ("sdk", 38));
    let tx = scene.paid_by_alice();
    let error = scene.chain.app.check_tx(&tx, false).error.unwrap();
    assert_eq!((error.codespace, error.code), ("sdk", 38));
}

#[test]
fn an_allowance_ends_with_its_time() {
    let mut scene = Scene::new();
    let past = scene.now();
    assert_eq!(code(&scene.allow(basic(None, Some(past)))), ("sdk", 18));
    let end = scene.now() + 3_000;
    assert_eq!(scene.allow(basic(None, Some(end))).code, 0);
    while scene.now() < end {
        scene.chain.step();
    }
    scene.chain.check_invariants();
    assert_eq!(scene.left(), None);
}

#[test]
fn a_periodic_allowance_pays_again_when_its_period_is_over() {
    let mut scene = Scene::new();
    let coins = |amount: u128| {
        vec![Coin {
            denom: "nicoin".into(),
            amount: amount.to_string(),
        }]
    };
    let reset = scene.now() + 5_000;
    let periodic = PeriodicAllowance {
        basic: Some(BasicAllowance::default()),
        period: Some(duration(5_000)),
        period_spend_limit: coins(FEE),
        period_can_spend: coins(FEE),
        period_reset: Some(timestamp(reset)),
    };
    assert_eq!(scene.allow(Wallet::message(&periodic)).code, 0);
    let tx = scene.paid_by_alice();
    assert_eq!(code(&scene.deliver(tx)), ("sdk", 5));
    let tx = scene.paid_by_alice();
    let error = scene.chain.app.check_tx(&tx, false).error.unwrap();
    assert_eq!((error.codespace, error.code), ("feegrant", 2));
    assert!(
        error.log.ends_with("period limit: fee limit exceeded"),
        "{error}"
    );
    while scene.now() < reset {
        scene.chain.step();
    }
    let before = scene.chain.balance(&scene.alice);
    let tx = scene.paid_by_alice();
    scene.deliver(tx);
    assert_eq!(scene.chain.balance(&scene.alice), before - FEE);
}

#[test]
fn an_allowance_for_some_messages_pays_for_no_others() {
    let mut scene = Scene::new();
    let allow = |types: &[&str]| {
        Wallet::message(&AllowedMsgAllowance {
            allowance: Some(basic(Some(FEE), None)),
            allowed_messages: types.iter().map(ToString::to_string).collect(),
        })
    };
    assert_eq!(code(&scene.allow(allow(&[]))), ("feegrant", 6));
    assert_eq!(scene.allow(allow(&["/cosmos.gov.v1.MsgVote"])).code, 0);
    let tx = scene.paid_by_alice();
    let error = scene.chain.app.check_tx(&tx, false).error.unwrap();
    assert_eq!((error.codespace, error.code), ("feegrant", 7), "{error}");
    scene.revoke();
    scene.allow(allow(&["/cosmos.bank.v1beta1.MsgSend"]));
    let tx = scene.paid_by_alice();
    let result = scene.deliver(tx);
    assert_eq!(code(&result), ("sdk", 5), "{}", result.log);
    assert_eq!(scene.stored(), None);
}

#[test]
fn anyone_may_have_allowances_forgotten_whose_time_is_over() {
    let mut scene = Scene::new();
    scene.allow(basic(None, Some(scene.now() + 3_600_000)));
    let alice = scene.alice.clone();
    let prune = Wallet::message(&MsgPruneAllowances {
        pruner: alice.address(),
    });
    let tx = scene.chain.sign(&alice, vec![prune]);
    let result = scene.deliver(tx);
    assert_eq!(result.code, 0, "{}", result.log);
    let event = result.events.iter().find(|e| e.r#type == "prune_feegrant");
    assert_eq!(event.unwrap().attributes[0].value, alice.address());
    assert!(scene.stored().is_some());
}

#[test]
fn what_is_no_allowance_and_ones_own_are_refused() {
    let mut scene = Scene::new();
    let message = Wallet::message(&MsgPruneAllowances::default());
    assert_eq!(code(&scene.allow(message)), ("sdk", 2));
    assert_eq!(code(&scene.allow(basic(Some(0), None))), ("sdk", 10));
    let alice = scene.alice.clone();
    let own = Wallet::message(&MsgGrantAllowance {
        granter: alice.address(),
        grantee: alice.address(),
        allowance: Some(basic(None, None)),
    });
    let tx = scene.chain.sign(&alice, vec![own]);
    assert_eq!(code(&scene.deliver(tx)), ("sdk", 7));
}

#[test]
fn allowances_are_found_by_either_side() {
    let mut scene = Scene::new();
    scene.allow(basic(Some(FEE), None));
    let path = "/cosmos.feegrant.v1beta1.Query";
    let held: QueryAllowancesResponse = scene
        .chain
        .query(
            &format!("{path}/Allowances"),
            &QueryAllowancesRequest {
                grantee: scene.hot.address(),
                pagination: None,
            },
        )
        .unwrap();
    let given: QueryAllowancesByGranterResponse = scene
        .chain
        .query(
            &format!("{path}/AllowancesByGranter"),
            &QueryAllowancesByGranterRequest {
                granter: scene.alice.address(),
                pagination: None,
            },
        )
        .unwrap();
    assert_eq!(
        (held.allowances.len(), &held.allowances),
        (1, &given.allowances)
    );
}

#[test]
fn what_a_revoked_allowance_no_longer_pays_is_not_proposed() {
    let mut scene = Scene::new();
    assert_eq!(scene.allow(basic(None, None)).code, 0);
    let (alice, hot) = (scene.alice.address(), scene.hot.address());
    let revocation = Wallet::message(&MsgRevokeAllowance {
        granter: alice,
        grantee: hot,
    });
    let revoking = scene.alice.clone();
    scene.chain.send(&revoking, vec![revocation]).unwrap();
    for _ in 0..9 {
        let tx = scene.paid_by_alice();
        scene.chain.submit(tx).unwrap();
    }
    let txs = scene.chain.mempool.clone();
    let proposed = scene.chain.app.prepare_proposal(&[], txs.clone(), u64::MAX);
    assert_eq!(proposed, txs[..1]);
}
