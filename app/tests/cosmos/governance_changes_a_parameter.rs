use race_app::gov;
use race_app::testing::{Builder, Chain, Wallet};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::gov::v1::{
    MsgDeposit, MsgSubmitProposal, MsgVote, Proposal, ProposalStatus, QueryParamsRequest,
    QueryParamsResponse, QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest,
    QueryProposalsResponse, VoteOption,
};
use race_proto::cosmos::gov::v1beta1;
use race_proto::race::params::v1::{MsgUpdateParams, Param};
use race_proto::Any;

const DEPOSIT: u128 = 10_000_000_000;

fn coins(amount: u128) -> Vec<Coin> {
    vec![Coin {
        denom: "nicoin".into(),
        amount: amount.to_string(),
    }]
}

fn update(authority: String, name: &str, value: u64) -> Any {
    let params = vec![Param {
        name: name.into(),
        value,
    }];
    Wallet::message(&MsgUpdateParams { authority, params })
}

fn proposal(proposer: &Wallet, deposit: u128, messages: Vec<Any>) -> Any {
    Wallet::message(&MsgSubmitProposal {
        messages,
        initial_deposit: coins(deposit),
        proposer: proposer.address(),
        title: "A title".into(),
        summary: "A summary".into(),
        ..Default::default()
    })
}

/// Operators have coins to pay for their votes.
fn start() -> Chain {
    let mut builder = Builder::new(3)
        .param("gov/voting_period", 5_000)
        .param("gov/deposit_period", 5_000);
    for index in 0..3 {
        let operator = Wallet::named(&format!("node{index} operator"));
        builder = builder.fund(operator, 1_000_000_000);
    }
    builder.start()
}

fn vote(chain: &mut Chain, node: usize, option: VoteOption) {
    let operator = chain.nodes[node].operator.clone();
    let vote = MsgVote {
        proposal_id: 1,
        voter: operator.address(),
        option: option as i32,
        metadata: String::new(),
    };
    chain.send(&operator, vec![Wallet::message(&vote)]).unwrap();
}

fn find(chain: &Chain) -> Proposal {
    let request = QueryProposalRequest { proposal_id: 1 };
    let answer: QueryProposalResponse = chain
        .query("/cosmos.gov.v1.Query/Proposal", &request)
        .unwrap();
    answer.proposal.unwrap()
}

fn price(chain: &Chain) -> u64 {
    chain.read(|_, state| race_app::params::get(state, &race_app::tx::params::MIN_GAS_PRICE))
}

fn submit(chain: &mut Chain, deposit: u128) {
    let alice = Wallet::named("alice");
    let message = update(gov::authority().to_string(), "tx/min_gas_price", 20);
    chain
        .send(&alice, vec![proposal(&alice, deposit, vec![message])])
        .unwrap();
    let results = chain.step().results;
    assert!(results.iter().all(|r| r.code == 0), "{results:?}");
}

#[test]
fn a_passed_proposal_executes_and_returns_the_deposit() {
    let mut chain = start();
    let alice = Wallet::named("alice");
    submit(&mut chain, DEPOSIT);
    let after = chain.balance(&alice);
    assert_eq!(find(&chain).status(), ProposalStatus::VotingPeriod);
    vote(&mut chain, 0, VoteOption::Yes);
    vote(&mut chain, 1, VoteOption::Yes);
    chain.steps(6);
    assert_eq!(find(&chain).status(), ProposalStatus::Passed);
    assert_eq!(find(&chain).final_tally_result.unwrap().yes_count, "2000");
    assert_eq!(price(&chain), 20);
    assert_eq!(chain.balance(&alice), after + DEPOSIT);
}

#[test]
fn without_a_quorum_or_with_a_veto_it_is_rejected() {
    for votes in [
        &[][..],
        &[VoteOption::Yes, VoteOption::Yes, VoteOption::NoWithVeto],
        &[VoteOption::Abstain; 3],
    ] {
        let mut chain = Builder::new(3)
            .param("gov/voting_period", 5_000)
            .param("gov/veto", 300);
        for index in 0..3 {
            chain = chain.fund(
                Wallet::named(&format!("node{index} operator")),
                1_000_000_000,
            );
        }
        let mut chain = chain.start();
        submit(&mut chain, DEPOSIT);
        for (node, option) in votes.iter().enumerate() {
            vote(&mut chain, node, *option);
        }
        chain.steps(6);
        assert_eq!(find(&chain).status(), ProposalStatus::Rejected, "{votes:?}");
        assert_eq!(price(&chain), 10);
    }
}

#[test]
fn a_proposal_waits_for_its_deposit_and_is_dropped_without_it() {
    let mut chain = start();
    submit(&mut chain, DEPOSIT / 4);
    assert_eq!(find(&chain).status(), ProposalStatus::DepositPeriod);
    let bob = Wallet::named("bob");
    let deposit = MsgDeposit {
        proposal_id: 1,
        depositor: bob.address(),
        amount: coins(DEPOSIT * 3 / 4),
    };
    chain.send(&bob, vec![Wallet::message(&deposit)]).unwrap();
    chain.step();
    assert_eq!(find(&chain).status(), ProposalStatus::VotingPeriod);

    let mut chain = start();
    let alice = Wallet::named("alice");
    let before = chain.balance(&alice);
    submit(&mut chain, DEPOSIT / 4);
    chain.steps(6);
    let request = QueryProposalRequest { proposal_id: 1 };
    assert!(chain
        .query::<_, QueryProposalResponse>("/cosmos.gov.v1.Query/Proposal", &request)
        .is_err());
    assert_eq!(chain.balance(&alice), before - 100_000);
}

#[test]
fn a_proposal_with_its_whole_deposit_gets_in_although_others_wait() {
    let mut chain = Builder::new(1).param("gov/max_active", 3).start();
    let (alice, bob) = (Wallet::named("alice"), Wallet::named("bob"));
    let message = || update(gov::authority().to_string(), "tx/min_gas_price", 20);
    let propose = |chain: &mut Chain, who: &Wallet, deposit| {
        let before = chain.balance(who);
        let tx = chain.sign(who, vec![proposal(who, deposit, vec![message()])]);
        (chain.block(vec![tx]).results[0].code, before)
    };
    let (_, before) = propose(&mut chain, &bob, DEPOSIT / 2);
    for deposit in [DEPOSIT / 4, DEPOSIT / 4] {
        assert_eq!(propose(&mut chain, &bob, deposit).0, 0);
    }
    assert_eq!(propose(&mut chain, &alice, DEPOSIT - 1).0, 31);
    let ids = |chain: &Chain| -> Vec<(u64, ProposalStatus)> {
        let request = QueryProposalsRequest::default();
        let path = "/cosmos.gov.v1.Query/Proposals";
        let all: QueryProposalsResponse = chain.query(path, &request).unwrap();
        let proposals = all.proposals.iter();
        proposals.map(|p| (p.id, p.status())).collect()
    };
    use ProposalStatus::{DepositPeriod, VotingPeriod};
    assert_eq!(propose(&mut chain, &alice, DEPOSIT).0, 0);
    // The youngest of those with the least is gone.
    let expected = [(1, DepositPeriod), (2, DepositPeriod), (4, VotingPeriod)];
    assert_eq!(ids(&chain), expected);
    for _ in 0..2 {
        assert_eq!(propose(&mut chain, &alice, DEPOSIT).0, 0);
    }
    assert_eq!(ids(&chain), [4, 5, 6].map(|id| (id, VotingPeriod)));
    let fees = 3 * 100_000;
    assert_eq!(chain.balance(&bob), before - fees, "deposits came back");
    assert_eq!(
        propose(&mut chain, &alice, DEPOSIT).0,
        31,
        "all are voted on"
    );
}

#[test]
fn others_messages_small_deposits_and_strangers_votes_are_refused() {
    let mut chain = start();
    let (alice, gov) = (Wallet::named("alice"), gov::authority().to_string());
    let good = || update(gov.clone(), "tx/min_gas_price", 20);
    let check = |messages: Vec<Any>| {
        chain
            .app
            .check_tx(&chain.sign(&alice, messages), false)
            .error
            .map(|e| (e.codespace, e.code))
    };
    let foreign = update(alice.address(), "tx/min_gas_price", 20);
    assert_eq!(
        check(vec![proposal(&alice, DEPOSIT, vec![foreign])]),
        Some(("gov", 13))
    );
    let bank = alice.pays(&alice, 1);
    assert_eq!(
        check(vec![proposal(&alice, DEPOSIT, vec![bank])]),
        Some(("gov", 10))
    );
    assert_eq!(
        check(vec![proposal(&alice, DEPOSIT, vec![])]),
        Some(("gov", 11))
    );
    let unbounded = update(gov.clone(), "tx/min_gas_price", u64::MAX);
    assert_eq!(
        check(vec![proposal(&alice, DEPOSIT, vec![unbounded])]),
        Some(("gov", 12))
    );
    let small = chain.sign(&alice, vec![proposal(&alice, 1, vec![good()])]);
    assert_eq!(chain.block(vec![small]).results[0].code, 16);
    submit(&mut chain, DEPOSIT);
    let vote = MsgVote {
        proposal_id: 1,
        voter: alice.address(),
        option: 1,
        metadata: String::new(),
    };
    let tx = chain.sign(&alice, vec![Wallet::message(&vote)]);
    assert_eq!(chain.block(vec![tx]).results[0].code, 30);
}

#[test]
fn a_message_that_fails_undoes_those_before_it() {
    let mut chain = start();
    let alice = Wallet::named("alice");
    let gov = gov::authority().to_string();
    let retire = race_proto::race::model::v1::MsgRetireModel {
        authority: gov.clone(),
        id: "no-such".into(),
    };
    let messages = vec![
        update(gov, "tx/min_gas_price", 20),
        Wallet::message(&retire),
    ];
    chain
        .send(&alice, vec![proposal(&alice, DEPOSIT, messages)])
        .unwrap();
    chain.step();
    for node in 0..3 {
        vote(&mut chain, node, VoteOption::Yes);
    }
    chain.steps(6);
    assert_eq!(find(&chain).status(), ProposalStatus::Failed);
    assert!(!find(&chain).failed_reason.is_empty());
    assert_eq!(price(&chain), 10);
}

#[test]
#[allow(deprecated)]
fn the_older_lists_of_parameters_are_answered_one_at_a_time() {
    let chain = start();
    let ask = |kind: &str| -> QueryParamsResponse {
        let request = QueryParamsRequest {
            params_type: kind.into(),
        };
        let path = "/cosmos.gov.v1.Query/Params";
        chain.query(path, &request).unwrap()
    };
    let voting = ask("voting");
    let all = voting.params.unwrap();
    assert_eq!(
        voting.voting_params.unwrap().voting_period,
        all.voting_period
    );
    assert_eq!((voting.deposit_params, voting.tally_params), (None, None));
    assert_eq!(ask("tallying").tally_params.unwrap().quorum, all.quorum);
    let deposit = ask("deposit").deposit_params.unwrap();
    assert_eq!(deposit.min_deposit, all.min_deposit);
}

#[test]
fn explorers_of_the_older_queries_see_the_same() {
    let mut chain = start();
    submit(&mut chain, DEPOSIT);
    vote(&mut chain, 0, VoteOption::Yes);
    chain.step();
    let path = |method: &str| format!("/cosmos.gov.v1beta1.Query/{method}");
    let request = v1beta1::QueryProposalRequest { proposal_id: 1 };
    let one: v1beta1::QueryProposalResponse = chain.query(&path("Proposal"), &request).unwrap();
    let request = v1beta1::QueryProposalsRequest::default();
    let all: v1beta1::QueryProposalsResponse = chain.query(&path("Proposals"), &request).unwrap();
    let (old, new) = (one.proposal.unwrap(), find(&chain));
    assert_eq!(all.proposals, std::slice::from_ref(&old));
    assert_eq!((old.proposal_id, old.status), (new.id, new.status));
    assert_eq!(old.content.as_ref(), new.messages.first());
    assert_eq!(old.total_deposit, new.total_deposit);
    assert_eq!(old.voting_end_time, new.voting_end_time);

    let request = v1beta1::QueryVotesRequest {
        proposal_id: 1,
        pagination: None,
    };
    let votes: v1beta1::QueryVotesResponse = chain.query(&path("Votes"), &request).unwrap();
    let option = &votes.votes[0].options[0];
    assert_eq!(
        (option.option, option.weight.as_str()),
        (VoteOption::Yes as i32, "1000000000000000000")
    );
    let request = v1beta1::QueryTallyResultRequest { proposal_id: 1 };
    let tally: v1beta1::QueryTallyResultResponse =
        chain.query(&path("TallyResult"), &request).unwrap();
    assert_eq!(tally.tally.unwrap().yes, "1000");
    let params = |kind: &str| {
        let params_type = kind.to_owned();
        let request = v1beta1::QueryParamsRequest { params_type };
        chain.query::<_, v1beta1::QueryParamsResponse>(&path("Params"), &request)
    };
    let tallying = params("tallying").unwrap().tally_params.unwrap();
    assert_eq!(tallying.quorum, b"334000000000000000");
    let voting = params("voting").unwrap().voting_params.unwrap();
    assert_eq!(voting.voting_period.unwrap().seconds, 5);
    assert!(params("none").is_err());
}
