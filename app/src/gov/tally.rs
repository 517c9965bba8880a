//! Counting votes by race weight.

use race_proto::cosmos::gov::v1::{TallyResult, VoteOption};

use super::{keys, params};
use crate::epoch;
use crate::node;
use crate::params::get;
use crate::state::State;

/// Powers by option, in the current epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// For it.
    pub yes: u128,
    /// Counts for the quorum only.
    pub abstain: u128,
    /// Against it.
    pub no: u128,
    /// Against it, and against putting it to the vote.
    pub veto: u128,
}

impl Tally {
    /// Counts the votes on a proposal with the powers of the current epoch.
    pub fn count(state: &State, id: u64) -> Self {
        let now = epoch::current(state).number;
        let mut tally = Self::default();
        for ((_, voter), vote) in keys::VOTES.under(state, &id) {
            let Some(node) = node::by_operator(state, &voter) else {
                continue;
            };
            let power = u128::from(epoch::power(state, now, &node::address(&node)));
            let option = vote.options.first().map(|weighted| weighted.option());
            let part = match option {
                Some(VoteOption::Yes) => &mut tally.yes,
                Some(VoteOption::Abstain) => &mut tally.abstain,
                Some(VoteOption::No) => &mut tally.no,
                Some(VoteOption::NoWithVeto) => &mut tally.veto,
                Some(VoteOption::Unspecified) | None => continue,
            };
            *part = part.saturating_add(power);
        }
        tally
    }

    /// Whether the proposal passes: quorum of all power, no veto, threshold of yes, no and veto.
    pub fn passes(&self, state: &State) -> bool {
        let total = epoch::total_power(state, epoch::current(state).number);
        let [quorum, veto, threshold] =
            [params::QUORUM, params::VETO, params::THRESHOLD].map(|spec| get(state, &spec));
        let decided = self.yes.saturating_add(self.no).saturating_add(self.veto);
        let voted = decided.saturating_add(self.abstain);
        // part / whole >= rate / 1000, without division
        let reached = |part: u128, whole: u128, rate: u64| {
            part.saturating_mul(1000) >= whole.saturating_mul(u128::from(rate))
        };
        let above = |part: u128, whole: u128, rate: u64| {
            part.saturating_mul(1000) > whole.saturating_mul(u128::from(rate))
        };
        reached(voted, u128::from(total), quorum)
            && !above(self.veto, voted, veto)
            && above(self.yes, decided, threshold)
    }

    /// As queries show it.
    pub fn shown(&self) -> TallyResult {
        TallyResult {
            yes_count: self.yes.to_string(),
            abstain_count: self.abstain.to_string(),
            no_count: self.no.to_string(),
            no_with_veto_count: self.veto.to_string(),
        }
    }
}
