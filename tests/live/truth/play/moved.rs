//! Stories of cgroup directories that change under a container.

use std::fs;

use super::super::life::Life;
use super::super::plan::End;
use super::super::trees;
use super::Player;

impl Player<'_> {
    pub(super) fn moved_init(&self, end: End) -> Vec<Life> {
        let mut actor = self.run(&self.plan_for("", end));
        let elsewhere = self.name("-elsewhere");
        trees::move_away(self.stage, actor.init.pid, &elsewhere);
        let mut life = self.end("its init was moved away", &mut actor, end);
        self.finish(&mut life, end);
        life.removed.from = life.created.from;
        vec![life]
    }

    /// The container's directory on v2 is removed by hand while it runs on in those on v1.
    pub(super) fn loses_v2_directory(&self, end: End) -> Vec<Life> {
        let mut actor = self.run(&self.plan_for("", end));
        trees::leave_v2_directory(self.stage, actor.init.pid, &trees::v2_root(self.stage));
        let mut life = self.end("without its v2 directory", &mut actor, end);
        self.finish(&mut life, end);
        vec![life]
    }

    /// A directory on v1 gets the name of a container, and goes. No life.
    pub(super) fn renamed_directory(&self) -> Vec<Life> {
        let top = self.name("-plain");
        self.stage.cgroups.own(&top);
        let id = format!("{:016x}", 0xfeed_0000_0000_0000 + self.scene.number as u64).repeat(4);
        for tree in trees::v1_roots(self.stage) {
            let top = tree.join(&top);
            fs::create_dir(&top).expect("a plain directory");
            fs::create_dir(top.join("x")).expect("a plain directory");
            fs::rename(top.join("x"), top.join(&id)).expect("renaming a v1 directory");
            fs::remove_dir(top.join(&id)).expect("removing a plain directory");
            fs::remove_dir(&top).expect("removing a plain directory");
        }
        Vec::new()
    }
}
