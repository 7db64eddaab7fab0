// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Records the kernel's cgroup life-cycle tracepoints, on every hierarchy. It filters nothing and interprets nothing:
 * that is the work of user space, which can be tested without a kernel. What happens to tasks is in fate.h, and
 * filtered: it would be too much.
 *
 * The kernel fires the cgroup tracepoints with one global lock held (trace_cgroup_path_lock, TRACE_CGROUP_PATH of
 * kernel/cgroup/cgroup-internal.h). So no two of their programs ever run at one time, on any processor, and the order
 * of their records in the ring buffer is the order in which things happened. The programs of fate.h run whenever they
 * like; of one task's records, and of a cause and what it brings about, the order is right all the same.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "obit.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

_Static_assert(sizeof(struct obit_event) == 200, "the event has no holes, see obit.h");
_Static_assert(__builtin_offsetof(struct obit_event, cpu) == 16 * 8, "sixteen 64-bit values");
_Static_assert(__builtin_offsetof(struct obit_event, kind) == 16 * 8 + 9 * 4, "nine 32-bit values");
_Static_assert(sizeof(struct obit_fate) == 96 + OBIT_ANCESTORS * 32, "the fate has no holes, see obit.h");
_Static_assert(sizeof(struct obit_count) == 16, "two counters");
_Static_assert((OBIT_PATH_BYTES & (OBIT_PATH_BYTES - 1)) == 0, "used as a mask");
_Static_assert((OBIT_ARGV_BYTES & (OBIT_ARGV_BYTES - 1)) == 0, "used as a mask");

/* More than this many bytes waiting wake user space up, which otherwise comes by its own timer. */
const volatile __u64 wakeup_bytes = 256 * 1024;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	/* User space sets the size before it loads this. */
	__uint(max_entries, 16 * 1024 * 1024);
} events SEC(".maps");

/*
 * Where an event is put together: it is too large for the stack, and a reservation in the ring buffer must have a
 * constant size, which would take 2 KB for each event where 300 bytes do.
 *
 * The lock named at the top keeps two programs from sharing a place, and irqs are off while it is held. With
 * PREEMPT_RT it can be preempted, but still not entered by another task. A place for each program and processor is
 * kept all the same: then nothing depends on the lock covering more than one tracepoint.
 */
struct obit_scratch {
	struct obit_event event;
	/* The path, and the arguments directly behind it. Larger than both so that the verifier's coarse bounds fit. */
	char text[OBIT_PATH_BYTES + 2 * OBIT_ARGV_BYTES];
};

enum obit_program {
	ON_MKDIR = 0,
	ON_RMDIR = 1,
	ON_NOTIFY_POPULATED = 2,
	ON_FREEZE = 3,
	ON_UNFREEZE = 4,
	ON_NOTIFY_FROZEN = 5,
	CGROUP_PROGRAMS = 6,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CGROUP_PROGRAMS);
	__type(key, __u32);
	__type(value, struct obit_scratch);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OBIT_KINDS);
	__type(key, __u32);
	__type(value, struct obit_count);
} counts SEC(".maps");

/* Keeps the compiler from dropping, as needless, a bound that the verifier of an old kernel cannot see. */
#define BOUND(value, mask) asm volatile("%0 &= %1" : "+r"(value) : "i"(mask))

static __always_inline int read_word(void *to, const void *from)
{
	return bpf_probe_read_kernel(to, sizeof(__u64), from) == 0;
}

/*
 * The state in a controller of a cgroup, or of a task's css_set; NULL: not built in, or not on this cgroup's
 * hierarchy, or not enabled here.
 */
#define CSS(of, controller)                                                                                          \
	({                                                                                                           \
		void *css = 0;                                                                                       \
		if (bpf_core_enum_value_exists(enum cgroup_subsys_id, controller)) {                                 \
			__u64 index = bpf_core_enum_value(enum cgroup_subsys_id, controller);                        \
			read_word(&css, (void *)of + bpf_core_field_offset(of->subsys) + index * sizeof(void *));    \
		}                                                                                                    \
		css;                                                                                                 \
	})

#include "usage.h"

/*
 * What the kernel still accounts to the cgroup. At a removal the controllers' states are marked dead but not yet
 * taken from the cgroup: a worker does that later, under the cgroup_mutex that is held here.
 */
static __always_inline void read_vitals(struct obit_event *event, __u32 kind, struct cgroup *cgrp)
{
	__u8 present = 0;
	void *css = CSS(cgrp, memory_cgrp_id);

	if (css) {
		struct mem_cgroup *memcg = css - bpf_core_field_offset(struct mem_cgroup, css);

		if (bpf_core_field_exists(memcg->memory.usage) && read_word(&event->memory_usage, &memcg->memory.usage))
			present |= OBIT_HAS_MEMORY_USAGE;
		if (bpf_core_field_exists(memcg->memory.watermark) &&
		    read_word(&event->memory_watermark, &memcg->memory.watermark))
			present |= OBIT_HAS_MEMORY_WATERMARK;
		/* On v2 with those of the cgroups below, on v1 of this cgroup alone (memcg_memory_event()). */
		if (bpf_core_field_exists(memcg->memory_events) &&
		    bpf_core_enum_value_exists(enum memcg_memory_event, MEMCG_OOM_KILL)) {
			void *counts = (void *)memcg + bpf_core_field_offset(memcg->memory_events);
			__u64 ooms = bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM);
			__u64 kills = bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM_KILL);

			if (read_word(&event->ooms, counts + ooms * sizeof(atomic_long_t)) &&
			    read_word(&event->oom_kills, counts + kills * sizeof(atomic_long_t)))
				present |= OBIT_HAS_OOMS;
		}
	}

	css = CSS(cgrp, pids_cgrp_id);
	if (css) {
		struct pids_cgroup *pids = css - bpf_core_field_offset(struct pids_cgroup, css);

		if (bpf_core_field_exists(pids->watermark) && read_word(&event->pids_watermark, &pids->watermark))
			present |= OBIT_HAS_PIDS_WATERMARK;
	}
	/* These take a loop, and are nothing yet when a cgroup is made and entered. */
	if (kind == OBIT_RMDIR || kind == OBIT_EMPTY)
		present |= read_usage(event, cgrp);
	event->present = present;
}

/*
 * The same facts in two ways. With tp_btf the verifier knows the pointers' types and lets them be followed by plain
 * loads; elsewhere each step is a call of bpf_probe_read_kernel(), about 25 ns, which would make a third of the whole.
 */
enum access {
	BY_LOAD,
	BY_PROBE_READ,
	/* Neither: the kernel's structures are unknown, see format.h. */
	BY_FORMAT,
};

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

/* The argument area of a process: user addresses. */
struct area {
	__u64 start;
	__u64 end;
};

static __always_inline void load_task(struct obit_event *event, struct area *arguments)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct *parent = task->real_parent;
	struct mm_struct *mm = task->mm;

	event->ppid = parent->tgid;
	__builtin_memcpy(event->parent_comm, parent->group_leader->comm, OBIT_COMM_BYTES);
	if (mm) {
		arguments->start = mm->arg_start;
		arguments->end = mm->arg_end;
	}
}

static __always_inline void probe_task(struct obit_event *event, struct area *arguments)
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

/* Whether the kernel gives the current task as a typed pointer, which 5.10 does not. */
static __always_inline int task_is_typed(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

static __always_inline void count(__u32 kind, long output)
{
	struct obit_count *counter = bpf_map_lookup_elem(&counts, &kind);

	if (!counter)
		return;
	if (output == 0)
		counter->admitted++;
	else
		counter->lost++;
}

/* Who runs: all of the event that is not about a cgroup. */
static __always_inline void record_actor(enum access access, struct obit_event *event, __u32 kind,
					 struct area *arguments)
{
	__u64 ids = bpf_get_current_pid_tgid();

	event->boot_ns = bpf_ktime_get_boot_ns();
	event->cpu = bpf_get_smp_processor_id();
	event->kind = kind;
	event->version = OBIT_WIRE_VERSION;
	event->pid = ids >> 32;
	event->tid = (__u32)ids;
	event->uid = (__u32)bpf_get_current_uid_gid();
	event->actor_cgroup_id = bpf_get_current_cgroup_id();
	bpf_get_current_comm(event->comm, OBIT_COMM_BYTES);
	if (access == BY_FORMAT)
		return;
	if (access == BY_LOAD && task_is_typed())
		load_task(event, arguments);
	else
		probe_task(event, arguments);
}

/*
 * Copies the arguments behind what is in the text already, and returns their length. A kernel thread has none, nor has a
 * task that is exiting; a page that is swapped out cannot be waited for.
 */
static __always_inline __u64 read_argv(char *text, __u64 at, const struct area *arguments, __u8 *flags)
{
	__u64 bytes = 0;

	if (arguments->end > arguments->start)
		bytes = arguments->end - arguments->start;
	if (bytes > OBIT_ARGV_BYTES) {
		bytes = OBIT_ARGV_BYTES;
		*flags |= OBIT_ARGV_TRUNCATED;
	}
	BOUND(bytes, 2 * OBIT_ARGV_BYTES - 1);
	if (bytes && bpf_probe_read_user(text + at, bytes, (void *)arguments->start)) {
		bytes = 0;
		*flags &= ~OBIT_ARGV_TRUNCATED;
	}
	return bytes;
}

/* Copies the path to where the text begins, and returns its length without the NUL. */
static __always_inline __u64 read_path(char *text, const char *path, __u8 *flags)
{
	long copied = bpf_probe_read_kernel_str(text, OBIT_PATH_BYTES, path); /* with the NUL */
	__u64 bytes = 0;

	if (copied > 0)
		bytes = copied - 1;
	BOUND(bytes, OBIT_PATH_BYTES - 1);
	if (copied <= 0 || bytes == OBIT_PATH_BYTES - 1)
		*flags |= OBIT_PATH_TRUNCATED;
	return bytes;
}

/* Writes `size` bytes of a place that is `space` bytes large. */
static __always_inline void emit(__u32 kind, void *event, __u64 size, __u64 space)
{
	__u64 flags;

	BOUND(size, 4 * OBIT_ARGV_BYTES - 1);
	if (size > space) {
		count(kind, -1); /* cannot be; the verifier wants to see it */
		return;
	}
	/* A wake-up for each event would cost a storm a third of its speed. */
	flags = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > wakeup_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	count(kind, bpf_ringbuf_output(&events, event, size, flags));
}

static __always_inline int record(enum access access, __u32 program, __u32 kind, struct cgroup *cgrp, const char *path)
{
	struct obit_scratch *space = bpf_map_lookup_elem(&scratch, &program);
	struct area arguments = {};
	struct obit_event *event;
	__u64 path_bytes, argv_bytes;
	__u8 event_flags = 0;

	if (!space)
		return 0;
	event = &space->event;
	record_actor(access, event, kind, &arguments);
	if (access == BY_LOAD)
		load_cgroup(event, cgrp);
	else
		probe_cgroup(event, cgrp);
	read_vitals(event, kind, cgrp);

	path_bytes = read_path(space->text, path, &event_flags);
	argv_bytes = read_argv(space->text, path_bytes, &arguments, &event_flags);

	event->path_bytes = path_bytes;
	event->argv_bytes = argv_bytes;
	event->flags = event_flags;
	emit(kind, space, sizeof(*event) + path_bytes + argv_bytes, sizeof(*space));
	return 0;
}

#include "fate.h"
#include "format.h"

/*
 * Each tracepoint twice; user space loads one set. With tp_btf the verifier knows the arguments' types. raw_tp is for
 * kernels that have no BTF of their own and are given one in a file.
 */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(btf_mkdir, struct cgroup *cgrp, const char *path)
{
	return record(BY_LOAD, ON_MKDIR, OBIT_MKDIR, cgrp, path);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(btf_rmdir, struct cgroup *cgrp, const char *path)
{
	return record(BY_LOAD, ON_RMDIR, OBIT_RMDIR, cgrp, path);
}

SEC("tp_btf/cgroup_notify_populated")
int BPF_PROG(btf_populated, struct cgroup *cgrp, const char *path, int populated)
{
	return record(BY_LOAD, ON_NOTIFY_POPULATED, populated ? OBIT_POPULATED : OBIT_EMPTY, cgrp, path);
}

SEC("raw_tp/cgroup_mkdir")
int BPF_PROG(raw_mkdir, struct cgroup *cgrp, const char *path)
{
	return record(BY_PROBE_READ, ON_MKDIR, OBIT_MKDIR, cgrp, path);
}

SEC("raw_tp/cgroup_rmdir")
int BPF_PROG(raw_rmdir, struct cgroup *cgrp, const char *path)
{
	return record(BY_PROBE_READ, ON_RMDIR, OBIT_RMDIR, cgrp, path);
}

SEC("raw_tp/cgroup_notify_populated")
int BPF_PROG(raw_populated, struct cgroup *cgrp, const char *path, int populated)
{
	return record(BY_PROBE_READ, ON_NOTIFY_POPULATED, populated ? OBIT_POPULATED : OBIT_EMPTY, cgrp, path);
}

SEC("tp_btf/cgroup_freeze")
int BPF_PROG(btf_freeze, struct cgroup *cgrp, const char *path)
{
	return record(BY_LOAD, ON_FREEZE, OBIT_FREEZE, cgrp, path);
}

SEC("tp_btf/cgroup_unfreeze")
int BPF_PROG(btf_unfreeze, struct cgroup *cgrp, const char *path)
{
	return record(BY_LOAD, ON_UNFREEZE, OBIT_UNFREEZE, cgrp, path);
}

SEC("tp_btf/cgroup_notify_frozen")
int BPF_PROG(btf_frozen, struct cgroup *cgrp, const char *path, int frozen)
{
	return record(BY_LOAD, ON_NOTIFY_FROZEN, frozen ? OBIT_FROZEN : OBIT_THAWED, cgrp, path);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(btf_exit, struct task_struct *task)
{
	return record_exit(BY_LOAD, task);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(btf_signal, int signal, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
{
	return record_signal(BY_LOAD, signal, &ctx[1], task, group, result);
}

SEC("tp_btf/mark_victim")
int BPF_PROG(btf_oom, struct task_struct *task)
{
	return record_oom(BY_LOAD, task);
}

SEC("raw_tp/cgroup_freeze")
int BPF_PROG(raw_freeze, struct cgroup *cgrp, const char *path)
{
	return record(BY_PROBE_READ, ON_FREEZE, OBIT_FREEZE, cgrp, path);
}

SEC("raw_tp/cgroup_unfreeze")
int BPF_PROG(raw_unfreeze, struct cgroup *cgrp, const char *path)
{
	return record(BY_PROBE_READ, ON_UNFREEZE, OBIT_UNFREEZE, cgrp, path);
}

SEC("raw_tp/cgroup_notify_frozen")
int BPF_PROG(raw_frozen, struct cgroup *cgrp, const char *path, int frozen)
{
	return record(BY_PROBE_READ, ON_NOTIFY_FROZEN, frozen ? OBIT_FROZEN : OBIT_THAWED, cgrp, path);
}

SEC("raw_tp/sched_process_exit")
int BPF_PROG(raw_exit, struct task_struct *task)
{
	return record_exit(BY_PROBE_READ, task);
}

SEC("raw_tp/signal_generate")
int BPF_PROG(raw_signal, int signal, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
{
	return record_signal(BY_PROBE_READ, signal, &ctx[1], task, group, result);
}

SEC("raw_tp/mark_victim")
int BPF_PROG(raw_oom, struct task_struct *task)
{
	return record_oom(BY_PROBE_READ, task);
}
