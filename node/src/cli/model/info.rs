//! `raced model info`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::{Context, Outcome};
use crate::model_info::ModelInfo;
use crate::proto_json as proto;
use crate::serving::host;
use crate::tree::Tree;
use crate::wallet::sign::any;

/// The deposit of a proposal file: what opens the vote on a local network.
const DEPOSIT: &str = "10icoin";

#[derive(Debug, Args)]
pub(super) struct Info {
    /// A GGUF file
    file: PathBuf,
    /// The id to register it under [default: from the file's name]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Units of compute for a token [default: millions of weights]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    units_per_token: Option<u64>,
    /// Print only the file for `raced tx gov submit-proposal`
    #[arg(long)]
    proposal: bool,
    /// Deposit of the proposal
    #[arg(long, value_name = "AMOUNT", default_value = DEPOSIT, requires = "proposal")]
    deposit: String,
}

impl Info {
    pub(super) fn run(self, context: Context) -> Outcome {
        let shown = self.file.display().to_string();
        let unusable = |error: CliError| error.while_doing(&shown).as_usage();
        let bytes = std::fs::metadata(&self.file).map_err(|e| unusable(e.into()))?;
        let digest = host::digest(&self.file).map_err(|e| unusable(e.into()))?;
        let info = ModelInfo::read(&self.file, bytes.len(), digest.to_vec());
        let mut info = info.map_err(|e| CliError::from(e).as_usage())?;
        if let Some(id) = self.id {
            info.model.id = id;
        }
        if let Some(units) = self.units_per_token {
            info.model.units_per_token = units;
        }
        let message = proto::any_tree(&any(&info.register()));
        if self.proposal {
            crate::wallet::amount::parse(&self.deposit)
                .map_err(|e| CliError::from(e).while_doing("--deposit").as_usage())?;
            let proposal = Tree::map([
                ("messages", Tree::List(vec![message])),
                ("deposit", Tree::text(self.deposit)),
                ("title", Tree::text(format!("Register {}", info.model.id))),
                (
                    "summary",
                    Tree::text(format!(
                        "Register the model file with SHA-256 {}",
                        hex::encode(&info.model.weights_digest)
                    )),
                ),
                ("metadata", Tree::text("")),
            ]);
            context.console.print(&proposal.to_json());
            return Ok(());
        }
        let model = &info.model;
        context.print(&Tree::map([
            ("name", Tree::text(&info.name)),
            ("suggested_id", Tree::text(&model.id)),
            ("sha256", Tree::text(hex::encode(&model.weights_digest))),
            (
                "tokenizer_digest",
                Tree::text(hex::encode(&model.tokenizer_digest)),
            ),
            ("numeric_format", Tree::text(&model.numeric_format)),
            ("architecture", Tree::text(&info.architecture)),
            ("parameters", Tree::from(info.parameters)),
            ("trained_context", Tree::from(info.trained_context)),
            ("context_length", Tree::from(model.context_length)),
            ("units_per_token", Tree::from(model.units_per_token)),
            ("bytes", Tree::from(bytes.len())),
            ("message", message),
        ]));
        Ok(())
    }
}
