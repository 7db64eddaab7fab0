/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel's types, as far as the program reads them.
 *
 * Only fields that are read are declared. libbpf finds their offsets in the running kernel's BTF
 * when it loads the program (CO-RE), so neither order nor size matters here, and no kernel headers
 * are needed to compile. bpf_core_*_exists() tells kernels that lack a field or an enum value; a
 * comment says which kernels have it where that is known.
 */
#ifndef OBIT_KERNEL_H
#define OBIT_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
/* For the prototypes of bpf_helper_defs.h. */
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

/* Numbers of the kernel's user-space interface, include/uapi/linux/bpf.h; they never change. */
enum {
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};
enum {
	BPF_RB_AVAIL_DATA = 0,
};

/*
 * The values are numbers of helpers: a value exists if the kernel has the helper. The first came
 * with 5.11, the second with 5.19.
 */
enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_map_lookup_percpu_elem = 195,
};

#define CORE __attribute__((preserve_access_index))

struct cgroup;

typedef struct {
	__s64 counter;
} CORE atomic64_t;

typedef struct {
	long counter;
} CORE atomic_long_t;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} CORE;

/* `id` is 64 bits and the inode number since 5.5. */
struct kernfs_node {
	__u64 id;
} CORE;

struct cgroup_root {
	int hierarchy_id;
} CORE;

/* In nanoseconds. */
struct task_cputime {
	__u64 stime;
	__u64 utime;
	unsigned long long sum_exec_runtime;
} CORE;

struct cgroup_base_stat {
	struct task_cputime cputime;
} CORE;

/* A copy for each processor. Since 6.16. */
struct cgroup_rstat_base_cpu {
	struct cgroup_base_stat bstat;
} CORE;

/* A copy for each processor. The times are in it before 6.16. */
struct cgroup_rstat_cpu {
	struct cgroup_base_stat bstat;
} CORE;

struct cgroup {
	struct cgroup_subsys_state self;
	unsigned long flags;
	int level;
	struct kernfs_node *kn;
	/* The kernel's length depends on its configuration. */
	struct cgroup_subsys_state *subsys[16];
	struct cgroup_root *root;
	/* A copy for each processor. Since 6.16. */
	struct cgroup_rstat_base_cpu *rstat_base_cpu;
} CORE;

struct cgroup___before_6_16 {
	struct cgroup_rstat_cpu *rstat_cpu;
} CORE;

/* A value exists if the controller is built in. */
enum cgroup_subsys_id {
	cpuset_cgrp_id = 0,
	cpu_cgrp_id = 1,
	cpuacct_cgrp_id = 2,
	io_cgrp_id = 3,
	memory_cgrp_id = 4,
	freezer_cgrp_id = 6,
	pids_cgrp_id = 11,
};

/* A task's cgroups on all hierarchies; shared by all tasks that have the same. */
struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
} CORE;

struct page_counter {
	atomic_long_t usage;
	unsigned long watermark;
	unsigned long max;
} CORE;

enum memcg_memory_event {
	MEMCG_OOM = 3,
	MEMCG_OOM_KILL = 4,
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	/* Memory and swap together; v1 only. */
	struct page_counter memsw;
	atomic_long_t memory_events[16];
	atomic_long_t memory_events_local[16];
} CORE;

struct pids_cgroup {
	struct cgroup_subsys_state css;
	/* Since 6.1. */
	__s64 watermark;
} CORE;

struct cpuacct {
	struct cgroup_subsys_state css;
	/* A copy for each processor: one 64-bit value, or struct cpuacct_usage. */
	void *cpuusage;
	/* A copy for each processor: 64-bit values, by enum cpu_usage_stat. */
	void *cpustat;
} CORE;

/* In older kernels only. */
struct cpuacct_usage {
	__u64 usages[2];
} CORE;

struct cfs_bandwidth {
	int nr_throttled;
	__u64 throttled_time;
} CORE;

struct task_group {
	struct cgroup_subsys_state css;
	/* With CONFIG_CFS_BANDWIDTH. */
	struct cfs_bandwidth cfs_bandwidth;
} CORE;

/* On v1 only. */
struct freezer {
	struct cgroup_subsys_state css;
	unsigned int state;
} CORE;

struct hlist_node {
	struct hlist_node *next;
} CORE;

struct hlist_head {
	struct hlist_node *first;
} CORE;

struct blkg_iostat {
	__u64 bytes[3];
} CORE;

struct blkg_iostat_set {
	struct blkg_iostat cur;
} CORE;

/* A cgroup at one device. */
struct blkcg_gq {
	struct hlist_node blkcg_node;
	/* A copy for each processor. */
	struct blkg_iostat_set *iostat_cpu;
} CORE;

struct blkcg {
	struct cgroup_subsys_state css;
	struct hlist_head blkg_list;
} CORE;

/* mm_struct has an array of these since 6.2, and a struct mm_rss_stat before that. */
struct percpu_counter {
	__s64 count;
} CORE;

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct percpu_counter rss_stat[4];
} CORE;

struct mm_rss_stat {
	atomic_long_t count[4];
} CORE;

struct mm_struct___before_6_2 {
	struct mm_rss_stat rss_stat;
} CORE;

struct pid_namespace {
	/* Not 0 once its first process, or another in it, has called reboot(). */
	int reboot;
} CORE;

struct upid {
	int nr;
	struct pid_namespace *ns;
} CORE;

/* `numbers` has an entry for the initial namespace and for each level below it. */
struct pid {
	unsigned int level;
	struct upid numbers[1];
} CORE;

typedef struct {
	int counter;
} CORE atomic_t;

typedef struct {
	__u32 val;
} CORE kuid_t;

struct signal_struct {
	/* Threads that have not begun to exit. */
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	/* Set once the OOM killer has chosen the process. */
	struct mm_struct *oom_mm;
} CORE;

struct cred {
	kuid_t uid;
} CORE;

struct mnt_namespace;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
} CORE;

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	/* PF_*, include/linux/sched.h. */
	unsigned int flags;
	/* Not 0 if another task traces it; that task is then `parent`. */
	unsigned int ptrace;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct css_set *cgroups;
	/* NULL once the task has exited. */
	struct nsproxy *nsproxy;
	__u64 start_boottime;
	/* The number of times that the task has executed a program. */
	__u64 self_exec_id;
	/* Its privileges when it acts, and when others act on it. */
	const struct cred *cred;
	const struct cred *real_cred;
	/* With CONFIG_AUDIT. */
	kuid_t loginuid;
	char comm[16];
} CORE;

struct kernel_siginfo {
	int si_code;
} CORE;

/*
 * The event of `oom:mark_victim` as perf sees it. Its fields show the type of the tracepoint's
 * argument.
 */
struct trace_event_raw_mark_victim {
	/*
	 * Since 6.8, and in later releases of older kernels. Before that, the argument is a number
	 * and not a task.
	 */
	__u32 __data_loc_comm;
} CORE;

#endif
