/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The usage of processors and devices by a cgroup, read when it is empty and when it is removed. A
 * part of obit.bpf.c, which includes it.
 *
 * The kernel counts these by processor. cpu.stat and io.stat show the sum, which v2 takes only when
 * the file is read (cgroup_rstat_flush()), and a tracepoint cannot ask for that. So this code adds
 * up the processors' own counters. On v2 they hold what the cgroup's own tasks used; cgroups below
 * it have their own counters, and their own events.
 */

/*
 * The offset of each processor's copy of a value from the address that the kernel has for all of
 * them. User space sets both before it loads the program (processors.bpf.c); 0 processors: not
 * known.
 */
const volatile __u32 processors = 0;
const volatile __u64 processor_offsets[OBIT_PROCESSORS] = {};

/* Most devices of a cgroup that are read. */
#define MAX_DEVICES 16

/* Most neighbouring 64-bit values that are read at once: those of read_cpu_v1(). */
#define MAX_VALUES 5

/*
 * Adds up `count` neighbouring 64-bit values of all processors, each into its own sum. `copies` is
 * an address that the kernel marks __percpu. One read for each processor: the reads are what this
 * costs whoever removes a directory.
 *
 * The loop has no branch that the verifier cannot decide: it keeps the other way of each branch for
 * later, and at most 8,192 of them (BPF_COMPLEXITY_LIMIT_JMP_SEQ).
 */
static __always_inline int add_up(__u64 *sums, const __u32 count, const void *copies)
{
	long failed = 0;

	if (!copies || !processors)
		return 0;
	for (__u32 index = 0; index < OBIT_PROCESSORS; index++) {
		__u64 values[MAX_VALUES] = {};

		if (index >= processors)
			break;
		failed |= bpf_probe_read_kernel(values, count * sizeof(*values), copies + processor_offsets[index]);
		for (__u32 value = 0; value < count; value++)
			sums[value] += values[value];
	}
	return !failed;
}

/*
 * Returns a pointer without the type that the verifier knows, since nothing may be added to a
 * pointer with one. The address is written to `memory`, which the verifier does not follow, and
 * read back as a number: that costs less than a call. `memory` is zero afterwards.
 */
static __always_inline void *untyped(const void *pointer, volatile __u64 *memory)
{
	__u64 address;

	*memory = (__u64)pointer;
	address = *memory;
	*memory = 0;
	return (void *)address;
}

/*
 * Reads the CPU time of the cgroup's own tasks, whichever controllers are enabled
 * (kernel/cgroup/rstat.c).
 */
static __always_inline __u8 read_cpu_v2(enum access_mode access, struct obit_usage *usage, struct cgroup *cgrp)
{
	struct cgroup___before_6_16 *older = (void *)cgrp;
	struct task_cputime *copies = 0;
	__u64 sums[sizeof(*copies) / sizeof(__u64)] = {};

	if (bpf_core_field_exists(cgrp->rstat_base_cpu)) {
		if (access == ACCESS_LOAD)
			copies = untyped(cgrp->rstat_base_cpu, &usage->cpu_usage);
		else
			read_word(&copies, &cgrp->rstat_base_cpu);
		if (copies)
			copies = (void *)copies + bpf_core_field_offset(struct cgroup_rstat_base_cpu, bstat.cputime);
	} else if (bpf_core_field_exists(older->rstat_cpu)) {
		if (read_word(&copies, &older->rstat_cpu) && copies)
			copies = (void *)copies + bpf_core_field_offset(struct cgroup_rstat_cpu, bstat.cputime);
	}
	/*
	 * include/linux/sched/types.h: three values. If a kernel adds one, no value is better than
	 * a wrong one.
	 */
	if (!copies || bpf_core_type_size(struct task_cputime) != sizeof(sums) ||
	    !add_up(sums, sizeof(sums) / sizeof(*sums), copies))
		return 0;
	usage->cpu_usage = sums[bpf_core_field_offset(struct task_cputime, sum_exec_runtime) / sizeof(*sums)];
	usage->cpu_user = sums[bpf_core_field_offset(struct task_cputime, utime) / sizeof(*sums)];
	usage->cpu_system = sums[bpf_core_field_offset(struct task_cputime, stime) / sizeof(*sums)];
	return OBIT_HAS_CPU_USAGE | OBIT_HAS_CPU_SPLIT;
}

/* Reads the CPU time of the cgroup and of those below it (kernel/sched/cpuacct.c). */
static __always_inline __u8 read_cpu_v1(enum access_mode access, struct obit_usage *usage, struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css = CSS(access, cgrp, cpuacct_cgrp_id);
	struct cpuacct *cpuacct;
	__u8 present = 0;
	void *copies;

	if (!css)
		return 0;
	cpuacct = (void *)css - bpf_core_field_offset(struct cpuacct, css);
	if (bpf_core_field_exists(cpuacct->cpuusage) && read_word(&copies, &cpuacct->cpuusage)) {
		/* Older kernels keep user and system time apart here; their sum is the usage. */
		__u64 usages[2] = {};

		if (bpf_core_type_exists(struct cpuacct_usage) ? add_up(usages, 2, copies) : add_up(usages, 1, copies)) {
			usage->cpu_usage = usages[0] + usages[1];
			present |= OBIT_HAS_CPU_USAGE;
		}
	}
	if (bpf_core_field_exists(cpuacct->cpustat) && read_word(&copies, &cpuacct->cpustat)) {
		/*
		 * enum cpu_usage_stat of include/linux/kernel_stat.h: user, nice; system, softirq,
		 * irq.
		 */
		__u64 times[5] = {};

		if (add_up(times, 5, copies)) {
			usage->cpu_user = times[0] + times[1];
			usage->cpu_system = times[2] + times[3] + times[4];
			present |= OBIT_HAS_CPU_SPLIT;
		}
	}
	return present;
}

/*
 * Reads how often and how long the cgroup's own quota kept its tasks from running
 * (kernel/sched/sched.h).
 */
static __always_inline __u8 read_throttled(enum access_mode access, struct obit_usage *usage, struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css = CSS(access, cgrp, cpu_cgrp_id);
	struct task_group *group;
	__u32 times = 0;

	if (!css)
		return 0;
	group = (void *)css - bpf_core_field_offset(struct task_group, css);
	if (!bpf_core_field_exists(group->cfs_bandwidth.throttled_time) ||
	    !bpf_core_field_exists(group->cfs_bandwidth.nr_throttled) ||
	    !read_word(&usage->throttled, &group->cfs_bandwidth.throttled_time) ||
	    bpf_probe_read_kernel(&times, sizeof(times), &group->cfs_bandwidth.nr_throttled))
		return 0;
	usage->throttled_times = times;
	return OBIT_HAS_THROTTLED;
}

/*
 * Reads the bytes that the cgroup's own tasks read and wrote, of all devices together
 * (block/blk-cgroup.c). Only v2 counts them here; v1 has a counter in the controller's throttling,
 * which newer kernels start only for a device that has a limit.
 */
static __always_inline __u8 read_io(enum access_mode access, struct obit_usage *usage, struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css = CSS(access, cgrp, io_cgrp_id);
	struct blkcg_gq *device = 0;
	/* BLKG_IOSTAT_READ and BLKG_IOSTAT_WRITE. */
	__u64 bytes[2] = {};
	struct blkcg *blkcg;
	void *node = 0;

	if (!css)
		return 0;
	blkcg = (void *)css - bpf_core_field_offset(struct blkcg, css);
	if (!processors || !bpf_core_field_exists(device->iostat_cpu) || !read_word(&node, &blkcg->blkg_list.first))
		return 0;
	for (int number = 0; number < MAX_DEVICES; number++) {
		struct blkg_iostat_set *copies = 0;

		if (!node) {
			usage->io_read = bytes[0];
			usage->io_written = bytes[1];
			return OBIT_HAS_IO;
		}
		device = node - bpf_core_field_offset(struct blkcg_gq, blkcg_node);
		if (!read_word(&copies, &device->iostat_cpu) || !copies)
			return 0;
		if (!add_up(bytes, 2, (void *)copies + bpf_core_field_offset(struct blkg_iostat_set, cur.bytes)) ||
		    !read_word(&node, &device->blkcg_node.next))
			return 0;
	}
	/* There are more devices: a sum without them would be wrong. */
	return 0;
}

/* Reads the usage of processors and devices. Returns the bits of the values that are present. */
static __always_inline __u8 read_usage(enum access_mode access, struct obit_usage *usage, __u32 hierarchy_id, struct cgroup *cgrp)
{
	__u8 present = 0;

	usage->cpu_usage = usage->cpu_user = usage->cpu_system = 0;
	usage->io_read = usage->io_written = 0;
	if (hierarchy_id == 0)
		present |= read_cpu_v2(access, usage, cgrp) | read_io(access, usage, cgrp);
	else
		present |= read_cpu_v1(access, usage, cgrp);
	return present | read_throttled(access, usage, cgrp);
}
