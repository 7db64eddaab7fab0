//! The instants that a row tells of, each told once although several rows of a life know it.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash as _, Hasher, RandomState};

use obit_schema::Table;
use obit_schema::value::Value;

use super::row::ExportRow;

/// Most instants that are remembered, so that they are not told again: a few for each life that is
/// under way.
const MAX_REMEMBERED: usize = 262_144;

/// Something that happened to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstantKind {
    /// It was created.
    Created,
    /// It was found by the first walk.
    FoundAlive,
    /// Its runtime reports its start.
    Started,
    /// A step of the order to end it.
    OrderStep,
    /// The OOM killer chose its init.
    OomKilled,
    /// It exited.
    Exited,
    /// Its last task left.
    Emptied,
    /// Its root directory was removed.
    Removed,
    /// Two sources contradict each other about its end.
    Disputed,
}

impl InstantKind {
    /// Every kind, in the order of a life.
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::FoundAlive,
        Self::Started,
        Self::OrderStep,
        Self::OomKilled,
        Self::Exited,
        Self::Emptied,
        Self::Removed,
        Self::Disputed,
    ];

    /// Returns the words that a time line has for it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Created => "Container Created",
            Self::FoundAlive => "Container Found Alive",
            Self::Started => "Container Started",
            Self::OrderStep => "Container End Ordered",
            Self::OomKilled => "Container OOM Killed",
            Self::Exited => "Container Exited",
            Self::Emptied => "Container Emptied",
            Self::Removed => "Container Removed",
            Self::Disputed => "Container End Disputed",
        }
    }

    /// Returns its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::FoundAlive => "found_alive",
            Self::Started => "started",
            Self::OrderStep => "order_step",
            Self::OomKilled => "oom_killed",
            Self::Exited => "exited",
            Self::Emptied => "emptied",
            Self::Removed => "removed",
            Self::Disputed => "disputed",
        }
    }
}

/// An instant that a row tells of.
#[derive(Clone, Copy, Debug)]
pub struct Instant<'a> {
    /// What happened.
    pub kind: InstantKind,
    /// Time by the host's wall clock, in nanoseconds since 1970.
    pub at: i64,
    /// The step's text, for a step of an order.
    pub step: Option<&'a str>,
    /// True for the instant that the row is about.
    pub is_of_row: bool,
}

/// Finds the instants of rows, and leaves out those of earlier rows.
///
/// Instants are remembered by a hash with keys of this process, so nobody can choose ids whose
/// instants are taken for each other; that two are by chance has a probability of 2⁻⁴⁶ for each.
#[derive(Default)]
pub struct InstantFinder {
    keys: RandomState,
    remembered: HashSet<u64, BuildHasherDefault<HashedAlready>>,
    order: VecDeque<u64>,
}

/// Takes a hash as what it is.
#[derive(Default)]
struct HashedAlready(u64);

impl Hasher for HashedAlready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl InstantFinder {
    /// Puts the instant that a row is about into `found`, and those of which no row before it
    /// told.
    pub fn find<'a>(&mut self, row: &ExportRow<'a>, found: &mut Vec<Instant<'a>>) {
        found.clear();
        let mut of_container = self.keys.build_hasher();
        (&row.origin.case_id, row.container_id()).hash(&mut of_container);
        let mut add = |kind: InstantKind, at: Option<i64>, step: Option<(usize, &'a str)>, is_of_row: bool| {
            let Some(at) = at else { return };
            let hash = || {
                let mut hasher = of_container.clone();
                (kind, at, step.map(|(place, _)| place)).hash(&mut hasher);
                hasher.finish()
            };
            // Of these no other row tells.
            let is_only_here = matches!(kind, InstantKind::FoundAlive | InstantKind::Removed | InstantKind::Disputed);
            // The instant of the row itself carries its columns.
            if is_only_here || self.is_new(hash()) || is_of_row {
                found.push(Instant { kind, at, step: step.map(|(_, text)| text), is_of_row });
            }
        };
        let of_row = of_table(row.table);
        let mut own = |kind, at| add(kind, at, None, of_row == Some(kind));
        if row.table != Table::ContainerCreate {
            own(InstantKind::Created, row.created_at());
        }
        own(InstantKind::Started, row.started_at());
        own(InstantKind::Emptied, row.emptied_at());
        if row.oom_killed() == Some(true) {
            own(InstantKind::OomKilled, row.exited_at());
        }
        if row.table == Table::ContainerRemove {
            own(InstantKind::Exited, row.exited_at());
        }
        if let Some(kind) = of_row {
            own(kind, row.ts());
        }
        if let (Some(steps), Some(times)) = (row.requested_by(), row.requested_at()) {
            for (place, step) in steps.iter().zip(times.iter()).enumerate() {
                if let (Value::Str(text), Value::TimestampNs(at)) = step {
                    add(InstantKind::OrderStep, Some(at), Some((place, text)), false);
                }
            }
        }
    }

    /// Returns true if the instant was not remembered, and remembers it.
    fn is_new(&mut self, key: u64) -> bool {
        if !self.remembered.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
        true
    }
}

/// Returns the kind of instant that the rows of a table are about.
fn of_table(table: Table) -> Option<InstantKind> {
    match table {
        Table::ContainerCreate => Some(InstantKind::Created),
        Table::ExistingContainer => Some(InstantKind::FoundAlive),
        Table::ContainerExit => Some(InstantKind::Exited),
        Table::ContainerRemove => Some(InstantKind::Removed),
        Table::Disagreement => Some(InstantKind::Disputed),
        Table::Events | Table::Cgroupfs | Table::Runtime => None,
    }
}

/// Returns the instant that a row is about.
pub fn row_instant<'a>(row: &ExportRow<'a>) -> Option<Instant<'a>> {
    Some(Instant { kind: of_table(row.table)?, at: row.ts()?, step: None, is_of_row: true })
}
