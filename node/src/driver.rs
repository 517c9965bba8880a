//! The loop that turns committed state into this node's next steps: after every block it asks each
//! protocol function what is wanted, moves the workers along, and sends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use race::proof::Tree;
use race_app::{auth, beacon, epoch, model, node, settlement};
use race_proto::race::epoch::v1::Phase;

use crate::checker::Checker;
use crate::committee::Committee;
use crate::config;
use crate::latest::Latest;
use crate::metrics::chain::phase_name;
use crate::metrics::work::Work;
use crate::misbehave::Misbehaviour;
use crate::protocol::race::Window;
use crate::protocol::{self, Identity, View, Wanted};
use crate::racer::pace::Pace;
use crate::racer::{RaceId, Racer};
use crate::registration::Registrar;
use crate::sender::{AccountState, Sender};
use crate::serving::host::Host;
use crate::serving::tasks::Tasks;
use crate::serving::verifier::Verifier;
use crate::status::{RaceStatus, Status};

/// All of a node's workers.
pub struct Driver {
    /// Who this node is.
    pub me: Arc<Identity>,
    /// Sends messages.
    pub sender: Sender,
    /// Registers the node when the chain does not know it.
    pub registrar: Registrar,
    /// Races.
    pub racer: Racer,
    /// Recomputes leaves.
    pub checker: Checker,
    /// Generates the committee's keys and holds shares of them.
    pub committee: Committee,
    /// Models.
    pub host: Host,
    /// Answered requests.
    pub tasks: Arc<Tasks>,
    /// Checks answers.
    pub verifier: Verifier,
    /// The Race's configuration.
    pub race: config::Race,
    /// What this node does wrong, on a local network.
    pub misbehaviour: Option<Misbehaviour>,
    /// The node's home, where its status is written.
    pub home: PathBuf,
    /// What was last said in the log.
    pub told: Option<(u64, i32, u32, u32)>,
    /// How fast blocks come.
    pub pace: Pace,
    /// The tenth of a race's window that was last said in the log.
    pub told_of_race: Option<(RaceId, u64)>,
    /// Counts what the workers do.
    pub metrics: Work,
}

impl Driver {
    /// Runs until the node stops.
    pub async fn run(mut self, mut latest: Latest) {
        while let Some(view) = latest.changed().await {
            self.pace.see(view.height, Instant::now());
            self.step(&view).await;
        }
    }

    async fn step(&mut self, view: &View) {
        self.tell(view);
        let wanted = self.wanted(view);
        let status = self.status(view);
        self.metrics.follow(&status, &self.verifier.verdicts());
        status.write(&self.home);
        self.registrar.follow(view, &self.me).await;
        let Some(account) = auth::account(&view.state, &self.me.hot) else {
            return; // not registered yet
        };
        let account = AccountState {
            number: account.account_number,
            sequence: account.sequence,
        };
        self.sender.send(view.height, account, wanted).await;
    }

    fn wanted(&mut self, view: &View) -> Vec<Wanted> {
        if node::get(&view.state, &self.me.address).is_none() {
            return Vec::new();
        }
        let mut wanted = self.rounds(view);
        wanted.extend(self.race(view));
        wanted.extend(self.checks(view));
        self.committee.follow(view, &self.me);
        wanted.extend(self.key_generation(view));

        self.host.follow(&model::all(&view.state));
        wanted.extend(protocol::hosting::announcements(
            view,
            &self.me,
            &self.host.loaded(),
        ));
        wanted.extend(protocol::hosting::settlement(
            view,
            &self.me,
            &self.tasks.acknowledged(),
        ));
        self.verifier.follow(view);
        let verdicts = self.verifier.verdicts();
        wanted.extend(protocol::duties::wanted(view, &self.me, &verdicts));
        wanted
    }

    fn rounds(&self, view: &View) -> Vec<Wanted> {
        let mut wanted = protocol::beacon::wanted(view, &self.me, self.committee.signer());
        if self.misbehaviour == Some(Misbehaviour::NoSign) {
            wanted.retain(|wanted| !wanted.step.contains("/shares/"));
        }
        if self.misbehaviour == Some(Misbehaviour::NoReveal) {
            wanted.retain(|wanted| wanted.step.ends_with("/commit"));
        }
        wanted
    }

    fn key_generation(&mut self, view: &View) -> Vec<Wanted> {
        let mut wanted = self.committee.wanted(view, &self.me);
        match self.misbehaviour {
            Some(Misbehaviour::NoDeal) => wanted.retain(|w| !w.step.ends_with("/deal")),
            Some(Misbehaviour::NoConfirm) => wanted.retain(|w| !w.step.ends_with("/confirm")),
            Some(Misbehaviour::JunkDeal) => {
                let deals = wanted.iter_mut().filter(|w| w.step.ends_with("/deal"));
                // Within the deal, which is the message's last field.
                let last = deals.filter_map(|wanted| wanted.message.value.last_mut());
                last.for_each(|byte| *byte ^= 1);
            }
            Some(Misbehaviour::FalseComplaint) => {
                wanted.extend(self.committee.false_complaint(view, &self.me));
            }
            _ => {}
        }
        wanted
    }

    fn status(&self, view: &View) -> Status {
        let window = Window::open(view, self.race.margin_blocks);
        let race = self.racer.progress().zip(window);
        let race = race.map(|((_, progress), window)| RaceStatus {
            tried: progress.tried,
            found: progress.found,
            nonces_per_second: progress.nonces_per_second,
            blocks_left: window.blocks_left(),
        });
        let doing = match &race {
            Some(race) => format!(
                "racing: {} nonces tried, {} found, {:.1} a second, {} blocks left",
                race.tried, race.found, race.nonces_per_second, race.blocks_left
            ),
            None if self.host.is_busy() => "answering or checking a request".to_owned(),
            None => "following the chain".to_owned(),
        };
        let unsettled = self
            .tasks
            .acknowledged()
            .iter()
            .filter(|t| {
                settlement::task_of(
                    &view.state,
                    &self.me.chain_id,
                    t.session,
                    u64::from(t.index),
                )
                .is_none()
            })
            .count();
        Status {
            height: view.height,
            doing,
            halted: String::new(),
            race,
            models: self.host.loaded(),
            unsettled,
            shares: self.committee.shares(),
        }
    }

    fn race(&mut self, view: &View) -> Vec<Wanted> {
        let window = Window::open(view, self.race.margin_blocks);
        let searches = window.is_some_and(|window| window.searches());
        let Some(race) = protocol::race::current(view, &self.me) else {
            self.racer.finish();
            return Vec::new();
        };
        if searches {
            self.racer.start(&race);
            let left = window.and_then(|window| self.pace.of(window.blocks_to_search()));
            self.racer.ends_in(left);
        } else {
            self.racer.finish();
        }
        self.tell_of_race(window);
        let mut wanted = Vec::new();
        if let Some(window) = window.filter(Window::submits) {
            let there = protocol::race::submitted(view, &self.me, race.id);
            let found = self.racer.found(&race);
            if window.takes(found, there) {
                let proof = self.racer.proof(&race, found);
                let submit = |tree: Arc<Tree>| protocol::race::submission(&self.me, race.id, &tree);
                wanted.extend(proof.map(submit));
            }
        }
        if self.misbehaviour != Some(Misbehaviour::NoOpen) {
            let count = protocol::race::to_open(view, &self.me);
            let proof = count.and_then(|count| self.racer.proof(&race, count));
            wanted.extend(proof.and_then(|tree| protocol::race::opening(view, &self.me, &tree)));
        }
        wanted
    }

    /// One line at each tenth of a race's window.
    fn tell_of_race(&mut self, window: Option<Window>) {
        let (Some(window), Some((id, progress))) = (window, self.racer.progress()) else {
            self.told_of_race = None;
            return;
        };
        let tenth = window.percent() / 10;
        if self.told_of_race.replace((id, tenth)) != Some((id, tenth)) {
            tracing::info!(
                epoch = id.0,
                attempt = id.1,
                tried = progress.tried,
                found = progress.found,
                nonces_per_second = format!("{:.1}", progress.nonces_per_second),
                blocks_left = window.blocks_left(),
                "race: {}% of the window",
                tenth.saturating_mul(10)
            );
        }
    }

    fn checks(&mut self, view: &View) -> Option<Wanted> {
        let Some(id) = protocol::checks::open(view, &self.me) else {
            self.checker.finish();
            return None;
        };
        self.checker
            .start(id, || protocol::checks::job(view, &self.me, id));
        let results = self.checker.results(id)?;
        let accuse = self.misbehaviour == Some(Misbehaviour::Accuse);
        protocol::checks::wanted(view, &self.me, id, &results, accuse)
    }

    /// One line at each change of phase; old files go at each change of epoch.
    fn tell(&mut self, view: &View) {
        let epoch = epoch::current(&view.state);
        let now = (
            epoch.number,
            epoch.phase,
            epoch.race_attempt,
            epoch.key_attempt,
        );
        if self.told == Some(now) {
            return;
        }
        if self.told.is_none_or(|(number, ..)| number != epoch.number) {
            self.racer.prune(epoch.number);
            // Artifacts are asked for until re-verification ends, an epoch later.
            self.tasks.prune(epoch.number.saturating_sub(2));
        }
        self.told = Some(now);
        let power = epoch::power(&view.state, epoch.number, &self.me.address);
        let rounds = beacon::open_rounds(&view.state).len();
        tracing::info!(
            height = view.height,
            epoch = epoch.number,
            phase = phase_name(epoch.phase()),
            blocks_left = epoch.phase_end.saturating_sub(view.height),
            power,
            open_rounds = rounds,
            "phase"
        );
        if epoch.phase() == Phase::Serve && power == 0 {
            tracing::info!("this node has no power in this epoch; it races for the next");
        }
    }
}
