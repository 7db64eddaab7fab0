//! One recording, from attached probes to a closed case.
//!
//! Threads: [`drain`] empties the ring buffer, [`walker`] walks cgroupfs, [`lookup`] reads what events point to; all
//! deliver to the one [`sequencer`], which stamps and derives; [`recorder`] writes. Every
//! queue is bounded, and a full one holds up only what comes before it, down to the ring buffer, where the kernel side
//! counts what is lost.

mod anchor;
mod drain;
mod flush_deadline;
mod input;
mod lookup;
mod memory;
mod notifier;
mod progress;
mod recorder;
mod self_report;
mod sequencer;
mod signal_log;
mod size_limit;
mod skipped_runs;
mod timekeeper;
mod walker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use obit_case::manifest::{BuildInfo, CaseCounts, Manifest, Segment};
use obit_case::writer::{CaseSummary, CaseWriter, WriterOptions};
use obit_derivation::fold::DERIVATION_VERSION;
use obit_derivation::record::SnapshotReason;
use obit_derivation::row::ContainerRemove;
use obit_schema::print::time;
use serde_json::{Map, Value};

use self::anchor::Anchor;
use self::drain::{Command, Commands, Counted, Drain, Inlets, Intervals};
use self::flush_deadline::Expected;
use self::input::Input;
use self::lookup::Lookups;
use self::notifier::Bell;
use self::recorder::{Order, Recorded, Settings};
use self::sequencer::{Outlets, Sequencer};
use self::signal_log::SignalLog;
use self::size_limit::Disk;
use crate::cli::ActorArgv;
use crate::host::case_dirs::Shelf;
use crate::host::clock::ClockPair;
use crate::host::confine;
use crate::host::facts::HostFacts;
use crate::host::hierarchies::Hierarchies;
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::daemons::{DaemonClients, DaemonOptions, LabelPolicy, RuntimeChoice, SendResult};
use crate::sources::kernel::probe::{Probe, ProbeOptions};
use crate::sources::oci_files::OciFiles;

pub use self::progress::{Progress, Tally};
pub use self::sequencer::Segments;
pub use self::signal_log::EndingSignals;
pub use self::size_limit::Room;

/// Deliveries that may wait for the sequencer. Each is a drain of the ring buffer or a few hundred directories.
const INPUTS: usize = 16;
/// Emptied kernel batches that are kept to be used again.
const RECYCLED: usize = 4;
/// Orders that may wait for the recorder, of some megabytes at most.
const ORDERS: usize = 16;
/// Rows that may wait to be printed.
const FOLLOWERS: usize = 4096;

/// Whether a session gives up what it does not need once it is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confine {
    /// It does: see [`crate::host::confine`].
    Yes,
    /// It does not: the same process makes the workload.
    No,
}

/// What a session needs to know.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The case to make.
    pub output: PathBuf,
    /// The older cases of that name, and how many bytes of them may stay.
    pub older_cases: Option<(Shelf, u64)>,
    /// How to attach.
    pub probe: ProbeOptions,
    /// Whose arguments are recorded.
    pub actor_argv: ActorArgv,
    /// How long the row of an end waits for what is still said of the container.
    pub grace: Duration,
    /// Whether someone wants to see ends as they happen.
    pub follow: bool,
    /// How old a record may get before it is on disk.
    pub sync_interval: Duration,
    /// How often the clocks are recorded.
    pub clock_interval: Duration,
    /// How parts are sealed, and by whom they are signed.
    pub writer: WriterOptions,
    /// Where the head of the chain of parts goes, off the case.
    pub anchor: Option<PathBuf>,
    /// How large the case may get, and what then.
    pub room: Room,
    /// How the recording is cut into segments, if it is.
    pub segments: Option<Segments>,
    /// Where the host's file system is seen.
    pub host_root: PathBuf,
    /// Which daemons to ask, beside or instead of those found.
    pub runtimes: Vec<RuntimeChoice>,
    /// Which labels to keep of what they say.
    pub labels: LabelPolicy,
    /// Whether to give up what is not needed once attached.
    pub confinement: Confine,
    /// The options as given, for the manifest.
    pub given: Map<String, Value>,
}

/// A recording under way.
pub struct Session {
    /// What it has done so far.
    pub progress: Arc<Progress>,
    runtimes: DaemonClients,
    walks: Sender<SnapshotReason>,
    commands: Commands,
    inputs: SyncSender<Input>,
    orders: SyncSender<Order>,
    walker: JoinHandle<Result<()>>,
    drain: JoinHandle<Result<Counted>>,
    witness: JoinHandle<()>,
    signals: SignalLog,
    sequencer: JoinHandle<Result<()>>,
    recorder: JoinHandle<Result<Recorded>>,
}

/// A recording that is over.
#[derive(Debug)]
pub struct Finished {
    /// What it did.
    pub tally: Tally,
    /// What is on disk; `None` if the case could not be closed.
    pub summary: Option<CaseSummary>,
    /// What went wrong on the way, each a sentence.
    pub errors: Vec<anyhow::Error>,
}

impl Session {
    /// Attaches, makes the case, starts the threads. From here on events are recorded; [`Progress::is_ready`] tells when
    /// what was there before is recorded too. Ends go to the receiver as they happen, if someone follows.
    pub fn start(options: &SessionOptions, signals: EndingSignals) -> Result<(Self, Receiver<ContainerRemove>)> {
        let hierarchies = Hierarchies::read().context("cannot tell which cgroup hierarchies are mounted")?;
        let facts = HostFacts::read(&hierarchies);
        let page_size_bytes = facts.page_size_bytes;
        // The probes first: a host on which they cannot attach gets no case.
        let probe = Probe::attach(&options.probe)?;
        let started = ClockPair::read();
        let manifest = manifest(options, &facts, &probe, started)?;
        let anchor = options.anchor.as_deref().map(Anchor::open).transpose()?;
        let removed = match &options.older_cases {
            Some((shelf, most)) => shelf.make_room(*most).context("cannot make room beside older cases")?,
            None => Vec::new(),
        };
        let mut writer = CaseWriter::create(&options.output, manifest, options.writer.clone())?;
        let settings = Settings { anchor, room: options.room, disk: Disk::of(&options.output) };
        // Every thread from here on is started with what is left.
        let confinement = match options.confinement {
            Confine::Yes => Some(confine::confine(&options.output, &options.host_root)?),
            Confine::No => None,
        };
        writer.amend(|manifest| {
            manifest.recorder = self_report::before(confinement.as_ref());
            if !removed.is_empty() {
                manifest.recorder.insert("older_cases_removed".into(), removed.into());
            }
        });
        writer.sync()?;

        let progress = Arc::new(Progress::default());
        let signals = signals.log(Arc::clone(&progress))?;
        let (inputs, inbox) = sync_channel(INPUTS);
        let (orders, order_box) = sync_channel(ORDERS);
        let witness = self_report::start(orders.clone())?;
        let (questions, question_box) = sync_channel(lookup::WAVES);
        let (walks, walk_box) = channel();
        let bell = Arc::new(Bell::new().context("cannot make an eventfd")?);
        let (commands, command_box) = Commands::new(Arc::clone(&bell));
        let (recycled, recycled_box) = sync_channel(RECYCLED);
        let (followers, follower_box) = sync_channel(FOLLOWERS);

        let runtimes = start_runtimes(options, inputs.clone())?;
        let outlets = Outlets {
            recorder: orders.clone(),
            questions,
            walks: walks.clone(),
            recycled,
            followers: options.follow.then_some(followers),
        };
        let expected = Arc::new(Expected::new(Arc::clone(&bell)));
        let sequencer = Sequencer::new(
            outlets,
            runtimes.queries(),
            Arc::clone(&expected),
            Arc::clone(&progress),
            page_size_bytes,
            started,
            options,
        );
        let intervals = Intervals { flush: options.sync_interval, clock: options.clock_interval };
        let inlets = Inlets { bell, commands: command_box, recycled: recycled_box, expected };
        let drain = Drain::new(probe, inlets, inputs.clone(), intervals);
        inputs.send(Input::Start(started)).map_err(|_| anyhow!("cannot start recording"))?;
        walks.send(SnapshotReason::Start).map_err(|_| anyhow!("cannot start recording"))?;

        let files = OciFiles::new(&options.host_root, hierarchies.clone());
        let lookups = Lookups::new(inputs.clone(), hierarchies, files);
        spawn("obit-lookup", &progress, move || {
            lookups.run(&question_box);
            Ok(())
        })?;
        let (walk_inputs, walk_commands, host_root) = (inputs.clone(), commands.clone(), options.host_root.clone());
        let recorder_progress = Arc::clone(&progress);
        let session = Self {
            runtimes,
            walks,
            commands,
            inputs,
            orders,
            walker: spawn("obit-walker", &progress, move || {
                walker::run(&walk_box, &walk_inputs, &walk_commands, &host_root);
                Ok(())
            })?,
            witness,
            signals,
            drain: spawn("obit-drain", &progress, move || Ok(drain.run()?))?,
            sequencer: spawn("obit-sequencer", &progress, move || sequencer.run(&inbox))?,
            recorder: spawn("obit-recorder", &progress, move || {
                Ok(recorder::run(writer, &order_box, &recorder_progress, settings))
            })?,
            progress,
        };
        Ok((session, follower_box))
    }

    /// Walks a last time, detaches, admits what is left, closes the case.
    pub fn stop(self) -> Finished {
        let mut errors = Vec::new();
        // At once: whoever sent a signal may send another that leaves no time.
        let _ = self.orders.send(Order::Note(self_report::signals(self.signals.seen())));
        let _ = self.walks.send(SnapshotReason::Stop); // the walker's last
        errors.extend(outcome("walking cgroupfs", self.walker.join()).err());
        // Before the last kernel events, so that what is still on its way finds a place in the log.
        self.runtimes.stop();
        let _ = self.commands.send(Command::Stop);
        let counted = outcome("draining the ring buffer", self.drain.join()).unwrap_or_else(|error| {
            errors.push(error);
            // The last delivery that the drain thread owes.
            let _ = self.inputs.send(Input::Stop(ClockPair::read()));
            Counted::new()
        });
        drop(self.inputs);
        errors.extend(outcome("deriving", self.sequencer.join()).err());
        // What it has to say comes before the last words.
        let _ = self.witness.join();
        let last_words = self_report::after(&counted, self.signals.stop());
        let _ = self.orders.send(Order::Close(ClockPair::read(), last_words));
        drop(self.orders);
        let recorded = outcome("writing the case", self.recorder.join())
            .unwrap_or_else(|error| Recorded { summary: None, errors: vec![error] });
        errors.extend(recorded.errors);
        Finished { tally: self.progress.tally(), summary: recorded.summary, errors }
    }
}

/// Starts the clients of the runtime daemons.
fn start_runtimes(options: &SessionOptions, inputs: SyncSender<Input>) -> Result<DaemonClients> {
    let runtimes = DaemonOptions {
        host_root: options.host_root.clone(),
        choices: options.runtimes.clone(),
        labels: options.labels.clone(),
    };
    DaemonClients::start(runtimes, move |answers: Vec<Stamped<RuntimeRecord>>| {
        match inputs.try_send(Input::Answers(answers)) {
            Ok(()) => SendResult::Taken,
            Err(TrySendError::Full(Input::Answers(answers))) => SendResult::Full(answers),
            Err(_) => SendResult::Gone,
        }
    })
}

/// Starts a thread that tells when it fails.
fn spawn<T: Send + 'static>(
    name: &str,
    progress: &Arc<Progress>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<JoinHandle<Result<T>>> {
    let progress = Arc::clone(progress);
    let run = move || {
        let result = work();
        if result.is_err() {
            progress.set_failed();
        }
        result
    };
    thread::Builder::new().name(name.to_owned()).spawn(run).context("cannot start a thread")
}

/// What became of a thread.
fn outcome<T>(doing: &str, joined: thread::Result<Result<T>>) -> Result<T> {
    match joined {
        Ok(result) => result.with_context(|| format!("{doing} failed")),
        Err(_) => Err(anyhow!("{doing} failed: its thread panicked")),
    }
}

fn grace_ns(options: &SessionOptions) -> u64 {
    u64::try_from(options.grace.as_nanos()).unwrap_or(u64::MAX)
}

/// What a replay must know of this recorder and its host.
fn manifest(options: &SessionOptions, facts: &HostFacts, probe: &Probe, started: ClockPair) -> Result<Manifest> {
    let build = BuildInfo { version: env!("CARGO_PKG_VERSION").into(), commit: env!("OBIT_GIT_COMMIT").into() };
    let mut manifest = Manifest::new(uuid::Uuid::new_v4().to_string(), build);
    manifest.derivation_version = DERIVATION_VERSION;
    manifest.grace_ns = grace_ns(options);
    manifest.started_at = time::rfc3339(started.wall.0);
    manifest.clocks.start = Some(started.into());
    let facts = serde_json::to_value(facts).context("cannot write down the facts of this host")?;
    if let Value::Object(facts) = facts {
        manifest.host = facts;
    }
    if options.segments.is_some() {
        let (began, counts) = (started.into(), CaseCounts::default());
        manifest.segments.push(Segment { number: 0, first_seq: 0, began, counts });
    }
    manifest.options = options.given.clone();
    manifest.options.insert("attach_type".into(), probe.attach_type().as_str().into());
    manifest.options.insert("program_ids".into(), probe.program_ids().into());
    Ok(manifest)
}
