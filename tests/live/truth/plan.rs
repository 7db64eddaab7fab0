//! Plans: from a seed, a list of scenes. Each scene is played by one engine and has one container
//! life or a few.

use std::fmt::{self, Display, Formatter};

/// Engine that plays a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineName {
    /// runc by hand.
    Runc,
    /// crun by hand. Refuses hybrid hosts.
    Crun,
    /// docker.
    Docker,
    /// containerd by `ctr`.
    Containerd,
    /// podman.
    Podman,
}

/// What happens to a container before its end, and must not be taken for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distraction {
    /// A process that the engine starts in the container ends with this code.
    ExecExits(u8),
    /// A child of init ends with this code.
    ChildExits(u8),
    /// A process of the host that was put into the container's cgroups ends with this code.
    StrangerExits(u8),
    /// The first process of a pid namespace that init makes ends with this code.
    NestedPidNamespace(u8),
    /// A process outside sends this signal so many times; init handles it and goes on.
    HandledSignal(i32, u32),
    /// A process outside sends this signal, which init ignores.
    IgnoredSignal(i32),
    /// Long ago a process outside sent SIGTERM, which init handled.
    OlderOrder,
    /// Init calls itself by another name.
    OtherName,
}

impl Distraction {
    /// Returns the number of signals that init is sent.
    pub fn signals(self) -> u32 {
        match self {
            Self::HandledSignal(_, count) => count,
            Self::IgnoredSignal(_) | Self::OlderOrder => 1,
            _ => 0,
        }
    }

    /// Returns true if it asks the container to end: it sends the signal that it is stopped with.
    pub fn is_order(self, end: End) -> bool {
        matches!((self, end), (Self::HandledSignal(sent, _), End::EngineStopHandled(stop, _)) if sent == stop)
    }
}

/// Call by which a process outside sends a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendCall {
    Kill,
    Queue,
    Tkill,
    Pidfd,
}

/// End of a container's init.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Exits by itself.
    Exit(u8),
    /// The first thread ends; a later one exits with this code.
    ThreadExit(u8),
    /// A fault of its own: SIGSEGV or SIGILL.
    Fault(i32),
    /// Sends itself a signal. Needs the host's pid namespace: the kernel spares pid 1 of another.
    Raise(i32),
    /// A process of the host sends a signal that ends init.
    Outside(i32, SendCall),
    /// A process of the host sends a signal; init's handler exits with a code.
    OutsideHandled(i32, u8),
    /// A child of init sends a signal; init's handler exits with a code.
    ChildSignals(i32, u8),
    /// A process that the engine starts in the container sends a signal; init's handler exits with a
    /// code.
    ExecSignals(i32, u8),
    /// A process in another container of the engine sends SIGKILL.
    Neighbour,
    /// The engine is told to send a signal, which ends init.
    EngineKill(i32),
    /// The engine is told to send a signal; init's handler exits with a code.
    EngineKillHandled(i32, u8),
    /// The engine is told to stop the container, whose init ignores SIGTERM. docker and podman.
    EngineStop,
    /// The engine is told to stop a container whose image names this signal to stop with; init's
    /// handler exits with a code. docker and podman.
    EngineStopHandled(i32, u8),
    /// The engine is told to send SIGKILL while the container is paused. docker.
    EngineKillPaused,
    /// The engine is told to remove the container while it runs.
    EngineRemove,
    /// Init takes more memory than its cgroup may have.
    OutOfMemory,
    /// A child of init does; then init exits with a code.
    ChildOutOfMemory(u8),
    /// A timer of its own sends init SIGTERM. Needs the host's pid namespace.
    Timer,
    /// A timer of its own sends init SIGTERM, whose handler exits with a code.
    TimerHandled(u8),
    /// A process of the host kills it by ptrace.
    TraceKill,
    /// Init reboots (false) or powers off (true) its pid namespace.
    Reboot(bool),
    /// A process of the host writes to `cgroup.kill`. Needs v2.
    CgroupKill,
}

/// Why a container's program is never executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFailure {
    /// The program does not exist.
    NoProgram,
    /// The program is a directory.
    IsDirectory,
    /// A mount of the bundle has no source. runc and crun.
    BadMount,
    /// A hook of the bundle fails: `prestart`, `createRuntime` or `startContainer`. runc and crun.
    Hook(&'static str),
}

/// Story of one container, or of two that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// One container with one life.
    Single { host_pids: bool, distraction: Option<Distraction>, end: End },
    /// A container that is started again; of runc and crun: another one of the same id.
    Again { first: End, second: End },
    /// As `Again`, while a process of somebody else keeps the first life's v2 directory.
    KeptDirectory { first: End, second: End },
    /// Two containers at once with one `linux.cgroupsPath`. runc.
    SharedCgroup { first: u8, second: u8 },
    /// A container that ended and is never deleted: its directory stays to the end of the capture.
    NeverDeleted { end: End },
    /// Init is moved to another cgroup, then ends.
    MovedInit { end: End },
    /// A container whose cgroup lies below another one's, and which ends first.
    Nested { inner: End, outer: u8 },
    /// A container whose program is never executed.
    StartFails(StartFailure),
    /// A container that is created, never started, and deleted.
    NeverStarted,
    /// A second container in the pid namespace of the first, which is killed by the engine.
    JoinedPids,
    /// docker and podman: created by one name, renamed, started, renamed, ended.
    Renamed { end: End },
    /// The engine's restart policy starts it this many times again.
    CrashLoop { code: u8, restarts: u32 },
    /// The engine is told this many times to restart it. docker and podman.
    Restarted { times: u32 },
    /// An id is used for one image, then for another one. containerd.
    OtherImage { first: End, second: End },
    /// An id that runc would refuse. crun.
    OddId { end: End },
    /// The runtime's arguments are longer than a kilobyte. runc and crun.
    LongCommand { end: End },
    /// As `Nested`, but on v2 both are in the outer one's directory. runc, on a hybrid host.
    NestedOnV1 { inner: End, outer: u8 },
    /// Below another container's directory, which ends first and cannot be removed then. docker.
    InsideAnother { inner: u8 },
    /// Two containers of one id and one cgroup, in two state directories. runc.
    SameIdElsewhere { first: u8, second: u8 },
    /// One id in this engine and in runc, at the same time. containerd.
    Namesakes { first: End, second: End },
    /// Its directory on v2 is removed while it runs on. On a hybrid host.
    LosesV2Directory { end: End },
    /// Somebody types Ctrl-C on its terminal; init's handler exits with a code. runc and docker.
    ControlC { code: u8 },
    /// As `ControlC`, in the host's pid namespace and without a handler.
    ControlCByDefault,
    /// In the host's pid namespace: a child of init is still there when init ends.
    Outlived { code: u8, child: u8 },
    /// Its monitor is killed before it ends, so that nobody cleans up. podman.
    Unmonitored { end: End },
    /// No container: a directory on v1 that is given the name of one, and removed.
    RenamedDirectory,
}

/// One scene of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Position in the plan.
    pub number: usize,
    pub engine: EngineName,
    pub story: Story,
}

impl Scene {
    /// Returns the number of lives that the scene has.
    pub fn lives(&self) -> usize {
        match self.story {
            Story::Single { end: End::Neighbour, .. }
            | Story::Again { .. }
            | Story::KeptDirectory { .. }
            | Story::SharedCgroup { .. }
            | Story::Nested { .. }
            | Story::NestedOnV1 { .. }
            | Story::InsideAnother { .. }
            | Story::SameIdElsewhere { .. }
            | Story::Namesakes { .. }
            | Story::OtherImage { .. }
            | Story::JoinedPids => 2,
            Story::CrashLoop { restarts: again, .. } | Story::Restarted { times: again } => 1 + again as usize,
            Story::RenamedDirectory => 0,
            _ => 1,
        }
    }
}

impl Story {
    /// Returns true if a life of the story has the directory of another.
    pub fn shares_directory(&self) -> bool {
        matches!(self, Self::KeptDirectory { .. } | Self::SharedCgroup { .. } | Self::SameIdElsewhere { .. })
    }

    /// Returns true if processes of others stay in a directory of a life that has exited, so that
    /// no walk shows the exit.
    pub fn leaves_others(&self) -> bool {
        self.shares_directory() || matches!(self, Self::InsideAnother { .. })
    }
}

impl Display for Scene {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "scene {} {:?} {:?}", self.number, self.engine, self.story)
    }
}

/// Parts of a host that decide which scenes can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostTraits {
    /// Only the v2 tree is mounted.
    pub is_v2_only: bool,
    /// Only v1 trees are mounted.
    pub is_v1_only: bool,
    /// A memory limit can be set.
    pub has_memory_limit: bool,
}

/// Makes a plan with at least so many lives: first each special story once by each engine that can
/// play it, as far as the lives suffice, then random ones.
pub fn make(seed: u64, lives: usize, engines: &[EngineName], host: HostTraits) -> Vec<Scene> {
    let mut random = Random(seed);
    let mut stories = Vec::new();
    for kind in 0..SPECIAL_STORIES {
        for &engine in engines {
            stories.extend(random.special_story(kind, engine, host).map(|story| (engine, story)));
        }
    }
    // In no order of their kinds, so that a short plan has some of each.
    for at in (1..stories.len()).rev() {
        stories.swap(at, usize::try_from(random.below(at as u64 + 1)).expect("an index"));
    }
    let (mut scenes, mut planned) = (Vec::new(), 0);
    while planned < lives {
        let (engine, story) = stories.pop().unwrap_or_else(|| {
            let engine = random.pick(engines);
            (engine, random.story(engine, host))
        });
        let scene = Scene { number: scenes.len(), engine, story };
        planned += scene.lives();
        scenes.push(scene);
    }
    scenes
}

/// Number of kinds of stories that not every container has.
const SPECIAL_STORIES: u64 = 24;

/// Numbers that follow from a seed: splitmix64.
pub struct Random(pub u64);

const TERM: i32 = libc::SIGTERM;
const ENDING_SIGNALS: [i32; 6] = [TERM, libc::SIGKILL, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGKILL];

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn is_one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).expect("an index")]
    }

    fn code(&mut self) -> u8 {
        // Codes that look like a shell's word for a signal are the ones to be told apart.
        let special = [0, 1, 125, 126, 127, 129, 130, 137, 139, 143, 255];
        if self.is_one_in(2) { self.pick(&special) } else { u8::try_from(self.below(256)).expect("below 256") }
    }

    fn story(&mut self, engine: EngineName, host: HostTraits) -> Story {
        if self.is_one_in(2) {
            let host_pids = self.is_one_in(3);
            let distraction = self.is_one_in(2).then(|| self.distraction());
            return Story::Single { host_pids, distraction, end: self.end(engine, host, host_pids) };
        }
        loop {
            let kind = self.below(SPECIAL_STORIES);
            if let Some(story) = self.special_story(kind, engine, host) {
                return story;
            }
        }
    }

    /// Returns a story that is not every container's, if this engine and host can have it.
    fn special_story(&mut self, kind: u64, engine: EngineName, host: HostTraits) -> Option<Story> {
        use EngineName::{Containerd, Crun, Docker, Podman, Runc};
        let is_hybrid = !host.is_v2_only && !host.is_v1_only;
        let has_names = matches!(engine, Docker | Podman);
        let by_hand = matches!(engine, Runc | Crun);
        Some(match kind {
            0 => Story::Again { first: self.end(engine, host, false), second: self.end(engine, host, false) },
            1 => Story::NeverDeleted { end: self.quiet_end() },
            2 | 3 => Story::StartFails(self.start_failure(by_hand)),
            4 => Story::NeverStarted,
            5 => Story::MovedInit { end: self.quiet_end() },
            6 if engine == Runc => Story::SharedCgroup { first: self.code(), second: self.code() },
            7 if by_hand => Story::Nested { inner: self.quiet_end(), outer: self.code() },
            // crun kills whatever is in a container's directory when it deletes the container.
            8 if engine != Crun && !host.is_v1_only => {
                Story::KeptDirectory { first: self.quiet_end(), second: self.quiet_end() }
            }
            9 if has_names => Story::Renamed { end: self.quiet_end() },
            10 if engine == Docker => {
                let restarts = self.pick(&[2, 2, 5]);
                Story::CrashLoop { code: self.code().max(1), restarts }
            }
            11 if engine == Docker => Story::JoinedPids,
            12 if has_names => Story::Restarted { times: 3 },
            13 if engine == Containerd => Story::OtherImage { first: self.quiet_end(), second: self.quiet_end() },
            14 if engine == Crun => Story::OddId { end: self.quiet_end() },
            15 if by_hand => Story::LongCommand { end: self.quiet_end() },
            16 if engine == Runc && is_hybrid => Story::NestedOnV1 { inner: self.quiet_end(), outer: self.code() },
            16 if engine == Docker => Story::InsideAnother { inner: self.code() },
            17 if engine == Runc => Story::SameIdElsewhere { first: self.code(), second: self.code() },
            17 if engine == Containerd => Story::Namesakes { first: self.quiet_end(), second: self.quiet_end() },
            18 if is_hybrid => Story::LosesV2Directory { end: self.quiet_end() },
            19 if !host.is_v2_only => Story::RenamedDirectory,
            20 if matches!(engine, Runc | Docker) => Story::ControlC { code: self.code() },
            21 if matches!(engine, Runc | Docker) => Story::ControlCByDefault,
            23 => Story::Outlived { code: self.code(), child: self.code() },
            22 if engine == Podman => Story::Unmonitored { end: End::Exit(self.code()) },
            _ => return None,
        })
    }

    fn start_failure(&mut self, by_hand: bool) -> StartFailure {
        match self.below(5) {
            0 if by_hand => StartFailure::BadMount,
            1 | 2 if by_hand => StartFailure::Hook(self.pick(&["prestart", "createRuntime", "startContainer"])),
            3 => StartFailure::IsDirectory,
            _ => StartFailure::NoProgram,
        }
    }

    fn distraction(&mut self) -> Distraction {
        match self.below(15) {
            13 | 14 => Distraction::StrangerExits(self.code()),
            0 | 6 | 7 => Distraction::ExecExits(self.code()),
            1 | 8 => Distraction::ChildExits(self.code()),
            2 | 9 => Distraction::NestedPidNamespace(self.code()),
            3 | 10 => {
                let signal = self.pick(&[libc::SIGUSR1, libc::SIGUSR2, libc::SIGHUP]);
                let count = self.pick(&[1, 3, 60]);
                Distraction::HandledSignal(signal, count)
            }
            4 | 11 => Distraction::IgnoredSignal(self.pick(&[TERM, libc::SIGINT, libc::SIGHUP])),
            5 => Distraction::OlderOrder,
            _ => Distraction::OtherName,
        }
    }

    /// An end that any container can have.
    fn quiet_end(&mut self) -> End {
        match self.below(4) {
            0 | 1 => End::Exit(self.code()),
            2 => End::Outside(libc::SIGKILL, SendCall::Kill),
            _ => End::EngineKill(libc::SIGKILL),
        }
    }

    fn end(&mut self, engine: EngineName, host: HostTraits, host_pids: bool) -> End {
        loop {
            let end = match self.below(22) {
                0 | 1 => End::Exit(self.code()),
                2 => End::ThreadExit(self.code()),
                3 => End::Fault(self.pick(&[libc::SIGSEGV, libc::SIGILL])),
                4 if host_pids => End::Raise(self.pick(&[TERM, libc::SIGKILL, libc::SIGABRT, libc::SIGUSR1])),
                5 => {
                    // Pid 1 of a namespace has no default action but for SIGKILL from outside.
                    let signal = if host_pids { self.pick(&ENDING_SIGNALS) } else { libc::SIGKILL };
                    End::Outside(
                        signal,
                        self.pick(&[SendCall::Kill, SendCall::Queue, SendCall::Tkill, SendCall::Pidfd]),
                    )
                }
                6 => End::OutsideHandled(self.pick(&[TERM, libc::SIGINT, libc::SIGQUIT]), self.code()),
                7 => End::ChildSignals(TERM, self.code()),
                21 => End::ExecSignals(TERM, self.code()),
                8 => End::Neighbour,
                9 => End::EngineKill(if host_pids { self.pick(&ENDING_SIGNALS) } else { libc::SIGKILL }),
                10 => End::EngineKillHandled(TERM, self.code()),
                11 if matches!(engine, EngineName::Docker | EngineName::Podman) => End::EngineStop,
                19 if matches!(engine, EngineName::Docker | EngineName::Podman) => End::EngineStopHandled(
                    self.pick(&[TERM, libc::SIGUSR1, libc::SIGWINCH, libc::SIGQUIT]),
                    self.code(),
                ),
                20 if engine == EngineName::Docker => End::EngineKillPaused,
                12 => End::EngineRemove,
                13 if host.has_memory_limit => End::OutOfMemory,
                14 if host.has_memory_limit => End::ChildOutOfMemory(self.code()),
                15 if host_pids => End::Timer,
                15 => End::TimerHandled(self.code()),
                16 => End::TraceKill,
                17 if !host_pids => End::Reboot(self.is_one_in(2)),
                18 if host.is_v2_only => End::CgroupKill,
                _ => continue,
            };
            return end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EngineName, HostTraits, Scene, make};

    const HOST: HostTraits = HostTraits { is_v2_only: false, is_v1_only: false, has_memory_limit: true };
    const ENGINES: [EngineName; 4] = [EngineName::Runc, EngineName::Docker, EngineName::Containerd, EngineName::Podman];

    fn text(plan: &[Scene]) -> String {
        plan.iter().map(|scene| format!("{scene}\n")).collect()
    }

    #[test]
    fn a_plan_follows_from_its_seed() {
        assert_eq!(text(&make(7, 300, &ENGINES, HOST)), text(&make(7, 300, &ENGINES, HOST)));
        assert_ne!(text(&make(7, 300, &ENGINES, HOST)), text(&make(8, 300, &ENGINES, HOST)));
    }

    #[test]
    fn a_plan_has_the_lives_that_were_asked_for() {
        for seed in 0..20 {
            let lives: usize = make(seed, 300, &ENGINES, HOST).iter().map(Scene::lives).sum();
            assert!((300..310).contains(&lives), "{lives} lives");
        }
    }
}
