//! `PeriodicAllowance`: a basic one of which a part may be spent in each period.

use race_proto::cosmos::feegrant::v1beta1::PeriodicAllowance;
use race_proto::Any;
use tendermint_proto::google::protobuf::{Duration, Timestamp};

use super::basic::Basic;
use super::{Left, Spending};
use crate::bank::coins::Coins;
use crate::error::TxError;
use crate::feegrant::Error;
use crate::message::response as packed;
use crate::time::{self, milliseconds, timestamp};

/// Fees up to a limit for each period, all of them up to that of the basic allowance.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::feegrant) struct Periodic {
    basic: Basic,
    period: Duration,
    /// What may be spent in a period.
    limit: Coins,
    /// What may still be spent in this one.
    left: Coins,
    /// When the next one begins.
    reset: Option<Timestamp>,
}

impl Periodic {
    /// Reads it.
    pub(super) fn read(message: PeriodicAllowance) -> Result<Self, TxError> {
        let parse_error =
            |what: &str, e: String| TxError::sdk(2, format!("{what}: {e}: tx parse error"));
        let period = message.period.unwrap_or_default();
        time::nanoseconds(&period).map_err(|e| parse_error("period", e))?;
        if let Some(reset) = &message.period_reset {
            time::check_any(reset).map_err(|e| parse_error("period_reset", e))?;
        }
        Ok(Self {
            basic: Basic::read(message.basic.unwrap_or_default())?,
            period,
            limit: Coins::parse(&message.period_spend_limit)?,
            left: Coins::parse(&message.period_can_spend)?,
            reset: message.period_reset,
        })
    }

    pub(super) fn pack(&self) -> Any {
        packed(&PeriodicAllowance {
            basic: Some(self.basic.message()),
            period: Some(self.period),
            period_spend_limit: self.limit.to_proto(),
            period_can_spend: self.left.to_proto(),
            period_reset: self.reset,
        })
    }

    pub(super) fn end_ms(&self) -> Option<u64> {
        self.basic.end_ms()
    }

    pub(super) fn check(&self) -> Result<(), TxError> {
        let invalid = |what: &str| Err(TxError::sdk(10, format!("{what}: invalid coins")));
        self.basic.check()?;
        if !self.limit.is_valid() {
            return invalid(&format!("spend amount is invalid: {}", self.limit));
        }
        if self.limit.0.is_empty() {
            return invalid("spend limit must be positive");
        }
        if !self.left.is_valid() {
            return invalid(&format!("can spend amount is invalid: {}", self.left));
        }
        let all = &self.basic.limit.0;
        let has = |denom: &str| all.iter().any(|coin| coin.denom == denom);
        if !all.is_empty() && !self.limit.0.iter().all(|coin| has(&coin.denom)) {
            return invalid("period spend limit has different currency than basic spend limit");
        }
        match self.period.seconds < 0 || self.period.nanos < 0 {
            false => Ok(()),
            true => Err(Error::InvalidDuration {}.into()),
        }
    }

    pub(super) fn spend(&mut self, spending: &Spending<'_>) -> Result<Left, Error> {
        const ALL: &str = "absolute limit";
        self.basic.check_end(ALL, spending)?;
        self.begin_period(spending.now_ms);
        let left = self.left.minus(spending.fee);
        let what = "period limit";
        self.left = left.ok_or(Error::LimitExceeded { what })?;
        self.basic.take(ALL, spending)
    }

    /// Begins a period when the last one is over: where that ended, or now when a whole one went by since.
    fn begin_period(&mut self, now_ms: u64) {
        let reset = milliseconds(self.reset.as_ref());
        if now_ms < reset {
            return;
        }
        self.left = match self.basic.limit.0.is_empty() {
            true => self.limit.clone(),
            false => self.limit.smaller(&self.basic.limit),
        };
        let next = reset.saturating_add(self.period_ms());
        let next = match now_ms > next {
            true => now_ms.saturating_add(self.period_ms()),
            false => next,
        };
        self.reset = Some(timestamp(next.min(time::LAST_MS)));
    }

    /// Rounded up, so that none is shorter than was granted.
    fn period_ms(&self) -> u64 {
        let nanoseconds = time::nanoseconds(&self.period).unwrap_or(i64::MAX);
        u64::try_from(nanoseconds).unwrap_or(0).div_ceil(1_000_000)
    }
}
