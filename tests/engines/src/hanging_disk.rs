//! A file system that never answers, as a network's whose server is gone.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use rustix::io::{FdFlags, fcntl_setfd};

use crate::stage::Stage;

/// Mount point inside the stage below which every access hangs, until this is dropped.
pub struct HangingDisk {
    /// Path of the mount point inside the stage.
    pub inside: PathBuf,
    /// Connection of a FUSE file system that nobody serves. Once it is closed, all accesses fail.
    _connection: File,
}

impl HangingDisk {
    /// Mounts it.
    pub fn mount(stage: &Stage) -> Self {
        let inside = stage.directory().join("hanging");
        std::fs::create_dir(&inside).expect("a mount point");
        let connection = File::options().read(true).write(true).open("/dev/fuse").expect("FUSE");
        // `mount` inherits it, and nobody else.
        fcntl_setfd(&connection, FdFlags::empty()).expect("an open file");
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", connection.as_raw_fd());
        stage.run("mount", &["-i", "-t", "fuse", "-o", &options, "hanging", &inside.display().to_string()]);
        fcntl_setfd(&connection, FdFlags::CLOEXEC).expect("an open file");
        Self { inside, _connection: connection }
    }
}
