//! A small disk: a tmpfs inside the stage.

use std::fs::OpenOptions;
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};

use crate::stage::Stage;

/// Mount point of a small disk: as programs in the stage see it, and as the test does.
pub struct SmallDisk {
    pub inside: PathBuf,
    pub outside: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of that size (`512k`).
    pub fn mount(stage: &Stage, size: &str) -> Self {
        let inside = stage.directory().join("disk");
        let mount_point = inside.display().to_string();
        stage.run("mkdir", &[&mount_point]);
        stage.run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", &mount_point]);
        Self { outside: stage.outside(&mount_point), inside }
    }

    /// Takes all room that is left at once, with a file that is not part of the case. What is freed
    /// after it is the case's again.
    pub fn fill_up(&self) {
        let path = self.outside.join("somebody-elses");
        let file = OpenOptions::new().create(true).append(true).open(path).expect("a file beside the case");
        loop {
            let volume = fstatvfs(&file).expect("what is free");
            let free_bytes = volume.f_bavail * volume.f_frsize;
            let length = file.metadata().expect("its length").len();
            // Who records may have taken some of it meanwhile.
            if free_bytes == 0 || fallocate(&file, FallocateFlags::empty(), length, free_bytes).is_ok() {
                return;
            }
        }
    }
}
