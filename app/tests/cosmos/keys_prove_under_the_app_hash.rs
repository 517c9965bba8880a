use race_app::bank::balance_key;
use race_app::store::Proof;
use race_app::testing::{Chain, Wallet};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::RequestQuery;

#[test]
fn a_balance_and_its_absence_prove_with_the_sdk_key() {
    let mut chain = Chain::new(1);
    chain.steps(3);
    let ask = |wallet: &Wallet| {
        let request = RequestQuery {
            path: "/store/bank/key".into(),
            data: balance_key(&wallet.account).into(),
            prove: true,
            ..Default::default()
        };
        Application::query(&chain.app, request)
    };
    for (name, value) in [("alice", Some("1000000000000")), ("nobody", None)] {
        let wallet = Wallet::named(name);
        let answer = ask(&wallet);
        assert_eq!(answer.code, 0, "{}", answer.log);
        assert_eq!(answer.key, balance_key(&wallet.account));
        let value = value.map(|text| text.as_bytes().to_vec());
        assert_eq!(answer.value, value.clone().unwrap_or_default());
        let proof = Proof {
            value,
            ops: answer.proof_ops.unwrap().ops,
        };
        proof
            .verify(&chain.app_hash, "bank", &balance_key(&wallet.account))
            .unwrap();
    }
}
