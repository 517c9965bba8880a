//! `raced doctor`: what is wrong with a node.

use clap::Parser;

use super::console::Format;
use super::error::CliError;
use super::{Context, Outcome, Run};
use crate::doctor::{self, Check, State};
use crate::tree::Tree;

/// Find what is wrong with the node of --home, before it runs or while it does, and what to do
#[derive(Debug, Parser)]
#[command(
    after_help = "It writes a small file into the node's data folder to time the disk, and removes it. With one fail or more it ends with 1.\n\nExample:\n  raced doctor --home ~/.raced"
)]
pub struct Doctor {
    /// Override a key of config/app.toml, as for raced start
    #[arg(long = "config", value_name = "SECTION.KEY=VALUE", value_parser = super::start::key_value)]
    config: Vec<(String, String)>,
}

impl Run for Doctor {
    async fn run(self, context: Context) -> Outcome {
        let home = std::path::absolute(&context.home)?;
        let variables: Vec<_> = std::env::vars().collect();
        let checks = doctor::examine(&home, variables, &self.config).await;
        match context.format {
            Format::Text => checks
                .iter()
                .for_each(|check| context.console.print(&line(check))),
            Format::Json => context.print(&Tree::map([(
                "checks",
                Tree::List(checks.iter().map(tree).collect()),
            )])),
        }
        let failed = checks.iter().filter(|check| check.state == State::Fail);
        match failed.count() {
            0 => Ok(()),
            failed => Err(CliError::failed(format!(
                "{failed} of {} checks failed",
                checks.len()
            ))),
        }
    }
}

fn line(check: &Check) -> String {
    let (state, name) = (check.state.name(), check.name);
    let mut line = format!("{state:<5} {name:<17} {}", check.found);
    if !check.todo.is_empty() {
        line.push_str(&format!("\n{:>23} {}", "->", check.todo));
    }
    line
}

fn tree(check: &Check) -> Tree {
    Tree::map([
        ("name", Tree::text(check.name)),
        ("state", Tree::text(check.state.name())),
        ("found", Tree::text(&check.found)),
        ("todo", Tree::text(&check.todo)),
    ])
}
