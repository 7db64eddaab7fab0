// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Records the kernel's cgroup life-cycle tracepoints, on every hierarchy. The program filters
 * nothing and interprets nothing: user space does that, which can be tested without a kernel.
 * Events of tasks are in process.h; those are filtered, since there are too many.
 *
 * The kernel fires the cgroup tracepoints with one global lock held (trace_cgroup_path_lock,
 * TRACE_CGROUP_PATH of kernel/cgroup/cgroup-internal.h). So no two of their programs run at one
 * time, on any processor, and the order of their records in the ring buffer is the order of the
 * events. The programs of process.h run at any time; the records of one task, and those of a cause
 * and its effect, are in the right order all the same.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "wire.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

_Static_assert(sizeof(struct obit_event) == 112, "the event has no holes, see wire.h");
_Static_assert(__builtin_offsetof(struct obit_event, cpu) == 5 * 8, "five 64-bit values");
_Static_assert(__builtin_offsetof(struct obit_event, kind) == 5 * 8 + 9 * 4, "nine 32-bit values");
_Static_assert(sizeof(struct obit_usage) == 11 * 8, "eleven 64-bit values");
_Static_assert(sizeof(struct obit_process) == 120 + OBIT_ANCESTORS * 32, "the process has no holes, see wire.h");
_Static_assert(sizeof(struct obit_count) == 16, "two counters");
_Static_assert(sizeof(enum obit_kind) == 1 && sizeof(enum obit_process_flag) == 4, "the sizes of the fields");
_Static_assert((OBIT_PATH_BYTES & (OBIT_PATH_BYTES - 1)) == 0, "used as a mask");
_Static_assert((OBIT_ARGV_BYTES & (OBIT_ARGV_BYTES - 1)) == 0, "used as a mask");

/*
 * Bytes in the ring buffer above which user space is woken; below that it comes by its own timer.
 */
const volatile __u64 wakeup_bytes = 256 * 1024;

/*
 * Not zero if user space sleeps without a timer and the next event of a cgroup is to wake it: set
 * by user space, cleared here. It is the only variable in .bss, which has pages of its own: nothing
 * that changes with each event shares its cache line.
 */
volatile __u64 wakeup_wanted;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	/* User space sets the size before it loads the program. */
	__uint(max_entries, 16 * 1024 * 1024);
} events SEC(".maps");

/*
 * The ways to read the kernel's structures. With tp_btf the verifier knows the pointers' types, and
 * plain loads follow them. Elsewhere each step is a call of a helper, 10 to 35 ns, and the calls
 * take half of a program's time.
 */
enum access_mode {
	ACCESS_LOAD,
	ACCESS_PROBE_READ,
	/* The kernel's structures are unknown and not read, see no_btf.h. */
	ACCESS_FORMAT,
};

/*
 * The argument area of a process: its user addresses and its owner. After an exec the same task has
 * another area.
 */
struct argument_area {
	__u64 start;
	__u64 end;
	__u64 task_started; /* 0: not known */
	__u64 execs;
};

/* The last copy of an argument area. */
struct argument_cache {
	struct argument_area area;
	__u64 copied_ns;
	__u64 bytes;
	__u32 tid;
};

/*
 * Scratch memory in which an event is put together. An event is too large for the stack, and a
 * reservation in the ring buffer must have a constant size, which would take 2 KB for each event
 * where 200 bytes do.
 *
 * The lock named at the top keeps two programs from sharing scratch memory, and irqs are off while
 * it is held. With PREEMPT_RT the holder can be preempted, but no other task can take the lock.
 * Each program and processor has memory of its own all the same, so that nothing depends on the
 * lock covering more than one tracepoint.
 */
struct obit_cgroup_scratch {
	/* These two come first, so that the part that is used lies in one page, or two. */
	struct obit_usage usage;
	/* The owner of the arguments in `text`: they need not be copied again. */
	struct argument_cache arguments;
	struct obit_event event;
	/*
	 * The arguments, the path directly behind them, and the usage if there is any. Larger than
	 * all together, so that the verifier's coarse bounds fit. Written to the ring buffer
	 * together with the event.
	 */
	char text[4 * OBIT_ARGV_BYTES];
};

_Static_assert(__builtin_offsetof(struct obit_cgroup_scratch, text) ==
		       __builtin_offsetof(struct obit_cgroup_scratch, event) + sizeof(struct obit_event),
	       "written together");
_Static_assert(sizeof(struct obit_event) % 8 == 0, "the usage is at a multiple of eight of the text and of the record");
_Static_assert(OBIT_ARGV_BYTES + OBIT_PATH_BYTES + 8 + sizeof(struct obit_usage) <= 4 * OBIT_ARGV_BYTES, "all fit");

enum obit_program {
	ON_MKDIR = 0,
	ON_RMDIR = 1,
	ON_NOTIFY_POPULATED = 2,
	ON_FREEZE = 3,
	ON_UNFREEZE = 4,
	ON_NOTIFY_FROZEN = 5,
	ON_RENAME = 6,
	CGROUP_PROGRAMS = 7,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CGROUP_PROGRAMS);
	__type(key, __u32);
	__type(value, struct obit_cgroup_scratch);
} cgroup_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OBIT_KINDS);
	__type(key, __u32);
	__type(value, struct obit_count);
} counts SEC(".maps");

/*
 * Keeps the compiler from dropping, as needless, a bound that the verifier of an old kernel cannot
 * see.
 */
#define BOUND(value, mask) asm volatile("%0 &= %1" : "+r"(value) : "i"(mask))

static __always_inline int read_word(void *to, const void *from)
{
	return bpf_probe_read_kernel(to, sizeof(__u64), from) == 0;
}

/*
 * Returns the state of a controller in a cgroup, or in a task's css_set. NULL: the controller is
 * not built in, or not on this cgroup's hierarchy, or not enabled here.
 */
#define CSS(access, owner, controller)                                                                                \
	({                                                                                                           \
		struct cgroup_subsys_state *css = 0;                                                                 \
		if (bpf_core_enum_value_exists(enum cgroup_subsys_id, controller)) {                                 \
			__u64 index = bpf_core_enum_value(enum cgroup_subsys_id, controller);                        \
			void *slot = (void *)owner + bpf_core_field_offset(owner->subsys) + index * sizeof(void *);  \
			if (access == ACCESS_LOAD)                                                                       \
				css = *(struct cgroup_subsys_state **)slot;                                          \
			else                                                                                         \
				read_word(&css, slot);                                                               \
		}                                                                                                    \
		css;                                                                                                 \
	})

#include "usage.h"

/*
 * Reads what the kernel still accounts to the cgroup. At a removal the controllers' states are
 * marked dead but not yet taken from the cgroup: a worker does that later, under the cgroup_mutex
 * that is held here.
 */
static __always_inline void read_counters(enum access_mode access, struct obit_cgroup_scratch *scratch, __u32 kind, struct cgroup *cgrp)
{
	struct obit_event *event = &scratch->event;
	struct obit_usage *usage = &scratch->usage;
	__u8 present = 0;
	void *css = CSS(access, cgrp, memory_cgrp_id);

	if (css) {
		struct mem_cgroup *memcg = css - bpf_core_field_offset(struct mem_cgroup, css);

		if (bpf_core_field_exists(memcg->memory.usage) && read_word(&usage->memory_usage, &memcg->memory.usage))
			present |= OBIT_HAS_MEMORY_USAGE;
		if (bpf_core_field_exists(memcg->memory.watermark) &&
		    read_word(&usage->memory_watermark, &memcg->memory.watermark))
			present |= OBIT_HAS_MEMORY_WATERMARK;
		/*
		 * v2 counts those of the cgroups below too, v1 those of this cgroup alone
		 * (memcg_memory_event()).
		 */
		if (bpf_core_field_exists(memcg->memory_events) &&
		    bpf_core_enum_value_exists(enum memcg_memory_event, MEMCG_OOM_KILL)) {
			void *counts = (void *)memcg + bpf_core_field_offset(memcg->memory_events);
			__u64 ooms = bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM);
			__u64 kills = bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM_KILL);

			if (read_word(&usage->ooms, counts + ooms * sizeof(atomic_long_t)) &&
			    read_word(&usage->oom_kills, counts + kills * sizeof(atomic_long_t)))
				present |= OBIT_HAS_OOMS;
		}
	}

	css = CSS(access, cgrp, pids_cgrp_id);
	if (css) {
		struct pids_cgroup *pids = css - bpf_core_field_offset(struct pids_cgroup, css);

		if (bpf_core_field_exists(pids->watermark) && read_word(&event->pids_watermark, &pids->watermark))
			present |= OBIT_HAS_PIDS_WATERMARK;
	}
	/* These take a loop, and are zero yet when the first task enters a cgroup. */
	if (kind == OBIT_RMDIR || kind == OBIT_EMPTY)
		present |= read_usage(access, usage, event->hierarchy_id, cgrp);
	event->present = present;
}

static __always_inline void load_cgroup(struct obit_event *event, struct cgroup *cgrp)
{
	struct cgroup_subsys_state *parent = cgrp->self.parent;

	event->cgroup_id = cgrp->kn->id;
	event->parent_cgroup_id = parent ? parent->cgroup->kn->id : 0;
	event->hierarchy_id = cgrp->root->hierarchy_id;
	event->level = cgrp->level;
}

static __always_inline void probe_cgroup(struct obit_event *event, struct cgroup *cgrp)
{
	struct cgroup_subsys_state *parent = BPF_CORE_READ(cgrp, self.parent);

	event->cgroup_id = BPF_CORE_READ(cgrp, kn, id);
	event->parent_cgroup_id = parent ? BPF_CORE_READ(parent, cgroup, kn, id) : 0;
	event->hierarchy_id = BPF_CORE_READ(cgrp, root, hierarchy_id);
	event->level = BPF_CORE_READ(cgrp, level);
}

static __always_inline void load_task(struct obit_event *event, struct argument_area *arguments)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct *parent = task->real_parent;
	struct mm_struct *mm = task->mm;

	event->pid = task->tgid;
	event->tid = task->pid;
	event->uid = task->cred->uid.val;
	event->actor_cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	__builtin_memcpy(event->comm, task->comm, OBIT_COMM_BYTES);
	event->ppid = parent->tgid;
	__builtin_memcpy(event->parent_comm, parent->group_leader->comm, OBIT_COMM_BYTES);
	if (mm) {
		arguments->start = mm->arg_start;
		arguments->end = mm->arg_end;
		arguments->task_started = task->start_boottime;
		arguments->execs = task->self_exec_id;
	}
}

/*
 * Reads the part of the task that needs no types of the kernel, by four calls that load_task() does
 * without.
 */
static __always_inline void query_task(struct obit_event *event)
{
	__u64 ids = bpf_get_current_pid_tgid();

	event->pid = ids >> 32;
	event->tid = (__u32)ids;
	event->uid = (__u32)bpf_get_current_uid_gid();
	event->actor_cgroup_id = bpf_get_current_cgroup_id();
	bpf_get_current_comm(event->comm, OBIT_COMM_BYTES);
}

static __always_inline void probe_task(struct obit_event *event, struct argument_area *arguments)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct task_struct *leader = BPF_CORE_READ(parent, group_leader);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	event->ppid = BPF_CORE_READ(parent, tgid);
	bpf_core_read(event->parent_comm, OBIT_COMM_BYTES, &leader->comm);
	if (mm) {
		arguments->start = BPF_CORE_READ(mm, arg_start);
		arguments->end = BPF_CORE_READ(mm, arg_end);
	}
}

/* Returns true if the kernel gives the current task as a typed pointer, as 5.11 and newer do. */
static __always_inline int task_is_typed(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

/* Fills in the time and the actor: all of the event that is not about a cgroup. */
static __always_inline void record_actor(enum access_mode access, struct obit_event *event, __u32 kind,
					 struct argument_area *arguments)
{
	event->boot_ns = bpf_ktime_get_boot_ns();
	event->cpu = bpf_get_smp_processor_id();
	event->kind = kind;
	event->version = OBIT_WIRE_VERSION;
	if (access == ACCESS_LOAD && task_is_typed()) {
		load_task(event, arguments);
		return;
	}
	query_task(event);
	if (access != ACCESS_FORMAT)
		probe_task(event, arguments);
}

/*
 * Copies the arguments, of long ones head and tail, and returns the length of the copy. A kernel
 * thread has none, nor has a task that is exiting; a page that is swapped out cannot be waited for.
 */
static __always_inline __u64 read_argv(char *text, const struct argument_area *arguments, __u8 *flags)
{
	__u64 bytes = 0;

	if (arguments->end > arguments->start)
		bytes = arguments->end - arguments->start;
	if (bytes > OBIT_ARGV_BYTES) {
		const __u64 head_bytes = OBIT_ARGV_BYTES - OBIT_ARGV_TAIL_BYTES;

		if (bpf_probe_read_user(text, head_bytes, (void *)arguments->start) ||
		    bpf_probe_read_user(text + head_bytes, OBIT_ARGV_TAIL_BYTES,
					(void *)arguments->end - OBIT_ARGV_TAIL_BYTES))
			return 0;
		*flags |= OBIT_ARGV_TRUNCATED;
		return OBIT_ARGV_BYTES;
	}
	BOUND(bytes, 2 * OBIT_ARGV_BYTES - 1);
	if (bytes && bpf_probe_read_user(text, bytes, (void *)arguments->start)) {
		bytes = 0;
	}
	return bytes;
}

/*
 * Longest time that a copy of arguments is used. If a process overwrites them, that is seen later
 * by so much.
 */
#define ARGUMENTS_FRESH_NS (10 * 1000 * 1000)

/*
 * Copies the arguments and returns their length. The copy is skipped if the last event here was of
 * the same task, just before, and the task has not executed anything since: then its arguments are
 * still there. A runtime makes a dozen directories in a row, and a copy from user space takes a
 * third of a program's time.
 */
static __always_inline __u64 cached_argv(struct obit_cgroup_scratch *scratch, const struct argument_area *arguments, __u8 *flags)
{
	struct argument_cache *known = &scratch->arguments;
	__u64 bytes;

	if (arguments->task_started && known->tid == scratch->event.tid &&
	    known->area.task_started == arguments->task_started && known->area.execs == arguments->execs &&
	    known->area.start == arguments->start && known->area.end == arguments->end &&
	    scratch->event.boot_ns - known->copied_ns < ARGUMENTS_FRESH_NS) {
		if (arguments->end - arguments->start > OBIT_ARGV_BYTES)
			*flags |= OBIT_ARGV_TRUNCATED;
		bytes = known->bytes;
		BOUND(bytes, 2 * OBIT_ARGV_BYTES - 1);
		return bytes;
	}
	bytes = read_argv(scratch->text, arguments, flags);
	/* An empty copy is not kept: the next time there may be arguments. */
	known->tid = bytes ? scratch->event.tid : 0;
	known->area = *arguments;
	known->copied_ns = scratch->event.boot_ns;
	known->bytes = bytes;
	return bytes;
}

/* Copies the path behind what is in the text already, and returns its length without the NUL. */
static __always_inline __u64 read_path(char *text, __u64 at, const char *path, __u8 *flags)
{
	long copied = bpf_probe_read_kernel_str(text + at, OBIT_PATH_BYTES, path); /* with the NUL */
	__u64 bytes = 0;

	if (copied > 0)
		bytes = copied - 1;
	BOUND(bytes, OBIT_PATH_BYTES - 1);
	if (copied <= 0 || bytes == OBIT_PATH_BYTES - 1)
		*flags |= OBIT_PATH_TRUNCATED;
	return bytes;
}

/*
 * Wakes user space if it sleeps. Call this after the event was written: writing is an exchange in
 * memory and as such a barrier (bpf_ringbuf_commit()), and user space has a barrier between its
 * mark and its last look. So either the load here sees the mark, or that look sees the event.
 *
 * The wake-up is a record of its own that is discarded, since the event was written without one.
 * The mark is cleared first: whoever finds it cleared knows that a wake-up is on its way, and finds
 * something in the ring buffer by then.
 *
 * Only the programs of cgroups call this, with irqs off. Those of process.h run with irqs on: the
 * wake-up would come in their middle, and from Linux 7.0 on user space could run at once, in their
 * stead, while the kernel skips every further run of the program on that processor. Their events
 * wait until user space comes by itself, or until the next event of the cgroup: when the
 * container's first process has exited, that its cgroup is empty.
 */
static __always_inline void wake_sleeper(void)
{
	void *nothing;

	if (!wakeup_wanted)
		return;
	nothing = bpf_ringbuf_reserve(&events, sizeof(__u64), 0);
	/* No room: the event before this was not written either, or the next event wakes. */
	if (!nothing)
		return;
	wakeup_wanted = 0;
	bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

/* One in so many events asks how full the ring buffer is. */
#define EVENTS_PER_QUERY 8

/* Writes `size` bytes of scratch memory that has `capacity` bytes. */
static __always_inline void emit(__u32 kind, void *event, __u64 size, __u64 capacity)
{
	struct obit_count *counter = bpf_map_lookup_elem(&counts, &kind);
	/* A wake-up for each event would cost a storm a third of its speed. */
	__u64 flags = BPF_RB_NO_WAKEUP;

	BOUND(size, 4 * OBIT_ARGV_BYTES - 1);
	if (!counter)
		return;
	if ((counter->admitted + counter->lost) % EVENTS_PER_QUERY == 0 &&
	    bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	/* The size is never larger; the verifier has to see that. */
	if (size <= capacity && !bpf_ringbuf_output(&events, event, size, flags))
		counter->admitted++;
	else
		counter->lost++;
}

/*
 * Returns true if all that is present is zero, as in a directory that never had a task. An absent
 * value may be an old one.
 */
static __always_inline int is_unused(const struct obit_usage *usage, __u8 present)
{
	__u64 used = 0;

	if (present & OBIT_HAS_MEMORY_USAGE)
		used |= usage->memory_usage;
	if (present & OBIT_HAS_MEMORY_WATERMARK)
		used |= usage->memory_watermark;
	if (present & OBIT_HAS_OOMS)
		used |= usage->ooms | usage->oom_kills;
	if (present & OBIT_HAS_CPU_USAGE)
		used |= usage->cpu_usage;
	if (present & OBIT_HAS_CPU_SPLIT)
		used |= usage->cpu_user | usage->cpu_system;
	if (present & OBIT_HAS_THROTTLED)
		used |= usage->throttled | usage->throttled_times;
	if (present & OBIT_HAS_IO)
		used |= usage->io_read | usage->io_written;
	return !used;
}

/* Copies the usage behind the text, and returns the length of both. */
static __always_inline __u64 append_usage(struct obit_cgroup_scratch *scratch, __u64 text_bytes)
{
	__u64 at = (text_bytes + 7) & ~7ULL;

	BOUND(at, 4 * OBIT_ARGV_BYTES - 8);
	if (at <= sizeof(scratch->text) - sizeof(scratch->usage))
		__builtin_memcpy(scratch->text + at, &scratch->usage, sizeof(scratch->usage));
	return at + sizeof(scratch->usage);
}

static __always_inline int record(enum access_mode access, __u32 program, __u32 kind, struct cgroup *cgrp, const char *path)
{
	struct obit_cgroup_scratch *scratch = bpf_map_lookup_elem(&cgroup_scratch, &program);
	struct argument_area arguments = {};
	struct obit_event *event;
	__u64 path_bytes, argv_bytes, text_bytes;
	__u8 event_flags = 0;

	if (!scratch)
		return 0;
	event = &scratch->event;
	record_actor(access, event, kind, &arguments);
	if (access == ACCESS_LOAD)
		load_cgroup(event, cgrp);
	else
		probe_cgroup(event, cgrp);
	/* A new cgroup has used nothing, and a new name changes nothing. */
	event->present = 0;
	if (kind != OBIT_MKDIR && kind != OBIT_RENAME)
		read_counters(access, scratch, kind, cgrp);

	argv_bytes = cached_argv(scratch, &arguments, &event_flags);
	path_bytes = read_path(scratch->text, argv_bytes, path, &event_flags);

	event->path_bytes = path_bytes;
	event->argv_bytes = argv_bytes;
	text_bytes = argv_bytes + path_bytes;
	if (event->present & ~OBIT_HAS_PIDS_WATERMARK) {
		if (is_unused(&scratch->usage, event->present))
			event_flags |= OBIT_USAGE_ZERO;
		else
			text_bytes = append_usage(scratch, text_bytes);
	}
	event->flags = event_flags;
	emit(kind, event, sizeof(*event) + text_bytes, sizeof(*event) + sizeof(scratch->text));
	wake_sleeper();
	return 0;
}

#include "process.h"
#include "no_btf.h"

/*
 * Two programs for each tracepoint; user space loads one set. With tp_btf the verifier knows the
 * types of the arguments. raw_tp is for kernels that have no BTF of their own and are given one in
 * a file.
 */
#define PROGRAMS(name, tracepoint, body, ...)                                                                        \
	SEC("tp_btf/" #tracepoint)                                                                                   \
	int BPF_PROG(btf_##name, __VA_ARGS__)                                                                        \
	{                                                                                                            \
		const enum access_mode access = ACCESS_LOAD;                                                         \
		return body;                                                                                         \
	}                                                                                                            \
	SEC("raw_tp/" #tracepoint)                                                                                   \
	int BPF_PROG(raw_##name, __VA_ARGS__)                                                                        \
	{                                                                                                            \
		const enum access_mode access = ACCESS_PROBE_READ;                                                   \
		return body;                                                                                         \
	}

PROGRAMS(mkdir, cgroup_mkdir, record(access, ON_MKDIR, OBIT_MKDIR, cgrp, path), struct cgroup *cgrp, const char *path)
PROGRAMS(rmdir, cgroup_rmdir, record(access, ON_RMDIR, OBIT_RMDIR, cgrp, path), struct cgroup *cgrp, const char *path)
PROGRAMS(populated, cgroup_notify_populated,
	 record(access, ON_NOTIFY_POPULATED, populated ? OBIT_POPULATED : OBIT_EMPTY, cgrp, path),
	 struct cgroup *cgrp, const char *path, int populated)
PROGRAMS(freeze, cgroup_freeze, record(access, ON_FREEZE, OBIT_FREEZE, cgrp, path),
	 struct cgroup *cgrp, const char *path)
PROGRAMS(unfreeze, cgroup_unfreeze, record(access, ON_UNFREEZE, OBIT_UNFREEZE, cgrp, path),
	 struct cgroup *cgrp, const char *path)
PROGRAMS(frozen, cgroup_notify_frozen,
	 record(access, ON_NOTIFY_FROZEN, frozen ? OBIT_FROZEN : OBIT_THAWED, cgrp, path),
	 struct cgroup *cgrp, const char *path, int frozen)
PROGRAMS(rename, cgroup_rename, record(access, ON_RENAME, OBIT_RENAME, cgrp, path), struct cgroup *cgrp, const char *path)
PROGRAMS(attach, cgroup_attach_task, record_attach(access, cgrp, path, task, threadgroup),
	 struct cgroup *cgrp, const char *path, struct task_struct *task, int threadgroup)
PROGRAMS(exec, sched_process_exec, record_exec(access, task), struct task_struct *task)
PROGRAMS(exit, sched_process_exit, record_exit(access, task), struct task_struct *task)
PROGRAMS(signal, signal_generate, record_signal(access, signal, &ctx[1], task, group, result),
	 int signal, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
PROGRAMS(oom, mark_victim, record_oom(access, task), struct task_struct *task)
