//! `MsgMultiSend`: coins from the signer to several accounts.

use race_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgMultiSendResponse};
use race_proto::Any;

use crate::address::Account;
use crate::bank::{self, coins::Coins};
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
use crate::message::{decode, response, signer, CheckedMsg};
use crate::state::State;
use crate::tx::gas;

struct MultiSend {
    from: Account,
    inputs: Vec<Coins>,
    outputs: Vec<(String, Coins)>,
}

/// Checks the signer and that the amounts are integers; the rest fails in the block, as in the SDK.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgMultiSend = decode(bytes)?;
    let first = msg
        .inputs
        .first()
        .map_or("", |input| input.address.as_str());
    let from = signer(first)?;
    let inputs = msg
        .inputs
        .iter()
        .map(|i| Coins::parse(&i.coins))
        .collect::<Result<_, _>>()?;
    let outputs = msg
        .outputs
        .into_iter()
        .map(|o| Coins::parse(&o.coins).map(|coins| (o.address, coins)))
        .collect::<Result<_, _>>()?;
    Ok(Box::new(MultiSend {
        from,
        inputs,
        outputs,
    }))
}

impl CheckedMsg for MultiSend {
    fn signer(&self) -> Account {
        self.from
    }

    fn gas(&self) -> u64 {
        let outputs = u64::try_from(self.outputs.len()).unwrap_or(u64::MAX);
        gas::TRANSFER.saturating_mul(outputs.max(1))
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let [input] = self.inputs.as_slice() else {
            return Err(TxError::new("bank", 9, "multiple senders not allowed"));
        };
        if self.outputs.is_empty() {
            return Err(TxError::new("bank", 3, "no outputs to send transaction"));
        }
        super::valid(input)?;
        let mut outputs = Vec::with_capacity(self.outputs.len());
        let mut sum = 0u128;
        for (address, coins) in &self.outputs {
            let to = super::receiver(address, "invalid output address: ")?;
            super::valid(coins)?;
            super::may_receive(&to)?;
            sum = sum.saturating_add(coins.nicoin());
            outputs.push((to, coins.nicoin()));
        }
        let foreign = |coins: &Coins| coins.foreign().is_some();
        if !foreign(input)
            && (self.outputs.iter().any(|(_, c)| foreign(c)) || sum != input.nicoin())
        {
            return Err(TxError::new("bank", 4, "sum inputs != sum outputs"));
        }
        super::covered(state, &self.from, input)?;
        bank::spend(state, &self.from, sum)?;
        let from = self.from.to_string();
        state.emit(event("message", &[("sender", &from)]));
        for (to, amount) in outputs {
            bank::receive(state, &to, amount);
            crate::auth::ensure_account(state, &to);
            let attributes = [
                ("recipient", &*to.to_string()),
                ("sender", &*from),
                ("amount", &*bank::shown(amount)),
            ];
            state.emit(event("transfer", &attributes));
        }
        Ok(response(&MsgMultiSendResponse {}))
    }
}
