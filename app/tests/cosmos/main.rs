//! What any Cosmos chain has: transactions, accounts, coins, governance, queries, and the promises
//! that the application makes to CometBFT. The expected codes, logs and events are the SDK's.

#![allow(missing_docs)]

mod a_block_is_the_same_on_every_instance;
mod a_flood_does_not_stop_the_protocol;
mod a_genesis_that_cannot_work_is_refused;
mod a_hot_key_acts_under_a_grant;
mod a_new_chain_starts_from_an_exported_state;
mod a_newcomer_registers_without_coins;
mod a_raw_request_is_answered_as_the_sdk_does;
mod a_refused_transaction_says_why;
mod a_state_is_restored_behind_abci;
mod a_transfer_looks_as_on_an_sdk_chain;
mod amino_signatures_are_accepted;
mod an_upgrade_changes_the_program;
mod anothers_account_may_pay_the_fee;
mod anothers_allowance_pays_the_fee;
mod events_are_as_the_sdk_emits_them;
mod governance_changes_a_parameter;
mod keys_prove_under_the_app_hash;
mod locked_coins_become_free_with_time;
mod no_bytes_stop_a_node;
mod queries_answer_as_an_sdk_chain;
mod seeds_are_signed_by_the_committee;
mod several_keys_share_an_account;
mod the_committee_is_shown_as_validators;
mod the_golden_app_hash_is_owned;
mod the_mempool_keeps_its_own_state;
