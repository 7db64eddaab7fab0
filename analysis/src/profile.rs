//! Profiles: whose rules a replay follows, and what they need to know of the host.

use anyhow::{Context, bail};
use arrow_array::RecordBatch;
use obit_case::Case;
use obit_case::manifest::Manifest;
use obit_derivation::tracee::{TraceeFold, WatchedHierarchies};
use obit_derivation::{Derive, Fold, HierarchyId, Profile};
use obit_schema::Table;
use serde::Deserialize;

/// Where Tracee expects the v2 tree of a host that uses v2 (its common/cgroup/cgroup.go, `CgroupControllersFile`).
const V2_MOUNT_POINT: &str = "/sys/fs/cgroup";

/// The controller whose v1 hierarchy Tracee watches (the same, `CgroupDefaultController`).
const V1_CONTROLLER: &str = "cpuset";

/// The derivation of a case's records by a profile's rules.
pub fn derivation(case: &Case, profile: Profile) -> anyhow::Result<Box<dyn Derive>> {
    match profile {
        // Without case.json nobody knows how long the recorder waited; no time is what old cases have.
        Profile::Strict => Ok(Box::new(Fold::with_grace(case.manifest().map_or(0, |manifest| manifest.grace_ns)))),
        Profile::Tracee => {
            let manifest = case.manifest().context("the profile tracee needs the host's hierarchies from case.json")?;
            Ok(Box::new(TraceeFold::new(watched(manifest)?)))
        }
    }
}

/// The columns of a derived table that a profile fills.
pub fn fills(profile: Profile, table: Table, column: &str) -> bool {
    match profile {
        Profile::Strict => true,
        Profile::Tracee => match column {
            "runtime" | "container_id" | "seq" | "ts" | "boot_ns" | "hierarchy_id" | "cgroup_id" | "cgroup_path"
            | "evidence_seqs" => true,
            "removed_by_pid" | "removed_by_uid" | "removed_by_comm" | "rmdir_seq" => table == Table::ContainerRemove,
            "created_by_pid" | "created_by_uid" | "created_by_comm" | "created_seq" => table == Table::ContainerCreate,
            "first_seen_seq" => table == Table::ExistingContainer,
            _ => false,
        },
    }
}

/// The places of the columns of a derived table that a profile fills, in file order.
pub fn filled(profile: Profile, table: Table) -> Vec<usize> {
    let columns = table.columns().iter().enumerate();
    columns.filter(|(_, column)| fills(profile, table, column.name)).map(|(place, _)| place).collect()
}

/// The batch with only the columns at these places.
pub fn project(batch: &RecordBatch, places: &[usize]) -> anyhow::Result<RecordBatch> {
    batch.project(places).context("cannot leave columns out")
}

/// A mounted hierarchy, as the recorder found it.
#[derive(Debug, Deserialize)]
struct Hierarchy {
    id: u32,
    version: String,
    #[serde(default)]
    controllers: Vec<String>,
    #[serde(default)]
    mount_point: String,
}

/// The hierarchies that Tracee would have watched on the host (its common/cgroup/cgroup.go, `GetCgroupDefaultVersion`).
fn watched(manifest: &Manifest) -> anyhow::Result<WatchedHierarchies> {
    let Some(recorded) = manifest.host.get("hierarchies") else {
        bail!("the profile tracee needs to know the host's cgroup hierarchies, and case.json has no host.hierarchies");
    };
    let hierarchies: Vec<Hierarchy> =
        Deserialize::deserialize(recorded).context("cannot read host.hierarchies of case.json")?;
    if hierarchies.iter().any(|one| one.version == "v2" && one.mount_point == V2_MOUNT_POINT) {
        return Ok(WatchedHierarchies::Every);
    }
    let has_cpuset = |one: &&Hierarchy| one.version == "v1" && one.controllers.iter().any(|name| name == V1_CONTROLLER);
    match hierarchies.iter().find(has_cpuset) {
        Some(v1) => Ok(WatchedHierarchies::Only(HierarchyId(v1.id))),
        // The controller is on v2, or not there.
        None => Ok(WatchedHierarchies::Every),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_case::manifest::BuildInfo;
    use serde_json::{Value, json};

    fn host(hierarchies: Value) -> anyhow::Result<WatchedHierarchies> {
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
        let filled_of = |table| filled(Profile::Tracee, table).len();
        assert_eq!(filled_of(Table::ContainerRemove), 9 + 4);
        assert_eq!(filled_of(Table::ContainerCreate), 9 + 4);
        assert_eq!(filled_of(Table::ExistingContainer), 9 + 1);
        for table in Table::DERIVED {
            assert_eq!(filled(Profile::Strict, table).len(), table.columns().len());
        }
    }
}
