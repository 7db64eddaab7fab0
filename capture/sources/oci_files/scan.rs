//! The scan of every container that OCI runtimes have state of, for the time before the capture
//! began.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use obit_derivation::identity::OciRuntime;
use obit_derivation::record::{Outcome, RuntimeAnswer, Source};
use obit_schema::text::escape;
use rustix::fs::{Dir, FileType, Mode, OFlags, openat};
use rustix::io::Errno;

use super::file::{open_directory, outcome_of, real_path};
use super::files::OciFiles;
use crate::host::read_thread::ReadThread;
use crate::sources::answer::RuntimeRecord;

/// State directories of runtimes and their engines; `*` stands for one component.
///
/// runc: main.go, `--root`. crun: libcrun/status.c. moby: daemon/runtime_unix.go
/// (`<exec-root>/runtime-<name>/<namespace>`). containerd: pkg/process/utils.go, `RuncRoot`.
/// Rootless engines have theirs below XDG_RUNTIME_DIR; nerdctl binds it to `/run/containerd`
/// (containerd-rootless.sh). runwasi: containerd-shimkit `sandbox/instance_utils.rs`. The last ones
/// are of sysbox, Cloud Foundry's bpm, iSulad, balenaOS and SingularityCE's OCI mode.
const ROOTS: &[&str] = &[
    "/run/runc",
    "/run/crun",
    "/run/youki",
    "/run/containerd/runc/*",
    "/run/docker/runtime-*/*",
    "/run/user/*/runc",
    "/run/user/*/crun",
    "/run/user/*/docker/runtime-*/*",
    "/run/user/*/containerd/runc/*",
    "/run/containerd/spin/*",
    "/run/containerd/wasmtime/*",
    "/run/containerd/wasmedge/*",
    "/run/containerd/wasmer/*",
    "/run/containerd/wamr/*",
    "/run/sysbox-runc",
    "/var/vcap/sys/run/bpm-runc",
    "/run/isulad/runc",
    "/run/balena-engine/runtime-*/*",
    "/run/singularity-oci",
    "/run/user/*/singularity-oci",
];

/// Returns where a runtime that root calls keeps its state unless `--root` says otherwise: a
/// directory of [`ROOTS`].
///
/// Sources: the manuals of runc, crun and youki.
pub fn default_state_root(runtime: OciRuntime) -> Option<&'static str> {
    match runtime {
        OciRuntime::Runc => Some("/run/runc"),
        OciRuntime::Crun => Some("/run/crun"),
        OciRuntime::Youki => Some("/run/youki"),
        _ => None,
    }
}

/// Most containers of one scan. The kernel's default of pids allows 32,768 processes.
const MAX_CONTAINERS: usize = 50_000;
/// Most state directories of one scan.
const MAX_ROOTS: usize = 10_000;

/// The result of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanSummary {
    /// State directories found.
    pub roots: Vec<String>,
    /// Containers whose state was read.
    pub containers: usize,
    /// State directories that exist and could not be listed, and the bound that ended the scan
    /// early: then some answers are missing.
    pub incomplete: Vec<String>,
}

impl ScanSummary {
    /// Notes a directory that could not be listed. Returns the record that says so.
    fn cannot_list(&mut self, path: String, errno: Errno) -> RuntimeRecord {
        self.incomplete.push(format!("cannot list {path}: {errno}"));
        let outcome = if errno == Errno::TIMEDOUT { Outcome::Timeout } else { outcome_of(errno) };
        RuntimeRecord::new(RuntimeAnswer::unanswered(Source::OciState, outcome), path, Duration::ZERO, None)
    }
}

/// Reads the state of every container of the state directories that runtimes use by default, and
/// the bundles that they name. Each reading that hangs is left to `thread`, and is an answer that
/// did not come in time.
pub fn scan(files: &OciFiles, thread: &mut ReadThread, mut visit: impl FnMut(RuntimeRecord)) -> ScanSummary {
    let mut summary = ScanSummary::default();
    let mut roots = BTreeSet::new();
    for pattern in ROOTS {
        let expanded = {
            let files = files.clone();
            thread.read(move || expand(files.host_root(), pattern))
        };
        let (found, failed) = expanded.unwrap_or_else(|| (Vec::new(), vec![((*pattern).to_owned(), Errno::TIMEDOUT)]));
        failed.into_iter().for_each(|(path, errno)| visit(summary.cannot_list(path, errno)));
        if roots.len() + found.len() > MAX_ROOTS {
            summary.incomplete.push(format!("more than {MAX_ROOTS} state directories"));
        } else {
            roots.extend(found);
        }
    }
    let mut seen = BTreeSet::new();
    for root in roots {
        let listed = {
            let (files, root) = (files.clone(), root.clone());
            thread.read(move || {
                let real =
                    open_directory(files.host_root(), &root).and_then(|opened| real_path(files.host_root(), opened));
                (real, list(files.host_root(), &root))
            })
        };
        let (real, listed) = listed.unwrap_or((Err(Errno::TIMEDOUT), Err(Errno::TIMEDOUT)));
        if real.is_ok_and(|real| !seen.insert(real)) {
            continue;
        }
        let containers = match listed {
            Ok(names) => names,
            Err(Errno::NOENT | Errno::NOTDIR) => continue,
            Err(errno) => {
                visit(summary.cannot_list(root, errno));
                continue;
            }
        };
        for id in containers {
            if summary.containers >= MAX_CONTAINERS {
                summary.incomplete.push(format!("more than {MAX_CONTAINERS} containers"));
                return summary;
            }
            let state = {
                let (files, root, id) = (files.clone(), root.clone(), id.clone());
                thread.read(move || files.state(&root, &id))
            };
            let state = state.unwrap_or_else(|| {
                RuntimeRecord::unanswered(Source::OciState, Outcome::Timeout, format!("{root}/{id}"), id.clone())
            });
            // The container is gone meanwhile, or the directory is something else: there is nothing
            // to record.
            if state.answer.outcome == Outcome::NotFound {
                continue;
            }
            summary.containers += 1;
            let bundle = state.answer.bundle.clone();
            visit(state);
            if let Some(bundle) = bundle {
                visit(read_bundle(files, thread, &bundle, id));
            }
        }
        summary.roots.push(root);
    }
    summary
}

fn read_bundle(files: &OciFiles, thread: &mut ReadThread, bundle: &str, id: String) -> RuntimeRecord {
    let record = {
        let (files, bundle, id) = (files.clone(), bundle.to_owned(), id.clone());
        thread.read(move || files.bundle(&bundle, Some(&id)))
    };
    record.unwrap_or_else(|| {
        let request = format!("{bundle}/config.json");
        let mut record = RuntimeRecord::unanswered(Source::OciBundle, Outcome::Timeout, request, id);
        record.answer.bundle = Some(bundle.to_owned().into());
        record
    })
}

/// Returns the directories that a pattern stands for, and those that could not be listed.
fn expand(host_root: &Path, pattern: &str) -> (Vec<String>, Vec<(String, Errno)>) {
    let (mut found, mut failed) = (vec![String::new()], Vec::new());
    for part in pattern.split('/').skip(1) {
        let Some((before, after)) = part.split_once('*') else {
            for path in &mut found {
                path.push('/');
                path.push_str(part);
            }
            continue;
        };
        let mut next = Vec::new();
        for path in found {
            match list(host_root, &path) {
                Ok(names) => next.extend(
                    names
                        .iter()
                        .filter(|name| name.starts_with(before) && name.ends_with(after))
                        .map(|name| format!("{path}/{name}")),
                ),
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(errno) => failed.push((path, errno)),
            }
        }
        found = next;
    }
    (found, failed)
}

/// Returns the names of the directories in a directory, escaped and sorted.
fn list(host_root: &Path, path: &str) -> Result<BTreeSet<String>, Errno> {
    let opened = open_directory(host_root, path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut names = BTreeSet::new();
    for entry in Dir::new(openat(opened, ".", flags, Mode::empty())?)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if entry.file_type() == FileType::Directory && name != b"." && name != b".." {
            names.insert(escape(name).into_owned());
        }
        if names.len() > MAX_CONTAINERS {
            return Err(Errno::FBIG);
        }
    }
    Ok(names)
}
