//! `MsgRevealDuties`: a node reveals rho of an epoch and its verdicts on the tasks that it drew.
//!
//! Who has more verdicts than a message holds sends several, in blocks of their own, with the same rho and
//! always later tasks: what was passed over cannot be given any more, so an omission before the last
//! verdict is final at once. Rho is verified with the first; a block takes one of a signer
//! ([`crate::proposal`]), since a wrong one costs as much to refuse.

use race_proto::race::duty::v1::{
    DutyReveal, EventDutiesRevealed, MsgRevealDuties, MsgRevealDutiesResponse,
};
use race_proto::race::settlement::v1::{Task, TaskStatus};
use race_proto::Any;
use race_randomness::bls;
use race_verification::duty::{rho_message, RHO_BYTES};
use race_verification::merkle;
use race_verification::verdict::{self, Outcome, Verdicts};

use super::{outcome, task};
use crate::address::{Account, ConsensusAddress};
use crate::context::Context;
use crate::duty::errors::Error;
use crate::duty::lottery::Pins;
use crate::duty::{keys, last_place, reveal, reverification, unchecked, windows};
use crate::error::TxError;
use crate::events::typed;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::settlement;
use crate::state::State;
use crate::tx::gas;
use crate::{beacon, epoch, fields, node};

/// The type of the message.
pub const TYPE_URL: &str = "/race.duty.v1.MsgRevealDuties";

/// Most verdicts of a message: half of what fits a transaction of a node.
pub const MAX_VERDICTS: usize = 4096;

struct CheckedVerdict {
    session: u64,
    index: u64,
    outcome: Outcome,
    evidence: [u8; 32],
}

/// Invariant: at most [`MAX_VERDICTS`], in strictly rising order of (session, index).
struct RevealDuties {
    sender: Account,
    epoch: u64,
    rho: [u8; RHO_BYTES],
    verdicts: Vec<CheckedVerdict>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgRevealDuties = decode(bytes)?;
    let sender = fields::signer("sender", &msg.sender)?;
    let rho = fields::bytes("signature", &msg.signature)?;
    if msg.verdicts.len() > MAX_VERDICTS {
        let why = format!(
            "expected at most {MAX_VERDICTS} verdicts, got {}",
            msg.verdicts.len()
        );
        return Err(Error::Verdicts { why }.into());
    }
    let mut verdicts = Vec::with_capacity(msg.verdicts.len());
    for verdict in &msg.verdicts {
        verdicts.push(CheckedVerdict {
            session: verdict.session_id,
            index: verdict.index,
            outcome: outcome(verdict.outcome)?,
            evidence: fields::bytes("evidence", &verdict.evidence)?,
        });
    }
    let key = |verdict: &CheckedVerdict| (verdict.session, verdict.index);
    if verdicts
        .windows(2)
        .any(|pair| key(&pair[0]) >= key(&pair[1]))
    {
        let why = "expected verdicts in strictly rising order of (session, index); sort them";
        return Err(Error::Verdicts {
            why: why.to_owned(),
        }
        .into());
    }
    Ok(Box::new(RevealDuties {
        sender,
        epoch: msg.epoch,
        rho,
        verdicts,
    }))
}

impl RevealDuties {
    fn check_window(&self, state: &State, context: &Context<'_>) -> Result<(), Error> {
        let (epoch, height) = (self.epoch, context.height);
        let windows = windows(state, epoch);
        let (start, end) = (windows.reveal_start, windows.reveal_end);
        if end == 0 {
            return Err(Error::Running { epoch });
        }
        if epoch.checked_add(1) != Some(epoch::current(state).number) {
            return Err(Error::Late { epoch });
        }
        if !(start..=end).contains(&height) {
            return Err(Error::Window {
                epoch,
                start,
                end,
                height,
            });
        }
        Ok(())
    }

    /// What this message adds to: nothing yet, or verdicts with the same rho on earlier tasks.
    fn before(
        &self,
        state: &State,
        chain_id: &str,
        address: &ConsensusAddress,
        duty_key: &[u8],
    ) -> Result<DutyReveal, Error> {
        let epoch = self.epoch;
        let Some(before) = reveal(state, epoch, address) else {
            self.check_rho(state, chain_id, duty_key)?;
            return Ok(DutyReveal {
                address: address.to_vec(),
                epoch,
                signature: self.rho.to_vec(),
                ..DutyReveal::default()
            });
        };
        if before.signature != self.rho {
            return Err(Error::Signature { epoch });
        }
        let first = self.verdicts.first().map(|v| (v.session, v.index));
        let (session, index) = last_place(&before);
        match first > Some((session, index)) {
            true => Ok(before),
            false => Err(Error::Revealed {
                epoch,
                session,
                index,
            }),
        }
    }

    fn check_rho(&self, state: &State, chain_id: &str, duty_key: &[u8]) -> Result<(), Error> {
        let epoch = self.epoch;
        let seed = beacon::duties_seed(state, epoch).ok_or(Error::NoSeed { epoch })?;
        let message = rho_message(chain_id, epoch, &seed);
        match bls::verify_any(duty_key, &self.rho, &message, bls::DST_SIGNATURE) {
            Ok(true) => Ok(()),
            _ => Err(Error::Signature { epoch }),
        }
    }

    /// The tasks of the verdicts, each drawn by rho, with the node's weight among their hosts.
    fn tasks(
        &self,
        state: &State,
        chain_id: &str,
        address: &ConsensusAddress,
    ) -> Result<Vec<(Task, u64)>, Error> {
        let mut tasks = Vec::with_capacity(self.verdicts.len());
        let mut pins = Pins::default();
        for CheckedVerdict { session, index, .. } in &self.verdicts {
            let task = task(state, chain_id, self.epoch, *session, *index)?;
            if !pins.falls_to(state, &task, address, &self.rho) {
                return Err(Error::NotDrawn {
                    session: *session,
                    index: *index,
                });
            }
            let weight = pins.weight(state, &task, address);
            tasks.push((task, weight));
        }
        Ok(tasks)
    }

    /// Stores a verdict; whoever passed or failed a task has checked it. Only a task that is neither
    /// paid nor refunded is accused.
    fn apply(
        &self,
        state: &mut State,
        address: &ConsensusAddress,
        verdict: Outcome,
        (mut task, weight): (Task, u64),
    ) {
        let code = u32::from(verdict.code());
        let key = (self.epoch, *address, fields::stored(&task.id));
        keys::VERDICTS.put(state, &key, &code);
        unchecked::count(state, &task, address, weight, verdict);
        if verdict == Outcome::CannotCheck {
            return;
        }
        task.checkers.push(address.to_vec());
        task.checkers.sort();
        let open = matches!(task.status(), TaskStatus::Settled | TaskStatus::Contested);
        if verdict == Outcome::False && open {
            reverification::accuse(state, &mut task, address);
        }
        settlement::put(state, &task);
    }

    fn root(&self, tasks: &[(Task, u64)]) -> [u8; 32] {
        let verdicts: Verdicts = tasks
            .iter()
            .zip(&self.verdicts)
            .map(|((task, _), verdict)| {
                (
                    fields::stored(&task.id),
                    (verdict.outcome, verdict.evidence),
                )
            })
            .collect();
        merkle::root(&verdict::leaves(&verdicts))
    }
}

impl CheckedMsg for RevealDuties {
    fn signer(&self) -> Account {
        self.sender
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        let verdicts = u64::try_from(self.verdicts.len()).unwrap_or(u64::MAX);
        gas::LARGE.saturating_add(verdicts.saturating_mul(gas::VERDICT))
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        let node = node::by_sender(state, &self.sender)?;
        let address = node::address(&node);
        self.check_window(state, context)?;
        let duty_key = node.keys.map(|keys| keys.duty).unwrap_or_default();
        let mut reveal = self.before(state, context.chain_id, &address, &duty_key)?;
        let tasks = self.tasks(state, context.chain_id, &address)?;

        let count = |wanted: Outcome| {
            let given = self
                .verdicts
                .iter()
                .filter(|verdict| verdict.outcome == wanted)
                .count();
            u64::try_from(given).unwrap_or(u64::MAX)
        };
        let false_verdicts = count(Outcome::False);
        let done = count(Outcome::Pass).saturating_add(false_verdicts);
        reveal.verdict_roots.push(self.root(&tasks).to_vec());
        reveal.done = reveal.done.saturating_add(done);
        reveal.cannot_check = reveal
            .cannot_check
            .saturating_add(count(Outcome::CannotCheck));
        if let Some(last) = self.verdicts.last() {
            (reveal.last_session, reveal.last_index) = (last.session, last.index);
        }
        keys::REVEALS.put(state, &(self.epoch, address), &reveal);
        for (verdict, task) in self.verdicts.iter().zip(tasks) {
            self.apply(state, &address, verdict.outcome, task);
        }
        state.emit(typed(&EventDutiesRevealed {
            address: address.to_vec(),
            epoch: self.epoch,
            done,
            false_verdicts,
        }));
        Ok(response(&MsgRevealDutiesResponse {}))
    }
}
