//! The command line of `raced`.
//!
//! A command is a type that implements [`Run`] and a line in [`COMMANDS`]. All of them share
//! `--home` and `--output`, print through [`Context`], and end with 0 (done), 1 (refused or
//! failed), 2 (wrong usage) or 3 (a node halted: another program must go on).
//!
//! | file | what is in it |
//! |---|---|
//! | [`console`], [`progress`], [`error`] | what people and scripts see |
//! | [`config`] | `HOME/config/client.toml` and the flags that go before it |
//! | [`query`], [`tx`] | asking a chain, and sending it transactions |
//! | [`init`], [`start`], [`status`], [`doctor`] | a node |
//! | [`snapshot`], [`rollback`], [`export`] | the state of a node |
//! | [`localnet`], [`demo`] | whole networks on this machine |
//! | [`keys`] | the keyring, and keys that come from or go to other wallets |
//! | [`race_work`] | racing for a node in a process of its own |
//! | [`race`], [`race_study`], [`beacon`], [`model`], [`about`] | tools that need no chain |
//! | [`absent`] | commands that are named and not built yet |

pub mod about;
pub mod absent;
pub mod beacon;
pub mod config;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod error;
pub mod export;
pub mod init;
pub mod keys;
pub mod localnet;
pub mod model;
pub mod progress;
pub mod query;
pub mod race;
pub mod race_study;
pub mod race_work;
pub mod rollback;
pub mod snapshot;
pub mod start;
pub mod status;
pub mod tx;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use race_app::upgrade::Program;

use crate::tree::Tree;
use console::{Console, Format};
use error::CliError;

/// All commands, in the order of the help.
pub const COMMANDS: &[Entry] = &[
    Entry::of::<init::Init>("init"),
    Entry::of::<start::Start>("start"),
    Entry::of::<localnet::LocalnetCommand>("localnet"),
    Entry::of::<demo::Demo>("demo"),
    Entry::of::<status::Status>("status"),
    Entry::of::<keys::Keys>("keys"),
    Entry::of::<tx::Tx>("tx"),
    Entry::built("query", query::command, query::run),
    Entry::of::<race::RaceCommand>("race"),
    Entry::of::<beacon::Beacon>("beacon"),
    Entry::of::<model::Model>("model"),
    Entry::of::<doctor::Doctor>("doctor"),
    Entry::built("gateway", absent::command, absent::run),
    Entry::built("receipt", absent::command, absent::run),
    Entry::built("report", absent::command, absent::run),
    Entry::built("simulate", absent::command, absent::run),
    Entry::built("economy", absent::command, absent::run),
    Entry::of::<snapshot::Snapshot>("snapshot"),
    Entry::of::<rollback::Rollback>("rollback"),
    Entry::of::<export::Export>("export"),
    Entry::of::<about::Version>("version"),
    Entry::of::<about::Completions>("completions"),
];

/// What a command returns.
pub type Outcome = Result<(), CliError>;
/// A running command.
pub type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A command: its flags by `#[derive(clap::Parser)]`, its help by doc comment and `after_help`.
pub trait Run: clap::Parser + Send + 'static {
    /// Does it.
    fn run(self, context: Context) -> impl Future<Output = Outcome> + Send;
}

/// A line of [`COMMANDS`].
pub struct Entry {
    name: &'static str,
    command: fn(&'static str) -> Command,
    run: fn(&'static str, ArgMatches, Context) -> Running,
}

impl Entry {
    /// A command that parses into `T`.
    #[must_use]
    pub const fn of<T: Run>(name: &'static str) -> Self {
        fn run<T: Run>(_: &'static str, matches: ArgMatches, context: Context) -> Running {
            Box::pin(async move {
                let parsed = T::from_arg_matches(&matches);
                parsed
                    .map_err(|error| CliError::usage(error.to_string()))?
                    .run(context)
                    .await
            })
        }
        Self::built(name, |name| T::command().name(name), run::<T>)
    }

    /// A command that is built by hand.
    #[must_use]
    pub const fn built(
        name: &'static str,
        command: fn(&'static str) -> Command,
        run: fn(&'static str, ArgMatches, Context) -> Running,
    ) -> Self {
        Self { name, command, run }
    }
}

/// What every command is given.
#[derive(Clone)]
pub struct Context {
    /// Where it reads and writes.
    pub console: Console,
    /// `--output`.
    pub format: Format,
    /// `--home`, or `~/.raced`.
    pub home: PathBuf,
    /// Whether `home` was named by flag or variable.
    pub home_given: bool,
    /// The version of the state machine that this program has.
    pub program: Program,
}

impl Context {
    /// Prints a result on standard output.
    pub fn print(&self, tree: &Tree) {
        self.console.print(&match self.format {
            Format::Text => tree.to_text(),
            Format::Json => tree.to_json(),
        });
    }

    /// Says something to people, on standard error.
    pub fn note(&self, text: &str) {
        self.console.note(text);
    }
}

/// The whole command line, for parsing, help and completions.
#[must_use]
pub fn command() -> Command {
    let home = Arg::new("home")
        .long("home")
        .env("RACED_HOME")
        .value_name("DIR")
        .value_parser(clap::value_parser!(PathBuf))
        .help("Folder of keys and configuration [default: ~/.raced]");
    let output = Arg::new("output")
        .long("output")
        .short('o')
        .env("RACED_OUTPUT")
        .value_parser(clap::value_parser!(Format))
        .default_value("text")
        .help("How results and errors are printed");
    Command::new("raced")
        .about("Race: a blockchain whose voting power is proven computing power")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help("Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the node halted at a height.\n\nExample:\n  raced query epoch current --node http://127.0.0.1:26657")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(home.global(true))
        .arg(output.global(true))
        .subcommands(COMMANDS.iter().map(|entry| (entry.command)(entry.name)))
}

/// Runs the command line `args` (the program's name first) and returns the exit code.
pub async fn run(args: Vec<OsString>, console: Console, program: Program) -> u8 {
    let format = Format::wanted(&args);
    let outcome = match command().try_get_matches_from(args) {
        Ok(matches) => dispatch(&matches, console.clone(), program).await,
        Err(error) if !error.use_stderr() => {
            console.print(&error.to_string());
            Ok(())
        }
        Err(error) => Err(CliError::usage(error.to_string())),
    };
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            console.note(&match format {
                Format::Text => error.to_text(),
                Format::Json => error.to_json(),
            });
            error.exit_code()
        }
    }
}

async fn dispatch(matches: &ArgMatches, console: Console, program: Program) -> Outcome {
    let (name, found) = matches
        .subcommand()
        .ok_or_else(|| CliError::usage("no command given: see raced --help"))?;
    let entry = COMMANDS.iter().find(|entry| entry.name == name);
    let entry = entry.ok_or_else(|| CliError::usage(format!("there is no command {name}")))?;
    let home = matches.get_one::<PathBuf>("home").cloned();
    let context = Context {
        console,
        format: matches.get_one("output").copied().unwrap_or_default(),
        home_given: home.is_some(),
        program,
        home: home.unwrap_or_else(default_home),
    };
    (entry.run)(entry.name, found.clone(), context).await
}

fn default_home() -> PathBuf {
    let user = std::env::var_os("HOME").map(PathBuf::from);
    user.unwrap_or_default().join(".raced")
}

/// The program, with its version of the state machine: parses its arguments, runs, and says how it ended.
#[must_use]
pub fn main(program: Program) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return ExitCode::from(1);
        }
    };
    let code = runtime.block_on(run(std::env::args_os().collect(), Console::real(), program));
    // A computation that still runs on a thread is not waited for.
    runtime.shutdown_background();
    ExitCode::from(code)
}
