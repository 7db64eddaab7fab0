//! Reading ahead: what an iterator gives next is made on a thread of its own while what it gave before is used.
//!
//! Nothing else changes by it: the same items come in the same order, and nothing is decided on the other thread. It ends with its
//! iterator, or with the [`Prefetch`] that it works for, whichever is first. A panic there goes on in whoever asks for the next item.

use std::fmt;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, Builder};

use crate::threads::Worker;

/// Items that may wait to be asked for. One more is being made, and one is in use: so much of a table is in memory.
const MAX_WAITING: usize = 2;

/// Rows below which a table is not worth a thread: reading them takes little longer than to start one.
const WORTH_ROWS: u64 = 8_192;

/// On how many threads a case is read. What is read is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadThreads {
    /// On one more for each table that is long enough, if this process may use more than one processor.
    #[default]
    AsUseful,
    /// On that which asks for it.
    One,
    /// On one more for each table, however short it is.
    EachTable,
}

impl ReadThreads {
    /// Whether a thread is started for what has so many rows.
    pub(crate) fn are_worth(self, rows: u64) -> bool {
        match self {
            Self::AsUseful => rows >= WORTH_ROWS && has_processors(),
            Self::One => false,
            Self::EachTable => true,
        }
    }
}

/// Whether this process may use more than one processor, by its affinity and its cgroup's quota when it was first asked.
fn has_processors() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| thread::available_parallelism().is_ok_and(|count| count.get() > 1));
    *HAS
}

/// The items of an iterator, made ahead or when they are asked for.
pub(super) enum Prefetch<I: Iterator> {
    /// When they are asked for.
    Here(I),
    /// By a thread.
    There(Worker<Receiver<I::Item>, ()>),
}

impl<I> Prefetch<I>
where
    I: Iterator<Item: Send> + Send + 'static,
{
    /// The items of `iterator`, which come of a table of so many rows.
    pub(super) fn of(iterator: I, threads: ReadThreads, rows: u64) -> Self {
        if !threads.are_worth(rows) {
            return Self::Here(iterator);
        }
        // The thread is given its work once it is there: if none can be started, it is still here.
        let (give, work) = sync_channel::<I>(1);
        let (send, items) = sync_channel(MAX_WAITING);
        let read = move || {
            // An item that nobody takes is the last.
            let _ = work.into_iter().flatten().try_for_each(|item| send.send(item));
        };
        match Builder::new().name("read-ahead".to_owned()).spawn(read) {
            Ok(thread) => {
                // It waits for this, and for no more.
                let _ = give.send(iterator);
                Self::There(Worker::new(items, thread))
            }
            Err(_) => Self::Here(iterator),
        }
    }
}

impl<I: Iterator> Iterator for Prefetch<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        match self {
            Self::Here(iterator) => iterator.next(),
            Self::There(worker) => {
                let item = worker.channel()?.recv().ok();
                if item.is_none() {
                    worker.end();
                }
                item
            }
        }
    }
}

impl<I: Iterator> fmt::Debug for Prefetch<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here(_) => "Here",
            Self::There(_) => "There",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn each_way<I>(iterator: impl Fn() -> I) -> [Prefetch<I>; 2]
    where
        I: Iterator<Item: Send> + Send + 'static,
    {
        [ReadThreads::One, ReadThreads::EachTable].map(|threads| Prefetch::of(iterator(), threads, 0))
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
            (ReadThreads::AsUseful, WORTH_ROWS - 1, false),
            (ReadThreads::AsUseful, WORTH_ROWS, has_processors()),
            (ReadThreads::One, u64::MAX, false),
            (ReadThreads::EachTable, 0, true),
        ] {
            assert_eq!(threads.are_worth(rows), worth, "{threads:?}, {rows} rows");
            assert_eq!(
                matches!(Prefetch::of(0..1, threads, rows), Prefetch::There(_)),
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
        let mut ahead = Prefetch::of(counted, ReadThreads::EachTable, 0);
        for taken in 1..100 {
            assert_eq!(ahead.next(), Some(taken - 1));
            assert!(made.load(Ordering::Relaxed) <= taken + MAX_WAITING + 1);
        }
    }

    /// It would not come back from the drop otherwise, as this iterator has no end.
    #[test]
    fn a_thread_ends_when_nobody_asks_any_more() {
        for taken in [0, 1, 10] {
            let alive = Arc::new(());
            let held = Arc::clone(&alive);
            let mut ahead = Prefetch::of((0..).inspect(move |_| assert_eq!(*held, ())), ReadThreads::EachTable, 0);
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
        let ahead = Prefetch::of((0..5).inspect(|_| panic!("meant to fail")), ReadThreads::EachTable, 0);
        drop(ahead);
    }
}
