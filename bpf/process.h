/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Events of the first process of a container: its entry, the program that it executes, its exit, the
 * signals that may have ended it, the OOM killer. A part of obit.bpf.c, which includes it.
 *
 * The program chooses the processes that are recorded from the task alone: a table of known
 * containers, filled by user space, would always be too late for one that lives 10 ms. A process is
 * recorded if
 * - it is the first one of a pid namespace that is not the host's, or
 * - its parent has other cgroups than the process itself. That is true of a container's first
 *   process, which a runtime puts into its cgroup while the parent stays outside, also where it
 *   shares the host's pid namespace. It is true of a service of systemd and of a command that is
 *   run in a container from outside, too, and those are few. It is not true of what a container
 *   starts itself: a build that makes 5,000 processes a second makes no record.
 */

/* Scratch memory of an event. The kernel does not enter a program again on the same processor. */
struct obit_process_scratch {
	struct obit_event event;
	struct obit_process process;
	/* The arguments, and the path directly behind them. */
	char text[4 * OBIT_ARGV_BYTES];
};

_Static_assert(__builtin_offsetof(struct obit_process_scratch, text) ==
		       sizeof(struct obit_event) + sizeof(struct obit_process),
	       "written together");

enum obit_process_program {
	ON_EXIT = 0,
	ON_SIGNAL = 1,
	ON_OOM = 2,
	ON_EXEC = 3,
	ON_ATTACH = 4,
	PROCESS_PROGRAMS = 5,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROCESS_PROGRAMS);
	__type(key, __u32);
	__type(value, struct obit_process_scratch);
} process_scratch SEC(".maps");

/* SIGNAL_GROUP_EXIT of include/linux/sched/signal.h: group_exit_code is the whole process's. */
#define SIGNAL_GROUP_EXIT 4

/* SEND_SIG_NOINFO and SEND_SIG_PRIV of include/linux/sched/signal.h stand where a pointer would. */
#define NO_INFO 0
#define KERNEL_INFO 1
#define SI_USER 0
#define SI_KERNEL 0x80

#define BIT(number) (1ULL << (number))
/*
 * HUP INT QUIT ILL TRAP ABRT BUS FPE KILL SEGV TERM XCPU XFSZ SYS, by their numbers on all
 * architectures but alpha, mips, parisc and sparc: those that engines stop containers with, and
 * those that dump core.
 */
#define FATAL                                                                                                        \
	(BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(11) | BIT(15) | BIT(24) | \
	 BIT(25) | BIT(31))

/* CGRP_FROZEN of include/linux/cgroup-defs.h: this bit of cgroup.flags. */
#define V2_FROZEN BIT(3)
/*
 * CGROUP_FREEZING of kernel/cgroup/legacy_freezer.c: freezing was requested here or above. The
 * kernel notes that all tasks have stopped only when somebody reads freezer.state. Neither has a
 * tracepoint.
 */
#define V1_FREEZING (BIT(1) | BIT(2))

/* PF_EXITING and PF_KTHREAD of include/linux/sched.h: bits of task_struct.flags. */
#define TASK_EXITING 0x4
#define TASK_OF_KERNEL 0x200000

/* The highest signal, SIGRTMAX. */
#define MAX_SIGNAL 64
#define SIGCHLD 17
/*
 * si_code of kill(), sigqueue() and tkill(): a task sent the signal by a call. Timers and the
 * kernel have other codes.
 */
#define SI_QUEUE (-1)
#define SI_TKILL (-6)

/* Most levels of cgroups above an OOM victim that are read. */
#define MAX_LEVELS 16
/* The kernel takes memory from a limit in batches of up to this many pages (MEMCG_CHARGE_BATCH). */
#define CHARGE_BATCH 64

/* Returns the process's number in the pid namespace at that level. */
static __always_inline __u32 number_at(const struct pid *pid, __u32 level)
{
	__u32 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return number;
}

/*
 * Returns the signal that the kernel reports for the first process of the pid namespace at that
 * level in place of its own status, or 0. Since reboot() in a pid namespace ends that process
 * (reboot_pid_ns()), zap_pid_ns_processes() puts the signal into the status, after the tracepoint.
 */
static __always_inline __u32 reboot_signal(const struct pid *pid, __u32 level)
{
	struct pid_namespace *namespace = 0;

	bpf_probe_read_kernel(&namespace, sizeof(namespace),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, ns));
	return namespace ? BPF_CORE_READ(namespace, reboot) : 0;
}

static __always_inline int is_reaper(const struct pid *pid, __u32 level)
{
	return level > 0 && number_at(pid, level) == 1;
}

static __always_inline int load_is_recorded(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	return leader->cgroups != leader->real_parent->cgroups ||
	       is_reaper(leader->thread_pid, leader->thread_pid->level);
}

static __always_inline int probe_is_recorded(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct pid *pid;

	if (BPF_CORE_READ(leader, cgroups) != BPF_CORE_READ(leader, real_parent, cgroups))
		return 1;
	pid = BPF_CORE_READ(leader, thread_pid);
	return is_reaper(pid, BPF_CORE_READ(pid, level));
}

static __always_inline int is_frozen(const struct css_set *cgroups, const struct cgroup *on_v2)
{
	struct cgroup_subsys_state *css = CSS(ACCESS_PROBE_READ, cgroups, freezer_cgrp_id);
	struct freezer *freezer = 0;

	if (css && bpf_core_field_exists(freezer->state)) {
		freezer = (void *)css - bpf_core_field_offset(struct freezer, css);
		if (BPF_CORE_READ(freezer, state) & V1_FREEZING)
			return 1;
	}
	return (BPF_CORE_READ(on_v2, flags) & V2_FROZEN) != 0;
}

/*
 * Reads the target and its cgroups. Few events get here, so all of this is read by calls.
 *
 * A container may have a directory on v2, on the v1 trees, or on both, and a task is somewhere on
 * each tree. So the record has the task's cgroup on v2 and on one v1 tree.
 */
static __always_inline void read_target(struct obit_event *event, struct obit_process *process, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct css_set *cgroups = BPF_CORE_READ(leader, cgroups);
	struct css_set *parent_cgroups = BPF_CORE_READ(leader, real_parent, cgroups);
	struct task_struct *actor = (struct task_struct *)bpf_get_current_task();
	struct css_set *actor_cgroups = BPF_CORE_READ(actor, cgroups);
	struct cgroup *cgrp = BPF_CORE_READ(cgroups, dfl_cgrp);
	struct cgroup_subsys_state *css, *parent_css, *actor_css;
	__u32 actor_flags = BPF_CORE_READ(actor, flags);

	probe_cgroup(event, cgrp);
	event->present = 0;
	__builtin_memset(process, 0, sizeof(*process));
	process->start_ns = BPF_CORE_READ(leader, start_boottime);
	process->pid = number_at(pid, 0);
	process->pid_inside = number_at(pid, level);
	process->ppid = BPF_CORE_READ(leader, real_parent, tgid);
	bpf_core_read(process->comm, OBIT_COMM_BYTES, &leader->comm);
	if (is_reaper(pid, level))
		process->flags |= OBIT_REAPER;
	if (is_frozen(cgroups, cgrp))
		process->flags |= OBIT_TARGET_FROZEN;
	if (BPF_CORE_READ(task, signal, oom_mm))
		process->flags |= OBIT_OOM_VICTIM;
	if (actor_flags & TASK_OF_KERNEL)
		process->flags |= OBIT_ACTOR_KERNEL_THREAD;
	if (actor_flags & TASK_EXITING)
		process->flags |= OBIT_ACTOR_EXITING;
	if (BPF_CORE_READ(task, ptrace) && BPF_CORE_READ(task, parent) == actor)
		process->flags |= OBIT_ACTOR_TRACES;
	process->parent_cgroup_id = BPF_CORE_READ(parent_cgroups, dfl_cgrp, kn, id);

#pragma unroll
	for (int choice = 0; choice < 4; choice++) {
		if (choice == 0) {
			css = CSS(ACCESS_PROBE_READ, cgroups, memory_cgrp_id);
			parent_css = CSS(ACCESS_PROBE_READ, parent_cgroups, memory_cgrp_id);
			actor_css = CSS(ACCESS_PROBE_READ, actor_cgroups, memory_cgrp_id);
		} else if (choice == 1) {
			css = CSS(ACCESS_PROBE_READ, cgroups, pids_cgrp_id);
			parent_css = CSS(ACCESS_PROBE_READ, parent_cgroups, pids_cgrp_id);
			actor_css = CSS(ACCESS_PROBE_READ, actor_cgroups, pids_cgrp_id);
		} else if (choice == 2) {
			css = CSS(ACCESS_PROBE_READ, cgroups, cpu_cgrp_id);
			parent_css = CSS(ACCESS_PROBE_READ, parent_cgroups, cpu_cgrp_id);
			actor_css = CSS(ACCESS_PROBE_READ, actor_cgroups, cpu_cgrp_id);
		} else {
			css = CSS(ACCESS_PROBE_READ, cgroups, cpuset_cgrp_id);
			parent_css = CSS(ACCESS_PROBE_READ, parent_cgroups, cpuset_cgrp_id);
			actor_css = CSS(ACCESS_PROBE_READ, actor_cgroups, cpuset_cgrp_id);
		}
		if (!css)
			continue;
		cgrp = BPF_CORE_READ(css, cgroup);
		process->v1_hierarchy_id = BPF_CORE_READ(cgrp, root, hierarchy_id);
		if (process->v1_hierarchy_id) {
			process->v1_cgroup_id = BPF_CORE_READ(cgrp, kn, id);
			process->parent_v1_cgroup_id = BPF_CORE_READ(parent_css, cgroup, kn, id);
			process->actor_v1_cgroup_id = BPF_CORE_READ(actor_css, cgroup, kn, id);
			break;
		}
	}
}

static __always_inline void read_loginuid(struct obit_process *process)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (bpf_core_field_exists(task->loginuid)) {
		process->loginuid = BPF_CORE_READ(task, loginuid.val);
		process->flags |= OBIT_HAS_LOGINUID;
	}
}

/*
 * Reads the ancestors, up to the first process of the host: its parent is the kernel's idle task.
 */
static __always_inline void read_ancestors(struct obit_process *process)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

#pragma unroll
	for (int number = 0; number < OBIT_ANCESTORS; number++) {
		struct obit_ancestor *ancestor = &process->ancestors[number];

		task = BPF_CORE_READ(task, real_parent, group_leader);
		ancestor->pid = BPF_CORE_READ(task, tgid);
		if (!ancestor->pid)
			return;
		ancestor->start_ns = BPF_CORE_READ(task, start_boottime);
		ancestor->uid = BPF_CORE_READ(task, real_cred, uid.val);
		bpf_core_read(ancestor->comm, OBIT_COMM_BYTES, &task->comm);
	}
}

/*
 * Writes the record. `arguments` and `path` may be NULL: then the record has none.
 */
static __always_inline void emit_process(struct obit_process_scratch *scratch, __u32 kind,
					 const struct argument_area *arguments, const char *path)
{
	__u64 argv_bytes = 0, path_bytes = 0;
	__u8 flags = 0;

	if (arguments)
		argv_bytes = read_argv(scratch->text, arguments, &flags);
	BOUND(argv_bytes, 2 * OBIT_ARGV_BYTES - 1);
	if (path)
		path_bytes = read_path(scratch->text, argv_bytes, path, &flags);
	scratch->event.path_bytes = path_bytes;
	scratch->event.argv_bytes = argv_bytes;
	scratch->event.flags = flags;
	emit(kind, scratch, sizeof(scratch->event) + sizeof(scratch->process) + argv_bytes + path_bytes, sizeof(*scratch));
}

/*
 * Records that a process executes a program: of a container's first process, that the container has
 * started. What a runtime executes in the container's cgroup on the way there, itself again, it
 * executes in its own mount namespace; the container's program is executed in another one.
 */
static __always_inline int record_exec(enum access_mode access, struct task_struct *task)
{
	__u32 program = ON_EXEC;
	struct obit_process_scratch *scratch;
	struct argument_area arguments = {};

	if (!(access == ACCESS_LOAD ? load_is_recorded(task) : probe_is_recorded(task)))
		return 0;
	if (BPF_CORE_READ(task, nsproxy, mnt_ns) == BPF_CORE_READ(task, real_parent, nsproxy, mnt_ns))
		return 0;
	scratch = bpf_map_lookup_elem(&process_scratch, &program);
	if (!scratch)
		return 0;
	record_actor(access, &scratch->event, OBIT_EXEC, &arguments);
	read_target(&scratch->event, &scratch->process, task);
	/* What a container's program is told is the container's own affair, and may be secret. */
	emit_process(scratch, OBIT_EXEC, 0, 0);
	return 0;
}

/*
 * Records that a process was put into a cgroup, on v2 and on the v1 tree that read_target() chooses:
 * a runtime does it on each tree.
 */
static __always_inline int record_attach(enum access_mode access, struct cgroup *cgrp, const char *path,
					 struct task_struct *task, int threadgroup)
{
	__u32 program = ON_ATTACH;
	struct obit_process_scratch *scratch;
	struct argument_area arguments = {};
	struct obit_process *process;
	__u32 hierarchy_id;

	/* A thread that moves alone leaves its process where it is. */
	if (!threadgroup)
		return 0;
	scratch = bpf_map_lookup_elem(&process_scratch, &program);
	if (!scratch)
		return 0;
	process = &scratch->process;
	read_target(&scratch->event, process, task);
	hierarchy_id = BPF_CORE_READ(cgrp, root, hierarchy_id);
	if (hierarchy_id && hierarchy_id != process->v1_hierarchy_id)
		return 0;
	probe_cgroup(&scratch->event, cgrp);
	record_actor(access, &scratch->event, OBIT_ATTACH, &arguments);
	emit_process(scratch, OBIT_ATTACH, &arguments, path);
	return 0;
}

/*
 * Records the exit of a process, which is that of its last thread. `live` is lowered before the
 * tracepoint (do_exit()).
 */
static __always_inline int record_exit(enum access_mode access, struct task_struct *task)
{
	__u32 program = ON_EXIT;
	struct signal_struct *signal;
	struct task_struct *leader;
	struct obit_process_scratch *scratch;
	struct argument_area arguments = {};
	struct obit_process *process;

	if (access == ACCESS_LOAD) {
		if (task->signal->live.counter || !(load_is_recorded(task) || task->signal->oom_mm))
			return 0;
	} else {
		if (BPF_CORE_READ(task, signal, live.counter) ||
		    !(probe_is_recorded(task) || BPF_CORE_READ(task, signal, oom_mm)))
			return 0;
	}
	scratch = bpf_map_lookup_elem(&process_scratch, &program);
	if (!scratch)
		return 0;
	process = &scratch->process;
	record_actor(access, &scratch->event, OBIT_EXIT, &arguments);
	read_target(&scratch->event, process, task);
	signal = BPF_CORE_READ(task, signal);
	leader = BPF_CORE_READ(task, group_leader);
	/* The status that wait_task_zombie() gives. */
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		process->status = BPF_CORE_READ(signal, group_exit_code);
	else
		process->status = BPF_CORE_READ(leader, exit_code);
	if (process->flags & OBIT_REAPER) {
		struct pid *pid = BPF_CORE_READ(leader, thread_pid);
		__u32 reboot = reboot_signal(pid, BPF_CORE_READ(pid, level));

		if (reboot) {
			process->status = reboot;
			process->flags |= OBIT_REBOOTED;
		}
	}
	/* On most kernels its memory, and with it the arguments, is gone already. */
	emit_process(scratch, OBIT_EXIT, 0, 0);
	return 0;
}

/*
 * Returns true if a task with other cgroups sent the signal by a call. Only then is a signal
 * recorded that ends nothing by itself, since an image may name it as the one to stop its
 * containers with (WINCH, USR1, RTMIN+3). Nearly all others are sent by a container's own
 * processes, its terminal and its timers.
 */
static __always_inline int is_from_outside(__u64 from, struct task_struct *task)
{
	struct task_struct *sender = (struct task_struct *)bpf_get_current_task();
	int code;

	if (from == NO_INFO || from == KERNEL_INFO)
		return 0;
	code = BPF_CORE_READ((struct kernel_siginfo *)from, si_code);
	return (code == SI_USER || code == SI_QUEUE || code == SI_TKILL) &&
	       BPF_CORE_READ(sender, cgroups) != BPF_CORE_READ(task, group_leader, cgroups);
}

/*
 * Records a signal. `info` points to the tracepoint's argument, which is a pointer or a small
 * number. With tp_btf the verifier assumes that a pointer is never NULL, so the argument is read as
 * a number.
 */
static __always_inline int record_signal(enum access_mode access, int number, const unsigned long long *info,
					 struct task_struct *task, int group, int result)
{
	__u64 from = 0;
	__u32 program = ON_SIGNAL;
	struct obit_process_scratch *scratch;
	struct argument_area arguments = {};
	struct obit_process *process;

	/* Nearly all signals are SIGCHLD and the like. */
	if (number < 1 || number > MAX_SIGNAL || number == SIGCHLD)
		return 0;
	if (!(access == ACCESS_LOAD ? load_is_recorded(task) : probe_is_recorded(task)))
		return 0;
	read_word(&from, info);
	if (!(number < 32 && (FATAL & BIT(number))) && !is_from_outside(from, task))
		return 0;
	scratch = bpf_map_lookup_elem(&process_scratch, &program);
	if (!scratch)
		return 0;
	process = &scratch->process;
	record_actor(access, &scratch->event, OBIT_SIGNAL, &arguments);
	read_target(&scratch->event, process, task);
	read_loginuid(process);
	read_ancestors(process);
	process->signal = number;
	process->result = result;
	if (group)
		process->flags |= OBIT_TO_GROUP;
	if (from == NO_INFO) {
		process->flags |= OBIT_NO_INFO;
		process->signal_code = SI_USER;
	} else if (from == KERNEL_INFO) {
		process->flags |= OBIT_KERNEL;
		process->signal_code = SI_KERNEL;
	} else {
		process->signal_code = BPF_CORE_READ((struct kernel_siginfo *)from, si_code);
	}
	emit_process(scratch, OBIT_SIGNAL, &arguments, 0);
	return 0;
}

/*
 * Reads a counter of resident pages. A macro, since CO-RE finds an element's offset only if its
 * number is a constant.
 */
#define RSS(mm, number)                                                                                              \
	({                                                                                                           \
		struct mm_struct___before_6_2 *older = (void *)mm;                                                   \
		__s64 value;                                                                                         \
		if (bpf_core_field_exists(older->rss_stat.count))                                                    \
			value = BPF_CORE_READ(older, rss_stat.count[number].counter);                                \
		else                                                                                                 \
			value = BPF_CORE_READ(mm, rss_stat[number].count);                                           \
		/* Processors count first, so the sum may lag behind, and be below zero. */                          \
		value > 0 ? value : 0;                                                                               \
	})

/* Reads the victim's resident pages: MM_FILEPAGES, MM_ANONPAGES and MM_SHMEMPAGES. */
static __always_inline void read_memory(struct obit_process *process, struct mm_struct *mm)
{
	process->memory = RSS(mm, 0) + RSS(mm, 1) + RSS(mm, 3);
	process->flags |= OBIT_HAS_MEMORY;
}

static __always_inline int is_full(struct page_counter *counter)
{
	long usage = BPF_CORE_READ(counter, usage.counter);

	return usage > 0 && (unsigned long)usage + CHARGE_BATCH >= BPF_CORE_READ(counter, max);
}

/*
 * Finds the limit that was reached: that of the lowest cgroup above the victim that had an OOM
 * event of its own and is full. The tracepoint does not tell. While it fires the memory that was
 * asked for has not been freed, so a limit that was reached is still reached. If none is, the
 * host's own memory ran out.
 */
static __always_inline void read_limit(struct obit_process *process, struct css_set *cgroups)
{
	struct cgroup_subsys_state *css = CSS(ACCESS_PROBE_READ, cgroups, memory_cgrp_id);

	if (!css)
		return;
	for (int level = 0; level < MAX_LEVELS; level++) {
		struct cgroup_subsys_state *parent = BPF_CORE_READ(css, parent);
		struct mem_cgroup *memcg = (void *)css - bpf_core_field_offset(struct mem_cgroup, css);
		struct cgroup *cgrp = BPF_CORE_READ(css, cgroup);
		__u32 hierarchy_id = BPF_CORE_READ(cgrp, root, hierarchy_id);
		__u64 ooms = 1;

		/* The root of the hierarchy has no limit. */
		if (!parent) {
			process->flags |= OBIT_LIMIT_KNOWN;
			return;
		}
		if (bpf_core_field_exists(memcg->memory_events_local) &&
		    bpf_core_enum_value_exists(enum memcg_memory_event, MEMCG_OOM)) {
			__u64 index = bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM);

			read_word(&ooms, (void *)memcg + bpf_core_field_offset(memcg->memory_events_local) +
						 index * sizeof(atomic_long_t));
		}
		if (ooms && (is_full(&memcg->memory) ||
			     (hierarchy_id && bpf_core_field_exists(memcg->memsw) && is_full(&memcg->memsw)))) {
			process->limit_hierarchy_id = hierarchy_id;
			process->limit_cgroup_id = BPF_CORE_READ(cgrp, kn, id);
			process->limit_level = BPF_CORE_READ(cgrp, level);
			process->flags |= OBIT_LIMIT_KNOWN;
			return;
		}
		css = parent;
	}
}

/*
 * Records a victim of the OOM killer, whatever process it is. Kernels before 6.8 (and before the
 * releases of older ones that took this over) give a number and no task: there the record of the
 * victim's exit says that the OOM killer had chosen it.
 */
static __always_inline int record_oom(enum access_mode access, struct task_struct *task)
{
	__u32 program = ON_OOM;
	struct obit_process_scratch *scratch;
	struct argument_area arguments = {};
	struct css_set *cgroups;
	struct obit_process *process;
	struct mm_struct *mm;

	if (!bpf_core_field_exists(struct trace_event_raw_mark_victim, __data_loc_comm))
		return 0;
	scratch = bpf_map_lookup_elem(&process_scratch, &program);
	if (!scratch)
		return 0;
	process = &scratch->process;
	record_actor(access, &scratch->event, OBIT_OOM, &arguments);
	read_target(&scratch->event, process, task);
	mm = BPF_CORE_READ(task, signal, oom_mm);
	if (mm)
		read_memory(process, mm);
	cgroups = BPF_CORE_READ(task, cgroups);
	read_limit(process, cgroups);
	emit_process(scratch, OBIT_OOM, &arguments, 0);
	return 0;
}
