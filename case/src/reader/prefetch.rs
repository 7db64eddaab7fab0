//! Reads ahead: a thread makes the next items of an iterator while the caller uses the ones before.
//!
//! The same items come in the same order, and the thread decides nothing. It ends with its iterator
//! or with its [`Prefetch`], whichever is first. A panic in it continues in the caller that asks
//! for the next item.

use std::fmt;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Builder;

use crate::threads::{ReadThreads, WorkerThread};

/// Items that may wait for the caller. One more is being made, and one is in use: so much of a
/// table is in memory.
const MAX_WAITING: usize = 2;

/// The items of an iterator, made ahead or on demand.
pub(super) enum Prefetch<I: Iterator> {
    /// Made by the caller's thread, on demand.
    OnDemand(I),
    /// Made ahead by a thread.
    Threaded(WorkerThread<Receiver<I::Item>, ()>),
}

impl<I> Prefetch<I>
where
    I: Iterator<Item: Send> + Send + 'static,
{
    /// Returns the items of `iterator`, which reads a table of this many rows.
    pub(super) fn new(iterator: I, threads: ReadThreads, rows: u64) -> Self {
        if !threads.are_worth(rows) {
            return Self::OnDemand(iterator);
        }
        // The thread gets the iterator once it runs: if none can be started, the caller still has
        // it.
        let (give, work) = sync_channel::<I>(1);
        let (send, items) = sync_channel(MAX_WAITING);
        let read = move || {
            // Ends at the first item that nobody takes.
            let _ = work.into_iter().flatten().try_for_each(|item| send.send(item));
        };
        match Builder::new().name("read-ahead".to_owned()).spawn(read) {
            Ok(thread) => {
                // The thread waits for exactly this.
                let _ = give.send(iterator);
                Self::Threaded(WorkerThread::new(items, thread))
            }
            Err(_) => Self::OnDemand(iterator),
        }
    }
}

impl<I: Iterator> Iterator for Prefetch<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        match self {
            Self::OnDemand(iterator) => iterator.next(),
            Self::Threaded(worker) => {
                let item = worker.channel()?.recv().ok();
                if item.is_none() {
                    worker.join();
                }
                item
            }
        }
    }
}

impl<I: Iterator> fmt::Debug for Prefetch<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnDemand(_) => "OnDemand",
            Self::Threaded(_) => "Threaded",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::{WORTH_ROWS, has_processors};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn each_way<I>(iterator: impl Fn() -> I) -> [Prefetch<I>; 2]
    where
        I: Iterator<Item: Send> + Send + 'static,
    {
        [ReadThreads::One, ReadThreads::EachTable].map(|threads| Prefetch::new(iterator(), threads, 0))
    }

    #[test]
    fn the_same_items_come_in_the_same_order() {
        for count in [0, 1, MAX_WAITING, 1_000] {
            for mut ahead in each_way(|| 0..count) {
                assert_eq!(ahead.by_ref().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>(), "{ahead:?}");
                assert_eq!(ahead.next(), None, "{ahead:?} stays at its end");
            }
        }
    }

    #[test]
    fn a_short_table_and_a_single_processor_get_no_thread() {
        for (threads, rows, worth) in [
            (ReadThreads::Auto, WORTH_ROWS - 1, false),
            (ReadThreads::Auto, WORTH_ROWS, has_processors()),
            (ReadThreads::One, u64::MAX, false),
            (ReadThreads::EachTable, 0, true),
        ] {
            assert_eq!(threads.are_worth(rows), worth, "{threads:?}, {rows} rows");
            assert_eq!(
                matches!(Prefetch::new(0..1, threads, rows), Prefetch::Threaded(_)),
                worth,
                "{threads:?}, {rows} rows"
            );
        }
    }

    #[test]
    fn no_more_is_made_than_has_room() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let counted = (0..).inspect(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let mut ahead = Prefetch::new(counted, ReadThreads::EachTable, 0);
        for taken in 1..100 {
            assert_eq!(ahead.next(), Some(taken - 1));
            assert!(made.load(Ordering::Relaxed) <= taken + MAX_WAITING + 1);
        }
    }

    /// The iterator has no end: without this the drop would not return.
    #[test]
    fn a_thread_ends_when_nobody_asks_any_more() {
        for taken in [0, 1, 10] {
            let alive = Arc::new(());
            let held = Arc::clone(&alive);
            let mut ahead = Prefetch::new((0..).inspect(move |_| assert_eq!(*held, ())), ReadThreads::EachTable, 0);
            assert_eq!(ahead.by_ref().take(taken).count(), taken);
            drop(ahead);
            assert_eq!(Arc::strong_count(&alive), 1, "what it read from is let go");
        }
    }

    #[test]
    fn a_panic_reaches_whoever_asks_for_the_item() {
        for mut ahead in each_way(|| (0..5).inspect(|item| assert!(*item < 3, "meant to fail"))) {
            assert_eq!(ahead.by_ref().take(3).collect::<Vec<_>>(), [0, 1, 2]);
            let panic = catch_unwind(AssertUnwindSafe(|| ahead.next())).expect_err("it failed");
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"meant to fail"));
        }
    }

    #[test]
    fn a_panic_that_nobody_waits_for_stops_nothing() {
        let ahead = Prefetch::new((0..5).inspect(|_| panic!("meant to fail")), ReadThreads::EachTable, 0);
        drop(ahead);
    }
}
