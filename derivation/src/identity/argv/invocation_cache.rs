//! The last command line of an OCI runtime, remembered.

use alloc::string::String;
use alloc::vec::Vec;

use super::command_line::parse;
use super::invocation::Invocation;
use super::verb::Verb;
use crate::identity::engine::{Engine, OciRuntime};

/// The last command line that named a container. It saves work and changes no answer.
///
/// A runtime makes a container's directories on ten hierarchies with one command line, and removes
/// them with another. Reading each anew takes 12 per cent more instructions in a derivation.
#[derive(Debug, Default)]
pub(crate) struct InvocationCache {
    argv: Vec<String>,
    invocation: Option<OwnedInvocation>,
}

/// An [`Invocation`] with texts of its own.
#[derive(Debug)]
struct OwnedInvocation {
    oci_runtime: Option<OciRuntime>,
    verb: Verb,
    container_id: String,
    root: Option<String>,
    bundle: Option<String>,
    engine: Option<Engine>,
    namespace: Option<String>,
    is_partial: bool,
}

impl InvocationCache {
    /// Reads an argument vector, as [`parse`] does.
    pub fn read(&mut self, argv: &[&str]) -> Option<Invocation<'_>> {
        // Compared from the end: the id, which nearly always tells two apart, stands last.
        let is_last = self.argv.len() == argv.len() && self.argv.iter().rev().eq(argv.iter().rev());
        if !is_last {
            // Most are of other programs, and not worth remembering.
            let invocation = parse(argv)?;
            self.invocation = Some(OwnedInvocation::from(&invocation));
            self.argv = argv.iter().map(|&element| element.into()).collect();
        }
        self.invocation.as_ref().map(OwnedInvocation::borrow)
    }
}

impl From<&Invocation<'_>> for OwnedInvocation {
    fn from(invocation: &Invocation<'_>) -> Self {
        Self {
            oci_runtime: invocation.oci_runtime,
            verb: invocation.verb,
            container_id: invocation.container_id.into(),
            root: invocation.root.map(Into::into),
            bundle: invocation.bundle.map(Into::into),
            engine: invocation.engine,
            namespace: invocation.namespace.map(Into::into),
            is_partial: invocation.is_partial,
        }
    }
}

impl OwnedInvocation {
    fn borrow(&self) -> Invocation<'_> {
        Invocation {
            oci_runtime: self.oci_runtime,
            verb: self.verb,
            container_id: &self.container_id,
            root: self.root.as_deref(),
            bundle: self.bundle.as_deref(),
            engine: self.engine,
            namespace: self.namespace.as_deref(),
            is_partial: self.is_partial,
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
                    let mut cache = InvocationCache::default();
                    for argv in [first, second, third] {
                        assert_eq!(cache.read(argv), parse(argv), "{first:?} {second:?} {third:?}");
                    }
                }
            }
        }
    }
}
