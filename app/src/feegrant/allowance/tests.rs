use std::collections::BTreeMap;

use proptest::prelude::*;
use prost::Message;
use tendermint_proto::google::protobuf::Timestamp;

use super::*;
use crate::bank::coins::nicoin;
use crate::message::response as packed;
use crate::time::{duration, milliseconds, timestamp};

const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";
const VOTE: &str = "/cosmos.gov.v1.MsgVote";

fn basic(limit: u128, end_ms: Option<u64>) -> BasicAllowance {
    BasicAllowance {
        spend_limit: Vec::from_iter((limit > 0).then(|| nicoin(limit))),
        expiration: end_ms.map(timestamp),
    }
}

/// Ten in 60 seconds, and nothing was spent yet.
fn periodic(basic: BasicAllowance, reset_ms: u64) -> PeriodicAllowance {
    PeriodicAllowance {
        basic: Some(basic),
        period: Some(duration(60_000)),
        period_spend_limit: vec![nicoin(10)],
        period_can_spend: vec![nicoin(10)],
        period_reset: Some(timestamp(reset_ms)),
    }
}

fn allowed(allowance: Any, types: &[&str]) -> Any {
    packed(&AllowedMsgAllowance {
        allowance: Some(allowance),
        allowed_messages: types.iter().map(ToString::to_string).collect(),
    })
}

fn read(any: &Any) -> Allowance {
    Allowance::unpack(Some(any)).unwrap()
}

fn refused(any: &Any) -> (&'static str, u32) {
    let checked = Allowance::unpack(Some(any)).and_then(|allowance| allowance.check(1_000));
    let error = checked.unwrap_err();
    (error.codespace, error.code)
}

/// Spends at a time, for transfers; what it leaves is kept only when it is accepted.
fn spend(allowance: &mut Allowance, now_ms: u64, amount: u128) -> Result<Left, String> {
    spend_on(allowance, now_ms, amount, &[SEND])
}

fn spend_on(
    allowance: &mut Allowance,
    now_ms: u64,
    amount: u128,
    types: &[&str],
) -> Result<Left, String> {
    let fee = Coins::parse(&Vec::from_iter((amount > 0).then(|| nicoin(amount)))).unwrap();
    let mut after = allowance.clone();
    let spending = Spending {
        now_ms,
        fee: &fee,
        types,
    };
    let left = after.spend(&spending).map_err(|error| error.to_string())?;
    // What state holds is the message.
    *allowance = read(&after.pack());
    assert_eq!(*allowance, after);
    Ok(left)
}

#[test]
fn a_period_pays_its_limit_and_the_next_one_again() {
    let mut allowance = read(&packed(&periodic(basic(0, None), 100_000)));
    assert_eq!(spend(&mut allowance, 50_000, 7), Ok(Left::Some));
    let error = spend(&mut allowance, 99_999, 4).unwrap_err();
    assert_eq!(error, "period limit: fee limit exceeded");
    assert_eq!(spend(&mut allowance, 100_000, 10), Ok(Left::Some));
    assert!(spend(&mut allowance, 159_999, 1).is_err());
    assert_eq!(spend(&mut allowance, 160_000, 10), Ok(Left::Some));
}

#[test]
fn a_period_begins_where_the_last_one_ended_unless_a_whole_one_went_by() {
    let reset = |allowance: &Allowance| {
        let message = PeriodicAllowance::decode(allowance.pack().value.as_slice()).unwrap();
        milliseconds(message.period_reset.as_ref())
    };
    let mut allowance = read(&packed(&periodic(basic(0, None), 100_000)));
    spend(&mut allowance, 130_000, 1).unwrap();
    assert_eq!(reset(&allowance), 160_000);
    spend(&mut allowance, 220_000, 1).unwrap();
    assert_eq!(reset(&allowance), 220_000);
    spend(&mut allowance, 300_000, 1).unwrap();
    assert_eq!(reset(&allowance), 360_000);
}

#[test]
fn the_whole_limit_holds_in_every_period() {
    let mut allowance = read(&packed(&periodic(basic(15, None), 0)));
    assert_eq!(spend(&mut allowance, 1_000, 10), Ok(Left::Some));
    // Five are left of all, so the period has no more.
    let error = spend(&mut allowance, 200_000, 6).unwrap_err();
    assert_eq!(error, "period limit: fee limit exceeded");
    assert_eq!(spend(&mut allowance, 200_000, 5), Ok(Left::Nothing));
    let mut allowance = read(&packed(&periodic(basic(5, None), 100_000)));
    let error = spend(&mut allowance, 1_000, 6).unwrap_err();
    assert_eq!(error, "absolute limit: fee limit exceeded");
}

#[test]
fn nothing_is_paid_from_the_end_on() {
    let ending = basic(0, Some(5_000));
    for (any, words) in [
        (packed(&ending), "basic allowance: fee allowance expired"),
        (
            packed(&periodic(ending.clone(), 0)),
            "absolute limit: fee allowance expired",
        ),
    ] {
        for any in [any.clone(), allowed(any, &[SEND])] {
            let mut allowance = read(&any);
            assert_eq!(allowance.end_ms(), Some(5_000));
            assert!(spend(&mut allowance, 4_999, 1).is_ok());
            assert_eq!(spend(&mut allowance, 5_000, 1).unwrap_err(), words);
        }
    }
}

#[test]
fn an_allowance_for_some_messages_pays_for_no_others() {
    let mut allowance = read(&allowed(packed(&basic(10, None)), &[VOTE, SEND]));
    let error = spend_on(&mut allowance, 0, 1, &[SEND, "/cosmos.gov.v1.MsgDeposit"]);
    assert!(error.unwrap_err().ends_with(": message not allowed"));
    assert_eq!(
        spend_on(&mut allowance, 0, 4, &[SEND, VOTE, SEND]),
        Ok(Left::Some)
    );
    assert!(spend(&mut allowance, 0, 7).is_err());
    assert_eq!(spend(&mut allowance, 0, 6), Ok(Left::Nothing));
}

#[test]
fn of_allowances_in_each_other_every_one_must_allow_the_message() {
    let inner = allowed(packed(&basic(10, None)), &[SEND]);
    let mut allowance = read(&allowed(inner, &[SEND, VOTE]));
    assert!(spend_on(&mut allowance, 0, 1, &[VOTE]).is_err());
    assert!(spend_on(&mut allowance, 0, 1, &[SEND]).is_ok());
}

#[test]
fn allowances_lie_only_so_deep_in_each_other() {
    let mut any = packed(&basic(10, None));
    for _ in 1..MAX_DEPTH {
        any = allowed(any, &[SEND]);
    }
    assert!(Allowance::unpack(Some(&any)).unwrap().check(0).is_ok());
    assert_eq!(refused(&allowed(any, &[SEND])), ("feegrant", 32));
}

#[test]
fn what_the_sdk_refuses_is_refused_with_its_codes() {
    let periodic = |change: fn(&mut PeriodicAllowance)| {
        let mut message = periodic(basic(20, None), 0);
        change(&mut message);
        packed(&message)
    };
    let none = AllowedMsgAllowance {
        allowance: None,
        allowed_messages: vec![SEND.to_owned()],
    };
    let foreign = || race_proto::cosmos::base::v1beta1::Coin {
        denom: "atom".to_owned(),
        amount: "5".to_owned(),
    };
    let mut two = periodic(|_| {});
    two.value = PeriodicAllowance {
        period_spend_limit: vec![foreign()],
        ..PeriodicAllowance::decode(two.value.as_slice()).unwrap()
    }
    .encode_to_vec();
    for (any, code) in [
        (packed(&basic(1, Some(1_000))), ("sdk", 18)),
        (periodic(|p| p.period_spend_limit.clear()), ("sdk", 10)),
        (
            periodic(|p| p.period_spend_limit = vec![nicoin(0)]),
            ("sdk", 10),
        ),
        (
            periodic(|p| p.period_can_spend = vec![nicoin(0)]),
            ("sdk", 10),
        ),
        (two, ("sdk", 10)),
        (
            periodic(|p| p.period.as_mut().unwrap().seconds = -1),
            ("feegrant", 4),
        ),
        (
            periodic(|p| p.period.as_mut().unwrap().seconds = i64::MAX),
            ("sdk", 2),
        ),
        (
            periodic(|p| p.period_reset.as_mut().unwrap().nanos = -1),
            ("sdk", 2),
        ),
        (packed(&none), ("feegrant", 5)),
        (allowed(packed(&basic(1, None)), &[]), ("feegrant", 6)),
        (
            allowed(packed(&basic(1, None)), &[SEND; 65]),
            ("feegrant", 33),
        ),
        (packed(&nicoin(5)), ("sdk", 2)),
    ] {
        assert_eq!(refused(&any), code, "{any:?}");
    }
    assert!(read(&periodic(|p| p.period_can_spend.clear()))
        .check(0)
        .is_ok());
}

#[test]
fn the_sdks_time_of_nothing_begins_a_period_at_once() {
    let message = PeriodicAllowance {
        period_can_spend: Vec::new(),
        period_reset: Some(Timestamp {
            seconds: -62_135_596_800,
            nanos: 0,
        }),
        ..periodic(basic(0, None), 0)
    };
    let mut allowance = read(&packed(&message));
    assert_eq!(allowance.pack(), packed(&message));
    assert_eq!(spend(&mut allowance, 1_000, 10), Ok(Left::Some));
}

#[test]
fn of_two_denominations_a_period_has_no_more_than_its_limit_of_either() {
    let foreign = |amount: &str| race_proto::cosmos::base::v1beta1::Coin {
        denom: "atom".to_owned(),
        amount: amount.to_owned(),
    };
    // Less than a period's of one denomination is left, and more of the other.
    let message = PeriodicAllowance {
        basic: Some(BasicAllowance {
            spend_limit: vec![foreign("1"), nicoin(100)],
            expiration: None,
        }),
        period_spend_limit: vec![foreign("5"), nicoin(10)],
        ..periodic(basic(0, None), 0)
    };
    let mut allowance = read(&packed(&message));
    assert!(spend(&mut allowance, 1_000, 11).is_err());
    assert_eq!(spend(&mut allowance, 1_000, 10), Ok(Left::Some));
}

proptest! {
    /// Whatever is asked for and when: all that is paid is within the limit of all, within each period's
    /// limit, before the end, and for messages that are allowed; periods are never shorter than granted.
    #[test]
    fn an_allowance_never_pays_more_than_it_granted(
        total in 0u128..60,
        first in 0u128..12,
        limit in 1u128..12,
        period_ms in 1u64..50,
        reset in 0u64..100,
        end in prop::option::of(1u64..400),
        depth in 0usize..MAX_DEPTH,
        asked in prop::collection::vec((0u64..40, 0u128..9, any::<bool>()), 1..60),
    ) {
        let mut any = packed(&PeriodicAllowance {
            basic: Some(basic(total, end)),
            period: Some(duration(period_ms)),
            period_spend_limit: vec![nicoin(limit)],
            period_can_spend: Vec::from_iter((first > 0).then(|| nicoin(first))),
            period_reset: Some(timestamp(reset)),
        });
        for _ in 0..depth {
            any = allowed(any, &[SEND]);
        }
        let mut allowance = read(&any);
        let reset_of = |allowance: &Allowance| {
            let mut any = allowance.pack();
            for _ in 0..depth {
                let outer = AllowedMsgAllowance::decode(any.value.as_slice()).unwrap();
                any = outer.allowance.unwrap();
            }
            let inner = PeriodicAllowance::decode(any.value.as_slice()).unwrap();
            milliseconds(inner.period_reset.as_ref())
        };
        let (mut now, mut paid) = (0, 0);
        let mut by_period = BTreeMap::<u64, u128>::new();
        for (later, fee, votes) in asked {
            now += later;
            let types = [if votes { VOTE } else { SEND }];
            let Ok(left) = spend_on(&mut allowance, now, fee, &types) else {
                continue;
            };
            prop_assert!(!votes || depth == 0);
            prop_assert!(end.is_none_or(|end| now < end));
            paid += fee;
            let ends = reset_of(&allowance);
            prop_assert!(now <= ends);
            *by_period.entry(ends).or_default() += fee;
            if left == Left::Nothing {
                prop_assert_eq!(paid, total);
                break;
            }
        }
        prop_assert!(total == 0 || paid <= total);
        for (ends, paid) in &by_period {
            let granted = if *ends == reset { first } else { limit };
            prop_assert!(*paid <= granted, "{paid} of {granted} until {ends}");
        }
        let ends: Vec<_> = by_period.keys().collect();
        prop_assert!(ends.windows(2).all(|pair| pair[1] - pair[0] >= period_ms));
    }

    /// A basic allowance pays exactly what is within it.
    #[test]
    fn a_basic_allowance_pays_up_to_its_limit(
        limit in 1u128..100,
        asked in prop::collection::vec(0u128..30, 1..20),
    ) {
        let mut allowance = read(&packed(&basic(limit, None)));
        let mut left = limit;
        for fee in asked {
            let expected = left.checked_sub(fee);
            prop_assert_eq!(spend(&mut allowance, 0, fee).is_ok(), expected.is_some());
            left = expected.unwrap_or(left);
            if left == 0 {
                break;
            }
        }
    }
}
