mod a_transaction_is_made_shown_and_sent;
mod a_transaction_is_signed_without_a_node;
mod batches_are_signed_and_signatures_validated;
mod commands_end_with_their_exit_codes;
mod grants_are_given_used_and_taken_back;
mod keys_are_made_moved_and_shown;
mod queries_are_built_from_descriptors;
mod the_client_configuration_yields_to_flags;
mod vectors_and_signatures_are_checked;

use std::path::Path;

use race_app::upgrade::Program;

use super::console::Console;

/// What a command line did.
pub(super) struct Done {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
}

impl Done {
    /// Standard output as JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {} / {}", self.out, self.err))
    }
}

/// Runs `raced --home HOME ARGS` with `input` on standard input.
pub(super) async fn raced_with(home: &Path, args: &[&str], input: &str) -> Done {
    let (console, captured) = Console::captured(input);
    let first = ["raced", "--home", home.to_str().expect("a UTF-8 path")];
    let args = first.iter().chain(args).map(Into::into).collect();
    let code = super::run(args, console, Program::default()).await;
    Done {
        code,
        out: captured.out(),
        err: captured.err(),
    }
}

/// Runs `raced --home HOME ARGS` with nothing on standard input.
pub(super) async fn raced(home: &Path, args: &[&str]) -> Done {
    raced_with(home, args, "").await
}
