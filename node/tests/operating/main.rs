//! What operators rely on, without a network: metrics, alerts, the dashboard, `raced doctor`.

mod doctor_says_what_is_wrong_and_what_to_do;
#[path = "../open_metrics/mod.rs"]
mod open_metrics;
mod what_is_watched_is_there;
