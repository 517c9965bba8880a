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

/// The last second of the year 9999, with which protobuf's timestamps end.
const LAST_SECOND: i64 = 253_402_300_799;

/// Whether a timestamp is one: protobuf has them from 1970 (here) to the year 9999.
///
/// # Errors
/// A sentence.
pub fn check(time: &Timestamp) -> Result<(), String> {
    let (seconds, nanos) = (time.seconds, time.nanos);
    match (0..=LAST_SECOND).contains(&seconds) && (0..1_000_000_000).contains(&nanos) {
        true => Ok(()),
        false => Err(format!(
            "{seconds} s and {nanos} ns are no time between 1970 and 9999"
        )),
    }
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
