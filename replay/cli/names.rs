//! Names of tables and profiles, as options take them.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use obit_derivation::Profile;
use obit_schema::Table;

/// Parses the name of a profile.
pub fn profile() -> impl TypedValueParser<Value = Profile> {
    let names = Profile::ALL.iter().map(|profile| PossibleValue::new(profile.as_str()));
    PossibleValuesParser::new(names).try_map(|name| Profile::from_name(&name).ok_or("no such profile"))
}

/// Parses the name of a derived table.
pub fn derived_table() -> impl TypedValueParser<Value = Table> {
    let names = Table::DERIVED.map(|table| {
        PossibleValue::new(table.name()).help(match table {
            Table::ContainerExit => "Containers that exited: the init ended, or the last task left",
            Table::ContainerRemove => "Containers that were removed: the root directory is gone",
            Table::ContainerCreate => "Containers that were created",
            Table::ExistingContainer => "Containers that were alive before the capture started",
            _ => "Sources that contradict each other about a container's end",
        })
    });
    PossibleValuesParser::new(names).try_map(|name| Table::from_name(&name).ok_or("no such table"))
}
