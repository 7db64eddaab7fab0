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
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::net::sockopt::{set_socket_send_buffer_size, set_socket_send_buffer_size_force};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::DaemonOptions;
use super::labels::LabelPolicy;
use super::message::{PACKET_BYTES, Report, ServiceMessage};
use super::program::COMMAND;
use super::queries::{DaemonQueries, QueryLine, UnansweredQuery};
use crate::host::clock::ClockPair;
use crate::host::confine::Confinement;
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

/// A process that asks daemons, started and not listened to yet.
#[derive(Debug)]
pub struct DaemonAsker {
    child: Child,
    socket: UnixDatagram,
    confinement: Confinement,
}

/// The process at work.
#[derive(Debug)]
pub struct DaemonClients {
    line: QueryLine,
    socket: Arc<UnixDatagram>,
    is_stopping: Arc<AtomicBool>,
    /// The reason for which the process was given up, once its reader has ended.
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
        let child = helper_process::start(&mut command).context("cannot start the process that asks daemons")?;
        drop(command); // and with it the other end
        socket.set_read_timeout(Some(START_PATIENCE)).context("cannot use a socket")?;
        let mut packet = vec![0; PACKET_BYTES];
        let length = socket.recv(&mut packet).context("the process that asks daemons gave no answer")?;
        socket.set_read_timeout(None).context("cannot use a socket")?;
        match read_message(&packet, length) {
            Some(ServiceMessage::Ready(confinement)) => Ok(Some(Self { child, socket, confinement })),
            _ => bail!("the process that asks daemons could not start"),
        }
    }

    /// Returns what the process has given up, by its own word.
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Starts the thread that takes what the process says. Records go to `deliver`, which may
    /// block; `on_gone` is told once if the process ends before it should.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn listen(
        self,
        deliver: impl FnMut(Vec<Stamped<RuntimeRecord>>) + Send + 'static,
        on_gone: impl FnOnce(&str) + Send + 'static,
    ) -> Result<DaemonClients> {
        let socket = Arc::new(self.socket);
        let line = QueryLine::new(Arc::clone(&socket));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (finished, done) = channel();
        let mut reader = AnswerReader { socket: Arc::clone(&socket), line: line.clone(), deliver };
        let (mut child, stopping) = (self.child, Arc::clone(&is_stopping));
        let run = move || {
            let why = reader.run();
            let why = (!stopping.load(Relaxed)).then(|| {
                let status = child.try_wait().ok().flatten().map_or_else(String::new, |status| format!(" ({status})"));
                format!("{why}{status}: no daemon is asked any more")
            });
            reader.deliver_unanswered();
            if let Some(why) = &why {
                on_gone(why);
            }
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
    /// The process had ended before.
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
struct AnswerReader<D> {
    socket: Arc<UnixDatagram>,
    line: QueryLine,
    deliver: D,
}

impl<D: FnMut(Vec<Stamped<RuntimeRecord>>)> AnswerReader<D> {
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
            let admitted = match read_message(&packet, length) {
                Some(ServiceMessage::Report(Report { records, done })) => {
                    let now = ClockPair::read();
                    let records: Option<Vec<_>> = records.into_iter().map(|record| record.admit(now)).collect();
                    records.map(|records| (records, done))
                }
                _ => None,
            };
            let Some((records, done)) = admitted else {
                let _ = self.socket.shutdown(Shutdown::Both);
                return "the process that asks daemons said what it may not say".to_owned();
            };
            if !records.is_empty() {
                (self.deliver)(records);
            }
            self.line.finish(&done);
        }
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
    use crate::host::confine::{LandlockState, SeccompState};
    use crate::sources::daemons::message::QueryBatch;

    type Delivery = Vec<Stamped<RuntimeRecord>>;

    /// Returns the confinement of a process that has given up nothing.
    fn nothing() -> Confinement {
        Confinement {
            landlock: LandlockState::None,
            seccomp: SeccompState::None,
            capabilities: Vec::new(),
            no_new_privs: false,
            dumpable: true,
        }
    }

    /// Returns a process that does nothing, with the other end of its socket.
    fn clients(deliver: Sender<Delivery>, gone: Sender<String>) -> (DaemonClients, UnixDatagram) {
        let (socket, theirs) = packet_pair().unwrap();
        let child = Command::new("true").spawn().unwrap();
        let asker = DaemonAsker { child, socket, confinement: nothing() };
        let clients = asker.listen(move |records| drop(deliver.send(records)), move |why| drop(gone.send(why.into())));
        (clients.unwrap(), theirs)
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
        assert!(why.recv().unwrap().contains("has ended"));
        let later = ask(&clients, "b").take_unanswered();
        assert_eq!(
            later.into_iter().map(|one| one.into_record().answer.outcome).collect::<Vec<_>>(),
            [Outcome::Dropped]
        );
        assert!(clients.stop().unwrap_err().to_string().contains("no daemon is asked any more"));
    }

    #[test]
    fn a_process_that_says_what_it_may_not_say_is_given_up() {
        for wrong in [&b"nonsense"[..], b"{\"Ready\":5}", &[b'['; PACKET_BYTES / 2]] {
            let ((deliver, records), (gone, why)) = (channel(), channel());
            let (clients, theirs) = clients(deliver, gone);
            ask(&clients, "a");
            theirs.send(wrong).unwrap();
            assert!(why.recv().unwrap().contains("may not say"));
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
