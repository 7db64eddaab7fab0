//! The recorder's side of the process that asks daemons.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::net::sockopt::{set_socket_send_buffer_size, set_socket_send_buffer_size_force};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::DaemonOptions;
use super::labels::LabelPolicy;
use super::message::{AskerFacts, PACKET_BYTES, RESTART, Report, ServiceMessage};
use super::queries::{DaemonQueries, QueryLine, UnansweredQuery};
use super::supervisor::{COMMAND, FIRST_PAUSE};
use crate::host::clock::ClockPair;
use crate::host::helper_process;
use crate::sources::answer::{RuntimeRecord, Stamped};

/// Longest time that the process may take to start.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Longest that the end of a capture waits for the process.
const STOP_PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of questions that may wait to be read, if the kernel allows so many: those about 4,096
/// containers.
const SEND_BUFFER_BYTES: usize = 1 << 20;

/// The reason why a process is given up that is not there any more.
const ENDED: &str = "the process that asks daemons has ended";

/// Longest status of a process that has ended, in bytes.
const STATUS_BYTES: usize = 100;

/// A process that asks daemons, started and not listened to yet.
#[derive(Debug)]
pub struct DaemonAsker {
    supervisor: Child,
    socket: UnixDatagram,
    facts: AskerFacts,
}

/// A change of the process.
#[derive(Debug, PartialEq, Eq)]
pub enum AskerEvent {
    /// It has ended, with this status, and will be started again.
    Ended(String),
    /// It was started again.
    Started(AskerFacts),
    /// It is not used any more, for this reason.
    GivenUp(String),
}

/// The process at work.
#[derive(Debug)]
pub struct DaemonClients {
    line: QueryLine,
    socket: Arc<UnixDatagram>,
    is_stopping: Arc<AtomicBool>,
    /// What went wrong with the process, once its reader has ended.
    done: Receiver<Option<String>>,
}

/// Makes a pair of sockets that keep packets whole and say when the other end is closed.
pub fn packet_pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    // The first needs CAP_NET_ADMIN.
    if set_socket_send_buffer_size_force(&ours, SEND_BUFFER_BYTES).is_err() {
        set_socket_send_buffer_size(&ours, SEND_BUFFER_BYTES)?;
    }
    Ok((UnixDatagram::from(ours), UnixDatagram::from(theirs)))
}

impl DaemonAsker {
    /// Starts the process, before this one has anything that the other should not have. `None` if
    /// no daemon is to be asked.
    ///
    /// # Errors
    /// The process cannot be started, or cannot confine itself.
    pub fn start(options: &DaemonOptions) -> Result<Option<Self>> {
        if options.is_off() {
            return Ok(None);
        }
        let (socket, theirs) = packet_pair().context("cannot make a pair of sockets")?;
        let mut command = helper_process::command(OwnedFd::from(theirs));
        command.stdin(Stdio::null()).arg(COMMAND).arg("--host-root").arg(&options.host_root);
        command.args(options.choices.iter().flat_map(|choice| ["--runtime".to_owned(), choice.to_string()]));
        if options.labels != LabelPolicy::Listed {
            command.args(["--labels".to_owned(), options.labels.to_string()]);
        }
        let supervisor = helper_process::start(&mut command).context("cannot start the process that asks daemons")?;
        drop(command); // and with it the other end
        socket.set_read_timeout(Some(START_PATIENCE)).context("cannot use a socket")?;
        let mut packet = vec![0; PACKET_BYTES];
        let length = loop {
            match socket.recv(&mut packet) {
                // By a signal, also one that stopped this process for a while.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                received => break received.context("the process that asks daemons gave no answer")?,
            }
        };
        socket.set_read_timeout(None).context("cannot use a socket")?;
        match read_message(&packet, length) {
            Some(ServiceMessage::Ready(facts)) => Ok(Some(Self { supervisor, socket, facts })),
            _ => bail!("the process that asks daemons could not start"),
        }
    }

    /// Returns what the process says of itself.
    pub fn facts(&self) -> &AskerFacts {
        &self.facts
    }

    /// Starts the thread that takes what the process says. Records go to `deliver`, which may
    /// block; changes of the process before it should end go to `on_change`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn listen(
        self,
        deliver: impl FnMut(Vec<Stamped<RuntimeRecord>>) + Send + 'static,
        on_change: impl FnMut(AskerEvent) + Send + 'static,
    ) -> Result<DaemonClients> {
        let socket = Arc::new(self.socket);
        let line = QueryLine::new(Arc::clone(&socket));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (finished, done) = channel();
        let mut reader = AnswerReader {
            socket: Arc::clone(&socket),
            line: line.clone(),
            is_stopping: Arc::clone(&is_stopping),
            ended_at: None,
            ends: 0,
            deliver,
            on_change,
        };
        let mut supervisor = self.supervisor;
        let run = move || {
            let why = reader.run();
            reader.deliver_unanswered();
            let why = if reader.is_stopping.load(Relaxed) {
                (reader.ends > 0).then(|| format!("{ENDED} {} times and was started again", reader.ends))
            } else {
                let status = supervisor.try_wait().ok().flatten();
                let status = status.map_or_else(String::new, |status| format!(" ({status})"));
                let why = format!("{why}{status}: no daemon is asked any more");
                (reader.on_change)(AskerEvent::GivenUp(why.clone()));
                Some(why)
            };
            let _ = finished.send(why);
        };
        thread::Builder::new().name("obit-daemons".into()).spawn(run).context("cannot start a thread")?;
        Ok(DaemonClients { line, socket, is_stopping, done })
    }
}

impl DaemonClients {
    /// Returns a collector of containers to ask about.
    pub fn queries(&self) -> DaemonQueries {
        DaemonQueries::new(self.line.clone())
    }

    /// Ends the process. What is on its way is delivered, and queries without an answer are
    /// recorded as that. Takes a second at most, whatever the daemons and the process do.
    ///
    /// # Errors
    /// The process had ended before, even if it was started again: what daemons told meanwhile is
    /// missing.
    pub fn stop(self) -> Result<()> {
        self.is_stopping.store(true, Relaxed);
        let _ = self.socket.shutdown(Shutdown::Write);
        let why = self.done.recv_timeout(STOP_PATIENCE).or_else(|_| {
            // Its reader gets the end of the stream, and has nobody else to wait for.
            let _ = self.socket.shutdown(Shutdown::Both);
            self.done.recv_timeout(STOP_PATIENCE)
        });
        match why {
            Ok(Some(why)) => Err(anyhow!(why)),
            _ => Ok(()),
        }
    }
}

/// The reader of what the process says.
struct AnswerReader<D, C> {
    socket: Arc<UnixDatagram>,
    line: QueryLine,
    is_stopping: Arc<AtomicBool>,
    /// The moment of the end of a process that has not been started again.
    ended_at: Option<Instant>,
    /// Number of times that the process has ended.
    ends: u32,
    deliver: D,
    on_change: C,
}

impl<D: FnMut(Vec<Stamped<RuntimeRecord>>), C: FnMut(AskerEvent)> AnswerReader<D, C> {
    /// Reads until the other end is closed, or says what it must not. Returns the reason.
    fn run(&mut self) -> String {
        let mut packet = vec![0; PACKET_BYTES];
        loop {
            let length = match self.socket.recv(&mut packet) {
                Ok(0) => return ENDED.to_owned(),
                // It has left questions unread.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return ENDED.to_owned(),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return format!("cannot listen to the process that asks daemons: {error}"),
            };
            let admitted = read_message(&packet, length).and_then(|message| self.on_message(message));
            if admitted.is_none() {
                let _ = self.socket.shutdown(Shutdown::Both);
                return "the process that asks daemons said what it may not say".to_owned();
            }
        }
    }

    /// Takes a message; `None` if it may not be said.
    fn on_message(&mut self, message: ServiceMessage) -> Option<()> {
        match (message, self.ended_at) {
            (ServiceMessage::Report(report), None) => self.on_report(report)?,
            (ServiceMessage::Ended(status), None) if status.len() <= STATUS_BYTES => self.on_ended(status),
            // It is never started at once, so that it cannot fill the case by its ends.
            (ServiceMessage::Ready(facts), Some(at)) if at.elapsed() >= FIRST_PAUSE => self.on_started(facts),
            _ => return None,
        }
        Some(())
    }

    /// Delivers what daemons said; `None` if the process may not say that.
    fn on_report(&mut self, Report { records, done }: Report) -> Option<()> {
        let now = ClockPair::read();
        let records: Vec<_> = records.into_iter().map(|record| record.admit(now)).collect::<Option<_>>()?;
        if !records.is_empty() {
            (self.deliver)(records);
        }
        self.line.finish(&done);
        Some(())
    }

    /// Gives up what was asked, then lets the process be started again.
    fn on_ended(&mut self, status: String) {
        if self.is_stopping.load(Relaxed) {
            return; // as it was told to
        }
        self.ended_at = Some(Instant::now());
        self.ends = self.ends.saturating_add(1);
        self.deliver_unanswered();
        (self.on_change)(AskerEvent::Ended(status));
        // If that fails, the supervisor has ended, which the next look at the socket tells.
        let _ = self.socket.send(RESTART);
    }

    fn on_started(&mut self, facts: AskerFacts) {
        self.ended_at = None;
        self.line.reopen();
        (self.on_change)(AskerEvent::Started(facts));
    }

    /// Delivers a record of each question that was sent and will have no answer.
    fn deliver_unanswered(&mut self) {
        let records: Vec<_> =
            self.line.close().into_iter().map(UnansweredQuery::into_record).map(Stamped::now).collect();
        if !records.is_empty() {
            (self.deliver)(records);
        }
    }
}

/// Reads a packet.
fn read_message(packet: &[u8], length: usize) -> Option<ServiceMessage> {
    serde_json::from_slice(packet.get(..length)?).ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc::Sender;

    use obit_derivation::identity::Engine;
    use obit_derivation::record::Outcome;
    use obit_derivation::row::{ContainerCreate, Identity, Row};

    use super::*;
    use crate::host::confine::{Confinement, LandlockState, SeccompState};
    use crate::sources::daemons::message::QueryBatch;

    type Delivery = Vec<Stamped<RuntimeRecord>>;

    /// Returns what a process says that has given up nothing.
    fn facts() -> AskerFacts {
        let confinement = Confinement {
            landlock: LandlockState::None,
            seccomp: SeccompState::None,
            capabilities: Vec::new(),
            no_new_privs: false,
            dumpable: true,
        };
        AskerFacts { pid: 1, confinement }
    }

    /// Returns a process that does nothing, with the other end of its socket.
    fn clients(deliver: Sender<Delivery>, changes: Sender<AskerEvent>) -> (DaemonClients, UnixDatagram) {
        let (socket, theirs) = packet_pair().unwrap();
        let supervisor = Command::new("true").spawn().unwrap();
        let asker = DaemonAsker { supervisor, socket, facts: facts() };
        let clients = asker.listen(move |records| drop(deliver.send(records)), move |event| drop(changes.send(event)));
        (clients.unwrap(), theirs)
    }

    fn send(socket: &UnixDatagram, message: &ServiceMessage) {
        socket.send(&serde_json::to_vec(message).unwrap()).unwrap();
    }

    /// Returns the reason of the next event, which is that the process is given up.
    fn given_up(changes: &Receiver<AskerEvent>) -> String {
        match changes.recv().unwrap() {
            AskerEvent::GivenUp(why) => why,
            event => panic!("{event:?}"),
        }
    }

    fn ask(clients: &DaemonClients, id: &str) -> DaemonQueries {
        let identity = Identity { runtime: Some(Engine::Docker), container_id: id.into(), ..Identity::default() };
        let mut queries = clients.queries();
        queries.ask(&Row::Create(ContainerCreate { identity, ..ContainerCreate::default() }));
        queries.send();
        queries
    }

    fn told(delivery: &Delivery) -> Vec<(String, Outcome)> {
        let answers = delivery.iter().map(|one| &one.record.answer);
        answers.map(|answer| (answer.container_id.clone().unwrap().into_owned(), answer.outcome)).collect()
    }

    #[test]
    fn a_process_that_ends_is_told_with_the_questions_that_it_leaves() {
        let ((deliver, records), (gone, why)) = (channel(), channel());
        let (clients, theirs) = clients(deliver, gone);
        ask(&clients, "a");
        drop(theirs);
        assert_eq!(told(&records.recv().unwrap()), [("a".to_owned(), Outcome::Dropped)]);
        assert!(given_up(&why).contains("has ended"));
        let later = ask(&clients, "b").take_unanswered();
        assert_eq!(
            later.into_iter().map(|one| one.into_record().answer.outcome).collect::<Vec<_>>(),
            [Outcome::Dropped]
        );
        assert!(clients.stop().unwrap_err().to_string().contains("no daemon is asked any more"));
    }

    #[test]
    fn a_process_that_is_started_again_is_asked_again() {
        let ((deliver, records), (gone, changes)) = (channel(), channel());
        let (clients, theirs) = clients(deliver, gone);
        ask(&clients, "a");
        send(&theirs, &ServiceMessage::Ended("signal: 9".into()));
        assert_eq!(told(&records.recv().unwrap()), [("a".to_owned(), Outcome::Dropped)]);
        assert_eq!(changes.recv().unwrap(), AskerEvent::Ended("signal: 9".into()));
        assert_eq!(ask(&clients, "b").take_unanswered().len(), 1, "nobody is there to ask");
        let mut packet = vec![0; PACKET_BYTES];
        theirs.recv(&mut packet).unwrap();
        let length = theirs.recv(&mut packet).unwrap();
        assert_eq!(&packet[..length], RESTART, "after all that was asked before");
        std::thread::sleep(FIRST_PAUSE); // as the supervisor does
        send(&theirs, &ServiceMessage::Ready(facts()));
        assert_eq!(changes.recv().unwrap(), AskerEvent::Started(facts()));
        assert!(ask(&clients, "c").take_unanswered().is_empty());
        let length = theirs.recv(&mut packet).unwrap();
        let batch: QueryBatch = serde_json::from_slice(&packet[..length]).unwrap();
        assert_eq!(batch.targets[0].query.container_id, "c");
        drop(theirs);
        assert!(given_up(&changes).contains("no daemon is asked any more"));
    }

    #[test]
    fn a_process_that_ends_without_a_pause_is_given_up() {
        let ((deliver, _records), (gone, changes)) = (channel(), channel());
        let (_clients, theirs) = clients(deliver, gone);
        send(&theirs, &ServiceMessage::Ended("a lie".into()));
        assert_eq!(changes.recv().unwrap(), AskerEvent::Ended("a lie".into()));
        send(&theirs, &ServiceMessage::Ready(facts()));
        assert!(given_up(&changes).contains("may not say"));
    }

    #[test]
    fn a_process_that_says_what_it_may_not_say_is_given_up() {
        let ready = serde_json::to_vec(&ServiceMessage::Ready(facts())).unwrap();
        let long = serde_json::to_vec(&ServiceMessage::Ended("x".repeat(STATUS_BYTES + 1))).unwrap();
        for wrong in [b"nonsense".to_vec(), b"{\"Ready\":5}".to_vec(), vec![b'['; PACKET_BYTES / 2], ready, long] {
            let ((deliver, records), (gone, why)) = (channel(), channel());
            let (clients, theirs) = clients(deliver, gone);
            ask(&clients, "a");
            theirs.send(&wrong).unwrap();
            assert!(given_up(&why).contains("may not say"));
            assert_eq!(told(&records.recv().unwrap()), [("a".to_owned(), Outcome::Dropped)]);
            assert!(theirs.send(b"more").is_err(), "nobody listens");
            drop(clients);
        }
    }

    #[test]
    fn a_process_that_hangs_does_not_hold_up_the_end() {
        let ((deliver, records), (gone, why)) = (channel(), channel());
        let (clients, theirs) = clients(deliver, gone);
        ask(&clients, "a");
        let mut packet = vec![0; PACKET_BYTES];
        let length = theirs.recv(&mut packet).unwrap();
        let batch: QueryBatch = serde_json::from_slice(&packet[..length]).unwrap();
        assert_eq!(batch.targets[0].query.container_id, "a");
        clients.stop().unwrap();
        assert_eq!(told(&records.recv().unwrap()), [("a".to_owned(), Outcome::Dropped)]);
        assert!(why.try_recv().is_err(), "it was to end");
    }
}
