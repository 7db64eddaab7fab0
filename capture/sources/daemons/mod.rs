//! The runtime daemons: who a container is, and what happened to it, in their words.
//!
//! Daemons are asked when the derivation announces a container, and tell of events by themselves.
//! All of it is a claim that comes late or never: nothing in the capture waits for it. Everything a
//! daemon decides is bounded ([`limits`]): how long it takes, how much it says, how often. That it
//! is not there, hangs or talks nonsense is a record.
//!
//! What daemons say is parsed by a process that has nothing else: no BPF map, no file of the case,
//! no key. [`process`] starts it and listens to it, [`queries`] asks it, in the recorder;
//! [`message`] is what both say. [`program`] is the process: [`service`] is its work, [`daemon`]
//! one daemon, [`client`] speaks the interfaces over [`http`] and [`grpc`]. [`supervisor`] is its
//! parent, which starts it again.

mod cache;
mod client;
mod daemon;
mod debounce;
mod event_gate;
mod failure;
mod grpc;
mod http;
mod kind;
mod labels;
mod limits;
mod message;
mod process;
mod processes;
mod products;
mod program;
mod queries;
mod query;
mod report;
mod service;
mod sockets;
mod supervisor;
mod value_form;

use std::path::PathBuf;

use self::sockets::SocketPaths;

pub use self::client::ImageStore;
pub use self::kind::RuntimeChoice;
pub use self::labels::LabelPolicy;
pub use self::message::AskerFacts;
pub use self::process::{AskerEvent, DaemonAsker, DaemonClients};
pub use self::processes::{DaemonProcess, daemon_processes, on_host};
pub use self::products::{DaemonProduct, PRODUCTS, ProductFacts};
pub use self::program::run;
pub use self::queries::DaemonQueries;
pub use self::sockets::{SocketOwner, UnaskedReason, sockets_of, unasked_reason};
pub use self::supervisor::run as supervise;

/// The options of the clients.
#[derive(Clone, Debug)]
pub struct DaemonOptions {
    /// The root directory of the host's file system.
    pub host_root: PathBuf,
    /// Daemons to ask, beside or instead of those found.
    pub choices: Vec<RuntimeChoice>,
    /// Labels to keep.
    pub labels: LabelPolicy,
}

impl DaemonOptions {
    /// Returns true if no daemon is to be asked at all.
    fn is_off(&self) -> bool {
        SocketPaths { host_root: self.host_root.clone(), choices: self.choices.clone() }.is_off()
    }
}
