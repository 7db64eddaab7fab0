//! The bounds on what a daemon may cost.

use std::time::Duration;

/// Longest wait for one answer.
pub const CALL_LIMIT: Duration = Duration::from_secs(2);
/// Longest wait for an answer that only completes another one.
pub const EXTRA_LIMIT: Duration = Duration::from_secs(1);
/// Largest answer about one container.
pub const DOCUMENT_BYTES: usize = 1 << 20;
/// Largest list of containers: about 2 KiB for each.
pub const LIST_BYTES: usize = 16 << 20;
/// Containers taken from a list.
pub const MAX_LISTED: usize = 4_096;
/// Questions that may wait for one daemon.
pub const QUEUE: usize = 1_024;
/// Longest that a question may wait before it is given up. A daemon that hangs takes its questions
/// with it, not the memory for them, and what is true of a container later is no longer true of it
/// then.
pub const WAIT_LIMIT: Duration = Duration::from_secs(10);
/// Pauses before a container that was not found, or had not started, is asked about again, where
/// the daemon learns of it later than the kernel and does not tell by itself. Within the grace that
/// a row has by default.
pub const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];
/// Pause before a container that has ended is asked about once more. By then a daemon that learnt
/// of the end says so; within the grace that a row has by default.
pub const AFTER_END: Duration = Duration::from_millis(1_200);
/// Time after which a container that runs, and that no cgroup has shown, has none. By then the
/// kernel's events of it are handled.
pub const NO_CGROUP_WAIT: Duration = Duration::from_secs(3);
/// Longest time of an answer that says whether the container runs now; a later one says what was.
pub const FRESH: Duration = Duration::from_millis(500);
/// Questions that one daemon is asked at once.
pub const AT_ONCE: usize = 8;
/// Interval at which a daemon is asked whether it still answers.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// First and longest wait before a daemon is connected to again.
pub const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// A daemon that was there this long was not flapping.
pub const STEADY: Duration = Duration::from_secs(10);
/// Interval at which the host's processes are looked through for daemons, and shortest one if a
/// container shows that one is unknown.
pub const PROCESSES_INTERVAL: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(4));
/// Interval at which sockets are looked for.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// Events a second that are taken from one daemon over a longer time. What comes faster waits in
/// its socket.
pub const EVENTS_PER_S: u32 = 500;
/// Events taken at once.
pub const EVENT_BURST: u32 = 2_000;
/// Records that may wait for the sequencer.
pub const OUTBOX: usize = 1_024;
/// Longest that the end of a capture waits for the records that are still on their way.
pub const STOP_LIMIT: Duration = Duration::from_millis(500);
