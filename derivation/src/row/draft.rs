//! RowSink that are written over: each into the memory of the one before, whose texts were about as long.

use alloc::string::String;

use super::ActorCopy;
use crate::record::Actor;

impl ActorCopy {
    /// Copies another task into the memory of this one.
    pub(crate) fn copy(&mut self, actor: &Actor<'_>) {
        let Self { pid, uid, comm, parent_comm, argv } = self;
        (*pid, *uid) = (actor.pid, actor.uid);
        write_over(comm, actor.comm);
        write_over(parent_comm, actor.parent_comm);
        argv.truncate(actor.argv.len());
        argv.iter_mut().zip(actor.argv).for_each(|(copy, element)| write_over(copy, element));
        argv.extend(actor.argv.iter().skip(argv.len()).map(|&element| String::from(element)));
    }
}

/// Puts another text into the memory of this one.
pub(crate) fn write_over(text: &mut String, by: &str) {
    text.clear();
    text.push_str(by);
}

/// The same of a text that may be absent.
#[inline(always)] // most are absent, and were
pub(crate) fn write_over_option(text: &mut Option<String>, by: Option<&str>) {
    match (text, by) {
        (None, None) => {}
        (Some(text), Some(by)) => write_over(text, by),
        (text, by) => *text = by.map(String::from),
    }
}
