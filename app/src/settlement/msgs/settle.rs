//! `MsgSettle`: an executor settles served requests of one epoch's pins, many at a time.

use race_proto::race::settlement::v1::{EventSettled, MsgSettle, MsgSettleResponse, Record};
use race_proto::Any;
use race_verification::record::MAX_BATCH_RECORDS;

use super::record::{self, CheckedRecord};
use crate::address::{Account, ConsensusAddress};
use crate::context::Context;
use crate::error::TxError;
use crate::events::typed;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::settlement::errors::Error;
use crate::settlement::{is_open, keys, limit, settle_end};
use crate::state::State;
use crate::tx::gas;
use crate::{epoch, fields, node};

/// Invariant: 1 to 1024 well-formed records in strictly rising order of (session, index).
struct Settle {
    sender: Account,
    epoch: u64,
    records: Vec<CheckedRecord>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgSettle = decode(bytes)?;
    let sender = fields::signer("sender", &msg.sender)?;
    if msg.records.is_empty() || msg.records.len() > MAX_BATCH_RECORDS {
        let why = format!(
            "expected 1 to {MAX_BATCH_RECORDS} records, got {}",
            msg.records.len()
        );
        return Err(Error::Batch { why }.into());
    }
    let records = msg
        .records
        .iter()
        .map(well_formed)
        .collect::<Result<Vec<_>, _>>()?;
    let key = |record: &CheckedRecord| (record.session, record.index);
    if records
        .windows(2)
        .any(|pair| key(&pair[0]) >= key(&pair[1]))
    {
        let why = "expected records in strictly rising order of (session, index); sort them and \
                   settle each request once";
        return Err(Error::Batch {
            why: why.to_owned(),
        }
        .into());
    }
    Ok(Box::new(Settle {
        sender,
        epoch: msg.epoch,
        records,
    }))
}

fn well_formed(record: &Record) -> Result<CheckedRecord, TxError> {
    Ok(CheckedRecord {
        session: record.session_id,
        index: record.index,
        attempt: record.attempt,
        prompt_tokens: record.prompt_tokens,
        output_tokens: record.output_tokens,
        digest: fields::bytes("digest", &record.digest)?,
        acknowledgement: fields::bytes("acknowledgement", &record.acknowledgement)?,
    })
}

fn check_epoch(state: &State, context: &Context<'_>, epoch: u64) -> Result<(), Error> {
    let current = epoch::current(state).number;
    let until = settle_end(state, epoch).unwrap_or(0);
    match is_open(state, epoch, context.height) {
        true => Ok(()),
        false => Err(Error::Epoch {
            epoch,
            current,
            until,
        }),
    }
}

/// Takes one batch of a node in a block: settling is free of charge.
fn count(state: &mut State, height: u64, sender: &ConsensusAddress) -> Result<(), Error> {
    let key = (epoch::current(state).number, *sender);
    if keys::LAST.get(state, &key) == Some(height) {
        return Err(Error::Again { height });
    }
    keys::LAST.put(state, &key, &height);
    Ok(())
}

impl CheckedMsg for Settle {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        let records = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        gas::SMALL.saturating_add(records.saturating_mul(gas::RECORD))
    }

    /// Settles every record that is right and says of each other why not; fails when none is right,
    /// or when the node settled a batch in this block already.
    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let sender = node::address(&node::by_sender(state, &self.sender)?);
        check_epoch(state, context, self.epoch)?;
        count(state, context.height, &sender)?;
        let limit = limit(state, self.epoch, &sender);
        let mut refused = Vec::with_capacity(self.records.len());
        for record in &self.records {
            match record::check(state, context, self.epoch, &sender, limit, record) {
                Ok(accepted) => {
                    let task = record::apply(state, accepted);
                    state.emit(typed(&EventSettled {
                        session_id: task.session_id,
                        index: task.index,
                        executor: task.executor,
                        fee: task.fee,
                        epoch: task.epoch,
                    }));
                    refused.push(String::new());
                }
                Err(error) => refused.push(error.to_string()),
            }
        }
        if refused.iter().all(|why| !why.is_empty()) {
            let (count, first) = (refused.len(), refused.swap_remove(0));
            return Err(Error::AllRefused { count, first }.into());
        }
        Ok(response(&MsgSettleResponse { refused }))
    }
}
