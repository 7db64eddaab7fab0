//! `obit-capture demo`: records a small workload of its own.

mod cgroups;
mod layout;

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use anyhow::{Context, Result, anyhow};
use obit_schema::text::printable;

use self::cgroups::DemoCgroups;
use crate::Outcome;
use crate::cli::DemoArgs;
use crate::commands::run;
use crate::host::confine;
use crate::pipeline::{Session, SessionOptions, SignalHandlers};

/// Runs the command.
pub fn run(args: &DemoArgs) -> Result<Outcome> {
    confine::forbid_dumps()?;
    let signals = SignalHandlers::register()?;
    let cgroups = DemoCgroups::claim()?;
    let hierarchies = cgroups.hierarchies();
    // This process makes the workload, so it may not give up its rights.
    let options = SessionOptions { is_confined: false, ..run::options(&args.record, None, false)? };
    let (session, rows) = Session::start(&options, signals)?;
    drop(rows);
    run::wait_until_ready(&session, &args.record);

    let cancelled = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&cancelled);
    let done = Arc::clone(&session.progress);
    let workload = thread::Builder::new()
        .name("obit-demo".into())
        .spawn(move || {
            let made = work(cgroups, &seen);
            done.set_done();
            made
        })
        .context("cannot start a thread")?;
    run::wait_until_over(&session, None, false);
    cancelled.store(true, Relaxed);
    let made = workload.join().map_err(|_| anyhow!("the demo's workload ended unexpectedly"))?;

    let messages = Arc::clone(&session.messages);
    let finished = session.stop();
    let made = made?;
    if !args.record.quiet {
        messages.say(&format!("made and removed on {hierarchies} hierarchies, besides plain directories:"));
        for engine in &made {
            messages.say(&format!("  a container of {engine}"));
        }
    }
    let outcome = run::report(&finished, &args.record, &messages);
    if !args.record.quiet {
        let case = args.record.output.path.display().to_string();
        let case = printable(&case);
        messages.say(&format!("what to try next:\n  obit-replay derive {case}\n  obit-replay verify {case}"));
        messages.finish();
    }
    Ok(outcome)
}

/// Makes each container, puts a process into it, and removes both. Returns the engines imitated.
fn work(mut cgroups: DemoCgroups, cancelled: &AtomicBool) -> Result<Vec<&'static str>> {
    let mut made = Vec::new();
    for plain in layout::PLAIN {
        cgroups.make(plain)?;
    }
    for container in layout::containers() {
        if cancelled.load(Relaxed) {
            break;
        }
        for helper in &container.helpers {
            cgroups.make(helper)?;
        }
        cgroups.make(&container.root)?;
        let occupant = OccupantProcess::start()?;
        let mut home = container.root.clone();
        for below in &container.inside {
            home = format!("{}/{below}", container.root);
            cgroups.make(&home)?;
        }
        cgroups.enter(&home, occupant.pid())?;
        drop(occupant);
        for below in container.inside.iter().rev() {
            cgroups.remove(&format!("{}/{below}", container.root))?;
        }
        cgroups.remove(&container.root)?;
        for helper in &container.helpers {
            cgroups.remove(helper)?;
        }
        made.push(container.engine);
    }
    for plain in layout::PLAIN {
        cgroups.remove(plain)?;
    }
    Ok(made)
}

/// A process that waits inside a demo container.
struct OccupantProcess(Child);

impl OccupantProcess {
    fn start() -> Result<Self> {
        // The path of this program may lead to another file by now.
        let child = Command::new("/proc/self/exe")
            .arg("demo-occupant")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start a process for a demo container")?;
        Ok(Self(child))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for OccupantProcess {
    fn drop(&mut self) {
        // The process ends with its standard input. `wait` returns once it has left its cgroups.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Runs the hidden command `demo-occupant`: waits until standard input ends.
pub fn occupy() -> Result<Outcome> {
    io::stdin().read_to_end(&mut Vec::new()).context("cannot wait on standard input")?;
    Ok(Outcome::Complete)
}
