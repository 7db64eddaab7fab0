/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Programs for kernels without type information (BTF), their own or in a file. They read what the
 * kernel writes into its trace buffer at the cgroup tracepoints. User space compares the struct
 * below with events/cgroup/.../format of tracefs before it loads these programs.
 *
 * They cannot read the kernel's own structures: the parent of the cgroup and of the actor, the
 * actor's arguments, the usage, and all of process.h are absent. Nothing here may be relocated
 * (CO-RE).
 */
#ifndef OBIT_FORMAT_H
#define OBIT_FORMAT_H

/* include/trace/events/cgroup.h, cgroup and cgroup_event, since Linux 5.5. */
struct obit_format {
	__u64 common; /* type, flags, preempt_count, pid */
	__s32 root;
	__s32 level;
	__u64 id;
	__u32 path; /* lower half: its offset from the start of this struct; upper half: its length */
	__s32 val;  /* of cgroup_event only */
};

static __always_inline int record_format(__u32 program, __u32 kind, const struct obit_format *ctx)
{
	struct obit_cgroup_scratch *scratch = bpf_map_lookup_elem(&cgroup_scratch, &program);
	struct argument_area arguments = {};
	struct obit_event *event;
	__u64 path_bytes;
	__u8 flags = 0;

	if (!scratch)
		return 0;
	event = &scratch->event;
	record_actor(ACCESS_FORMAT, event, kind, &arguments);
	event->hierarchy_id = ctx->root;
	event->level = ctx->level;
	event->cgroup_id = ctx->id;
	event->parent_cgroup_id = 0;
	/* Zero and an empty name stand for an unknown parent: no process has both. */
	event->ppid = 0;
	__builtin_memset(event->parent_comm, 0, OBIT_COMM_BYTES);
	event->present = 0;
	path_bytes = read_path(scratch->text, 0, (const char *)ctx + (ctx->path & 0xffff), &flags);
	event->path_bytes = path_bytes;
	event->argv_bytes = 0;
	event->flags = flags;
	emit(kind, event, sizeof(*event) + path_bytes, sizeof(*event) + sizeof(scratch->text));
	wake_sleeper();
	return 0;
}

SEC("tp/cgroup/cgroup_mkdir")
int format_mkdir(const struct obit_format *ctx)
{
	return record_format(ON_MKDIR, OBIT_MKDIR, ctx);
}

SEC("tp/cgroup/cgroup_rmdir")
int format_rmdir(const struct obit_format *ctx)
{
	return record_format(ON_RMDIR, OBIT_RMDIR, ctx);
}

SEC("tp/cgroup/cgroup_notify_populated")
int format_populated(const struct obit_format *ctx)
{
	return record_format(ON_NOTIFY_POPULATED, ctx->val ? OBIT_POPULATED : OBIT_EMPTY, ctx);
}

SEC("tp/cgroup/cgroup_freeze")
int format_freeze(const struct obit_format *ctx)
{
	return record_format(ON_FREEZE, OBIT_FREEZE, ctx);
}

SEC("tp/cgroup/cgroup_unfreeze")
int format_unfreeze(const struct obit_format *ctx)
{
	return record_format(ON_UNFREEZE, OBIT_UNFREEZE, ctx);
}

SEC("tp/cgroup/cgroup_notify_frozen")
int format_frozen(const struct obit_format *ctx)
{
	return record_format(ON_NOTIFY_FROZEN, ctx->val ? OBIT_FROZEN : OBIT_THAWED, ctx);
}

#endif
