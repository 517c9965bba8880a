//! `raced query`: every query of every module, read off the descriptors, and `tx` and `block`.
//!
//! `raced query MODULE METHOD` takes the request's fields by position, in their order, or by
//! flag. Nothing here knows a single module: a query that is added to a `.proto` file is a
//! command at the next build. Only [`catalog`] has a table, of the names that Cosmos chains use.

pub mod catalog;
mod chain;
mod request;

use clap::{Arg, ArgMatches, Command};
use prost::Message;
use prost_reflect::DynamicMessage;

use self::catalog::{Field, Method, Module};
use super::config::{ClientConfig, DEFAULT_NODE};
use super::error::CliError;
use super::{Context, Outcome, Running};
use crate::client::ChainClient;
use crate::proto_json as proto;

/// `raced query` with all modules below it.
#[must_use]
pub fn command(name: &'static str) -> Command {
    Command::new(name)
        .visible_alias("q")
        .about("Ask a chain: balances, epochs, sessions, transactions...")
        .after_help("Example:\n  raced query bank balances race1...\n  raced query epoch current --output json")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("node")
                .long("node")
                .env("RACED_NODE")
                .value_name("URL")
                .global(true)
                .help(format!("CometBFT's RPC, as http://HOST:PORT or tcp://HOST:PORT [default: client.toml, else {DEFAULT_NODE}]")),
        )
        .arg(
            Arg::new("at-height")
                .long("height")
                .value_name("N")
                .global(true)
                .value_parser(clap::value_parser!(u64))
                .help("The height whose state answers [default: the last]"),
        )
        .subcommands(chain::commands())
        .subcommands(catalog::modules().iter().map(module_command))
}

fn module_command(module: &'static Module) -> Command {
    let example = module.methods.first().map_or("", |method| method.name());
    Command::new(module.name.as_str())
        .about(format!("Queries of {}", module.package))
        .after_help(format!("Example:\n  raced query {} {example}", module.name))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(
            module
                .methods
                .iter()
                .map(|method| method_command(module, method)),
        )
}

fn method_command(module: &'static Module, method: &'static Method) -> Command {
    let known_as = method.names.last().map_or("", String::as_str);
    let mut example = format!("raced query {} {known_as}", module.name);
    let mut command = Command::new(method.name()).about(method.about.as_str());
    for name in &method.names[1..] {
        command = command.visible_alias(name.as_str());
    }
    let mut index = 0;
    for field in &method.fields {
        let mut flag = Arg::new(field.flag.as_str())
            .long(field.flag.as_str())
            .value_name(field.hint.as_str())
            .help(field.about.as_str());
        if field.switch {
            flag = flag.num_args(0..=1).default_missing_value("true");
        }
        if field.positional {
            index += 1;
            let required = index <= method.required;
            if required {
                example.push_str(&format!(" {}", field.value_name));
                flag = flag.hide(true);
            }
            let position = Arg::new(field.position.as_str())
                .value_name(field.value_name.as_str())
                .index(index)
                .help(field.about.as_str());
            command = command.arg(match (field.flag_taken, required) {
                (true, required) => position.required(required),
                (false, true) => position
                    .conflicts_with(field.flag.as_str())
                    .required_unless_present(field.flag.as_str()),
                (false, false) => position.conflicts_with(field.flag.as_str()),
            });
        }
        if !field.flag_taken {
            command = command.arg(flag);
        }
    }
    command.after_help(format!("Example:\n  {example}"))
}

/// Runs `raced query ...`.
#[must_use]
pub fn run(_: &'static str, matches: ArgMatches, context: Context) -> Running {
    Box::pin(async move {
        let (module, below) = matches
            .subcommand()
            .ok_or_else(|| CliError::usage("raced query: name a module"))?;
        let connection = Connection::of(&matches, &context)?;
        if let Some(done) = chain::run(module, below, &connection, &context).await {
            return done;
        }
        let (method, given) = below
            .subcommand()
            .ok_or_else(|| CliError::usage(format!("raced query {module}: name a query")))?;
        let method = catalog::find(module, method)
            .ok_or_else(|| CliError::usage(format!("there is no query {module} {method}")))?;
        ask(method, given, &connection, &context).await
    })
}

/// Where and at which height is asked.
struct Connection {
    chain: ChainClient,
    height: Option<u64>,
}

impl Connection {
    fn of(matches: &ArgMatches, context: &Context) -> Result<Self, CliError> {
        let flags = ClientConfig {
            node: matches.get_one::<String>("node").cloned(),
            ..ClientConfig::default()
        };
        let config = flags.or(ClientConfig::read(&context.home)?);
        Ok(Self {
            // Nothing is signed: the chain's id is of no matter.
            chain: ChainClient::new(config.node(), "")?,
            height: matches.get_one::<u64>("at-height").copied(),
        })
    }
}

async fn ask(
    method: &Method,
    given: &ArgMatches,
    connection: &Connection,
    context: &Context,
) -> Outcome {
    let request = encode(method, given)?;
    let bytes = connection
        .chain
        .query(&method.path, &request, connection.height)
        .await?;
    let answer = DynamicMessage::decode(method.descriptor.output(), bytes.as_slice())
        .map_err(|error| CliError::from(error).while_doing("cannot read the answer"))?;
    context.print(&proto::tree(&answer));
    Ok(())
}

/// The encoded request.
fn encode(method: &Method, given: &ArgMatches) -> Result<Vec<u8>, CliError> {
    let texts = method
        .fields
        .iter()
        .filter_map(|field| Some((field, text_of(field, given)?)));
    let request = request::build(method.descriptor.input(), texts);
    let request = request.map_err(|error| CliError::from(error).as_usage())?;
    Ok(request.encode_to_vec())
}

/// The request of `raced query ARGS`, or the sentence of what is wrong with them.
#[cfg(test)]
pub(super) fn encode_for_test(args: &[&str]) -> Result<Vec<u8>, String> {
    let args = ["query"].iter().chain(args);
    let matches = command("query").try_get_matches_from(args);
    let matches = matches.map_err(|error| error.to_string())?;
    let (module, below) = matches.subcommand().expect("a module");
    let (method, given) = below.subcommand().expect("a method");
    let method = catalog::find(module, method).expect("a known method");
    encode(method, given).map_err(|error| error.message().to_owned())
}

/// What was given for a field, by position or by flag.
fn text_of<'a>(field: &Field, given: &'a ArgMatches) -> Option<&'a str> {
    let named = |name: &str| {
        let value = given.try_get_one::<String>(name).ok().flatten();
        value.map(String::as_str)
    };
    let by_flag = || (!field.flag_taken).then(|| named(&field.flag)).flatten();
    named(&field.position).or_else(by_flag)
}
