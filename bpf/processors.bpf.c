// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Finds how far apart the kernel keeps the copies that each processor has of one value, so that
 * what the kernel counts by processor can be read for all of them. Runs once, before the program of
 * obit.bpf.c is loaded.
 *
 * A map with a copy for each processor shows it: the kernel has one address for all copies
 * (`pptrs`), and a lookup gives the address of a single copy. The symbol __per_cpu_offset would
 * show the same, where a kernel has the names of its data (CONFIG_KALLSYMS_ALL) and shows them
 * (CAP_SYSLOG).
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "wire.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct bpf_array {
	void *pptrs[1];
} CORE;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} copies SEC(".maps");

/*
 * User space subtracts these: here they are pointers, with which the verifier lets nobody
 * calculate. 0 means not found; in `addresses`, also that there is no such processor.
 */
volatile __u64 map_address;
__u64 common_address;
__u64 addresses[OBIT_PROCESSORS];

SEC("raw_tp")
int find_processors(void *ctx)
{
	struct bpf_array *array;
	__u32 first = 0;

	map_address = (__u64)&copies;
	array = (void *)map_address;
	bpf_probe_read_kernel(&common_address, sizeof(common_address), &array->pptrs);

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_map_lookup_percpu_elem)) {
		for (__u32 cpu = 0; cpu < OBIT_PROCESSORS; cpu++)
			addresses[cpu] = (__u64)bpf_map_lookup_percpu_elem(&copies, &first, cpu);
	} else {
		__u32 cpu = bpf_get_smp_processor_id();

		if (cpu < OBIT_PROCESSORS)
			addresses[cpu] = (__u64)bpf_map_lookup_elem(&copies, &first);
	}
	return 0;
}
