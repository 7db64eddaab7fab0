//! The rules that tell a container from a cgroup path: the last of the sources, and the only one
//! that a stranger can write.
//!
//! [`identify`] walks the components of a path from the outermost to the innermost. `component`
//! tells the kind of one directory, `place` what the directories above it allow, `grammar` what an
//! id looks like, and `walk` joins them. No regular expressions, no look-ups: the same path always
//! gives the same answer.
//!
//! A new rule is an arm in `component` (and, where an id has a new shape, a test in `grammar`;
//! where a directory has a new meaning for those below it, a value of `place::ParentRole`), and its
//! lines in derivation/tests/paths.tsv.

mod component;
mod grammar;
mod names_container;
mod path_identity;
mod place;
mod pod_uid;
mod walk;

pub(in crate::identity) use grammar::{OCI_ID_BYTES_MAX, components, is_buildah_id, is_oci_id, split_last};
pub use names_container::names_container;
pub use path_identity::{PathClass, PathIdentity};
pub use pod_uid::PodUid;
pub use walk::identify;
