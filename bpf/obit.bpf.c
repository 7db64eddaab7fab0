// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Records the kernel's cgroup life-cycle tracepoints, on every hierarchy. It filters nothing and interprets nothing:
 * that is the work of user space, which can be tested without a kernel.
 *
 * The kernel fires all of these tracepoints with one global lock held (trace_cgroup_path_lock, TRACE_CGROUP_PATH of
 * kernel/cgroup/cgroup-internal.h). So no two of these programs ever run at one time, on any processor, and the order
 * of the records in the ring buffer is the order in which things happened.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "obit.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

_Static_assert(sizeof(struct obit_event) == 136, "the event has no holes, see obit.h");
_Static_assert(__builtin_offsetof(struct obit_event, cpu) == 8 * 8, "eight 64-bit values");
_Static_assert(__builtin_offsetof(struct obit_event, kind) == 8 * 8 + 9 * 4, "nine 32-bit values");
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
	PROGRAMS = 3,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROGRAMS);
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

/* The cgroup's state in a controller, or NULL: not built in, or not on this hierarchy, or not enabled here. */
#define CSS(cgrp, controller)                                                                                        \
	({                                                                                                           \
		void *css = 0;                                                                                       \
		if (bpf_core_enum_value_exists(enum cgroup_subsys_id, controller)) {                                 \
			__u64 index = bpf_core_enum_value(enum cgroup_subsys_id, controller);                        \
			read_word(&css, (void *)cgrp + bpf_core_field_offset(cgrp->subsys) + index * sizeof(void *)); \
		}                                                                                                    \
		css;                                                                                                 \
	})

/*
 * What the kernel still accounts to the cgroup. At a removal the controllers' states are marked dead but not yet
 * taken from the cgroup: a worker does that later, under the cgroup_mutex that is held here.
 *
 * CPU time is not among them. The kernel has it exactly only as a sum over per-processor counters (cpuacct on v1,
 * rstat on v2), which would be a loop; cgroup.bstat is the sum as of the last time that somebody read the file, so
 * recording it would be a guess.
 */
static __always_inline void read_vitals(struct obit_event *event, struct cgroup *cgrp)
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
		if (bpf_core_field_exists(memcg->memory_events) &&
		    bpf_core_enum_value_exists(enum memcg_memory_event, MEMCG_OOM_KILL)) {
			__u64 index = bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM_KILL);

			/* On v2 with those of the cgroups below, on v1 of this cgroup alone (memcg_memory_event()). */
			if (read_word(&event->oom_kills, (void *)memcg + bpf_core_field_offset(memcg->memory_events) +
								 index * sizeof(atomic_long_t)))
				present |= OBIT_HAS_OOM_KILLS;
		}
	}

	css = CSS(cgrp, pids_cgrp_id);
	if (css) {
		struct pids_cgroup *pids = css - bpf_core_field_offset(struct pids_cgroup, css);

		if (bpf_core_field_exists(pids->watermark) && read_word(&event->pids_watermark, &pids->watermark))
			present |= OBIT_HAS_PIDS_WATERMARK;
	}
	event->present = present;
}

/*
 * The same facts in two ways. With tp_btf the verifier knows the pointers' types and lets them be followed by plain
 * loads; elsewhere each step is a call of bpf_probe_read_kernel(), about 25 ns, which would make a third of the whole.
 */
enum access {
	BY_LOAD,
	BY_PROBE_READ,
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

static __always_inline int record(enum access access, __u32 program, __u32 kind, struct cgroup *cgrp, const char *path)
{
	struct obit_scratch *space = bpf_map_lookup_elem(&scratch, &program);
	__u64 path_bytes = 0, argv_bytes = 0, size, flags, ids;
	struct area arguments = {};
	struct obit_event *event;
	__u8 event_flags = 0;
	long copied;

	if (!space)
		return 0;
	event = &space->event;
	event->boot_ns = bpf_ktime_get_boot_ns();
	event->cpu = bpf_get_smp_processor_id();
	event->kind = kind;
	event->version = OBIT_WIRE_VERSION;
	ids = bpf_get_current_pid_tgid();
	event->pid = ids >> 32;
	event->tid = (__u32)ids;
	event->uid = (__u32)bpf_get_current_uid_gid();
	event->actor_cgroup_id = bpf_get_current_cgroup_id();
	bpf_get_current_comm(event->comm, OBIT_COMM_BYTES);
	if (access == BY_LOAD)
		load_cgroup(event, cgrp);
	else
		probe_cgroup(event, cgrp);
	if (access == BY_LOAD && task_is_typed())
		load_task(event, &arguments);
	else
		probe_task(event, &arguments);
	read_vitals(event, cgrp);

	copied = bpf_probe_read_kernel_str(space->text, OBIT_PATH_BYTES, path); /* with the NUL */
	if (copied > 0)
		path_bytes = copied - 1;
	BOUND(path_bytes, OBIT_PATH_BYTES - 1);
	if (copied <= 0 || path_bytes == OBIT_PATH_BYTES - 1)
		event_flags |= OBIT_PATH_TRUNCATED;

	/* A kernel thread has none, nor has a task that is exiting; a page that is swapped out cannot be waited for. */
	if (arguments.end > arguments.start)
		argv_bytes = arguments.end - arguments.start;
	if (argv_bytes > OBIT_ARGV_BYTES) {
		argv_bytes = OBIT_ARGV_BYTES;
		event_flags |= OBIT_ARGV_TRUNCATED;
	}
	BOUND(argv_bytes, 2 * OBIT_ARGV_BYTES - 1);
	if (argv_bytes && bpf_probe_read_user(space->text + path_bytes, argv_bytes, (void *)arguments.start)) {
		argv_bytes = 0;
		event_flags &= ~OBIT_ARGV_TRUNCATED;
	}

	event->path_bytes = path_bytes;
	event->argv_bytes = argv_bytes;
	event->flags = event_flags;
	size = sizeof(*event) + path_bytes + argv_bytes;
	BOUND(size, 4 * OBIT_ARGV_BYTES - 1);
	if (size > sizeof(*space)) {
		count(kind, -1); /* cannot be; the verifier wants to see it */
		return 0;
	}

	/* A wake-up for each event would cost a storm a third of its speed. */
	flags = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > wakeup_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	count(kind, bpf_ringbuf_output(&events, space, size, flags));
	return 0;
}

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
