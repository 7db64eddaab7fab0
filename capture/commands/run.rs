//! `obit-capture run`: records until told to stop.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use obit_case::manifest::CaseCounts;
use obit_case::signing::CaseSigner;
use obit_case::writer::WriterOptions;
use obit_schema::text::{printable, size};
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::cli::{RecordArgs, RunArgs};
use crate::commands::follow::Follower;
use crate::host::case_dirs::CaseDirs;
use crate::host::confine;
use crate::pipeline::{
    MessageOutput, Progress, SegmentPolicy, Session, SessionOptions, SessionReport, SignalHandlers, SizeLimit,
    USER_LIVES_PER_SECOND, WhenFull,
};
use crate::signing::SigningProcess;
use crate::sources::kernel::probe::ProbeOptions;

/// Interval at which the status line is drawn.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);
/// Control sequence that clears the line of the terminal.
const CLEAR_LINE: &str = "\r\x1b[K";

/// Room kept free in the case for its closing report on a full disk, in bytes.
const RESERVE_BYTES: usize = 64 << 10;

/// Least size of a case that drops its oldest segments, in bytes: a few segments must have room,
/// each with a walk of cgroupfs.
const MIN_FLIGHT_BYTES: u64 = 1 << 20;

/// Runs the command.
pub fn run(args: &RunArgs) -> Result<Outcome> {
    let filter = args.filter();
    ensure!(
        args.follow || filter.is_empty(),
        "filters choose the lines of --follow, which is not there; everything is recorded"
    );
    confine::forbid_dumps()?;
    // Before anything that a signal should not cut short.
    let signals = SignalHandlers::register()?;
    let (session, rows) = Session::start(&options(&args.record, args.duration, args.follow)?, signals)?;
    let (progress, messages) = (Arc::clone(&session.progress), Arc::clone(&session.messages));
    let follower =
        args.follow.then(|| Follower::start(rows, args.format, filter, Arc::clone(&progress))).transpose()?;
    wait_until_ready(&session, &args.record);
    let status = !args.record.quiet && !args.follow && io::stderr().is_terminal();
    wait_until_over(&session, args.duration, status);
    if progress.is_full() && !args.record.quiet {
        messages.say("the case has the size that --max-bytes allows: recording ends");
    }
    let mut outcome = session.stop();
    if let Some(follower) = follower {
        outcome.errors.extend(follower.finish().err());
        outcome.tally = progress.tally();
    }
    Ok(report(&outcome, &args.record, &messages))
}

/// Returns the session options of a command line.
pub(super) fn options(args: &RecordArgs, duration: Option<Duration>, follow: bool) -> Result<SessionOptions> {
    let signer = args.sign.as_deref().map(SigningProcess::start).transpose().context("cannot sign the case")?;
    let (size_limit, segments) = size_limit(args)?;
    let mut given = Map::new();
    given.insert("ring_buffer_bytes".into(), args.ring_buffer.into());
    given.insert("sync_interval_ms".into(), json!(args.sync_interval.as_millis() as u64));
    given.insert("clock_interval_ms".into(), json!(args.clock_interval.as_millis() as u64));
    let actor_argv = args.actor_argv.to_possible_value();
    given.insert("actor_argv".into(), actor_argv.map_or(Value::Null, |value| value.get_name().into()));
    given.insert("host_root".into(), args.host_root.to_string_lossy().into());
    let labels = args.labels.clone().unwrap_or_default();
    given.insert("labels".into(), labels.to_string().into());
    let runtimes: Vec<_> = args.runtimes.iter().map(ToString::to_string).collect();
    given.insert("runtimes".into(), runtimes.into());
    given.insert("part_rows".into(), args.part_rows.into());
    given.insert("part_age_ms".into(), json!(args.part_age.as_millis() as u64));
    given.insert("max_bytes".into(), args.max_bytes.into());
    let when_full = args.when_full.to_possible_value();
    given.insert("when_full".into(), when_full.map_or(Value::Null, |value| value.get_name().into()));
    given.insert("max_total_bytes".into(), args.max_total.into());
    given.insert("segment_age_ms".into(), json!(args.segment_age.as_millis() as u64));
    given.insert("signed_by".into(), signer.as_ref().map(SigningProcess::fingerprint).into());
    given.insert("anchor".into(), args.anchor.as_ref().map(|path| path.to_string_lossy().into_owned()).into());
    given.insert("announce".into(), args.announce.as_ref().map(ToString::to_string).into());
    given.insert("duration_ms".into(), duration.map_or(Value::Null, |time| json!(time.as_millis() as u64)));
    Ok(SessionOptions {
        output: args.output.path.clone(),
        older_cases: older_cases(args)?,
        probe: ProbeOptions { ring_buffer_bytes: args.ring_buffer, btf: args.btf.clone() },
        actor_argv: args.actor_argv,
        grace: args.grace,
        follow,
        sync_interval: args.sync_interval,
        clock_interval: args.clock_interval,
        writer: WriterOptions {
            part_rows: args.part_rows,
            part_age: args.part_age,
            reserve_bytes: RESERVE_BYTES,
            signer: signer.map(|process| Arc::new(process) as Arc<dyn CaseSigner>),
        },
        anchor: args.anchor.clone(),
        announce: args.announce.clone().map(|target| (target, args.announce_format)),
        size_limit,
        segments,
        is_confined: true,
        host_root: args.host_root.clone(),
        runtimes: args.runtimes.clone(),
        labels,
        given,
    })
}

/// Returns where older cases are, and how many bytes they may have beside the new one.
fn older_cases(args: &RecordArgs) -> Result<Option<(CaseDirs, u64)>> {
    let Some((most, new)) = args.max_total.zip(args.max_bytes) else { return Ok(None) };
    let dirs = args.output.siblings.clone().context("--max-total needs {time} in the last part of --output")?;
    let left = most.checked_sub(new).context("--max-total must not be less than --max-bytes")?;
    Ok(Some((dirs, left)))
}

/// Returns how large the case may get, and how it is cut.
fn size_limit(args: &RecordArgs) -> Result<(SizeLimit, Option<SegmentPolicy>)> {
    match (args.max_bytes, args.when_full) {
        (None, _) => Ok((SizeLimit::Unbounded, None)),
        (Some(most), WhenFull::Stop) => Ok((SizeLimit::StopAt(most), None)),
        (Some(most), WhenFull::DropOldest) if most < MIN_FLIGHT_BYTES => {
            bail!("--when-full drop-oldest needs --max-bytes of {} or more", size(MIN_FLIGHT_BYTES))
        }
        (Some(most), WhenFull::DropOldest) => {
            Ok((SizeLimit::DropOldest(most), Some(SegmentPolicy { max_age: args.segment_age })))
        }
    }
}

/// Waits until the containers that run already are recorded, and reports it. A signal or a failure
/// ends the wait as well.
pub(super) fn wait_until_ready(session: &Session, args: &RecordArgs) {
    let Session { progress, messages, .. } = session;
    progress.wait_until(None, |progress| progress.is_ready() || progress.is_over());
    if progress.is_ready() && !args.quiet {
        messages.say(&format!("recording to {}", printable(&args.output.path.to_string_lossy())));
    }
}

/// Waits for the end of the duration, a signal, a failure, or until the work is done; draws the
/// status line meanwhile if `has_status`.
pub(super) fn wait_until_over(session: &Session, duration: Option<Duration>, has_status: bool) {
    let Session { progress, messages, .. } = session;
    let end = duration.and_then(|duration| Instant::now().checked_add(duration));
    loop {
        let redraw = has_status.then(|| Instant::now() + STATUS_INTERVAL);
        if progress.wait_until(end.into_iter().chain(redraw).min(), Progress::is_over) {
            return;
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return;
        }
        messages.draw(&format!("{CLEAR_LINE}{}", progress.tally()));
    }
}

/// Prints how the recording went, and waits until that is printed. Returns whether the case is
/// complete.
pub(super) fn report(outcome: &SessionReport, args: &RecordArgs, messages: &MessageOutput) -> Outcome {
    let tally = &outcome.tally;
    if !args.quiet {
        if io::stderr().is_terminal() {
            messages.draw(CLEAR_LINE);
        }
        messages.say(&summary(outcome, args));
    }
    for error in &outcome.errors {
        messages.say(&format!("obit-capture: {}", printable(&format!("{error:#}"))));
    }
    if tally.unprinted > 0 {
        messages.say(&format!(
            "obit-capture: {} lines were not printed: the reader is too slow; the case has them",
            tally.unprinted
        ));
    }
    if let (Some(target), Some(report)) = (&args.announce, outcome.announcements)
        && report.missing > 0
    {
        messages.say(&format!(
            "obit-capture: {} rows were not announced to {}: it is too slow, full or gone; the case has them",
            report.missing,
            printable(&target.to_string())
        ));
    }
    if outcome.summary.is_none() {
        messages.say(&format!(
            "obit-capture: the case was not closed; obit-replay reads what is in it: obit-replay info {}",
            printable(&args.output.path.to_string_lossy())
        ));
    }
    for (user, count) in &outcome.limits.not_followed {
        messages.say(&format!(
            "obit-capture: {count} directories of user {user} that are named like containers were not followed: a user may \
             have 4096 at a time and {USER_LIVES_PER_SECOND} new ones a second, all users together eight times as many; look who \
             runs what makes them"
        ));
    }
    for (user, count) in &outcome.limits.thinned {
        let user = user.map_or_else(|| "other users".to_owned(), |user| format!("user {user}"));
        messages.say(&format!(
            "obit-capture: {count} events of {user} that concern no container were counted and not recorded: a user may have \
             64 KiB of them a second recorded, all users together 256 KiB; look who runs what makes them"
        ));
    }
    messages.finish();
    let has_limits = !outcome.limits.not_followed.is_empty() || !outcome.limits.thinned.is_empty();
    let is_complete = outcome.errors.is_empty() && tally.lost == 0 && !has_limits;
    if is_complete { Outcome::Complete } else { Outcome::Incomplete }
}

fn summary(outcome: &SessionReport, args: &RecordArgs) -> String {
    let tally = &outcome.tally;
    let parts = outcome.summary.as_ref().map_or(tally.parts, |summary| summary.parts.len() as u64);
    format!(
        "{}: {} events ({} mkdir, {} rmdir, {} populated, {} empty, {} others), {} lost\n\
         containers: {} there before, {} created, {} exited, {} removed\n\
         {} in {parts} parts",
        printable(&args.output.path.to_string_lossy()),
        tally.events(),
        tally.mkdir,
        tally.rmdir,
        tally.populated,
        tally.empty,
        tally.others,
        tally.lost,
        tally.existing,
        tally.created,
        tally.exited,
        tally.removed,
        size(tally.bytes),
    ) + &outcome.summary.as_ref().map_or_else(String::new, |summary| health(&summary.counts))
}

/// Returns a line about what was cut, refused or late without being lost.
fn health(counts: &CaseCounts) -> String {
    let of = |name: &str| counts.outcomes.get(name).copied().unwrap_or_default();
    let (all, cut): (u64, u64) = (counts.outcomes.values().sum(), counts.truncated.values().sum());
    let (ok, not_found, timeout) = (of("ok"), of("not_found"), of("timeout"));
    let others = all - ok - not_found - timeout;
    format!(
        "\n{cut} paths or arguments cut to fit; {all} files read and questions to daemons: {ok} answered, {not_found} \
         about what was gone already, {timeout} without an answer in time, {others} refused or left out"
    )
}
