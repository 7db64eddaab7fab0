//! A recording, from attached probes to a closed case.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow};
use obit_analysis::origin::RowOrigin;
use obit_case::writer::CaseSummary;
use obit_derivation::Row;
use obit_derivation::record::SnapshotReason;
use obit_schema::text::printable;

use super::asker_history::AskerHistory;
use super::drain::{Drain, DrainCommand, DrainCommands, DrainInputs, DrainIntervals, KernelCounts};
use super::flush_deadline::FlushDeadline;
use super::input::SequencerInput;
use super::lookup::{LookupReader, LookupService};
use super::messages::MessageOutput;
use super::notifier::Notifier;
use super::options::SessionOptions;
use super::progress::{Progress, Tally};
use super::recorder::{self, RecorderCommand, RecorderResult};
use super::sequencer::{Sequencer, SequencerOptions, SequencerOutputs, UserLimits};
use super::signal_log::{SignalHandlers, SignalLog, SignalSubjects};
use super::{case_setup, self_report, walker};
use crate::announcing::{AnnouncementReport, Announcer, AnnouncingProcess};
use crate::host::clock::ClockPair;
use crate::host::facts::HostFacts;
use crate::host::hierarchies::Hierarchies;
use crate::sources::daemons::{DaemonAsker, DaemonClients, DaemonOptions};
use crate::sources::kernel::probe::Probe;
use crate::sources::oci_files::OciFiles;

/// Deliveries that may wait for the sequencer. Each is a drain of the ring buffer or a few hundred
/// directories.
const INPUTS: usize = 16;
/// Emptied kernel batches that are kept for use again.
const RECYCLED: usize = 4;
/// Commands that may wait for the recorder, each with some megabytes of rows at most.
const RECORDER_COMMANDS: usize = 16;
/// Ends that may wait to be printed.
const FOLLOWED_ENDS: usize = 4096;

/// A recording under way.
pub struct Session {
    /// Counters and flags of the recording.
    pub progress: Arc<Progress>,
    /// Output for messages to the user.
    pub messages: Arc<MessageOutput>,
    /// `None` if no daemon is to be asked.
    daemons: Option<DaemonClients>,
    lookups: LookupService,
    signals: SignalLog,
    to_walker: Sender<SnapshotReason>,
    to_drain: DrainCommands,
    to_sequencer: SyncSender<SequencerInput>,
    to_recorder: SyncSender<RecorderCommand>,
    drain: JoinHandle<Result<KernelCounts>>,
    sequencer: JoinHandle<Result<UserLimits>>,
    recorder: JoinHandle<Result<RecorderResult>>,
    walker: JoinHandle<Result<()>>,
    self_hash: JoinHandle<()>,
    /// `None` if nothing is announced.
    announcer: Option<Announcer>,
}

/// The outcome of a recording.
#[derive(Debug)]
pub struct SessionReport {
    /// Counters at the end.
    pub tally: Tally,
    /// Contents of the case; `None` if it could not be closed.
    pub summary: Option<CaseSummary>,
    /// Limits that users without privileges ran into.
    pub limits: UserLimits,
    /// What the target of announcements has, and lacks, if there is one.
    pub announcements: Option<AnnouncementReport>,
    /// Errors on the way, each a sentence.
    pub errors: Vec<anyhow::Error>,
}

impl Session {
    /// Attaches, makes the case, and starts the threads. From here on events are recorded;
    /// [`Progress::is_ready`] tells when the containers that run already are recorded too. Ends go
    /// to the receiver as they happen, if someone follows.
    ///
    /// # Errors
    /// The probes cannot be attached, the case cannot be made, or a thread cannot be started.
    pub fn start(options: &SessionOptions, signals: SignalHandlers) -> Result<(Self, Receiver<Row>)> {
        let hierarchies = Hierarchies::read().context("cannot tell which cgroup hierarchies are mounted")?;
        let facts = HostFacts::read(&hierarchies);
        // As long as there is nothing that the process should not get.
        let asker = DaemonAsker::start(&DaemonOptions {
            host_root: options.host_root.clone(),
            choices: options.runtimes.clone(),
            labels: options.labels.clone(),
        })?;
        let announcing = options.announce.as_ref().map(|(target, _)| AnnouncingProcess::start(target));
        let announcing = announcing.transpose().context("cannot announce rows (--announce)")?;
        // The probes before the case: a host on which they cannot attach gets none.
        let probe = Probe::attach(&options.probe)?;
        let started = ClockPair::read();
        let (writer, recorder_options) = case_setup::create(options, &facts, &probe, asker.as_ref(), started)?;

        let origin = RowOrigin::of_manifest(writer.manifest());
        let messages = Arc::clone(&recorder_options.messages);
        // The channels: a full one holds up whoever fills it.
        let progress = Arc::new(Progress::default());
        let notifier = Arc::new(Notifier::new().context("cannot make an eventfd")?);
        let flush_deadline = Arc::new(FlushDeadline::new(Arc::clone(&notifier)));
        let (to_drain, drain_commands) = DrainCommands::new(Arc::clone(&notifier));
        let (to_sequencer, sequencer_inputs) = sync_channel(INPUTS);
        let (to_recorder, recorder_commands) = sync_channel(RECORDER_COMMANDS);
        let (to_walker, walk_reasons) = channel();
        let (to_recycle, recycled) = sync_channel(RECYCLED);
        let (to_follower, ends) = sync_channel(FOLLOWED_ENDS);

        // First of all inputs, and before whoever may fill the channel: nobody empties it yet.
        to_sequencer.send(SequencerInput::Start(started)).map_err(|_| anyhow!("cannot start recording"))?;

        // What each thread owns.
        let daemons = listen(asker, &to_sequencer, &to_recorder, &messages)?;
        let files = OciFiles::new(&options.host_root, hierarchies.clone());
        let lookups = LookupService::start(LookupReader::new(hierarchies, files), to_sequencer.clone())?;
        let drain_inputs =
            DrainInputs { notifier, commands: drain_commands, recycled, flush_deadline: Arc::clone(&flush_deadline) };
        let intervals = DrainIntervals { flush: options.sync_interval, clock: options.clock_interval };
        let drain = Drain::new(probe, drain_inputs, to_sequencer.clone(), intervals);
        let (announcer, announcements) = match (announcing, &options.announce) {
            (Some(process), Some((target, format))) => {
                let (announcer, queue) = Announcer::start(process, target, *format, origin)?;
                (Some(announcer), Some(queue))
            }
            _ => (None, None),
        };
        let outputs = SequencerOutputs {
            recorder: to_recorder.clone(),
            lookups: lookups.commands(),
            daemons: daemons.as_ref().map(DaemonClients::queries).unwrap_or_default(),
            walks: to_walker.clone(),
            recycled: to_recycle,
            followers: options.follow.then_some(to_follower),
            announcements,
            flush_deadline,
            progress: Arc::clone(&progress),
        };
        let sequencer = Sequencer::new(
            outputs,
            SequencerOptions {
                started,
                page_size_bytes: facts.page_size_bytes,
                actor_argv: options.actor_argv,
                grace_ns: options.grace_ns(),
                segments: options.segments,
            },
        );
        let recorder_progress = Arc::clone(&progress);
        let (walker_output, walker_drain, host_root) =
            (to_sequencer.clone(), to_drain.clone(), options.host_root.clone());

        to_walker.send(SnapshotReason::Start).map_err(|_| anyhow!("cannot start recording"))?;

        // The way of an event: drain, sequencer, recorder. Beside it the walker, signals and the
        // digest of this program; `daemons` and `lookups` have their threads already.
        let drain = spawn("obit-drain", &progress, move || Ok(drain.run()?))?;
        let sequencer = spawn("obit-sequencer", &progress, move || sequencer.run(&sequencer_inputs))?;
        let recorder = spawn("obit-recorder", &progress, move || {
            Ok(recorder::run(writer, &recorder_commands, &recorder_progress, recorder_options))
        })?;
        let walker = spawn("obit-walker", &progress, move || {
            walker::run(&walk_reasons, &walker_output, &walker_drain, &host_root);
            Ok(())
        })?;
        let signals = signals.listen(SignalSubjects {
            progress: Arc::clone(&progress),
            messages: Arc::clone(&messages),
            to_drain: to_drain.clone(),
            output: &options.output,
        })?;
        let self_hash = self_report::start(to_recorder.clone())?;

        let session = Self {
            progress,
            messages,
            daemons,
            lookups,
            signals,
            to_walker,
            to_drain,
            to_sequencer,
            to_recorder,
            drain,
            sequencer,
            recorder,
            walker,
            self_hash,
            announcer,
        };
        Ok((session, ends))
    }

    /// Walks a last time, detaches, admits what is left, and closes the case.
    pub fn stop(self) -> SessionReport {
        let mut errors = Vec::new();
        // At once: whoever sent a signal may send another that leaves no time.
        let _ = self.to_recorder.send(RecorderCommand::Note(self_report::signals(self.signals.seen())));
        let _ = self.to_walker.send(SnapshotReason::Stop); // the walker's last
        errors.extend(outcome("walking cgroupfs", self.walker.join()).err());
        // Before the last kernel events, so that answers on their way find a place in the log.
        self.lookups.stop();
        errors.extend(self.daemons.and_then(|daemons| daemons.stop().err()));
        let _ = self.to_drain.send(DrainCommand::Stop);
        let counts = outcome("draining the ring buffer", self.drain.join()).unwrap_or_else(|error| {
            errors.push(error);
            // The last delivery, which the drain thread owes.
            let _ = self.to_sequencer.send(SequencerInput::Stop(ClockPair::read()));
            KernelCounts::new()
        });
        drop(self.to_sequencer);
        let limits = outcome("deriving", self.sequencer.join()).unwrap_or_else(|error| {
            errors.push(error);
            UserLimits::default()
        });
        // Its note comes before the closing report.
        let _ = self.self_hash.join();
        // The sequencer has ended, so no further row comes.
        let announcements = self.announcer.map(Announcer::finish);
        let report = self_report::closing_report(&counts, &limits, self.signals.stop(), announcements);
        let _ = self.to_recorder.send(RecorderCommand::Close { at: ClockPair::read(), report });
        drop(self.to_recorder);
        let result = outcome("writing the case", self.recorder.join())
            .unwrap_or_else(|error| RecorderResult { summary: None, errors: vec![error] });
        errors.extend(result.errors);
        SessionReport { tally: self.progress.tally(), summary: result.summary, limits, announcements, errors }
    }
}

/// Starts to listen to the process that asks daemons, if there is one.
fn listen(
    asker: Option<DaemonAsker>,
    to_sequencer: &SyncSender<SequencerInput>,
    to_recorder: &SyncSender<RecorderCommand>,
    messages: &Arc<MessageOutput>,
) -> Result<Option<DaemonClients>> {
    let Some(asker) = asker else { return Ok(None) };
    let (to_sequencer, to_recorder, messages) = (to_sequencer.clone(), to_recorder.clone(), Arc::clone(messages));
    let mut history = AskerHistory::new(asker.facts().clone());
    let deliver = move |answers| {
        // The sequencer is gone if the recording is over.
        let _ = to_sequencer.send(SequencerInput::Answers(answers));
    };
    let on_change = move |event| {
        if let Some(message) = history.add(event) {
            messages.say(&format!("obit-capture: {}", printable(&message)));
        }
        // The recorder is gone if the recording is over.
        let _ = to_recorder.send(RecorderCommand::Note(history.report()));
    };
    asker.listen(deliver, on_change).map(Some)
}

/// Starts a thread that reports to `progress` if it fails.
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

/// Returns the result of a thread that has ended.
fn outcome<T>(doing: &str, joined: thread::Result<Result<T>>) -> Result<T> {
    match joined {
        Ok(result) => result.with_context(|| format!("{doing} failed")),
        Err(_) => Err(anyhow!("{doing} failed: its thread panicked")),
    }
}
