//! Names of signals, by their numbers on all architectures but alpha, mips, parisc and sparc (signal(7)).

use alloc::borrow::Cow;
use alloc::format;

/// Interrupt from a keyboard.
pub const SIGINT: u32 = 2;
/// Quit from a keyboard.
pub const SIGQUIT: u32 = 3;
/// Cannot be caught.
pub const SIGKILL: u32 = 9;
/// The usual request to end.
pub const SIGTERM: u32 = 15;

/// `SIGTERM` for 15, and so on; `signal 32` for one without a name.
pub fn name(signal: u32) -> Cow<'static, str> {
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
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        26 => "SIGVTALRM",
        27 => "SIGPROF",
        29 => "SIGIO",
        30 => "SIGPWR",
        31 => "SIGSYS",
        // As the C library numbers them, which keeps the first two to itself.
        34 => "SIGRTMIN",
        35..=64 => return Cow::Owned(format!("SIGRTMIN+{}", signal - 34)),
        _ => return Cow::Owned(format!("signal {signal}")),
    })
}
