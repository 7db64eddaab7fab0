/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the BPF program hands to user space: one event of the ring buffer and the counters beside it.
 *
 * Host byte order and no holes. capture/wire.rs decodes it by offset; capture/probe/layout.rs compares its offsets with
 * those of the compiled program.
 */
#ifndef OBIT_H
#define OBIT_H

/* Raised with every change of the layout below, so that bytes of another build are refused and not misread. */
#define OBIT_WIRE_VERSION 1

/*
 * The kernel builds the path in a buffer of 1,024 bytes that ends with a NUL (TRACE_CGROUP_PATH_LEN,
 * kernel/cgroup/cgroup-internal.h), so 1,023 are the most that any program at these tracepoints can see.
 */
#define OBIT_PATH_BYTES 1024
#define OBIT_ARGV_BYTES 1024
/* TASK_COMM_LEN of include/linux/sched.h: 15 bytes and a NUL. */
#define OBIT_COMM_BYTES 16

enum obit_kind {
	OBIT_MKDIR = 0,
	OBIT_RMDIR = 1,
	OBIT_POPULATED = 2,
	OBIT_EMPTY = 3,
	OBIT_KINDS = 4,
};

/* obit_event.flags */
enum obit_flag {
	/* The path fills the kernel's buffer: it is cut, or ends there by chance. */
	OBIT_PATH_TRUNCATED = 1,
	/* The argument area is longer than what was copied. */
	OBIT_ARGV_TRUNCATED = 2,
};

/* obit_event.present: a value whose bit is not set was not there to read. */
enum obit_present {
	OBIT_HAS_MEMORY_USAGE = 1,
	OBIT_HAS_MEMORY_WATERMARK = 2,
	OBIT_HAS_OOM_KILLS = 4,
	OBIT_HAS_PIDS_WATERMARK = 8,
};

/* Followed by path_bytes of path and argv_bytes of arguments, and by nothing else. */
struct obit_event {
	__u64 boot_ns;		/* CLOCK_BOOTTIME */
	__u64 cgroup_id;	/* kernfs_node.id: the directory's inode number */
	__u64 parent_cgroup_id; /* 0: none */
	__u64 actor_cgroup_id;	/* on the v2 tree; 0: none */
	__u64 memory_usage;	/* pages */
	__u64 memory_watermark; /* pages */
	__u64 oom_kills;
	__u64 pids_watermark;
	__u32 cpu;
	__u32 hierarchy_id;
	__u32 level;
	__u32 pid; /* thread group; as every id here in the initial namespaces */
	__u32 tid;
	__u32 ppid;
	__u32 uid; /* real */
	__u32 path_bytes; /* without a NUL */
	__u32 argv_bytes; /* NUL-separated, as in /proc/PID/cmdline */
	__u8 kind;	  /* enum obit_kind */
	__u8 flags;	  /* enum obit_flag */
	__u8 present;	  /* enum obit_present */
	__u8 version;	  /* OBIT_WIRE_VERSION */
	char comm[OBIT_COMM_BYTES];
	char parent_comm[OBIT_COMM_BYTES];
};

/* One for each kind and processor. Whatever reached a program is in one of the two. */
struct obit_count {
	__u64 admitted; /* written to the ring buffer */
	__u64 lost;	/* the ring buffer was full */
};

#endif
