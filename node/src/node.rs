//! One node: the state machine behind its ABCI server, CometBFT as a child, the workers, gRPC.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use race_app::app::App;
use race_app::chain;
use race_app::oracle::RaceOracle as _;
use race_app::state::State;
use race_app::store::Snapshot;
use race_app::upgrade::{Halt, Program};
use race_proto::race::node::v1::Endpoints;
use rustix::process::{getrlimit, setrlimit, Resource};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::abci;
use crate::checker::Checker;
use crate::comet::genesis::Genesis;
use crate::comet::home::{Home, ProxyApp};
use crate::comet::keys::{NodeKey, ValidatorKey};
use crate::comet::log::Stuck;
use crate::comet::process::{CometProcess, StartOptions};
use crate::comet::rpc::RpcClient;
use crate::comet::{binary, files, index};
use crate::committee::{Committee, Shares};
use crate::config::Config;
use crate::driver::Driver;
use crate::grpc;
use crate::home_lock::HomeLock;
use crate::joining;
use crate::latest::Latest;
use crate::metrics::abci::Observed;
use crate::metrics::health::Health;
use crate::metrics::{self, Metrics};
use crate::misbehave::{Misbehaving, Misbehaviour};
use crate::oracle::Oracle;
use crate::preempt::Preempt;
use crate::protocol::{Identity, View};
use crate::racer::pace::Pace;
use crate::racer::{self, Racer};
use crate::registration::{self, Registrar, Said};
use crate::rest;
use crate::retention::{Keep, Retention};
use crate::secrets::Secrets;
use crate::sender::Sender;
use crate::serving::host::Host;
use crate::serving::peers::Peers;
use crate::serving::running::Running;
use crate::serving::service::Service;
use crate::serving::tasks::Tasks;
use crate::serving::verifier::Verifier;
use crate::shutdown;
use crate::snapshots::Snapshots;
use crate::unary::Backend;
use crate::wallet::keyring::Keyring;

/// The name of the hot account's key in a node's keyring.
pub const HOT_KEY: &str = "hot";
/// The name of the operator's key, where it is kept on the node.
pub const OPERATOR_KEY: &str = "operator";

/// How long CometBFT may take to stop; then it is killed, which it survives. With the two limits
/// below a node that is asked to stop has ended within ten seconds, whatever hangs: what stops
/// services has no more patience than that.
const COMET_LIMIT: Duration = Duration::from_secs(6);
/// How long the workers may take from then on. They were told before CometBFT.
const WORKERS_LIMIT: Duration = Duration::from_secs(1);
/// How long calls of CometBFT that are at hand may take then. A Commit that takes longer is cut off as
/// by a crash: the state stays at the height before it or comes to the one after.
const CALLS_LIMIT: Duration = Duration::from_secs(2);
/// How long a node that halts at a height still passes on its votes for the last block, without which
/// slower ones would not get there. It decides nothing in that time.
const LINGER: Duration = Duration::from_secs(3);

/// Anything that keeps a node from running; each sentence names what to do.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How to start.
#[derive(Debug, Default)]
pub struct Options {
    /// `section.key`, value: over the configuration file.
    pub config: Vec<(String, String)>,
    /// The `cometbft` executable.
    pub cometbft: Option<PathBuf>,
    /// What to do wrong, on a local network.
    pub misbehave: Option<Misbehaviour>,
    /// The last height to execute.
    pub halt_height: Option<u64>,
    /// The version of the state machine.
    pub program: Program,
    /// The node's numbers; the log counts into them as well.
    pub metrics: Metrics,
}

/// The path of `raced`'s own process id while it runs.
pub fn pid_file(home: &Path) -> PathBuf {
    home.join("run").join("raced.pid")
}

struct PidFile(PathBuf);

impl PidFile {
    fn write(home: &Path) -> Result<Self, files::FileError> {
        let path = pid_file(home);
        let pid = std::process::id().to_string();
        files::write_atomically(&path, pid.as_bytes(), files::PUBLIC)?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "the pid file was not removed");
        }
    }
}

fn view(snapshot: Snapshot) -> View {
    let height = snapshot.height();
    let state = State::new(Arc::new(snapshot));
    View {
        time_ms: chain::time_ms(&state),
        height,
        state,
    }
}

/// Who registers the node: it does so by itself if it has the operator's key and races.
fn registrar(
    keyring: &Keyring,
    config: &Config,
    me: &Identity,
    validator: &ValidatorKey,
    rpc: &RpcClient,
) -> Registrar {
    let operator = keyring.get(OPERATOR_KEY).ok();
    let Some((_, operator)) = operator.filter(|_| config.race.enabled) else {
        return Registrar::new(Err("register it with `raced tx node register`".into()));
    };
    let Some(grpc) = registration::endpoint(config) else {
        let (listen, todo) = (config.grpc.listen, registration::SET_EXTERNAL);
        return Registrar::new(Err(format!(
            "others cannot reach its gRPC on {listen}; {todo}, and start again: it then registers by itself"
        )));
    };
    let account = operator.account();
    let said = Said {
        hot_account: me.hot.to_string(),
        moniker: config.moniker.clone(),
        endpoints: Endpoints {
            grpc,
            api: String::new(),
        },
    };
    let message = registration::message(validator, &me.secrets, &me.chain_id, &account, said);
    let sender = Sender::new(rpc.clone(), me.chain_id.clone(), operator);
    Registrar::new(Ok((sender, message)))
}

/// As many open files as the system lets this process have: connections are files, too. Programs begin with
/// fewer for the sake of an old system call that nothing here uses.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// Runs the node of `home` until it is asked to stop.
///
/// # Errors
/// The node cannot start, CometBFT ended by itself, or the node halted at a height: a [`Halt`].
pub async fn run(home: &Path, options: Options) -> Result<(), Failure> {
    let home = std::path::absolute(home)?;
    let config = Config::load(&home, std::env::vars(), &options.config)?;
    let layout = Home::new(&home);
    layout.create_dirs()?;
    let _lock = HomeLock::take(&home)?;
    raise_open_files();
    // Here, so that further racing processes can be started with the node.
    files::create_private_dir(&racer::folder(&home))?;
    let genesis = Genesis::load(&layout.genesis())?;
    if options.misbehave.is_some() && !config.comet.local {
        return Err("--misbehave is for local networks only".into());
    }
    let validator = ValidatorKey::load(&layout.validator_key())?;
    let keyring = Keyring::open(&home, "test")?;
    let (_, hot) = keyring.get(HOT_KEY)?;
    let me = Arc::new(Identity {
        chain_id: genesis.chain_id.clone(),
        address: validator.address().0,
        public_key: validator.public_key().to_bytes(),
        hot: hot.account(),
        secrets: Secrets::load(&home)?,
    });

    // State, and what it tells at each commit.
    let oracle = Arc::new(Oracle::default());
    let metrics = options.metrics;
    let shares = Shares::new(config.beacon.scheme);
    let timed = |database| metrics.store.timed(database);
    let store = joining::open_store(&home, &config, timed)?;
    let program = options.program;
    let app = App::of(program, store, oracle.clone(), Arc::new(shares.clone()));
    if let Some(height) = options.halt_height {
        app.halt_after(height);
    }
    if let Some(halt) = app.halt() {
        return Err(halt.into());
    }
    let snapshots = Arc::new(Snapshots::open(&home, &config.state_sync)?);
    app.offer_snapshots(snapshots.shelf());
    let keep = Keep::of(&config, &genesis.consensus_params.evidence);
    let retention = Arc::new(Retention::new(keep, Arc::clone(&snapshots)));
    app.retain_blocks_from({
        let retention = Arc::clone(&retention);
        move |latest| retention.height(latest)
    });
    // What the last block left, as this program reads it.
    let first = app.read(0, |context, state| View {
        state: state.clone(),
        height: context.height,
        time_ms: context.time_ms,
    })?;
    for pending in race_app::race::pending_recomputations(&first.state) {
        oracle.start(&pending);
    }
    let (commits, latest) = Latest::new(first);
    let (events, address) = (metrics.events.clone(), me.address);
    app.on_commit(move |committed| {
        events.count(committed, &address);
        commits.send_replace(Arc::new(view(committed.snapshot.clone())));
        snapshots.follow(&committed.snapshot);
    });

    let (halts, halted) = watch::channel(None);
    app.on_halt(move |halt| {
        tracing::warn!("{halt}");
        halts.send_replace(Some(halt.clone()));
    });

    let proxy_app = ProxyApp::for_home(&home);
    proxy_app.prepare()?;
    let address = match &proxy_app {
        ProxyApp::Unix(path) => abci::Address::Unix(path.clone()),
        ProxyApp::Tcp(address) => address.parse()?,
        ProxyApp::BuiltIn(name) => return Err(format!("proxy_app {name} is not this node").into()),
    };
    let limits = abci::Options::default();
    let observed = Observed::new(app.clone(), metrics.abci.clone(), me.address);
    let abci = match options.misbehave {
        None => abci::Server::bind(address, observed, limits)?.start(),
        Some(kind) => {
            let app = Misbehaving::new(observed, kind);
            abci::Server::bind(address, app, limits)?.start()
        }
    };
    let watched = match config.metrics.enabled {
        true => Some(metrics::server::bind(config.metrics.listen).await?),
        false => None,
    };
    let _pid = PidFile::write(&home)?;

    // CometBFT, configured from our own file at every start. One that is not run from here may have another
    // configuration.
    let rpc = match proxy_app.rpc_socket().filter(|_| config.comet.run) {
        Some(socket) => RpcClient::on_socket(&socket)?,
        None => RpcClient::new(&format!("http://{}", config.comet.rpc))?,
    };
    let mut comet_config = config.comet(proxy_app);
    // Only a node without any state joins from a snapshot.
    let empty = app.latest().height() == 0;
    comet_config.statesync.enable &= empty;
    let began = genesis.consensus_params.version.app;
    let replays = empty && !comet_config.statesync.enable;
    if replays && began != 0 && began != program.version {
        return Err(Halt::Genesis {
            found: began,
            own: program.version,
        }
        .into());
    }
    if comet_config.statesync.enable {
        tokio::spawn(joining::say_while_waiting(Arc::new(app.clone())));
    }
    layout.write(
        &comet_config,
        &genesis,
        &NodeKey::load(&layout.node_key())?,
        &validator,
    )?;
    // It may be large, and nothing below reads it.
    drop(genesis);
    tokio::spawn(retention.learn(rpc.clone()));
    let comet = if config.comet.run {
        let given = options.cometbft.or_else(|| {
            (!config.comet.binary.is_empty()).then(|| PathBuf::from(&config.comet.binary))
        });
        let binary = binary::find(given.as_deref())?;
        Some(
            CometProcess::start(StartOptions {
                binary,
                home: home.clone(),
                env: Vec::new(),
                reindex_from: index::first_missing(app.latest().height()),
            })
            .await?,
        )
    } else {
        tracing::info!("CometBFT is not run from here; start it on this home");
        None
    };

    // Workers and services.
    let preempt = Preempt::default();
    let host = Host::new(
        &home,
        config.inference.clone(),
        options.misbehave,
        preempt.clone(),
    )?;
    let tasks = Arc::new(Tasks::open(&home)?);
    let (stop, stopped) = watch::channel(false);
    let verifier = Verifier::open(&home, Arc::clone(&me), host.clone(), options.misbehave)?;
    let kept = verifier.kept();
    let driver = Driver {
        me: Arc::clone(&me),
        sender: Sender::new(rpc.clone(), me.chain_id.clone(), hot),
        registrar: registrar(&keyring, &config, &me, &validator, &rpc),
        racer: Racer::new(&home, config.race.clone(), options.misbehave, preempt),
        checker: Checker::new(&home, &config.race),
        committee: Committee::new(&me, shares),
        host: host.clone(),
        tasks: Arc::clone(&tasks),
        verifier,
        race: config.race.clone(),
        misbehaviour: options.misbehave,
        home: home.clone(),
        pace: Pace::default(),
        told: None,
        told_of_race: None,
        metrics: metrics.work.clone(),
    };
    if let Some(listener) = watched {
        let health = Health {
            metrics: metrics.clone(),
            latest: latest.clone(),
            program,
            max_block_age: Duration::from_secs(config.metrics.max_block_age_s),
        };
        let mut until = stopped.clone();
        tokio::spawn(metrics::server::serve(listener, health, async move {
            drop(until.wait_for(|stop| *stop).await);
        }));
        tokio::spawn(metrics.comet.clone().follow(rpc.clone()));
        let (app, me, latest) = (app.clone(), Arc::clone(&me), latest.clone());
        tokio::spawn(metrics::chain::follow(metrics.clone(), app, me, latest));
    }
    let mut until = stopped.clone();
    let driving = tokio::spawn({
        let latest = latest.clone();
        async move {
            tokio::select! {
                () = driver.run(latest) => {}
                _ = until.wait_for(|stop| *stop) => {}
            }
        }
    });
    let service = Service {
        chain_id: me.chain_id.clone(),
        address: me.address,
        transport: me.secrets.transport.clone(),
        latest: latest.clone(),
        host,
        tasks,
        kept,
        running: Running::default(),
        peers: Peers::default(),
        metrics: metrics.work,
    };
    let mut until = stopped.clone();
    let backend = Backend::new(Arc::new(app.clone()), rpc);
    let services = grpc::Services {
        backend: backend.clone(),
        inference: service,
    };
    let serving = tokio::spawn(grpc::serve(config.grpc.clone(), services, async move {
        // An error means that the sender is gone: stop as well.
        drop(until.wait_for(|stop| *stop).await);
    }));

    let mut until = stopped.clone();
    let rest = rest::serve(config.rest.clone(), backend, latest, async move {
        drop(until.wait_for(|stop| *stop).await);
    });
    let resting = tokio::spawn(rest);

    let outcome = supervise(comet.as_ref(), serving, resting, halted).await;
    stop.send_replace(true);
    if let Some(comet) = &comet {
        comet.stop(COMET_LIMIT).await;
    }
    match timeout(WORKERS_LIMIT, driving).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => tracing::error!("a worker failed while stopping"),
        Err(_) => tracing::warn!("a worker did not stop in time; it is left behind"),
    }
    if !abci.stop(CALLS_LIMIT) {
        tracing::warn!("a call of CometBFT did not end in time; it is left behind");
    }
    tracing::info!("stopped");
    outcome
}

/// A node that cannot write ends: CometBFT would run on without voting, also when there is room again.
fn disk_full(reason: &str) -> Failure {
    format!(
        "the disk is full: {reason}. Make room and start again; what was committed is there, and the \
         node goes on where the chain is"
    )
    .into()
}

/// Waits for the first reason to stop: a signal, CometBFT's end or standstill, a height after which this
/// program does not go on, or the failure of gRPC or REST.
async fn supervise(
    comet: Option<&CometProcess>,
    mut serving: JoinHandle<Result<(), grpc::GrpcError>>,
    mut resting: JoinHandle<Result<(), rest::RestError>>,
    mut halted: watch::Receiver<Option<Halt>>,
) -> Result<(), Failure> {
    let comet_ended = async {
        match comet {
            Some(comet) => comet.wait().await,
            None => std::future::pending().await,
        }
    };
    let comet_stuck = async {
        match comet {
            Some(comet) => comet.stuck().await,
            None => std::future::pending().await,
        }
    };
    let halt = async {
        let halt = halted.wait_for(Option::is_some).await;
        let Some(halt) = halt.ok().and_then(|halt| halt.clone()) else {
            return std::future::pending().await;
        };
        sleep(LINGER).await;
        halt
    };
    tokio::select! {
        halt = halt => Err(halt.into()),
        stuck = comet_stuck => Err(match stuck {
            Stuck::StateSync(reason) => joining::failed(&reason),
            Stuck::DiskFull(reason) => disk_full(&reason),
        }),
        signal = shutdown::requested() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
        exit = comet_ended => Err(format!("{exit}").into()),
        served = &mut serving => match served {
            Ok(Ok(())) => Err("gRPC ended by itself".into()),
            Ok(Err(error)) => Err(error.into()),
            Err(error) => Err(format!("gRPC failed: {error}").into()),
        },
        served = &mut resting => match served {
            Ok(Ok(())) => Err("REST ended by itself".into()),
            Ok(Err(error)) => Err(error.into()),
            Err(error) => Err(format!("REST failed: {error}").into()),
        },
    }
}
