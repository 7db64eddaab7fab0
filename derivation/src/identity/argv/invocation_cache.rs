//! The last command line, remembered: a runtime makes a container's directories on ten hierarchies with one, and removes
//! them with another.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Invocation, Verb, parse, program};
use crate::identity::{Engine, OciRuntime};
use crate::row::{write_over, write_over_option};

/// The last command line of an OCI runtime, and what it says. Only spares work: what is read is what [`parse`] reads.
#[derive(Debug, Default)]
pub(crate) struct InvocationCache {
    argv: Vec<String>,
    said: Option<Call>,
}

/// An [`Invocation`] that is kept.
#[derive(Debug)]
struct Call {
    oci_runtime: OciRuntime,
    verb: Verb,
    container_id: String,
    root: Option<String>,
    bundle: Option<String>,
    engine: Engine,
    namespace: Option<String>,
}

impl InvocationCache {
    /// Reads an argument vector, as [`parse`] does.
    pub fn read(&mut self, argv: &[&str]) -> Option<Invocation<'_>> {
        // The id, which nearly always tells two apart, stands last.
        let is_last = self.argv.len() == argv.len() && self.argv.iter().rev().eq(argv.iter().rev());
        if !is_last {
            // Most are of other programs, and not worth remembering.
            program::oci_runtime(argv.first()?)?;
            self.argv.truncate(argv.len());
            self.argv.iter_mut().zip(argv).for_each(|(kept, element)| write_over(kept, element));
            self.argv.extend(argv.iter().skip(self.argv.len()).map(|&element| String::from(element)));
            match (&mut self.said, parse(argv)) {
                (Some(call), Some(said)) => call.write(&said),
                (call, said) => *call = said.as_ref().map(Call::of),
            }
        }
        self.said.as_ref().map(Call::as_said)
    }
}

impl Call {
    fn of(said: &Invocation<'_>) -> Self {
        let mut call = Self {
            oci_runtime: said.oci_runtime,
            verb: said.verb,
            container_id: String::new(),
            root: None,
            bundle: None,
            engine: said.engine,
            namespace: None,
        };
        call.write(said);
        call
    }

    fn write(&mut self, said: &Invocation<'_>) {
        self.oci_runtime = said.oci_runtime;
        self.verb = said.verb;
        write_over(&mut self.container_id, said.container_id);
        write_over_option(&mut self.root, said.root);
        write_over_option(&mut self.bundle, said.bundle);
        self.engine = said.engine;
        write_over_option(&mut self.namespace, said.namespace);
    }

    fn as_said(&self) -> Invocation<'_> {
        Invocation {
            oci_runtime: self.oci_runtime,
            verb: self.verb,
            container_id: &self.container_id,
            root: self.root.as_deref(),
            bundle: self.bundle.as_deref(),
            engine: self.engine,
            namespace: self.namespace.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InvocationCache, parse};

    /// Whatever was read before, the answer is that of [`parse`].
    #[test]
    fn what_is_remembered_changes_no_answer() {
        let lines: [&[&str]; 8] = [
            &["runc", "--root", "/run/containerd/runc/k8s.io", "create", "--bundle", "/b/a", "a"],
            &["runc", "--root", "/run/containerd/runc/k8s.io", "create", "--bundle", "/b/a", "b"],
            &["runc", "--root", "/run/containerd/runc/k8s.io", "create", "--bundle", "/b/a"],
            &["runc", "delete", "a"],
            &["crun", "delete", "a"],
            &["runc", "list"],
            &["sleep", "1"],
            &[],
        ];
        for first in lines {
            for second in lines {
                for third in lines {
                    let mut last = InvocationCache::default();
                    for argv in [first, second, third] {
                        assert_eq!(last.read(argv), parse(argv), "{first:?} {second:?} {third:?}");
                    }
                }
            }
        }
    }
}
