//! Checks cgroups: the mode, every hierarchy with its number and mount, and what is accounted.

use anyhow::Result;

use super::report::CheckItem;
use crate::host::hierarchies::{CgroupMode, CgroupVersion, Hierarchies};

/// Examines the mounted hierarchies.
pub fn examine(hierarchies: &Result<Hierarchies>) -> Vec<CheckItem> {
    match hierarchies {
        Ok(hierarchies) => items(hierarchies),
        Err(error) => vec![CheckItem::failed("cgroups", "none", format!("{error:#}"))],
    }
}

fn items(all: &Hierarchies) -> Vec<CheckItem> {
    let mode = match all.mode {
        CgroupMode::V1 => "v1",
        CgroupMode::V2 => "v2 (unified)",
        CgroupMode::Hybrid => "hybrid (v1 and v2)",
    };
    let mut items = vec![CheckItem::ok("cgroups", mode)];
    for hierarchy in &all.mounted {
        let words = words(&hierarchy.controllers, hierarchy.name.as_deref());
        let version = match hierarchy.version {
            CgroupVersion::V1 => "v1",
            CgroupVersion::V2 => "v2",
        };
        let name = format!("hierarchy {}", hierarchy.id.0);
        let found = format!("{version} at {}: {words}", hierarchy.mount_point.display());
        items.push(if hierarchy.mount_root == "/" {
            CheckItem::ok(name, found)
        } else {
            let advice = "mount the whole hierarchy: containers outside this part are seen only while they come and go";
            CheckItem::warning(name, format!("{found}; shows {} only", hierarchy.mount_root), advice)
        });
    }
    for hierarchy in &all.unmounted {
        items.push(CheckItem::warning(
            format!("hierarchy {}", hierarchy.id.0),
            format!("not mounted here: {}", words(&hierarchy.controllers, hierarchy.name.as_deref())),
            "mount it: its events are recorded, and its directories cannot be read",
        ));
    }
    let accounted = |controller: &str| all.mounted.iter().any(|one| one.controllers.iter().any(|c| c == controller));
    let absent: Vec<_> = ["memory", "pids"].into_iter().filter(|controller| !accounted(controller)).collect();
    items.push(if absent.is_empty() {
        CheckItem::ok("accounting", "memory, pids")
    } else {
        let advice =
            "enable them (kernel parameter cgroup_enable=memory, or mount the hierarchy): their usage values stay null";
        CheckItem::warning("accounting", format!("not mounted here: {}", absent.join(", ")), advice)
    });
    items
}

fn words(controllers: &[String], name: Option<&str>) -> String {
    let mut words = controllers.to_vec();
    words.extend(name.map(|name| format!("name={name}")));
    if words.is_empty() { "no controllers".to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::report::CheckStatus;
    use crate::host::hierarchies::{Hierarchy, UnmountedHierarchy};
    use obit_derivation::HierarchyId;

    #[test]
    fn every_hierarchy_has_its_line_also_those_that_cannot_be_read() {
        let one = |id, controllers: &[&str], mount_root: &str| Hierarchy {
            id: HierarchyId(id),
            version: CgroupVersion::V1,
            controllers: controllers.iter().map(|&name| name.to_owned()).collect(),
            name: None,
            mount_point: format!("/cg/{id}").into(),
            device: (0, id),
            mount_root: mount_root.to_owned(),
        };
        let all = Hierarchies {
            mode: CgroupMode::V1,
            mounted: vec![one(2, &["cpu", "cpuacct"], "/"), one(4, &["memory"], "/docker/abc")],
            unmounted: vec![UnmountedHierarchy {
                id: HierarchyId(9),
                controllers: Vec::new(),
                name: Some("systemd".to_owned()),
            }],
        };
        let lines: Vec<_> = items(&all).into_iter().map(|item| (item.name, item.status, item.found)).collect();
        let line = |name: &str, status, found: &str| (name.to_owned(), status, found.to_owned());
        assert_eq!(
            lines,
            [
                line("cgroups", CheckStatus::Ok, "v1"),
                line("hierarchy 2", CheckStatus::Ok, "v1 at /cg/2: cpu, cpuacct"),
                line("hierarchy 4", CheckStatus::Warning, "v1 at /cg/4: memory; shows /docker/abc only"),
                line("hierarchy 9", CheckStatus::Warning, "not mounted here: name=systemd"),
                line("accounting", CheckStatus::Warning, "not mounted here: pids"),
            ]
        );
    }
}
