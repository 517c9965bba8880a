//! `authz`: what a granter lets another account send, and what not.

use prost::Message;
use race_app::chain;
use race_app::export::export;
use race_app::genesis::{AppGenesis, GENESIS_POWER};
use race_app::testing::{Builder, Chain, Wallet};
use race_app::time::timestamp;
use race_proto::cosmos::authz::v1beta1::{
    GenericAuthorization, Grant, MsgExec, MsgExecResponse, MsgGrant, MsgRevoke,
    QueryGranteeGrantsRequest, QueryGranteeGrantsResponse, QueryGranterGrantsRequest,
    QueryGranterGrantsResponse, QueryGrantsRequest, QueryGrantsResponse,
};
use race_proto::cosmos::bank::v1beta1::SendAuthorization;
use race_proto::cosmos::base::abci::v1beta1::TxMsgData;
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::gov::v1::MsgSubmitProposal;
use race_proto::race::race::v1::MsgSubmitRace;
use race_proto::Any;
use tendermint_proto::v0_38::abci::ExecTxResult;

const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";

struct Scene {
    chain: Chain,
    alice: Wallet,
    hot: Wallet,
    carol: Wallet,
}

impl Scene {
    fn new() -> Self {
        let hot = Wallet::named("hot");
        let builder = Builder::new(1).param("authz/max_grants", 3);
        let mut chain = builder.fund(hot.clone(), 1_000_000_000).start();
        chain.block(Vec::new());
        Self {
            chain,
            alice: Wallet::named("alice"),
            hot,
            carol: Wallet::named("carol"),
        }
    }

    fn deliver(&mut self, signer: &Wallet, message: Any) -> ExecTxResult {
        let tx = self.chain.sign(signer, vec![message]);
        let result = self.chain.block(vec![tx]).results.remove(0);
        self.chain.check_invariants();
        result
    }

    fn grant(&mut self, authorization: Any, expiration_ms: Option<u64>) -> ExecTxResult {
        let message = MsgGrant {
            granter: self.alice.address(),
            grantee: self.hot.address(),
            grant: Some(Grant {
                authorization: Some(authorization),
                expiration: expiration_ms.map(timestamp),
            }),
        };
        self.deliver(&self.alice.clone(), Wallet::message(&message))
    }

    fn exec(&mut self, messages: Vec<Any>) -> ExecTxResult {
        let hot = self.hot.clone();
        self.deliver(&hot, exec(&hot, messages))
    }

    fn refused(&self, message: Any) -> (&'static str, u32) {
        let tx = self.chain.sign(&self.hot, vec![message]);
        let error = self.chain.app.check_tx(&tx, false).error.unwrap();
        (error.codespace, error.code)
    }

    fn grants(&self) -> Vec<Grant> {
        let request = QueryGrantsRequest {
            granter: self.alice.address(),
            grantee: self.hot.address(),
            ..QueryGrantsRequest::default()
        };
        let path = "/cosmos.authz.v1beta1.Query/Grants";
        let answer: QueryGrantsResponse = self.chain.query(path, &request).unwrap();
        answer.grants
    }

    fn now(&self) -> u64 {
        self.chain.read(|_, state| chain::time_ms(state))
    }
}

fn exec(grantee: &Wallet, msgs: Vec<Any>) -> Any {
    let grantee = grantee.address();
    Wallet::message(&MsgExec { grantee, msgs })
}

fn generic(url: &str) -> Any {
    Wallet::message(&GenericAuthorization { msg: url.into() })
}

fn coins(amount: u128) -> Vec<Coin> {
    vec![Coin {
        denom: "nicoin".into(),
        amount: amount.to_string(),
    }]
}

fn transfers(limit: u128, to: &[&Wallet]) -> Any {
    Wallet::message(&SendAuthorization {
        spend_limit: coins(limit),
        allow_list: to.iter().map(|wallet| wallet.address()).collect(),
    })
}

fn code(result: &ExecTxResult) -> (&str, u32) {
    (&result.codespace, result.code)
}

#[test]
fn the_grantee_alone_signs_and_pays_and_events_are_the_sdks() {
    let mut scene = Scene::new();
    let granted = scene.grant(generic(SEND), None);
    assert_eq!(granted.code, 0, "{}", granted.log);
    let event = granted.events.iter();
    let event = event.filter(|e| e.r#type == "cosmos.authz.v1beta1.EventGrant");
    let keys: Vec<_> = event.flat_map(|e| &e.attributes).map(|a| &a.key).collect();
    assert_eq!(keys, ["grantee", "granter", "msg_type_url", "msg_index"]);

    let (alice, carol) = (scene.alice.clone(), scene.carol.clone());
    let before = (scene.chain.balance(&alice), scene.chain.balance(&carol));
    let result = scene.exec(vec![alice.pays(&carol, 7), alice.pays(&carol, 8)]);
    assert_eq!(result.code, 0, "{}", result.log);
    let after = (scene.chain.balance(&alice), scene.chain.balance(&carol));
    assert_eq!(after, (before.0 - 15, before.1 + 15));
    let data = TxMsgData::decode(result.data.clone()).unwrap();
    let answer = MsgExecResponse::decode(data.msg_responses[0].value.as_slice()).unwrap();
    assert_eq!(answer.results.len(), 2);
    let mut spent = result.events.iter().filter(|e| e.r#type == "coin_spent");
    let last: Vec<_> = spent.next_back().unwrap().attributes.iter().rev().collect();
    assert_eq!((&*last[0].key, &*last[0].value), ("msg_index", "0"));
    assert_eq!((&*last[1].key, &*last[1].value), ("authz_msg_index", "1"));
}

#[test]
fn without_a_grant_or_with_one_of_another_type_it_is_refused() {
    let mut scene = Scene::new();
    let (alice, hot, carol) = (scene.alice.clone(), scene.hot.clone(), scene.carol.clone());
    let result = scene.exec(vec![alice.pays(&carol, 7)]);
    assert_eq!(code(&result), ("authz", 2), "{}", result.log);
    scene.grant(generic("/cosmos.gov.v1.MsgVote"), None);
    assert_eq!(code(&scene.exec(vec![alice.pays(&carol, 7)])), ("authz", 2));
    // One's own messages need none.
    assert_eq!(scene.exec(vec![hot.pays(&carol, 7)]).code, 0);
    assert_eq!(code(&scene.exec(Vec::new())), ("sdk", 18));
}

#[test]
fn of_messages_one_of_which_fails_none_has_an_effect() {
    let mut scene = Scene::new();
    scene.grant(transfers(10, &[]), None);
    let (alice, carol) = (scene.alice.clone(), scene.carol.clone());
    let before = scene.chain.balance(&carol);
    let result = scene.exec(vec![alice.pays(&carol, 6), alice.pays(&carol, 6)]);
    assert_eq!(code(&result), ("sdk", 5), "{}", result.log);
    assert_eq!(scene.chain.balance(&carol), before);
    let left = scene.grants()[0].authorization.clone().unwrap();
    assert_eq!(left, transfers(10, &[]));
}

#[test]
fn a_limit_is_used_up_and_other_receivers_are_refused() {
    let mut scene = Scene::new();
    let (alice, hot, carol) = (scene.alice.clone(), scene.hot.clone(), scene.carol.clone());
    scene.grant(transfers(10, &[&carol]), None);
    assert_eq!(code(&scene.exec(vec![alice.pays(&hot, 1)])), ("sdk", 4));
    assert_eq!(scene.exec(vec![alice.pays(&carol, 4)]).code, 0);
    let left = scene.grants()[0].authorization.clone().unwrap();
    assert_eq!(left, transfers(6, &[&carol]));
    assert_eq!(code(&scene.exec(vec![alice.pays(&carol, 7)])), ("sdk", 5));
    let last = scene.exec(vec![alice.pays(&carol, 6)]);
    let revoked =
        |e: &tendermint_proto::v0_38::abci::Event| e.r#type == "cosmos.authz.v1beta1.EventRevoke";
    assert!(last.code == 0 && last.events.iter().any(revoked));
    assert_eq!(scene.grants(), []);
    assert_eq!(code(&scene.exec(vec![alice.pays(&carol, 1)])), ("authz", 2));
}

#[test]
fn a_grant_ends_with_its_time_and_is_forgotten() {
    let mut scene = Scene::new();
    let past = scene.now();
    let refused = scene.grant(generic(SEND), Some(past));
    assert_eq!(code(&refused), ("authz", 3), "{}", refused.log);
    let end = scene.now() + 3_000;
    assert_eq!(scene.grant(generic(SEND), Some(end)).code, 0);
    assert_eq!(scene.grants().len(), 1);
    while scene.now() < end {
        scene.chain.step();
    }
    scene.chain.check_invariants();
    assert_eq!(scene.grants(), []);
}

#[test]
fn a_grant_is_replaced_revoked_and_never_given_twice_over() {
    let mut scene = Scene::new();
    let (alice, hot) = (scene.alice.clone(), scene.hot.clone());
    let later = scene.now() + 1_000_000;
    assert_eq!(scene.grant(generic(SEND), Some(later)).code, 0);
    assert_eq!(scene.grant(transfers(5, &[]), None).code, 0);
    assert_eq!(scene.grants()[0].expiration, None);
    let revoke = |url: &str| {
        Wallet::message(&MsgRevoke {
            granter: alice.address(),
            grantee: hot.address(),
            msg_type_url: url.into(),
        })
    };
    assert_eq!(scene.deliver(&alice, revoke(SEND)).code, 0);
    assert_eq!(scene.grants(), []);
    assert_eq!(code(&scene.deliver(&alice, revoke(SEND))), ("authz", 2));
    assert_eq!(code(&scene.deliver(&alice, revoke("/a\0b"))), ("authz", 2));
    assert_eq!(code(&scene.deliver(&alice, revoke(""))), ("sdk", 18));
}

#[test]
fn what_cannot_be_granted_is_refused() {
    let mut scene = Scene::new();
    let (alice, carol) = (scene.alice.clone(), scene.carol.clone());
    assert_eq!(code(&scene.grant(generic("/no.Such"), None)), ("sdk", 29));
    assert_eq!(code(&scene.grant(transfers(0, &[]), None)), ("sdk", 10));
    let twice = transfers(5, &[&carol, &carol]);
    assert_eq!(code(&scene.grant(twice, None)), ("bank", 8));
    assert_eq!(code(&scene.grant(alice.pays(&carol, 1), None)), ("sdk", 2));
    let own = MsgGrant {
        granter: alice.address(),
        grantee: alice.address(),
        grant: Some(Grant {
            authorization: Some(generic(SEND)),
            expiration: None,
        }),
    };
    let result = scene.deliver(&alice, Wallet::message(&own));
    assert_eq!(code(&result), ("authz", 7));
    for url in [SEND, "/cosmos.gov.v1.MsgVote", "/cosmos.gov.v1.MsgDeposit"] {
        assert_eq!(scene.grant(generic(url), None).code, 0);
    }
    let fourth = scene.grant(generic("/cosmos.authz.v1beta1.MsgExec"), None);
    assert_eq!(code(&fourth), ("authz", 33), "{}", fourth.log);
    // One that is there may be given anew.
    assert_eq!(scene.grant(transfers(5, &[]), None).code, 0);
}

#[test]
fn protocol_messages_and_executions_without_end_are_refused() {
    let scene = Scene::new();
    let (alice, hot) = (scene.alice.clone(), scene.hot.clone());
    let race = MsgSubmitRace {
        sender: hot.address(),
        root: vec![7; 32],
        count: 1,
        ..MsgSubmitRace::default()
    };
    let protocol = exec(&hot, vec![Wallet::message(&race)]);
    assert_eq!(scene.refused(protocol), ("authz", 30));
    let mut nested = exec(&hot, vec![alice.pays(&hot, 1)]);
    nested = exec(&hot, vec![nested]);
    nested = exec(&hot, vec![nested]);
    assert_eq!(scene.refused(nested), ("authz", 32));
    let half = || exec(&hot, (0..33).map(|_| hot.pays(&alice, 1)).collect());
    let both = exec(&hot, vec![half(), half()]);
    assert_eq!(scene.refused(both), ("authz", 31));
}

#[test]
fn executions_and_proposals_packed_in_each_other_thousands_deep_are_refused_before_they_are_decoded(
) {
    let scene = Scene::new();
    let hot = scene.hot.clone();
    let propose = |any: Any| {
        Wallet::message(&MsgSubmitProposal {
            messages: vec![any],
            proposer: hot.address(),
            ..MsgSubmitProposal::default()
        })
    };
    let payment = || hot.pays(&scene.alice, 1);
    let executions = (0..2_000).fold(payment(), |any, _| exec(&hot, vec![any]));
    // Each of the two alone has a depth of its own.
    let mixed = (0..1_000).fold(payment(), |any, _| exec(&hot, vec![propose(any)]));
    for deep in [executions, mixed] {
        let tx = scene.chain.sign(&hot, vec![deep.clone()]);
        let log = scene.chain.app.simulate(&tx).error.unwrap().log;
        assert!(log.contains("deep in each other"), "{log}");
        assert_eq!(scene.refused(deep), ("sdk", 2));
    }
}

#[test]
fn an_execution_in_an_execution_needs_both_grants() {
    let mut scene = Scene::new();
    let (alice, hot, carol) = (scene.alice.clone(), scene.hot.clone(), scene.carol.clone());
    scene.grant(generic(SEND), None);
    let dora = Wallet::named("dora");
    scene.deliver(&alice, alice.pays(&dora, 1_000_000_000));
    let inner = exec(&hot, vec![alice.pays(&carol, 5)]);
    let outer = exec(&dora, vec![inner]);
    let refused = scene.deliver(&dora, outer.clone());
    assert_eq!(code(&refused), ("authz", 2), "{}", refused.log);
    let grant = MsgGrant {
        granter: hot.address(),
        grantee: dora.address(),
        grant: Some(Grant {
            authorization: Some(generic("/cosmos.authz.v1beta1.MsgExec")),
            expiration: None,
        }),
    };
    assert_eq!(scene.deliver(&hot, Wallet::message(&grant)).code, 0);
    assert_eq!(scene.deliver(&dora, outer).code, 0);
}

#[test]
fn grants_are_found_by_either_side_and_by_type() {
    let mut scene = Scene::new();
    scene.grant(generic(SEND), None);
    scene.grant(generic("/cosmos.gov.v1.MsgVote"), None);
    let (granter, grantee) = (scene.alice.address(), scene.hot.address());
    let path = "/cosmos.authz.v1beta1.Query";
    let given: QueryGranterGrantsResponse = scene
        .chain
        .query(
            &format!("{path}/GranterGrants"),
            &QueryGranterGrantsRequest {
                granter: granter.clone(),
                pagination: None,
            },
        )
        .unwrap();
    let held: QueryGranteeGrantsResponse = scene
        .chain
        .query(
            &format!("{path}/GranteeGrants"),
            &QueryGranteeGrantsRequest {
                grantee: grantee.clone(),
                pagination: None,
            },
        )
        .unwrap();
    assert_eq!((given.grants.len(), &given.grants), (2, &held.grants));
    let of_type = |url: &str| {
        let request = QueryGrantsRequest {
            granter: granter.clone(),
            grantee: grantee.clone(),
            msg_type_url: url.into(),
            pagination: None,
        };
        scene
            .chain
            .query::<_, QueryGrantsResponse>(&format!("{path}/Grants"), &request)
    };
    assert_eq!(of_type(SEND).unwrap().grants.len(), 1);
    assert!(of_type("/cosmos.gov.v1.MsgDeposit").is_err());
}

#[test]
fn a_new_chain_takes_over_what_still_holds() {
    let mut scene = Scene::new();
    scene.grant(generic("/cosmos.gov.v1.MsgVote"), None);
    let end = scene.now() + 2_000;
    scene.grant(transfers(5, &[]), Some(end));
    let genesis = |scene: &Scene| {
        let nodes = scene.chain.nodes.iter();
        let nodes = nodes.map(|n| n.genesis("next-1", GENESIS_POWER)).collect();
        let height = scene.chain.height;
        let made = scene.chain.read(|_, state| export(state, height, nodes));
        AppGenesis::from_json(&made.unwrap().to_json()).unwrap()
    };
    assert_eq!(genesis(&scene).authz.len(), 2);
    scene.chain.steps(4);
    let kept = genesis(&scene).authz;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["authorization"]["msg"], "/cosmos.gov.v1.MsgVote");
    let mut builder = Builder::new(1).genesis();
    builder.authz = kept;
    let mut state = race_app::state::State::empty();
    let context = race_app::context::Context {
        chain_id: &scene.chain.chain_id,
        height: 0,
        time_ms: end,
        oracle: &race_app::testing::FakeOracle,
    };
    builder.apply(&mut state, &context).unwrap();
    race_app::authz::invariants::every_grant_is_listed(&state).unwrap();
    assert_eq!(race_app::authz::export::grants(&state).len(), 1);
}
