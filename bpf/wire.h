/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The interface between the BPF program and user space: the records of the ring buffer and the
 * counters beside it.
 *
 * Host byte order and no holes. capture/sources/kernel/wire/layout.rs declares the same structs and
 * compares them with the compiled program's at compile time; the enums it takes from there.
 */
#ifndef OBIT_WIRE_H
#define OBIT_WIRE_H

/*
 * Raise this with every change of the layout below, so that bytes of another build are refused and
 * not misread.
 */
enum obit_wire_version {
	OBIT_WIRE_VERSION = 8,
} __attribute__((packed));

/*
 * The kernel builds the path in a buffer of 1,024 bytes that ends with a NUL
 * (TRACE_CGROUP_PATH_LEN, kernel/cgroup/cgroup-internal.h), so 1,023 are the most that any program
 * at these tracepoints can see.
 */
#define OBIT_PATH_BYTES 1024
#define OBIT_ARGV_BYTES 1024
/*
 * Of longer arguments the record has the first OBIT_ARGV_BYTES - OBIT_ARGV_TAIL_BYTES bytes and the
 * last OBIT_ARGV_TAIL_BYTES: an OCI runtime is given the container's id last.
 */
#define OBIT_ARGV_TAIL_BYTES 256
/* TASK_COMM_LEN of include/linux/sched.h: 15 bytes and a NUL. */
#define OBIT_COMM_BYTES 16

/*
 * Most processors whose counters are added up. On a larger host, what is counted by processor is
 * absent.
 */
#define OBIT_PROCESSORS 512

enum obit_kind {
	OBIT_MKDIR = 0,
	OBIT_RMDIR = 1,
	OBIT_POPULATED = 2,
	OBIT_EMPTY = 3,
	OBIT_FREEZE = 4,   /* requested */
	OBIT_UNFREEZE = 5, /* requested */
	OBIT_FROZEN = 6,   /* reached */
	OBIT_THAWED = 7,   /* reached */
	/* Events of a task: a struct obit_process follows the event. */
	OBIT_EXIT = 8,
	OBIT_SIGNAL = 9,
	OBIT_OOM = 10,
	OBIT_EXEC = 11,
	OBIT_ATTACH = 12, /* put into a cgroup, which the event is about; the actor did it */
	/* On v1 only; the path is the new one. */
	OBIT_RENAME = 13,
	OBIT_KINDS = 14,
} __attribute__((packed));

/* obit_event.flags */
enum obit_flag {
	/* The path fills the kernel's buffer: it is cut, or just fits. */
	OBIT_PATH_TRUNCATED = 1,
	/* The argument area is longer than what was copied: a stretch in its middle is missing. */
	OBIT_ARGV_TRUNCATED = 2,
	/* Each value of struct obit_usage that is present is zero, and the struct is left out. */
	OBIT_USAGE_ZERO = 4,
} __attribute__((packed));

/* obit_event.present: a value whose bit is not set could not be read. */
enum obit_present {
	OBIT_HAS_MEMORY_USAGE = 1,
	OBIT_HAS_MEMORY_WATERMARK = 2,
	OBIT_HAS_OOMS = 4,	     /* ooms and oom_kills */
	OBIT_HAS_PIDS_WATERMARK = 8, /* pids_watermark of the event itself */
	OBIT_HAS_CPU_USAGE = 16,
	OBIT_HAS_CPU_SPLIT = 32, /* cpu_user and cpu_system */
	OBIT_HAS_THROTTLED = 64, /* throttled and throttled_times */
	OBIT_HAS_IO = 128,	 /* io_read and io_written */
} __attribute__((packed));

/*
 * The start of each record. A struct obit_process follows if the kind has one, then argv_bytes of
 * arguments and path_bytes of path. If a value of struct obit_usage is present and not all of them
 * are zero, that struct comes last, at a multiple of eight bytes; the bytes before it have no
 * meaning.
 *
 * The record is short because writing it takes longer than anything else at a tracepoint: the
 * memory of the ring buffer was last in the cache of the processor that drained it.
 *
 * In an event of a task but OBIT_ATTACH, cgroup_id, level and hierarchy_id are those of the task on
 * the v2 tree. The actor is then the task that exits or executes a program, that sends the signal,
 * that asked for the memory, or that wrote to cgroup.procs.
 */
struct obit_event {
	__u64 boot_ns;		/* CLOCK_BOOTTIME */
	__u64 cgroup_id;	/* kernfs_node.id: the directory's inode number */
	__u64 parent_cgroup_id; /* 0: none */
	__u64 actor_cgroup_id;	/* on the v2 tree; 0: none */
	__u64 pids_watermark;
	__u32 cpu;
	__u32 hierarchy_id;
	__u32 level;
	__u32 pid; /* thread group; every id here is one of the initial namespaces */
	__u32 tid;
	__u32 ppid;
	__u32 uid; /* real */
	__u32 path_bytes; /* without a NUL */
	__u32 argv_bytes; /* NUL-separated, as in /proc/PID/cmdline; up to 10 ms old */
	enum obit_kind kind;
	enum obit_flag flags;
	enum obit_present present;
	enum obit_wire_version version;
	__u8 comm[OBIT_COMM_BYTES];
	__u8 parent_comm[OBIT_COMM_BYTES];
};

/* The usage of a cgroup. */
struct obit_usage {
	__u64 memory_usage;	/* pages */
	__u64 memory_watermark; /* pages */
	__u64 ooms;
	__u64 oom_kills;
	__u64 cpu_usage;  /* ns; this and the six below in OBIT_EMPTY and OBIT_RMDIR only, see usage.h */
	__u64 cpu_user;	  /* ns, by samples at clock ticks */
	__u64 cpu_system; /* ns, likewise */
	__u64 throttled;  /* ns */
	__u64 throttled_times;
	__u64 io_read;	  /* bytes */
	__u64 io_written; /* bytes */
};

/* obit_process.flags */
enum obit_process_flag {
	/* The first process of a pid namespace that is not the host's. */
	OBIT_REAPER = 1,
	/* The OOM killer chose it. */
	OBIT_OOM_VICTIM = 2,
	/* The signal went to the process, not to one thread. */
	OBIT_TO_GROUP = 4,
	/*
	 * The kernel sent the signal on behalf of the current task (SEND_SIG_NOINFO), as for a
	 * write to cgroup.kill.
	 */
	OBIT_NO_INFO = 8,
	/*
	 * The kernel sent the signal by itself (SEND_SIG_PRIV): the OOM killer, or the end of a pid
	 * namespace.
	 */
	OBIT_KERNEL = 16,
	/* The limits above the victim were read: limit_cgroup_id 0 means that none was reached. */
	OBIT_LIMIT_KNOWN = 32,
	OBIT_HAS_MEMORY = 64,
	OBIT_HAS_LOGINUID = 128,
	/*
	 * The process's cgroup is frozen on the v2 tree, or its freezing was requested on v1's
	 * freezer hierarchy.
	 */
	OBIT_TARGET_FROZEN = 256,
	/* The actor is a thread of the kernel: it sends nothing by its own will. */
	OBIT_ACTOR_KERNEL_THREAD = 512,
	/* The actor has begun to exit. */
	OBIT_ACTOR_EXITING = 1024,
	/* The actor traces the process (ptrace). */
	OBIT_ACTOR_TRACES = 2048,
	/*
	 * The process is the first one of a pid namespace that was told to reboot or to halt: `status`
	 * is the signal that the kernel reports in place of its own status.
	 */
	OBIT_REBOOTED = 4096,
};

/* Ancestors in a record: the parent, the parent's parent, and so on. */
#define OBIT_ANCESTORS 6

/* An ancestor of the actor: it started the next one, down to the actor. */
struct obit_ancestor {
	__u64 start_ns; /* CLOCK_BOOTTIME */
	__u32 pid;	/* thread group; 0: there is none */
	__u32 uid;	/* real */
	__u8 comm[OBIT_COMM_BYTES];
};

/* The process that something happens to: the target. */
struct obit_process {
	__u64 start_ns;		/* CLOCK_BOOTTIME */
	__u64 v1_cgroup_id;	/* on one v1 tree; 0: none */
	__u64 parent_cgroup_id;	/* of the parent on the v2 tree */
	__u64 parent_v1_cgroup_id; /* of the parent on the same v1 tree */
	__u64 actor_v1_cgroup_id;  /* of the actor on the same v1 tree */
	__u64 memory;		/* pages; may lag by some */
	__u64 limit_cgroup_id;	/* whose memory limit was reached */
	__u32 v1_hierarchy_id;
	__u32 pid; /* thread group, in the initial namespace */
	__u32 pid_inside; /* in its own namespace */
	__u32 ppid;
	__u32 status; /* in the form of wait() */
	__u32 signal;
	__s32 signal_code; /* siginfo.si_code */
	__u32 loginuid; /* of the actor */
	__u32 limit_hierarchy_id;
	__u32 limit_level;
	__u32 result; /* TRACE_SIGNAL_*, include/trace/events/signal.h */
	enum obit_process_flag flags;
	__u8 comm[OBIT_COMM_BYTES];
	struct obit_ancestor ancestors[OBIT_ANCESTORS]; /* of the actor, its parent first; of OBIT_SIGNAL only */
};

/*
 * The counters of one kind on one processor. An event that reached a program is in one of the two.
 */
struct obit_count {
	__u64 admitted; /* written to the ring buffer */
	__u64 lost;	/* the ring buffer was full */
};

#endif
