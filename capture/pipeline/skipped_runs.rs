//! Runs of the BPF programs that the kernel skipped: events that the programs could not count.

use std::collections::BTreeMap;

use obit_derivation::record::KernelEventKind;

use super::input::LossCount;

/// The kernel's counts of skipped runs so far (`bpf_prog_stats.misses`), by the kind of the
/// programs' events.
#[derive(Debug, Default)]
pub struct SkippedRuns {
    so_far: BTreeMap<Option<KernelEventKind>, u64>,
}

impl SkippedRuns {
    /// Takes new counts and returns the runs that were skipped since the last call. `counters` has
    /// one entry a program, with the kind of its events if it has only one; several programs may
    /// have the same. The kernel does not count by processor.
    pub fn update(&mut self, counters: &[(Option<KernelEventKind>, u64)]) -> Vec<LossCount> {
        let mut now = BTreeMap::new();
        for (kind, count) in counters {
            let sum: &mut u64 = now.entry(*kind).or_default();
            *sum = sum.saturating_add(*count);
        }
        let new = now.iter().map(|(kind, count)| {
            let before = self.so_far.get(kind).copied().unwrap_or_default();
            LossCount { kind: *kind, cpu: None, count: count.saturating_sub(before) }
        });
        let losses = new.filter(|loss| loss.count > 0).collect();
        self.so_far = now;
        losses
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::record::CgroupEventKind;

    use super::*;

    #[test]
    fn each_skipped_run_becomes_a_loss_once() {
        let rmdir = Some(KernelEventKind::Cgroup(CgroupEventKind::Rmdir));
        let exit = Some(KernelEventKind::Exit);
        let loss = |kind, count| LossCount { kind, cpu: None, count };
        let mut runs = SkippedRuns::default();
        // One program reports the first task that comes and the last that goes: it has no single
        // kind.
        assert_eq!(runs.update(&[(rmdir, 0), (exit, 0), (None, 0)]), []);
        assert_eq!(runs.update(&[(rmdir, 2), (exit, 0), (None, 1)]), [loss(None, 1), loss(rmdir, 2)]);
        assert_eq!(runs.update(&[(rmdir, 2), (exit, 0), (None, 1)]), [], "told before");
        assert_eq!(runs.update(&[(rmdir, 2), (exit, 7), (None, 1)]), [loss(exit, 7)]);
    }

    #[test]
    fn programs_of_one_kind_are_counted_together() {
        let exit = Some(KernelEventKind::Exit);
        let mut runs = SkippedRuns::default();
        let losses = runs.update(&[(exit, 1), (exit, 2)]);
        assert_eq!(losses, [LossCount { kind: exit, cpu: None, count: 3 }]);
        assert_eq!(runs.update(&[(exit, 2), (exit, 2)]), [LossCount { kind: exit, cpu: None, count: 1 }]);
    }
}
