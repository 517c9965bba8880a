//! Commands that are not built yet: in the help, and honest about it.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::error::CliError;
use super::{Context, Running};

/// What each will do.
const ABOUT: &[(&str, &str)] = &[
    ("gateway", "Serve the OpenAI API for a user's own sessions"),
    ("receipt", "Check the receipt of an answer"),
    ("report", "Report a forged answer"),
    ("simulate", "Simulate spot checks and what cheating costs"),
    ("economy", "Compute issuance and rewards"),
];

/// The sentence for `what`, such as `gateway`.
fn not_supported(what: &str) -> CliError {
    CliError::failed(format!("raced {what}: not supported yet"))
}

/// A command that takes anything and does nothing.
#[must_use]
pub fn command(name: &'static str) -> Command {
    let about = ABOUT.iter().find(|(known, _)| *known == name);
    let about = about.map_or("Do something", |(_, about)| about);
    Command::new(name)
        .about(format!("{about} (not supported yet)"))
        .after_help(format!("Example:\n  raced {name}"))
        .arg(
            Arg::new("anything")
                .num_args(0..)
                .action(ArgAction::Append)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .hide(true),
        )
}

/// Says so.
#[must_use]
pub fn run(name: &'static str, _: ArgMatches, _: Context) -> Running {
    Box::pin(std::future::ready(Err(not_supported(name))))
}
