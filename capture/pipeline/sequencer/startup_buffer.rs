//! Kernel events that wait until the first walk of a case or segment is over.

use std::collections::VecDeque;

use crate::pipeline::input::KernelBatch;
use crate::sources::kernel::wire::RawBatch;

/// Memory that they may take, in bytes. Events beyond it are counted as lost.
const MAX_BYTES: usize = 128 << 20;

/// Kernel batches, in the order of the drains.
#[derive(Debug, Default)]
pub struct StartupBuffer {
    batches: VecDeque<KernelBatch>,
    bytes: usize,
}

impl StartupBuffer {
    /// Appends a batch. If its events have no room they are discarded, of whatever kind they are;
    /// returns their number then.
    pub fn push(&mut self, mut batch: KernelBatch) -> Option<u64> {
        // The batch has room for more events than it holds, as it is made to be used again.
        batch.events.shrink_to_fit();
        let bytes = batch.events.memory_bytes();
        let dropped = (self.bytes + bytes > MAX_BYTES).then_some(batch.events.len() as u64);
        match dropped {
            Some(_) => batch.events = RawBatch::new(),
            None => self.bytes += bytes,
        }
        // Its losses are reported all the same.
        if !batch.events.is_empty() || !batch.losses.is_empty() {
            self.batches.push_back(batch);
        }
        dropped
    }
}

impl IntoIterator for StartupBuffer {
    type Item = KernelBatch;
    type IntoIter = std::collections::vec_deque::IntoIter<KernelBatch>;

    fn into_iter(self) -> Self::IntoIter {
        self.batches.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::clock::ClockPair;
    use crate::pipeline::input::LossCount;

    fn batch(events: usize, bytes: usize) -> KernelBatch {
        let mut raw = RawBatch::new();
        (0..events).for_each(|_| raw.push(&vec![7; bytes]));
        KernelBatch { events: raw, losses: Vec::new(), read_at: ClockPair::read() }
    }

    #[test]
    fn what_has_no_room_is_counted_and_what_was_lost_before_stays() {
        let mut buffer = StartupBuffer::default();
        assert_eq!(buffer.push(batch(3, 100)), None);
        let lost = LossCount { kind: None, cpu: None, count: 5 };
        let too_much = KernelBatch { losses: vec![lost], ..batch(2, MAX_BYTES / 2) };
        assert_eq!(buffer.push(too_much), Some(2));
        assert_eq!(buffer.push(batch(1, 100)), None, "there is room for this one");
        let left: Vec<_> = buffer.into_iter().map(|batch| (batch.events.len(), batch.losses)).collect();
        assert_eq!(left, [(3, vec![]), (0, vec![lost]), (1, vec![])]);
    }

    #[test]
    fn a_batch_takes_the_room_of_what_it_holds() {
        let mut buffer = StartupBuffer::default();
        for _ in 0..64 {
            // Made for more than would fit so many times.
            let mut events = batch(1, 4 << 20).events;
            events.clear();
            events.push(&[7; 100]);
            assert_eq!(buffer.push(KernelBatch { events, ..batch(0, 0) }), None);
        }
        assert!(buffer.bytes < 64 << 10, "{} bytes", buffer.bytes);
    }
}
