//! Coins of genesis that become free with time, as `cosmos.vesting.v1beta1` has them: all at once at the
//! end, or evenly from start to end.
//!
//! Locked coins are in the balance and cannot be spent. The clock is the header time of the last block.

use prost::Message;
use race_proto::cosmos::auth::v1beta1::BaseAccount;
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::vesting::v1beta1::{
    BaseVestingAccount, ContinuousVestingAccount, DelayedVestingAccount,
};
use race_proto::Any;

use super::keys;
use crate::address::Account;
use crate::bank::coins::nicoin;
use crate::chain;
use crate::coin::{stored, Nicoin};
use crate::message::response as packed;
use crate::state::State;

const CONTINUOUS: &str = "/cosmos.vesting.v1beta1.ContinuousVestingAccount";

/// When which coins become free. Times are in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// What is locked at first.
    pub amount: Nicoin,
    /// From when on it becomes free evenly; `None`: all of it at the end.
    pub start: Option<i64>,
    /// When all of it is free.
    pub end: i64,
}

impl Schedule {
    /// What is still locked at a time.
    pub fn locked(&self, now: i64) -> Nicoin {
        let start = match self.start {
            _ if now >= self.end => return 0,
            None => return self.amount,
            Some(start) if now <= start => return self.amount,
            Some(start) => start,
        };
        let seconds = |from: i64, to: i64| u128::from(from.abs_diff(to));
        let (passed, whole) = (seconds(start, now), seconds(start, self.end));
        let free = self
            .amount
            .saturating_mul(passed)
            .checked_div(whole)
            .unwrap_or_default();
        self.amount.saturating_sub(free)
    }

    /// The schedule of what is still locked at a time: what becomes free after it, when it did before.
    fn left(&self, now: i64) -> Option<Self> {
        let amount = self.locked(now);
        let start = self.start.map(|start| start.max(now));
        let end = self.end;
        (amount > 0).then_some(Self { amount, start, end })
    }

    /// As state keeps it: the SDK's account without what [`super::account`] has.
    fn packed(&self, base_account: Option<BaseAccount>) -> Any {
        let base = BaseVestingAccount {
            base_account,
            original_vesting: vec![nicoin(self.amount)],
            end_time: self.end,
            ..BaseVestingAccount::default()
        };
        match self.start {
            Some(start_time) => packed(&ContinuousVestingAccount {
                base_vesting_account: Some(base),
                start_time,
            }),
            None => packed(&DelayedVestingAccount {
                base_vesting_account: Some(base),
            }),
        }
    }

    fn unpacked(any: &Any) -> Self {
        const DAMAGED: &str = "state is damaged: a vesting account does not decode";
        let (base, start) = match any.type_url.as_str() {
            CONTINUOUS => {
                let account = ContinuousVestingAccount::decode(any.value.as_slice());
                let account = account.expect(DAMAGED);
                (account.base_vesting_account, Some(account.start_time))
            }
            _ => {
                let account = DelayedVestingAccount::decode(any.value.as_slice());
                (account.expect(DAMAGED).base_vesting_account, None)
            }
        };
        let base = base.expect(DAMAGED);
        let amount = |coin: &Coin| stored(&coin.amount);
        Self {
            amount: base.original_vesting.first().map_or(0, amount),
            start,
            end: base.end_time,
        }
    }
}

/// Locks coins of an account.
pub fn lock(state: &mut State, account: &Account, schedule: &Schedule) {
    keys::VESTING.put(state, account, &schedule.packed(None));
}

/// What of an account's balance is locked now.
pub fn locked(state: &State, account: &Account) -> Nicoin {
    let Some(any) = keys::VESTING.get(state, account) else {
        return 0;
    };
    Schedule::unpacked(&any).locked(seconds(state))
}

/// What is still locked of an account, and when it becomes free; `None` when nothing is.
pub fn left(state: &State, account: &Account) -> Option<Schedule> {
    let schedule = Schedule::unpacked(&keys::VESTING.get(state, account)?);
    schedule.left(seconds(state))
}

/// The clock.
fn seconds(state: &State) -> i64 {
    i64::try_from(chain::time_ms(state).div_euclid(1000)).unwrap_or(i64::MAX)
}

/// The vesting account as clients see it; `None` for any other.
pub fn shown(state: &State, account: &Account, record: &BaseAccount) -> Option<Any> {
    let any = keys::VESTING.get(state, account)?;
    Some(Schedule::unpacked(&any).packed(Some(record.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_schedule_becomes_free_when_it_would_have() {
        let even = Schedule {
            amount: 3_000,
            start: Some(100),
            end: 400,
        };
        let left = even.left(200).unwrap();
        for now in [200, 250, 399, 400] {
            assert_eq!(left.locked(now), even.locked(now));
        }
        assert_eq!(even.left(50), Some(even));
        assert_eq!(even.left(400), None);
        let at_once = Schedule {
            start: None,
            ..even
        };
        assert_eq!(at_once.left(399), Some(at_once));
    }

    #[test]
    fn coins_become_free_evenly_or_all_at_the_end() {
        let even = Schedule {
            amount: 1_000,
            start: Some(100),
            end: 400,
        };
        for (now, locked) in [
            (0, 1_000),
            (100, 1_000),
            (101, 997),
            (250, 500),
            (400, 0),
            (900, 0),
        ] {
            assert_eq!(even.locked(now), locked, "at {now}");
        }
        let late = Schedule {
            start: None,
            ..even
        };
        assert_eq!((late.locked(399), late.locked(400)), (1_000, 0));
    }

    #[test]
    fn a_schedule_reads_back() {
        for start in [None, Some(100)] {
            let schedule = Schedule {
                amount: 5,
                start,
                end: 400,
            };
            assert_eq!(Schedule::unpacked(&schedule.packed(None)), schedule);
        }
    }
}
