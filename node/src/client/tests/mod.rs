pub(crate) mod fake;
mod transactions_are_priced_signed_and_waited_for;
