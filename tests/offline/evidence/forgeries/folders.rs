//! Forgeries that exploit the layout: folders of tables, and files in the wrong ones.

use std::fs;

use obit_case::FormatVersion;

use super::forger::{Forger, GenuineHead};
use super::originals::Original::{Closed, Killed};
use super::table::{Forgery, REMOVED, forged};

/// The forgeries, with the columns of [`super::table`].
pub const FOLDER_FORGERIES: &[Forgery] = &[
    // --- The folders of tables of a closed case. ---
    forged(Closed, "a part in the folder of another table", "1111 111", |_, forger| {
        fs::copy(forger.file(REMOVED), forger.file("derived/container_exit/container_remove-000000.parquet"))
            .expect("copied");
    }),
    forged(Closed, "a part beside the folders of tables, as in format 1", "1111 111", |_, forger| {
        fs::copy(forger.file(REMOVED), forger.file("derived/container_remove-000000.parquet")).expect("copied");
    }),
    forged(Closed, "a part in a folder within the folder of its table", "1111 111", |_, forger| {
        fs::create_dir(forger.file("derived/container_remove/more")).expect("made");
        let place = "derived/container_remove/more/container_remove-000001.parquet";
        fs::copy(forger.file(REMOVED), forger.file(place)).expect("copied");
    }),
    forged(Closed, "a folder of a table of the other kind", "1111 111", |_, forger| {
        fs::create_dir(forger.file("raw/container_remove")).expect("made");
        fs::copy(forger.file(REMOVED), forger.file("raw/container_remove/container_remove-000000.parquet"))
            .expect("copied");
    }),
    // A file of that name is a part that cannot be read: what it holds is not known.
    forged(Closed, "a folder named as the next part", "2222 111", |_, forger| {
        fs::create_dir(forger.file("raw/events/events-000099.parquet")).expect("made");
    }),
    forged(Closed, "a folder of a table that is a link to itself elsewhere", "2222 111", |_, forger| {
        link_elsewhere(forger, "raw/events");
    }),
    forged(Closed, "the folder of derived tables a link", "2222 111", |_, forger| link_elsewhere(forger, "derived")),
    forged(Closed, "two tables' folders swapped", "2222 111", |_, forger| {
        let [first, second] = ["raw/events", "raw/runtime"].map(|name| forger.file(name));
        fs::rename(&first, forger.file("aside")).expect("renamed");
        fs::rename(&second, &first).expect("renamed");
        fs::rename(forger.file("aside"), second).expect("renamed");
    }),
    forged(Closed, "said to be of format 1", "2222 111", |_, forger| {
        forger.manifest.format = FormatVersion { major: 1, minor: 4 };
        forger.write();
    }),
    forged(Closed, "laid out as format 1, unsigned", "1111 111", |_, forger| {
        forger.lay_out(FormatVersion { major: 1, minor: 4 });
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Closed, "a part listed in the folder of another table, chained anew", "2222 111", |_, forger| {
        let place = "derived/container_exit/container_remove-000000.parquet";
        fs::rename(forger.file(REMOVED), forger.file(place)).expect("moved");
        let part = forger.manifest.parts.iter_mut().find(|part| part.file == REMOVED).expect("a part");
        part.file = place.to_owned();
        forger.chain_anew(GenuineHead::Gone);
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Killed, "a part in the folder of another table", "1111 111", |_, forger| {
        fs::copy(forger.file(REMOVED), forger.file("derived/container_exit/container_remove-000000.parquet"))
            .expect("copied");
    }),
    // No part of that table is listed: nothing but the link itself is wrong.
    forged(Killed, "an empty folder of a table that is a link to one with rows", "2222 111", |_, forger| {
        fs::remove_dir(forger.file("derived/existing_container")).expect("an empty folder");
        std::os::unix::fs::symlink(forger.file("derived/container_remove"), forger.file("derived/existing_container"))
            .expect("linked");
    }),
];

/// Moves a folder of a case out of it, and puts a link in its place.
fn link_elsewhere(forger: &Forger, folder: &str) {
    let elsewhere = forger.path().with_file_name("elsewhere");
    fs::rename(forger.file(folder), &elsewhere).expect("moved");
    std::os::unix::fs::symlink(elsewhere, forger.file(folder)).expect("linked");
}
