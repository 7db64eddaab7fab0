//! The program that the containers run: a puppet that does what the test orders, so that the test
//! knows each process, each exit and each signal by construction.

use std::collections::{HashMap, VecDeque};
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use obit_test_engines::{Stage, output};

/// Longest time for a puppet to come, to answer or to end.
const LIMIT: Duration = Duration::from_secs(60);
/// Directory of the socket and the program in every container.
pub const INSIDE: &str = "/control";

/// Processes that connected and that nobody took yet, by their tag.
type Arrivals = Arc<(Mutex<HashMap<String, VecDeque<Puppet>>>, Condvar)>;

/// The puppets' program, and the socket that they come to.
pub struct Puppets {
    directory: PathBuf,
    arrivals: Arrivals,
}

impl Puppets {
    /// Compiles the program and opens the socket, in a directory that every container mounts.
    pub fn open(stage: &Stage) -> Self {
        let directory = stage.directory().join("control");
        std::fs::create_dir(&directory).expect("the control directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/truth/puppet.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-static", "-O1", "-Wall", "-Werror", "-pthread", "-o"]);
        let compiled = output(compiler.arg(directory.join("puppet")).arg(source));
        assert!(compiled.status.success(), "puppet.c: {}", String::from_utf8_lossy(&compiled.stderr));

        let listener = UnixListener::bind(directory.join("socket")).expect("the control socket");
        let arrivals = Arrivals::default();
        let shared = Arc::clone(&arrivals);
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || Puppet::arrive(stream, &shared));
            }
        });
        Self { directory, arrivals }
    }

    /// Returns the directory to mount at [`INSIDE`].
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the command of a puppet inside a container.
    pub fn command(tag: &str) -> Vec<String> {
        vec![format!("{INSIDE}/puppet"), format!("{INSIDE}/socket"), tag.to_owned()]
    }

    /// Waits for the puppet with this tag.
    pub fn wait_for(&self, tag: &str) -> Puppet {
        let (map, changed) = &*self.arrivals;
        let arrivals = map.lock().expect("no thread panics with it");
        let (mut arrivals, _) = changed
            .wait_timeout_while(arrivals, LIMIT, |arrivals| arrivals.get(tag).is_none_or(VecDeque::is_empty))
            .expect("no thread panics with it");
        let puppet = arrivals.get_mut(tag).and_then(VecDeque::pop_front);
        puppet.unwrap_or_else(|| panic!("the process {tag} has not come within {LIMIT:?}"))
    }

    /// Starts a puppet outside of any container, and reaps it in the background.
    pub fn start_outside(&self, tag: &str) -> Puppet {
        let mut child = Command::new(self.directory.join("puppet"))
            .arg(self.directory.join("socket"))
            .arg(tag)
            .spawn()
            .expect("cannot run the puppet");
        std::thread::spawn(move || child.wait());
        self.wait_for(tag)
    }
}

/// One process of the program.
pub struct Puppet {
    /// Process id in the initial pid namespace, as the kernel states it of the socket's peer.
    pub pid: u32,
    stream: BufReader<UnixStream>,
}

impl Puppet {
    fn arrive(stream: UnixStream, arrivals: &Arrivals) {
        let pid = peer_pid(&stream);
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut stream = BufReader::new(stream);
        let mut tag = String::new();
        if stream.read_line(&mut tag).is_ok() && tag.ends_with('\n') {
            let (map, changed) = &**arrivals;
            let puppet = Self { pid, stream };
            map.lock().expect("no thread panics with it").entry(tag.trim().to_owned()).or_default().push_back(puppet);
            changed.notify_all();
        }
    }

    /// Orders something and waits until it is done.
    pub fn order(&mut self, order: impl Display) {
        self.send(&order);
        let mut answer = String::new();
        let read = self.stream.read_line(&mut answer);
        assert!(answer == "ok\n", "the process {} answered {order} with {answer:?} ({read:?})", self.pid);
    }

    /// Orders something that ends the process, and waits until it has ended.
    pub fn order_end(&mut self, order: impl Display) {
        self.send(&order);
        self.wait_for_end();
    }

    /// Orders something that ends the process, or another one, some time later.
    pub fn send(&mut self, order: &impl Display) {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{order}\n").as_bytes()).unwrap_or_else(|error| panic!("{order}: {error}"));
    }

    /// Orders something of a process that may have ended.
    pub fn try_send(&mut self, order: &impl Display) {
        let _ = self.stream.get_mut().write_all(format!("{order}\n").as_bytes());
    }

    /// Waits a short while for the end of the process. Returns true if it has ended.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        self.stream.get_ref().set_read_timeout(Some(limit)).expect("a limit");
        let ended = !matches!(self.stream.fill_buf(), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        self.stream.get_ref().set_read_timeout(Some(LIMIT)).expect("a limit");
        ended
    }

    /// Reads one answer, if the process does not end before.
    pub fn wait_for_answer_or_end(&mut self) {
        let _ = self.stream.read_line(&mut String::new());
    }

    /// Waits until the process has ended: the kernel closes its socket then.
    pub fn wait_for_end(&mut self) {
        let mut answer = String::new();
        match self.stream.read_line(&mut answer) {
            Ok(0) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            other => panic!("the process {} has not ended: {other:?}, {answer:?}", self.pid),
        }
    }
}

/// Returns the pid of the process at the other end, in this process's pid namespace.
fn peer_pid(stream: &UnixStream) -> u32 {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = libc::socklen_t::try_from(size_of::<libc::ucred>()).expect("a small type");
    // SAFETY: both pointers are to variables of the types that SO_PEERCRED fills.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut length,
        )
    };
    assert_eq!(result, 0, "SO_PEERCRED: {}", std::io::Error::last_os_error());
    u32::try_from(credentials.pid).expect("a pid")
}
