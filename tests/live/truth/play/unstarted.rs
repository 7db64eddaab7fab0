//! Stories of containers whose program is never executed.

use super::super::driver::Program;
use super::super::life::{EndTruth, Life, Presence, Span};
use super::super::plan::StartFailure;
use super::Player;

impl Player<'_> {
    pub(super) fn start_fails(&self, failure: StartFailure) -> Vec<Life> {
        let mut plan = self.plan("");
        match failure {
            StartFailure::NoProgram => plan.program = Program::Missing,
            StartFailure::IsDirectory => plan.program = Program::Directory,
            StartFailure::BadMount => plan.has_bad_mount = true,
            StartFailure::Hook(hook) => plan.failing_hook = Some(hook),
        }
        let engine = self.engine;
        let (created, (id, result)) = Span::of(|| {
            if engine.keeps_stopped() {
                let id = engine.create(&plan);
                let result = engine.start(&id);
                (id, result)
            } else {
                (plan.name.clone(), engine.run(&plan).map(drop))
            }
        });
        // The runtime does not wait for a hook that its init runs.
        assert!(result.is_err() || failure == StartFailure::Hook("startContainer"), "a start that must fail");
        self.stage.cgroups.own(&id);
        let mut life = self.unstarted(id, created, EndTruth::without_program(&["start_failed"]));
        if result.is_ok() {
            engine.wait(&life.id);
        }
        life.ended = life.created.until_now();
        // The runtime has undone its work, or leaves that to the user.
        if engine.removes_directories_at_exit() {
            engine.delete(&life.id);
        } else {
            engine.delete_by_force(&life.id);
        }
        self.stage.cgroups.wait_until_gone(&life.id);
        life.removed = life.created.until_now();
        vec![life]
    }

    pub(super) fn unstarted(&self, id: String, created: Span, end: EndTruth) -> Life {
        let engine = self.engine;
        let name = engine.name_in_rows(&self.name(""));
        Life {
            scene: self.scene,
            role: "never executed",
            runtime: engine.runtime(),
            oci_runtime: engine.oci_runtime(),
            id,
            made_as: name.clone(),
            first_name: name.clone(),
            name,
            image: engine.image(),
            pid: None,
            restart_count: None,
            parent: None,
            is_started: false,
            created,
            made: created.from,
            end,
            ended: created.until_now(),
            removed: created.until_now(),
            innocents: Vec::new(),
            signals: None,
            // Whether the runtime made a cgroup before it failed is its own affair.
            exit_row: Presence::May,
            remove_row: Presence::May,
            create_row: Presence::May,
        }
    }

    pub(super) fn never_started(&self) -> Vec<Life> {
        let (created, id) = Span::of(|| self.engine.create(&self.plan("")));
        self.stage.cgroups.own(&id);
        let mut life = self.unstarted(id, created, EndTruth::without_program(&["never_started"]));
        let has_cgroup = !self.stage.cgroups.find(&life.id).is_empty();
        self.engine.delete_by_force(&life.id);
        self.stage.cgroups.wait_until_gone(&life.id);
        life.removed = life.created.until_now();
        life.ended = life.removed;
        let presence = if has_cgroup { Presence::Must } else { Presence::Never };
        (life.create_row, life.remove_row) = (presence, presence);
        if !has_cgroup {
            life.exit_row = Presence::Never;
        }
        vec![life]
    }
}
