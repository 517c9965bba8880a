use race_app::testing::Chain;
use race_proto::cosmos::slashing::v1beta1::{QuerySigningInfosRequest, QuerySigningInfosResponse};
use race_proto::cosmos::staking::v1beta1::{
    QueryPoolRequest, QueryPoolResponse, QueryValidatorRequest, QueryValidatorResponse,
    QueryValidatorsRequest, QueryValidatorsResponse,
};

fn validators(chain: &Chain, status: &str) -> Result<QueryValidatorsResponse, String> {
    let request = QueryValidatorsRequest {
        status: status.into(),
        pagination: None,
    };
    let path = "/cosmos.staking.v1beta1.Query/Validators";
    chain
        .query(path, &request)
        .map_err(|error| error.to_string())
}

#[test]
fn powers_are_tokens_and_the_pool_is_their_sum() {
    let mut chain = Chain::new(3);
    chain.steps(2);
    let bonded = validators(&chain, "BOND_STATUS_BONDED").unwrap();
    assert_eq!(bonded.validators.len(), 3);
    for validator in &bonded.validators {
        assert!(validator.operator_address.starts_with("racevaloper1"));
        assert_eq!((validator.tokens.as_str(), validator.status), ("1000", 3));
        assert_eq!(validator.delegator_shares, "1000000000000000000000");
        let key = validator.consensus_pubkey.as_ref().unwrap();
        assert_eq!(key.type_url, "/cosmos.crypto.ed25519.PubKey");
    }
    let request = QueryPoolRequest {};
    let pool: QueryPoolResponse = chain
        .query("/cosmos.staking.v1beta1.Query/Pool", &request)
        .unwrap();
    assert_eq!(pool.pool.unwrap().bonded_tokens, "3000");
    let first = &bonded.validators[0];
    let request = QueryValidatorRequest {
        validator_addr: first.operator_address.clone(),
    };
    let path = "/cosmos.staking.v1beta1.Query/Validator";
    let one: QueryValidatorResponse = chain.query(path, &request).unwrap();
    assert_eq!(one.validator.as_ref(), Some(first));
    assert_eq!(
        validators(&chain, "BOND_STATUS_UNBONDED")
            .unwrap()
            .validators,
        []
    );
    assert_eq!(
        validators(&chain, "nonsense").unwrap_err(),
        "invalid validator status nonsense"
    );
}

#[test]
fn blocks_that_a_member_did_not_sign_are_counted() {
    let mut chain = Chain::new(4);
    chain.nodes[0].behaviour.offline = true;
    chain.steps(5);
    let path = "/cosmos.slashing.v1beta1.Query/SigningInfos";
    let request = QuerySigningInfosRequest { pagination: None };
    let answer: QuerySigningInfosResponse = chain.query(path, &request).unwrap();
    let missed: Vec<_> = answer
        .info
        .iter()
        .map(|i| i.missed_blocks_counter)
        .collect();
    assert_eq!(missed.iter().filter(|missed| **missed > 0).count(), 1);
    assert!(answer
        .info
        .iter()
        .all(|i| i.address.starts_with("racevalcons1")));
}
