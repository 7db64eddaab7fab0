//! Runs of the BPF programs that the kernel skipped: events that no counter of ours could see.

use std::collections::BTreeMap;

use obit_derivation::record::KernelEventKind;

use super::input::LossCount;

/// What the kernel has counted so far (`bpf_prog_stats.misses`), by what the programs tell of.
#[derive(Debug, Default)]
pub struct Misses {
    so_far: BTreeMap<Option<KernelEventKind>, u64>,
}

impl Misses {
    /// What was skipped since the last call. `counters` are of each program, with the kind of its events if that is one;
    /// several may tell of the same. The kernel does not count them by processor.
    pub fn new_in(&mut self, counters: &[(Option<KernelEventKind>, u64)]) -> Vec<LossCount> {
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
        let mut misses = Misses::default();
        // One program tells of the first task that comes and the last that goes: of no single kind.
        assert_eq!(misses.new_in(&[(rmdir, 0), (exit, 0), (None, 0)]), []);
        assert_eq!(misses.new_in(&[(rmdir, 2), (exit, 0), (None, 1)]), [loss(None, 1), loss(rmdir, 2)]);
        assert_eq!(misses.new_in(&[(rmdir, 2), (exit, 0), (None, 1)]), [], "told before");
        assert_eq!(misses.new_in(&[(rmdir, 2), (exit, 7), (None, 1)]), [loss(exit, 7)]);
    }

    #[test]
    fn programs_of_one_kind_are_counted_together() {
        let exit = Some(KernelEventKind::Exit);
        let mut misses = Misses::default();
        let told = misses.new_in(&[(exit, 1), (exit, 2)]);
        assert_eq!(told, [LossCount { kind: exit, cpu: None, count: 3 }]);
        assert_eq!(misses.new_in(&[(exit, 2), (exit, 2)]), [LossCount { kind: exit, cpu: None, count: 1 }]);
    }
}
