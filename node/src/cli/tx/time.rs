//! Times as flags say them.

use tendermint_proto::google::protobuf::Timestamp;

/// Reads `2027-01-31T15:04:05Z`, or seconds since 1970.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    let form = || {
        format!(
            "{text:?} is no time: expected one such as 2027-01-31T15:04:05Z, or seconds since 1970"
        )
    };
    let time = match text.parse() {
        Ok(seconds) => Timestamp { seconds, nanos: 0 },
        Err(_) => {
            let time: prost_types::Timestamp = text.parse().map_err(|_| form())?;
            Timestamp {
                seconds: time.seconds,
                nanos: time.nanos,
            }
        }
    };
    race_app::time::check(&time).map_err(|_| form())?;
    Ok(time)
}
