//! A model is proposed, passes and is loaded.

use race_app::address::Account;
use race_inference::gguf::Header;
use race_proto::cosmos::gov::v1 as gov;
use race_proto::race::model::v1 as model;

use super::{say, Failure, Story, UNITS_PER_TOKEN};
use crate::wallet::amount;
use crate::wallet::sign::any;

impl Story<'_> {
    pub(super) async fn propose_model(&mut self) -> Result<u64, Failure> {
        self.title("A model team proposes a model; the providers vote");
        let file = self
            .network
            .models
            .first()
            .ok_or("the network has no model file")?;
        let header = Header::read(file.path.as_ref())?;
        let register = model::MsgRegisterModel {
            authority: Account::of_module("gov").to_string(),
            model: Some(model::Model {
                id: file.id.clone(),
                weights_digest: hex::decode(&file.sha256)?,
                tokenizer_digest: header.tokenizer_digest.to_vec(),
                units_per_token: UNITS_PER_TOKEN,
                numeric_format: header.format(),
                thresholds: Some(model::Thresholds {
                    top_k: 20,
                    margin_limit: 5_000,
                    classes: vec![model::LengthClass {
                        min_length: 4,
                        max_mean_distance: self.max_mean_distance,
                        max_mean_margin: 2_500,
                        max_violations_millis: 300,
                        max_margin: 0,
                    }],
                }),
                min_memory_bytes: 256 << 20,
                context_length: 1_024,
                ..model::Model::default()
            }),
        };
        let alice = self.key("alice")?;
        let submit = gov::MsgSubmitProposal {
            messages: vec![any(&register)],
            initial_deposit: vec![amount::coin(amount::parse("10icoin")?)],
            proposer: alice.account().to_string(),
            metadata: String::new(),
            title: format!("Register {}", file.id),
            summary: "A small instruction-tuned model for everyone".into(),
            expedited: false,
        };
        let included = self.send("alice", &submit).await?;
        let response: gov::MsgSubmitProposalResponse = included.response(0)?;
        say(&format!(
            "   proposal {} is open since block {}",
            response.proposal_id, included.height
        ));
        for node in &self.network.nodes {
            let vote = gov::MsgVote {
                proposal_id: response.proposal_id,
                voter: node.operator.clone(),
                option: gov::VoteOption::Yes.into(),
                metadata: String::new(),
            };
            let included = self.send(&node.name, &vote).await?;
            say(&format!(
                "   {} votes yes in block {}",
                node.name, included.height
            ));
        }
        Ok(response.proposal_id)
    }

    pub(super) async fn model_is_loaded(&mut self, proposal: u64) -> Result<(), Failure> {
        self.title("The model passes; every node loads it and says so");
        let sight = &self.sight;
        sight
            .until("the proposal passed", || async move {
                let answer: gov::QueryProposalResponse = sight
                    .ask(
                        "/cosmos.gov.v1.Query/Proposal",
                        &gov::QueryProposalRequest {
                            proposal_id: proposal,
                        },
                    )
                    .await?;
                let status = answer
                    .proposal
                    .map(|p| p.status())
                    .ok_or("no such proposal")?;
                match status {
                    gov::ProposalStatus::Passed => Ok(Some(())),
                    gov::ProposalStatus::Rejected | gov::ProposalStatus::Failed => {
                        Err(format!("the proposal ended as {status:?}").into())
                    }
                    _ => Ok(None),
                }
            })
            .await?;
        let id = self.network.models[0].id.clone();
        let (model_id, nodes) = (&id, self.network.nodes.len());
        let hosts = sight
            .until("all nodes host the model", || async move {
                let answer: model::QueryModelResponse = sight
                    .ask(
                        "/race.model.v1.Query/Model",
                        &model::QueryModelRequest {
                            id: model_id.clone(),
                        },
                    )
                    .await?;
                Ok((answer.hosts.len() == nodes).then_some(answer.hosts))
            })
            .await?;
        for host in hosts {
            say(&format!(
                "   {} hosts {id} since block {}",
                self.node_name(&host.address),
                host.since_height
            ));
        }
        Ok(())
    }
}
