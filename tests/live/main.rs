//! Records real containers of real engines, and compares the rows with what was started.
//!
//! Needs root and the engines; `make test` installs them. One test runs at a time, whatever the
//! number of threads ([`obit_test_engines::require_root`]): a capture sees the cgroup events of
//! every test on the host. Namespaces and limits change in child processes only, so all tests can
//! share this process.

mod support;

mod announce;
mod attacks;
mod burst;
mod container;
mod cri;
mod daemon_faults;
mod daemon_process;
mod daemons;
mod death;
mod evidence;
mod faults;
mod flight;
mod follow;
mod hangs;
mod hosts;
mod inventory;
mod loss;
mod lxc;
mod many;
mod names;
mod orders;
mod runtimes;
mod self_report;
mod signing;
mod sources;
mod truth;
mod usage;
mod v2;
