//! Names of signals, by their numbers on all architectures but alpha, mips, parisc and sparc
//! (signal(7)).

use alloc::borrow::Cow;
use alloc::format;

/// Hang-up of a terminal.
pub const SIGHUP: u32 = 1;
/// Interrupt from a keyboard.
pub const SIGINT: u32 = 2;
/// Quit from a keyboard.
pub const SIGQUIT: u32 = 3;
/// Kill, which cannot be caught.
pub const SIGKILL: u32 = 9;
/// The usual request to end.
pub const SIGTERM: u32 = 15;

/// SIGRTMIN, as the C library numbers it.
const FIRST_REALTIME: u32 = 34;
/// SIGRTMAX.
const LAST: u32 = 64;

/// Returns `SIGTERM` for 15, and so on; `signal 32` for a number without a name.
pub fn signal_name(signal: u32) -> Cow<'static, str> {
    Cow::Borrowed(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        16 => "SIGSTKFLT",
        17 => "SIGCHLD",
        18 => "SIGCONT",
        19 => "SIGSTOP",
        20 => "SIGTSTP",
        21 => "SIGTTIN",
        22 => "SIGTTOU",
        23 => "SIGURG",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        26 => "SIGVTALRM",
        27 => "SIGPROF",
        28 => "SIGWINCH",
        29 => "SIGIO",
        30 => "SIGPWR",
        31 => "SIGSYS",
        // By the numbers of the C library, which keeps the first two to itself.
        34 => "SIGRTMIN",
        35..=64 => return Cow::Owned(format!("SIGRTMIN+{}", signal - 34)),
        _ => return Cow::Owned(format!("signal {signal}")),
    })
}

/// Returns the number of a signal as engines write it: a number, or a name with or without `SIG`.
/// Returns `None` if there is no such signal.
pub fn signal_number(text: &str) -> Option<u32> {
    if let Ok(number) = text.parse() {
        return Some(number).filter(|number| (1..=LAST).contains(number));
    }
    let bare = text.strip_prefix("SIG").unwrap_or(text);
    if let Some(below) = bare.strip_prefix("RTMAX") {
        let below =
            if below.is_empty() { Some(0) } else { below.strip_prefix('-').and_then(|below| below.parse().ok()) };
        return below.and_then(|below| LAST.checked_sub(below)).filter(|number| *number >= FIRST_REALTIME);
    }
    (1..=LAST).find(|signal| signal_name(*signal).strip_prefix("SIG") == Some(bare))
}
