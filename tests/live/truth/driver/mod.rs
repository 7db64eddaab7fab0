//! Engines that play the scenes: each by its own client, as a user would.

pub mod containerd;
pub mod docker;
pub mod oci;
pub mod podman;

use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use obit_test_engines::Stage;

use super::program::Puppets;

/// Longest time for a condition that an engine brings about.
const LIMIT: Duration = Duration::from_secs(60);
/// Memory limit of containers that run out of memory.
pub const MEMORY_LIMIT: u64 = 16 << 20;

/// Program that a container is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Program {
    #[default]
    Puppet,
    /// A path where nothing is.
    Missing,
    /// A path where a directory is.
    Directory,
}

/// Container to be made.
#[derive(Clone, Debug, Default)]
pub struct ContainerPlan {
    /// Name for the engine; where users choose ids, the id.
    pub name: String,
    /// Tag of the puppet that is its init.
    pub tag: String,
    pub host_pids: bool,
    /// Id of the container whose pid namespace it joins.
    pub joins_pids_of: Option<String>,
    /// Names with `CAP_`, beside the engine's own choice.
    pub capabilities: Vec<&'static str>,
    pub is_memory_limited: bool,
    /// `linux.cgroupsPath`, where the engine's user chooses it; of docker the directory above.
    pub cgroup: Option<String>,
    /// Hook of the bundle that fails.
    pub failing_hook: Option<&'static str>,
    pub program: Program,
    /// A mount of the bundle has no source.
    pub has_bad_mount: bool,
    /// The bundle's path is longer than a kilobyte.
    pub has_long_bundle: bool,
    /// It has a terminal.
    pub has_terminal: bool,
    /// Signal to stop it with, where the user chooses it.
    pub stop_signal: Option<i32>,
    /// Image, if another one than the engine's usual one.
    pub image: Option<&'static str>,
    /// How often the engine starts it again.
    pub restarts: u32,
}

impl ContainerPlan {
    /// Returns the command of its init.
    pub fn command(&self) -> Vec<String> {
        match self.program {
            Program::Puppet => Puppets::command(&self.tag),
            Program::Missing => vec!["/no/such/program".to_owned()],
            Program::Directory => vec!["/tmp".to_owned()],
        }
    }
}

/// An engine and its client.
pub trait Engine: Sync {
    /// Name in the column `runtime`.
    fn runtime(&self) -> &'static str;

    /// Name in the column `oci_runtime`.
    fn oci_runtime(&self) -> &'static str;

    /// Returns the name that rows give a container which the user called so.
    fn name_in_rows(&self, name: &str) -> Option<String>;

    /// Image of every container.
    fn image(&self) -> Option<&'static str>;

    /// Returns true if a container's directories go when its init ends, without a deletion.
    fn removes_directories_at_exit(&self) -> bool;

    /// Returns true if a container can be started again after its end.
    fn keeps_stopped(&self) -> bool;

    /// Makes a container without starting it. Returns its id.
    fn create(&self, plan: &ContainerPlan) -> String;

    /// Starts a container that was created, or one that has ended. Returns an error of the engine.
    fn start(&self, id: &str) -> Result<(), String>;

    /// Makes and starts a container. Returns its id.
    fn run(&self, plan: &ContainerPlan) -> Result<String, String>;

    /// Makes and starts a container on a terminal. Returns its id, and the client that stays with it.
    fn run_on_terminal(&self, _plan: &ContainerPlan, _terminal: &Terminal) -> (String, Child) {
        panic!("{} has no terminal", self.runtime());
    }

    /// Pauses a container.
    fn pause(&self, _id: &str) {
        panic!("{} cannot pause", self.runtime());
    }

    /// Starts one more puppet in a container.
    fn exec(&self, id: &str, tag: &str);

    /// Tells the engine to send init a signal.
    fn kill(&self, id: &str, signal: i32);

    /// Tells the engine to stop a container within a second.
    fn stop(&self, id: &str);

    /// Gives a container another name.
    fn rename(&self, _id: &str, _name: &str) {
        panic!("{} cannot rename", self.runtime());
    }

    /// Tells the engine to restart a container at once.
    fn restart(&self, _id: &str) {
        panic!("{} cannot restart", self.runtime());
    }

    /// Returns the same engine with state of its own.
    fn elsewhere(&self) -> Option<&dyn Engine> {
        None
    }

    /// Waits until the engine knows that init has ended.
    fn wait(&self, id: &str);

    /// Deletes a container that has ended.
    fn delete(&self, id: &str);

    /// Deletes a container that runs.
    fn delete_by_force(&self, id: &str);

    /// Commands of the OCI runtime that end a container when it is deleted by force.
    fn force_verbs(&self) -> &'static [&'static str] {
        &["kill", "delete"]
    }
}

/// A pseudo-terminal.
pub struct Terminal {
    keyboard: File,
    line: OwnedFd,
}

impl Terminal {
    pub fn open() -> Self {
        let (mut keyboard, mut line) = (-1, -1);
        let none = std::ptr::null_mut();
        // SAFETY: the kernel fills both numbers; the three null pointers ask for its defaults.
        let result = unsafe { libc::openpty(&raw mut keyboard, &raw mut line, none, none.cast(), none.cast()) };
        assert_eq!(result, 0, "openpty: {}", std::io::Error::last_os_error());
        // SAFETY: both were opened above, and nobody else owns them.
        let [keyboard, line] = [keyboard, line].map(|number| unsafe { OwnedFd::from_raw_fd(number) });
        Self { keyboard: File::from(keyboard), line }
    }

    /// Types Ctrl-C.
    pub fn type_control_c(&self) {
        (&self.keyboard).write_all(b"\x03").expect("typing");
    }

    /// Starts a client on the terminal.
    pub fn spawn(&self, mut command: Command) -> Child {
        let end = || Stdio::from(self.line.try_clone().expect("a second handle"));
        command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("a client on a terminal")
    }
}

/// Runs a client inside the stage. Its children may outlive it and keep its output open.
pub fn client<S: AsRef<std::ffi::OsStr>>(
    stage: &Stage,
    program: &str,
    arguments: &[S],
    log: &Path,
) -> Result<(), String> {
    let file = File::create(log).expect("a log of a client");
    let status = command(stage, program)
        .args(arguments)
        .stdout(file.try_clone().expect("a second handle"))
        .stderr(file)
        .status()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    if status.success() {
        return Ok(());
    }
    Err(format!("{program}: {status}: {}", std::fs::read_to_string(log).unwrap_or_default().trim()))
}

/// Runs a client inside the stage and returns its output, or its error.
pub fn client_output<S: AsRef<std::ffi::OsStr>>(
    stage: &Stage,
    program: &str,
    arguments: &[S],
) -> Result<String, String> {
    let Output { status, stdout, stderr } = command(stage, program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).trim().to_owned());
    }
    Err(format!("{program}: {status}: {}", String::from_utf8_lossy(&stderr).trim()))
}

/// Starts a client that stays as long as what it started.
pub fn client_in_background<S: AsRef<std::ffi::OsStr>>(stage: &Stage, program: &str, arguments: &[S]) {
    let mut child: Child = command(stage, program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    std::thread::spawn(move || child.wait());
}

fn command(stage: &Stage, program: &str) -> Command {
    let mut command = stage.command("timeout");
    command.args(["--foreground", "-k", "5", "60", program]);
    command
}

/// Tries something until it succeeds.
///
/// # Panics
/// Panics with the last error if it does not succeed in time.
pub fn until<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) => assert!(Instant::now() < deadline, "{what}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
