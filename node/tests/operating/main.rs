//! What operators rely on, without a network: metrics, alerts, the dashboard, `raced doctor`, documents.

mod a_node_that_others_cannot_reach_is_told_so;
mod doctor_says_what_is_wrong_and_what_to_do;
#[path = "../open_metrics/mod.rs"]
mod open_metrics;
mod the_documents_name_what_there_is;
mod the_log_is_read_by_machines_and_changed_while_it_is_written;
mod what_is_watched_is_there;
