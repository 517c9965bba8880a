use prost::Message;
use race_app::genesis::GenesisVesting;
use race_app::testing::{Builder, Chain, Wallet};
use race_proto::cosmos::auth::v1beta1::{QueryAccountRequest, QueryAccountResponse};
use race_proto::cosmos::bank::v1beta1::{
    QuerySpendableBalanceByDenomRequest, QuerySpendableBalanceByDenomResponse,
};
use race_proto::cosmos::vesting::v1beta1::{ContinuousVestingAccount, DelayedVestingAccount};

const LOCKED: u128 = 900_000_000_000;
const FREE: u128 = 100_000_000_000;
/// The test network's genesis, in seconds.
const GENESIS: i64 = 1_790_000_000;

fn chain(start: Option<i64>, end: i64) -> Chain {
    let vesting = GenesisVesting {
        amount: LOCKED.to_string(),
        start,
        end,
    };
    let alice = Wallet::named("alice");
    let mut chain = Builder::new(1).vesting(&alice, vesting).start();
    chain.block(Vec::new());
    chain
}

fn spendable(chain: &Chain) -> u128 {
    let request = QuerySpendableBalanceByDenomRequest {
        address: Wallet::named("alice").address(),
        denom: "nicoin".into(),
    };
    let path = "/cosmos.bank.v1beta1.Query/SpendableBalanceByDenom";
    let answer: QuerySpendableBalanceByDenomResponse = chain.query(path, &request).unwrap();
    answer.balance.unwrap().amount.parse().unwrap()
}

fn pay(chain: &mut Chain, amount: u128) -> (u32, String) {
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let tx = chain.sign(&alice, vec![alice.pays(&carol, amount)]);
    let result = chain.block(vec![tx]).results.remove(0);
    (result.code, result.log)
}

#[test]
fn what_is_locked_until_the_end_is_in_the_balance_and_cannot_be_spent() {
    let mut chain = chain(None, GENESIS + 10);
    assert_eq!(chain.balance(&Wallet::named("alice")), LOCKED + FREE);
    assert_eq!(spendable(&chain), FREE);
    let left = FREE - 100_000;
    let (code, log) = pay(&mut chain, FREE);
    assert_eq!(
        (code, log),
        (
            5,
            format!("failed to execute message; message index: 0: spendable balance {left}nicoin is smaller than {FREE}nicoin: insufficient funds")
        )
    );
    chain.block_ms = 10_000;
    chain.block(Vec::new());
    assert_eq!(pay(&mut chain, FREE), (0, String::new()));
}

#[test]
fn a_fee_is_not_paid_out_of_locked_coins() {
    let chain = chain(None, GENESIS + 1_000_000);
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let mut signing = chain.signing(&alice);
    signing.fee = FREE + 1;
    let tx = alice.sign(vec![alice.pays(&carol, 1)], &signing);
    let error = chain.app.check_tx(&tx, false).error.unwrap();
    assert_eq!(error.code, 5);
    assert!(error
        .log
        .starts_with(&format!("spendable balance {FREE}nicoin")));
}

#[test]
fn coins_become_free_evenly_from_start_to_end() {
    let mut chain = chain(Some(GENESIS), GENESIS + 100);
    // A block a second: the first ended at second 1.
    assert_eq!(spendable(&chain), FREE + LOCKED / 100);
    chain.block_ms = 49_000;
    chain.block(Vec::new());
    assert_eq!(spendable(&chain), FREE + LOCKED / 2);
    chain.block(Vec::new());
    chain.block(Vec::new());
    assert_eq!(spendable(&chain), FREE + LOCKED);
}

#[test]
fn clients_see_a_vesting_account_as_the_sdk_has_it() {
    let account = |chain: &Chain| {
        let request = QueryAccountRequest {
            address: Wallet::named("alice").address(),
        };
        let path = "/cosmos.auth.v1beta1.Query/Account";
        let answer: QueryAccountResponse = chain.query(path, &request).unwrap();
        answer.account.unwrap()
    };
    let any = account(&chain(Some(GENESIS), GENESIS + 100));
    assert_eq!(
        any.type_url,
        "/cosmos.vesting.v1beta1.ContinuousVestingAccount"
    );
    let even = ContinuousVestingAccount::decode(any.value.as_slice()).unwrap();
    let base = even.base_vesting_account.unwrap();
    assert_eq!((even.start_time, base.end_time), (GENESIS, GENESIS + 100));
    assert_eq!(base.original_vesting[0].amount, LOCKED.to_string());
    assert_eq!(
        base.base_account.unwrap().address,
        Wallet::named("alice").address()
    );
    let any = account(&chain(None, GENESIS + 100));
    assert_eq!(
        any.type_url,
        "/cosmos.vesting.v1beta1.DelayedVestingAccount"
    );
    assert!(DelayedVestingAccount::decode(any.value.as_slice()).is_ok());
}

#[test]
fn a_schedule_that_cannot_be_kept_is_refused_at_genesis() {
    let alice = Wallet::named("alice");
    for (amount, start, end) in [
        ("0", None, GENESIS),
        ("2000000000000", None, GENESIS),
        ("x", None, GENESIS),
        ("5", Some(GENESIS), GENESIS),
    ] {
        let vesting = GenesisVesting {
            amount: amount.into(),
            start,
            end,
        };
        let genesis = Builder::new(1).vesting(&alice, vesting).genesis();
        let mut state = race_app::state::State::empty();
        let context = race_app::context::Context {
            chain_id: "race-test-1",
            height: 0,
            time_ms: 0,
            oracle: &race_app::testing::FakeOracle,
        };
        let refused = genesis.apply(&mut state, &context);
        assert!(refused.is_err(), "{amount} {start:?} {end}");
    }
}
