//! The process that asks daemons.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustix::stdio::dup2_stdout;
use tokio::runtime::Builder;

use super::message::{AskerFacts, PACKET_BYTES, QueryBatch, Report, ReportedRecord, ServiceMessage};
use super::processes::configurations;
use super::service::{self, Delivery};
use super::{DaemonOptions, SocketPaths};
use crate::Outcome;
use crate::host::{confine, helper_process};

/// Name of the hidden command that is the process.
pub const COMMAND: &str = "ask-daemons";

/// Batches of questions that may wait within the process. More wait in the socket.
const BATCHES: usize = 16;

/// Runs the hidden command: asks daemons what comes over the socket that is standard output, and
/// tells what they say, until the other end is closed.
///
/// # Errors
/// The channel is none, or the process cannot give up what it does not need.
pub fn run(options: DaemonOptions) -> Result<Outcome> {
    confine::forbid_dumps()?;
    helper_process::outlive_signals()?;
    let socket = take_standard_output().context("cannot take over standard output")?;
    let configurations = configurations(&options.host_root);
    let confinement = confine::confine_to_daemons(&options.host_root, &configurations)?;
    let ready = ServiceMessage::Ready(AskerFacts { pid: std::process::id(), confinement });
    socket.send(&serde_json::to_vec(&ready)?).context("cannot answer")?;
    socket.set_nonblocking(true).context("cannot use the socket")?;
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start tokio")?;
    runtime.block_on(serve(options, socket))?;
    // What still hangs in a file system is left behind.
    runtime.shutdown_background();
    Ok(Outcome::Complete)
}

/// Takes the socket that is standard output, and leaves nothing there.
pub fn take_standard_output() -> io::Result<UnixDatagram> {
    let socket: OwnedFd = io::stdout().as_fd().try_clone_to_owned()?;
    dup2_stdout(std::fs::File::options().write(true).open("/dev/null")?)?;
    Ok(socket.into())
}

async fn serve(options: DaemonOptions, socket: UnixDatagram) -> Result<()> {
    let socket = Arc::new(tokio::net::UnixDatagram::from_std(socket).context("cannot use the socket")?);
    let (announced, queries) = tokio::sync::mpsc::channel(BATCHES);
    let incoming = Arc::clone(&socket);
    let stop = async move {
        let mut packet = vec![0; PACKET_BYTES];
        // An end of the stream, or anything else than questions, is the end.
        while let Some(batch) = read_batch(&incoming, &mut packet).await {
            if announced.send(batch).await.is_err() {
                return;
            }
        }
    };
    let places = SocketPaths { host_root: options.host_root, choices: options.choices };
    service::serve(places, options.labels, queries, stop, move |outgoing| send(Arc::clone(&socket), outgoing)).await;
    Ok(())
}

async fn read_batch(socket: &tokio::net::UnixDatagram, packet: &mut [u8]) -> Option<QueryBatch> {
    let length = socket.recv(packet).await.ok()?;
    serde_json::from_slice(packet.get(..length)?).ok()
}

/// Sends records, and then which batches are done, in as few packets as hold them. Returns false if
/// nobody is there to read them.
async fn send(socket: Arc<tokio::net::UnixDatagram>, outgoing: Delivery) -> bool {
    for packet in packets(outgoing) {
        if socket.send(&packet).await.is_err() {
            return false;
        }
    }
    true
}

fn packets(Delivery { records, done }: Delivery) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let records = records.into_iter().map(ReportedRecord::new).collect();
    fill(&mut packets, records, done);
    packets
}

/// Adds packets with these records; those that do not fit into one are halved.
fn fill(packets: &mut Vec<Vec<u8>>, mut records: Vec<ReportedRecord>, done: Vec<u64>) {
    let report = ServiceMessage::Report(Report { records, done });
    let packet = serde_json::to_vec(&report).unwrap_or_default();
    if packet.len() <= PACKET_BYTES {
        packets.push(packet);
        return;
    }
    let ServiceMessage::Report(Report { records: all, done }) = report else { return };
    records = all;
    if let [one] = records.as_mut_slice() {
        one.shorten();
        let report = ServiceMessage::Report(Report { records, done });
        packets.extend(serde_json::to_vec(&report).ok().filter(|packet| packet.len() <= PACKET_BYTES));
    } else if !records.is_empty() {
        let rest = records.split_off(records.len() / 2);
        fill(packets, records, Vec::new());
        fill(packets, rest, done);
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::record::{Outcome, RuntimeAnswer, Source};

    use super::*;
    use crate::sources::answer::{DOCUMENT_BYTES, RuntimeRecord, Stamped};

    #[test]
    fn packets_are_bounded_and_keep_the_order() {
        let record = |number: usize| {
            let mut answer = RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok);
            answer.container_id = Some(number.to_string().into());
            // The worst case: every byte takes six.
            let document = Some("\u{1}".repeat(DOCUMENT_BYTES * (number % 3) / 2));
            Stamped::now(RuntimeRecord::new(answer, "request".into(), std::time::Duration::ZERO, document))
        };
        let outgoing = Delivery { records: (0..100).map(record).collect(), done: vec![7, 8] };
        let packets = packets(outgoing);
        let mut ids = Vec::new();
        for (packet, place) in packets.iter().zip(1..) {
            assert!(packet.len() <= PACKET_BYTES);
            let ServiceMessage::Report(report) = serde_json::from_slice(packet).unwrap() else { panic!("a report") };
            assert_eq!(report.done, if place == packets.len() { vec![7, 8] } else { vec![] });
            let now = crate::host::clock::ClockPair::read();
            ids.extend(
                report.records.into_iter().map(|one| one.admit(now).unwrap().record.answer.container_id.unwrap()),
            );
        }
        assert_eq!(ids, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
