//! Profiles: the rules that a replay follows, and the facts of the host that they need.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use obit_case::Case;
use obit_case::manifest::Manifest;
use obit_derivation::tracee::{TraceeFold, WatchedHierarchies};
use obit_derivation::{Derive, Fold, HierarchyId, Profile};
use obit_schema::Table;
use serde::Deserialize;

use crate::error::Error;

/// The place where Tracee expects the v2 tree of a host that uses v2 (common/cgroup/cgroup.go of
/// Tracee, `CgroupControllersFile`).
const V2_MOUNT_POINT: &str = "/sys/fs/cgroup";

/// The controller whose v1 hierarchy Tracee watches (common/cgroup/cgroup.go,
/// `CgroupDefaultController`).
const V1_CONTROLLER: &str = "cpuset";

/// Makes the rules of a profile ready for the records of a case.
///
/// # Errors
/// [`Error::Hierarchies`] if the rules need the host's hierarchies and case.json does not list
/// them.
pub(crate) fn rules(case: &Case, profile: Profile) -> Result<Box<dyn Derive + Send>, Error> {
    match profile {
        // Without case.json the recorder's grace is unknown; cases of old builds have none.
        Profile::Strict => {
            let (grace_ns, rate) =
                case.manifest().map_or((0, 0), |manifest| (manifest.grace_ns, manifest.user_lives_per_second));
            Ok(Box::new(Fold::with_grace(grace_ns).with_user_rate(rate)))
        }
        Profile::Tracee => {
            let manifest = case.manifest().ok_or_else(|| missing("case.json could not be read"))?;
            Ok(Box::new(TraceeFold::new(watched(manifest)?)))
        }
    }
}

/// Returns true if a profile gives rows of this derived table.
pub fn gives(profile: Profile, table: Table) -> bool {
    match profile {
        Profile::Strict => true,
        Profile::Tracee => matches!(table, Table::ContainerRemove | Table::ContainerCreate | Table::ExistingContainer),
    }
}

/// Returns true if a profile fills this column of a derived table.
pub fn fills(profile: Profile, table: Table, column: &str) -> bool {
    match profile {
        Profile::Strict => true,
        Profile::Tracee => match column {
            "runtime"
            | "container_id"
            | "seq"
            | "ts"
            | "boot_ns"
            | "hierarchy_id"
            | "cgroup_id"
            | "cgroup_path"
            | "cgroup_path_truncated"
            | "evidence_seqs" => true,
            "removed_by_pid" | "removed_by_uid" | "removed_by_comm" | "rmdir_seq" => table == Table::ContainerRemove,
            "created_by_pid" | "created_by_uid" | "created_by_comm" | "created_seq" => table == Table::ContainerCreate,
            "first_seen_seq" => table == Table::ExistingContainer,
            _ => false,
        },
    }
}

/// Returns the schema of the columns of a derived table that a profile fills, in file order.
///
/// # Errors
/// [`Error::Columns`]; that would be a fault of this crate.
pub fn schema(profile: Profile, table: Table) -> Result<SchemaRef, Error> {
    let schema = table.schema().project(&filled_columns(profile, table));
    schema.map(Arc::new).map_err(columns_error(table))
}

/// Removes the columns that a profile does not fill from a batch of a derived table.
pub(crate) fn select_columns(profile: Profile, table: Table, batch: RecordBatch) -> Result<RecordBatch, Error> {
    match profile {
        Profile::Strict => Ok(batch),
        Profile::Tracee => batch.project(&filled_columns(profile, table)).map_err(columns_error(table)),
    }
}

/// Makes an [`Error::Columns`], for `map_err`.
pub(crate) fn columns_error(table: Table) -> impl FnOnce(arrow_schema::ArrowError) -> Error {
    move |cause| Error::Columns { table: table.name(), cause }
}

/// Returns the indices of the columns that a profile fills.
fn filled_columns(profile: Profile, table: Table) -> Vec<usize> {
    let columns = table.columns().iter().enumerate();
    columns.filter(|(_, column)| fills(profile, table, column.name)).map(|(index, _)| index).collect()
}

/// A mounted hierarchy, as the recorder found it.
#[derive(Debug, Deserialize)]
struct MountedHierarchy {
    id: u32,
    version: String,
    #[serde(default)]
    controllers: Vec<String>,
    #[serde(default)]
    mount_point: String,
}

/// Returns the hierarchies that Tracee would have watched on the host (common/cgroup/cgroup.go of
/// Tracee, `GetCgroupDefaultVersion`).
fn watched(manifest: &Manifest) -> Result<WatchedHierarchies, Error> {
    let recorded = manifest.host.get("hierarchies").ok_or_else(|| missing("case.json has no host.hierarchies"))?;
    let hierarchies: Vec<MountedHierarchy> = Deserialize::deserialize(recorded)
        .map_err(|cause| missing(&format!("host.hierarchies of case.json cannot be read: {cause}")))?;
    if hierarchies.iter().any(|one| one.version == "v2" && one.mount_point == V2_MOUNT_POINT) {
        return Ok(WatchedHierarchies::Every);
    }
    let has_cpuset =
        |one: &&MountedHierarchy| one.version == "v1" && one.controllers.iter().any(|name| name == V1_CONTROLLER);
    match hierarchies.iter().find(has_cpuset) {
        Some(v1) => Ok(WatchedHierarchies::Only(HierarchyId(v1.id))),
        // The controller is on v2, or not there.
        None => Ok(WatchedHierarchies::Every),
    }
}

fn missing(why: &str) -> Error {
    Error::Hierarchies { why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_case::manifest::BuildInfo;
    use serde_json::{Value, json};

    fn host(hierarchies: Value) -> Result<WatchedHierarchies, Error> {
        let mut manifest = Manifest::new("id".to_owned(), BuildInfo::default());
        manifest.host.insert("hierarchies".to_owned(), hierarchies);
        watched(&manifest)
    }

    #[test]
    fn a_v2_host_is_one_whose_tree_is_at_the_usual_place() {
        let v2 = json!({"id": 0, "version": "v2", "controllers": ["cpuset"], "mount_point": "/sys/fs/cgroup"});
        assert_eq!(host(json!([v2])).expect("hierarchies"), WatchedHierarchies::Every);
    }

    #[test]
    fn of_a_hybrid_host_the_cpuset_hierarchy_counts_wherever_v2_is() {
        let v2 = json!({"id": 0, "version": "v2", "controllers": [], "mount_point": "/sys/fs/cgroup/unified"});
        let cpuset =
            json!({"id": 3, "version": "v1", "controllers": ["cpuset"], "mount_point": "/sys/fs/cgroup/cpuset"});
        let memory =
            json!({"id": 4, "version": "v1", "controllers": ["memory"], "mount_point": "/sys/fs/cgroup/memory"});
        assert_eq!(host(json!([memory, v2, cpuset])).expect("hierarchies"), WatchedHierarchies::Only(HierarchyId(3)));
        // Without one that has the controller, v2 is taken.
        assert_eq!(host(json!([memory, v2])).expect("hierarchies"), WatchedHierarchies::Every);
    }

    #[test]
    fn what_is_not_recorded_is_not_guessed() {
        let manifest = Manifest::new("id".to_owned(), BuildInfo::default());
        assert!(watched(&manifest).expect_err("nothing recorded").to_string().contains("host.hierarchies"));
        assert!(host(json!("none")).is_err());
    }

    #[test]
    fn every_name_is_a_column() {
        let filled_of = |table| filled_columns(Profile::Tracee, table).len();
        assert_eq!(filled_of(Table::ContainerRemove), 10 + 4);
        assert_eq!(filled_of(Table::ContainerCreate), 10 + 4);
        assert_eq!(filled_of(Table::ExistingContainer), 10 + 1);
        for table in Table::DERIVED {
            assert_eq!(filled_columns(Profile::Strict, table).len(), table.columns().len());
        }
    }
}
