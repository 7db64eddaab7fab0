//! A mount namespace for the engines of one test.
//!
//! The engines use their default paths in it: their argument vectors are those of a real host, and
//! the host's own engines are not touched.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::cgroups::Cgroups;

/// Longest time, in seconds, that one command of an engine may take.
const COMMAND_LIMIT_SECONDS: &str = "60";

/// Cgroup hierarchies that the namespace shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CgroupView {
    /// All hierarchies of the host.
    Host,
    /// Only the v2 tree, at its usual mount point.
    V2Only,
}

/// Namespace with a temporary directory; the directory's contents live as long as the namespace.
pub struct Stage {
    directory: Option<TempDir>,
    holder: Child,
    /// Cgroup trees as seen inside.
    pub cgroups: Cgroups,
}

impl Stage {
    /// Makes the namespace and a small root file system in it.
    pub fn new(view: CgroupView) -> Self {
        let directory = tempfile::Builder::new().prefix("obit-live-").tempdir().expect("a temporary directory");
        let script = format!(
            "set -e
             mount -t tmpfs -o mode=755 tmpfs /run
             mount -t tmpfs -o mode=1777 tmpfs /dev/shm
             mkdir /run/lock
             for engine in docker containerd containers; do
                 mkdir -p /var/lib/$engine '{directory}'/$engine
                 mount --bind '{directory}'/$engine /var/lib/$engine
             done
             {view}
             echo ready
             exec cat >/dev/null",
            directory = directory.path().display(),
            view = match view {
                CgroupView::Host => "",
                CgroupView::V2Only => "umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup",
            },
        );
        // The holder ends when its standard input closes, so it ends with this process, however
        // that ends.
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cannot run unshare");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut line).expect("the holder's answer");
        assert_eq!(line, "ready\n", "cannot make the mount namespace");

        let cgroups = Cgroups::of_process(holder.id());
        let stage = Self { directory: Some(directory), holder, cgroups };
        stage.make_root_file_system();
        stage
    }

    /// Returns the path of the temporary directory.
    pub fn directory(&self) -> &Path {
        self.directory.as_ref().expect("there until drop").path()
    }

    /// Returns a busybox root file system that all containers share (read-only where an engine does
    /// not copy it).
    pub fn root_file_system(&self) -> PathBuf {
        self.directory().join("rootfs")
    }

    /// Returns the root file system as a tar file.
    pub fn root_file_system_tar(&self) -> PathBuf {
        self.directory().join("rootfs.tar")
    }

    /// Returns the path by which this process can open a path inside the namespace.
    pub fn outside(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.holder.id()))
    }

    /// Returns a command that runs inside as the spawned process itself. Its working directory is
    /// `/`.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id())).arg("--").arg(program);
        // Clients must find the daemons of this namespace.
        for name in ["DOCKER_HOST", "CONTAINER_HOST", "CONTAINERD_ADDRESS", "CONTAINERD_NAMESPACE", "DOCKER_CONTEXT"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command inside, within a time limit, and returns its output whatever its status.
    pub fn try_run<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Output {
        self.command("timeout")
            .args(["--foreground", "-k", "5", COMMAND_LIMIT_SECONDS, program])
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("cannot run {program}: {error}"))
    }

    /// Runs a command inside that must succeed, and returns its trimmed standard output.
    pub fn run<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> String {
        let output = self.try_run(program, arguments);
        assert!(
            output.status.success(),
            "{program} {:?}: {}\n{}",
            arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs a command whose children outlive it: they must not inherit a pipe of this process.
    pub fn run_detached<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) {
        let log = self.directory().join("detached.log");
        let file = fs::OpenOptions::new().create(true).append(true).open(&log).expect("the log of detached commands");
        let status = self
            .command("timeout")
            .args(["--foreground", "-k", "5", COMMAND_LIMIT_SECONDS, program])
            .args(arguments)
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .status()
            .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
        let log = fs::read_to_string(&log).unwrap_or_default();
        assert!(status.success(), "{program}: {status}\n{log}");
    }

    fn make_root_file_system(&self) {
        let root = self.root_file_system();
        for directory in ["bin", "proc", "sys", "dev", "etc", "tmp"] {
            fs::create_dir_all(root.join(directory)).expect("a directory of the root file system");
        }
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        let busybox = busybox.expect("busybox is missing: `scripts/setup.sh test` installs busybox-static");
        fs::copy(busybox, root.join("bin/busybox")).expect("copying busybox");
        for applet in ["sh", "sleep", "true", "mkdir", "rmdir"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).expect("an applet's link");
        }
        let tar = self.root_file_system_tar();
        let status = Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg(".").status();
        assert!(status.expect("cannot run tar").success(), "cannot pack {}", root.display());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.cgroups.remove_ours();
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        let failed = std::thread::panicking();
        // OBIT_KEEP=1 keeps the case of a test that passed, as a fixture for instance.
        let wanted = failed || std::env::var_os("OBIT_KEEP").is_some_and(|value| value == "1");
        if wanted && let Some(directory) = self.directory.take() {
            eprintln!("logs and cases of this test are kept in {}", directory.keep().display());
        }
    }
}
