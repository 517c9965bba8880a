//! Header time: milliseconds since 1970 inside, protobuf timestamps outside.

use tendermint_proto::google::protobuf::{Duration, Timestamp};

/// Milliseconds as a timestamp.
pub fn timestamp(ms: u64) -> Timestamp {
    let seconds = i64::try_from(ms.div_euclid(1000)).unwrap_or(i64::MAX);
    Timestamp {
        seconds,
        nanos: nanos(ms),
    }
}

/// Milliseconds as a duration.
pub fn duration(ms: u64) -> Duration {
    let seconds = i64::try_from(ms.div_euclid(1000)).unwrap_or(i64::MAX);
    Duration {
        seconds,
        nanos: nanos(ms),
    }
}

fn nanos(ms: u64) -> i32 {
    i32::try_from(ms.rem_euclid(1000))
        .unwrap_or(0)
        .saturating_mul(1_000_000)
}

/// A timestamp in milliseconds, rounded down; times before 1970 are 0.
pub fn milliseconds(time: Option<&Timestamp>) -> u64 {
    let Some(time) = time else { return 0 };
    let seconds = u64::try_from(time.seconds).unwrap_or(0);
    let within = u64::try_from(time.nanos.div_euclid(1_000_000)).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(within)
}

/// Year 1, with which protobuf's timestamps begin, and which is the SDK's time of nothing.
const FIRST_SECOND: i64 = -62_135_596_800;

/// The last second of the year 9999, with which protobuf's timestamps end.
const LAST_SECOND: i64 = 253_402_300_799;

/// The last millisecond of the year 9999.
pub const LAST_MS: u64 = LAST_SECOND.unsigned_abs().saturating_mul(1000);

/// Whether a timestamp is one: protobuf has them from 1970 (here) to the year 9999.
///
/// # Errors
/// A sentence.
pub fn check(time: &Timestamp) -> Result<(), String> {
    is_between(time, 0, 1970)
}

/// [`check`] for a time that may lie before 1970.
///
/// # Errors
/// A sentence.
pub fn check_any(time: &Timestamp) -> Result<(), String> {
    is_between(time, FIRST_SECOND, 1)
}

fn is_between(time: &Timestamp, first: i64, year: u32) -> Result<(), String> {
    let (seconds, nanos) = (time.seconds, time.nanos);
    match (first..=LAST_SECOND).contains(&seconds) && (0..1_000_000_000).contains(&nanos) {
        true => Ok(()),
        false => Err(format!(
            "{seconds} s and {nanos} ns are no time between {year} and 9999"
        )),
    }
}

/// A duration in nanoseconds, as the SDK holds it: 64 bits.
///
/// # Errors
/// A sentence, for one that does not fit or whose parts have different signs.
pub fn nanoseconds(duration: &Duration) -> Result<i64, String> {
    let (seconds, nanos) = (duration.seconds, duration.nanos);
    let parts = (-999_999_999..=999_999_999).contains(&nanos)
        && i64::from(nanos).signum().saturating_mul(seconds.signum()) >= 0;
    let whole = seconds.checked_mul(1_000_000_000);
    let whole = whole.and_then(|whole| whole.checked_add(i64::from(nanos)));
    whole
        .filter(|_| parts)
        .ok_or_else(|| format!("{seconds} s and {nanos} ns are no duration of at most 292 years"))
}

/// A timestamp as people read it.
pub fn shown(time: &Timestamp) -> String {
    let (seconds, nanos) = (time.seconds, time.nanos);
    prost_types::Timestamp { seconds, nanos }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_to_the_millisecond() {
        for ms in [0, 1, 999, 1000, 1_790_000_000_123] {
            assert_eq!(milliseconds(Some(&timestamp(ms))), ms);
        }
        assert_eq!(
            milliseconds(Some(&Timestamp {
                seconds: -5,
                nanos: 0
            })),
            0
        );
    }
}
