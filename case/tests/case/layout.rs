//! Where the parts of a case lie: in a folder for each table, and in cases of format 1 side by side.

use std::fs;
use std::os::unix::fs::symlink;

use obit_case::layout::Layout;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, FORMAT, FormatVersion, Problem};
use obit_schema::Table;

use crate::kit::{self, Builders, Scratch};

/// The last version of format 1.
const FORMAT_1: FormatVersion = FormatVersion { major: 1, minor: 4 };

/// Records of each case.
const RECORDS: usize = 18;

/// Writes a case of this format, with parts of five rows, and leaves it open.
fn open(scratch: &Scratch, format: FormatVersion) -> CaseWriter {
    let mut manifest = kit::manifest();
    manifest.format = format;
    let mut writer = CaseWriter::create(&scratch.case(), manifest, kit::small_parts(5)).unwrap();
    let mut builders = Builders::default();
    for (seq, record) in (0..).zip(&kit::plain(RECORDS)) {
        builders.push(seq, record);
        builders.write(&mut writer);
    }
    writer.sync().unwrap();
    writer
}

#[test]
fn each_format_keeps_its_layout_from_the_first_part_to_the_closing() {
    for format in [FORMAT_1, FORMAT] {
        let scratch = Scratch::new();
        drop(open(&scratch, format));
        // The recorder was killed, and somebody closes the case.
        let mut writer = CaseWriter::resume(&scratch.case(), WriterOptions::default()).unwrap();
        writer.close(|_| {}).unwrap();
        let case = Case::open(&scratch.case()).unwrap();
        assert_eq!(case.manifest().unwrap().format, format);
        assert_eq!((case.problems(), case.check_sums()), (&[][..], vec![]), "{format}");
        kit::assert_records(&case, &kit::plain(RECORDS));
        for table in Table::ALL {
            let folder = scratch.file(&Layout::of(format).folder(table));
            for part in case.parts(table) {
                assert_eq!(scratch.file(&part.file).parent(), Some(folder.as_path()), "{format}");
            }
        }
        // A file of a table is in no folder of another: each folder has the files of one table.
        let names = |folder: &str| fs::read_dir(scratch.file(folder)).unwrap().count();
        match Layout::of(format) {
            Layout::Shared => assert_eq!((names("raw"), names("derived")), (6, 5)),
            Layout::ByTable => assert_eq!((names("raw"), names("derived"), names("raw/events")), (3, 5, 2)),
        }
    }
}

#[test]
fn without_case_json_the_files_tell_the_layout() {
    for format in [FORMAT_1, FORMAT] {
        let scratch = Scratch::new();
        open(&scratch, format).close(|_| {}).unwrap();
        fs::remove_file(scratch.file("case.json")).unwrap();
        let case = Case::open_lenient(&scratch.case()).unwrap();
        kit::assert_records(&case, &kit::plain(RECORDS));
        // Somebody adds folders of the other layout, without a part.
        for table in Table::ALL {
            fs::create_dir_all(scratch.file(&Layout::ByTable.folder(table))).unwrap();
        }
        kit::assert_records(&Case::open_lenient(&scratch.case()).unwrap(), &kit::plain(RECORDS));
    }
}

#[test]
fn a_folder_that_is_a_link_or_a_file_is_named_and_not_followed() {
    let elsewhere = Scratch::new();
    drop(open(&elsewhere, FORMAT));
    for folder in ["raw", "derived", "journal", "raw/runtime", "derived/container_exit"] {
        for is_link in [true, false] {
            let scratch = Scratch::new();
            drop(open(&scratch, FORMAT));
            fs::remove_dir_all(scratch.file(folder)).unwrap();
            match is_link {
                true => symlink(elsewhere.file(folder), scratch.file(folder)).unwrap(),
                false => fs::write(scratch.file(folder), "no folder").unwrap(),
            }
            let case = Case::open(&scratch.case()).unwrap();
            let is_named = |problem: &Problem| matches!(problem, Problem::Damaged { file, .. } if file == folder);
            assert!(case.problems().iter().any(is_named), "{folder}: {:?}", case.problems());
            assert!(CaseWriter::resume(&scratch.case(), WriterOptions::default()).is_err(), "{folder}");
        }
    }
}

#[test]
fn a_name_in_the_place_of_another_table_is_no_part() {
    let scratch = Scratch::new();
    drop(open(&scratch, FORMAT));
    let part = fs::read(scratch.file("raw/events/events-000000.parquet")).unwrap();
    for stranger in [
        "raw/events-000009.parquet",
        "raw/runtime/events-000009.parquet",
        "raw/events/.cgroupfs-000009.parquet.partial",
        "derived/events",
        "raw/events/more",
    ] {
        fs::write(scratch.file(stranger), &part).unwrap();
        let (_, problems) = kit::read(&scratch.case());
        assert_eq!(problems, [Problem::Unlisted { file: stranger.to_owned(), list: "case.json" }]);
        fs::remove_file(scratch.file(stranger)).unwrap();
    }
}

#[test]
fn a_folder_that_a_power_cut_took_is_made_again() {
    let scratch = Scratch::new();
    drop(open(&scratch, FORMAT));
    for folder in ["derived/disagreement", "derived/container_exit"] {
        fs::remove_dir(scratch.file(folder)).unwrap();
    }
    let mut writer = CaseWriter::resume(&scratch.case(), WriterOptions::default()).unwrap();
    writer.close(|_| {}).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!((case.problems(), case.check_sums()), (&[][..], vec![]));
}
