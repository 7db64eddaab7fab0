//! A small disk: a tmpfs inside the stage.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

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

    /// Fills every page that is left with a file that is not part of the case.
    pub fn fill_up(&self) {
        let file = OpenOptions::new().create(true).append(true).open(self.outside.join("somebody-elses"));
        let mut file = file.expect("a file beside the case");
        while file.write_all(&[7; 4096]).is_ok() {}
    }
}
