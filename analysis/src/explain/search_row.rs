//! The columns of recorded or derived rows that a search looks at.

use arrow_array::RecordBatch;
use obit_derivation::identity::Engine;
use obit_derivation::row::{ActorCopy, Cause, ContainerCreate, ContainerExit, Death, Identity, Killer};
use obit_derivation::{Row, WallNs};
use obit_schema::value::{self, Value};

/// Returns a row of a derived table with the values that texts and filters are compared with, and
/// no others: a row of an end as an exit, any other as a creation. A value that the table does not
/// have, or that this build does not know, is absent.
pub(super) fn row(batch: &RecordBatch, row: usize) -> Row {
    let cell = |name: &str| batch.column_by_name(name).map_or(Value::Null, |array| value::cell(array.as_ref(), row));
    let owned = |name: &str| text(cell(name));
    let identity = Identity {
        runtime: owned("runtime").and_then(|name| Engine::from_name(&name)),
        container_id: owned("container_id").unwrap_or_default(),
        container_name: owned("container_name"),
        pod_name: owned("pod_name"),
        pod_namespace: owned("pod_namespace"),
        pod_uid: owned("pod_uid"),
        containerd_namespace: owned("containerd_namespace"),
        image_name: owned("image_name"),
        image_id: owned("image_id"),
        image_digest: owned("image_digest"),
        ..Identity::default()
    };
    let ts = match cell("ts") {
        Value::TimestampNs(ns) => WallNs(ns),
        _ => WallNs::default(),
    };
    let Some(cause) = owned("cause") else {
        return Row::Create(ContainerCreate { ts, identity, ..ContainerCreate::default() });
    };
    let argv = match cell("killed_by_argv") {
        Value::List(argv) => argv.iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    let killed_by = number(cell("killed_by_pid")).map(|pid| Killer {
        task: ActorCopy { pid, comm: owned("killed_by_comm").unwrap_or_default(), argv, ..ActorCopy::default() },
        loginuid: None,
        container_id: None,
    });
    let exit_code = number(cell("exit_code"));
    let cause = Cause::from_name(&cause).unwrap_or(Cause::Unknown);
    let death = Death { cause, exit_code, killed_by, ..Death::default() };
    Row::Exit(ContainerExit { ts, identity, death, ..ContainerExit::default() })
}

/// Returns a whole number, if it is one that `T` has.
fn number<T: TryFrom<u64> + TryFrom<i64>>(value: Value<'_>) -> Option<T> {
    match value {
        Value::U64(number) => T::try_from(number).ok(),
        Value::I64(number) => T::try_from(number).ok(),
        _ => None,
    }
}

fn text(value: Value<'_>) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.to_owned()),
        _ => None,
    }
}
