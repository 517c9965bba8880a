//! The consensus side of the state machine, driven block by block by honest and dishonest nodes that
//! run the real Race (preset `tiny`).

#![allow(missing_docs)]

mod network;
mod node;
mod oracle;

mod a_bond_is_locked_and_lost;
mod a_false_accusation_costs_the_accuser;
mod a_false_proof_counts_nothing;
mod a_race_that_fails_halves_who_caused_it;
mod a_seed_that_is_not_signed_falls_back;
mod an_epoch_turns_counts_into_powers;
mod an_equivocator_is_out_until_a_later_race;
mod many_participants_are_judged;
mod messages_out_of_place_are_refused;
mod nodes_register_and_are_forgotten;
mod the_next_committee_generates_its_key;
mod what_a_restart_needs_is_in_state;
