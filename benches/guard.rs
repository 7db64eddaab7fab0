//! Counts instructions of the four inner loops of a capture and of a replay, for
//! `scripts/guard.sh`.
//!
//! `guard prepare CASE` writes a case; `guard identify|encode|decode|derive CASE PASSES` runs one
//! loop PASSES times. The difference of two counts is the work itself, without the start of the
//! program.

mod shapes;

use std::hint::black_box;
use std::path::Path;

use obit_case::reader::ReadThreads;
use obit_case::{Case, Error};
use obit_derivation::identity::path::identify;
use obit_derivation::row::RowSink;
use obit_derivation::{Fold, Row};
use obit_schema::encode::EventsBuilder;
use shapes::Shape;

/// Events of the case, and of each pass.
const EVENTS: u64 = 20_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["prepare", case] => shapes::write_case(Path::new(case), Shape::DockerHybrid, EVENTS),
        [what, case, passes] => pass(what, Path::new(case), passes.parse().unwrap_or(1)),
        // `cargo test --benches` passes other arguments.
        _ => Ok(()),
    };
    done.unwrap_or_else(|error| panic!("{words:?}: {error}"));
}

fn pass(what: &str, case: &Path, passes: u64) -> Result<(), Error> {
    // Threads that wait for each other take another number of instructions each time.
    let case = Case::open(case)?.with_threads(ReadThreads::One);
    for _ in 0..passes {
        match what {
            "identify" => identify_paths(),
            "decode" => case.records().for_each(|record| -> Result<(), Error> {
                black_box(record);
                Ok(())
            })?,
            "derive" => {
                let mut fold = Fold::new();
                case.records().for_each(|record| -> Result<(), Error> {
                    fold.apply(record, &mut NullSink);
                    Ok(())
                })?;
                fold.finish(&mut NullSink);
            }
            // Encodes the records of decoded batches into a batch again.
            "encode" => {
                let mut events = EventsBuilder::new();
                case.records().for_each(|record| Ok::<_, obit_case::Error>(events.append(record)?))?;
                black_box(events.finish()?);
            }
            other => panic!("{other} is none of identify, encode, decode and derive"),
        }
    }
    Ok(())
}

/// A sink that keeps no rows.
struct NullSink;

impl RowSink for NullSink {
    fn take(&mut self, row: &Row) {
        black_box(row);
    }
}

/// Identifies one path for each event of a pass.
fn identify_paths() {
    let id = shapes::id(1);
    let pod = "0e5b1d2c_7a6f_4b3e_9d8c_112233445566";
    let slice = format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{pod}.slice");
    let paths = [
        format!("/docker/{id}"),
        format!("{slice}/cri-containerd-{id}.scope"),
        slice,
        "/system.slice/ssh.service".into(),
    ];
    for _ in 0..EVENTS / 4 {
        for path in &paths {
            black_box(identify(black_box(path)));
        }
    }
}
