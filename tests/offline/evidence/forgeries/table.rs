//! The table of forgeries.
//!
//! The columns of `exits`: plain, `--signers`, `--anchor`, both; then `--signers --require signed`,
//! both with `--require anchored`, and both with `--case-id` and every requirement.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use obit_case::FormatVersion;
use obit_case::layout::Layout;
use obit_case::manifest::MissingRange;
use obit_schema::Table;

use super::forger::{Forger, GenuineHead, sha256};
use super::originals::{OTHER_ID, Original, Originals};
use crate::case::CASE_ID;

/// A forgery, and the answers to it.
pub struct Forgery {
    pub name: &'static str,
    pub original: Original,
    forge: fn(&Originals, &mut Forger),
    /// Exit codes by column.
    pub exits: &'static str,
    /// Why `--signers` does not find it; empty where it does.
    pub note: &'static str,
    /// True if the case is as its recorder left it.
    pub is_genuine: bool,
}

impl Forgery {
    pub fn make(&self, originals: &Originals) -> Forger {
        let mut forger = originals.copy(self.original);
        (self.forge)(originals, &mut forger);
        forger
    }
}

pub(super) const fn forged(
    original: Original,
    name: &'static str,
    exits: &'static str,
    forge: fn(&Originals, &mut Forger),
) -> Forgery {
    Forgery { name, original, forge, exits, note: "", is_genuine: false }
}

const fn genuine(
    original: Original,
    name: &'static str,
    exits: &'static str,
    forge: fn(&Originals, &mut Forger),
) -> Forgery {
    Forgery { name, original, forge, exits, note: "", is_genuine: true }
}

impl Forgery {
    /// Says why `--signers` alone does not find it.
    const fn unseen(self, note: &'static str) -> Self {
        Self { note, ..self }
    }
}

pub(super) const EVENTS: &str = "raw/events/events-000000.parquet";
pub(super) const REMOVED: &str = "derived/container_remove/container_remove-000000.parquet";

use Original::{Closed, Flight, Killed, KilledFlight, Older, Sealed, Unsigned};

pub const FORGERIES: &[Forgery] = &[
    // --- As recorders left them. ---
    genuine(Closed, "untouched", "0000 000", |_, _| {}),
    // Journals are proven by nothing, and a killed case is neither closed nor complete.
    genuine(Killed, "untouched", "0000 111", |_, _| {}),
    genuine(Sealed, "untouched", "0000 001", |_, _| {}),
    // Segments were dropped, so it is not complete.
    genuine(Flight, "untouched", "0000 001", |_, _| {}),
    genuine(KilledFlight, "untouched", "0000 111", |_, _| {}),
    genuine(Unsigned, "untouched", "0101 111", |_, _| {}),
    // The lines of its anchor are not signed: they count if the verifier trusts the anchor.
    genuine(Older, "untouched", "0001 011", |_, _| {}),
    // --- Bytes of a closed case. ---
    forged(Closed, "a byte of a raw part", "2222 111", |_, forger| forger.flip(EVENTS)),
    forged(Closed, "a byte of a derived part", "2222 111", |_, forger| forger.flip(REMOVED)),
    forged(Closed, "a text in case.json", "1111 111", |_, forger| {
        let text = fs::read_to_string(forger.file("case.json")).expect("case.json");
        fs::write(forger.file("case.json"), text.replace("2009-02-13", "2010-02-13")).expect("written");
    }),
    forged(Closed, "a byte of the signature", "1111 111", |_, forger| forger.flip("case.json.sig")),
    forged(Closed, "a line of SHA256SUMS", "1111 111", |_, forger| {
        let text = fs::read_to_string(forger.file("SHA256SUMS")).expect("sums");
        let rest: String = text.lines().skip(1).map(|line| format!("{line}\n")).collect();
        fs::write(forger.file("SHA256SUMS"), rest).expect("written");
    }),
    forged(Closed, "without SHA256SUMS", "1111 111", |_, forger| {
        fs::remove_file(forger.file("SHA256SUMS")).expect("removed");
    }),
    forged(Closed, "a part cut short", "2222 111", |_, forger| {
        let bytes = fs::read(forger.file(EVENTS)).expect("a part");
        fs::write(forger.file(EVENTS), &bytes[..bytes.len() / 2]).expect("written");
    }),
    forged(Closed, "a part removed", "2222 111", |_, forger| {
        fs::remove_file(forger.file("raw/events/events-000001.parquet")).expect("removed");
    }),
    forged(Closed, "two parts swapped", "2222 111", |_, forger| {
        let [first, second] = [EVENTS, "raw/events/events-000001.parquet"].map(|name| forger.file(name));
        fs::rename(&first, forger.file("aside")).expect("renamed");
        fs::rename(&second, &first).expect("renamed");
        fs::rename(forger.file("aside"), second).expect("renamed");
    }),
    forged(Closed, "case.json and its sums edited", "1111 111", |_, forger| {
        forger.manifest.host.insert("kernel".to_owned(), "another".into());
        forger.write();
    }),
    forged(Closed, "case.json edited, its signature removed", "0111 111", |_, forger| {
        forger.manifest.host.insert("kernel".to_owned(), "another".into());
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Closed, "counts edited, all signatures removed", "0111 111", |_, forger| {
        forger.manifest.counts.lost = 0;
        forger.manifest.counts.by_kind.clear();
        forger.strip();
        forger.write();
    }),
    forged(Closed, "its signature removed", "0101 111", |_, forger| {
        forger.strip_manifest_signature();
        forger.write();
    }),
    // --- Files added to a closed case. ---
    forged(Closed, "a part with seven digits", "1111 111", |_, forger| {
        fs::copy(forger.file(EVENTS), forger.file("raw/events/events-0000001.parquet")).expect("copied");
    }),
    forged(Closed, "a derived part with another name", "1111 111", |_, forger| {
        fs::copy(forger.file(REMOVED), forger.file("derived/container_remove/container_remove-x.parquet"))
            .expect("copied");
    }),
    forged(Closed, "a part with the next number", "2222 111", |_, forger| {
        fs::copy(forger.file(EVENTS), forger.file("raw/events/events-000099.parquet")).expect("copied");
    }),
    forged(Closed, "a hidden file", "1111 111", |_, forger| {
        fs::copy(forger.file(EVENTS), forger.file("raw/events/.events-000000.parquet.partial")).expect("copied");
    }),
    forged(Closed, "a file with bytes that are no text", "1111 111", |_, forger| {
        let name = OsStr::from_bytes(b"events-\xff.parquet");
        fs::copy(forger.file(EVENTS), forger.file("raw/events").join(name)).expect("copied");
    }),
    forged(Closed, "a link", "1111 111", |_, forger| {
        std::os::unix::fs::symlink("events-000000.parquet", forger.file("raw/events/events-1.parquet"))
            .expect("linked");
    }),
    forged(Closed, "a folder", "1111 111", |_, forger| {
        fs::create_dir(forger.file("derived/more")).expect("made");
    }),
    forged(Closed, "a file beside case.json", "1111 111", |_, forger| {
        fs::write(forger.file("README"), "trust me").expect("written");
    }),
    forged(Closed, "a journal", "1111 111", |originals, forger| {
        let killed = originals.copy(Killed);
        fs::create_dir_all(forger.file("journal")).expect("made");
        let name = "journal/events-000009.arrows";
        let from = fs::read_dir(killed.file("journal")).expect("journals").next().expect("a journal").expect("a name");
        fs::copy(from.path(), forger.file(name)).expect("copied");
    }),
    // --- Entries of a closed case. ---
    forged(Closed, "an entry edited", "1111 111", |_, forger| {
        forger.manifest.parts[1].rows = 1;
        forger.write();
    }),
    forged(Closed, "an entry twice", "1111 111", |_, forger| {
        let part = forger.manifest.parts[0].clone();
        forger.manifest.parts.push(part);
        forger.chain_anew(GenuineHead::Gone);
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Closed, "the last parts removed", "1111 111", |_, forger| {
        forger.cut_off(2);
        forger.write();
    }),
    forged(Closed, "a part removed, the hole excused, chained anew", "2222 111", |_, forger| {
        forger.remove_part("raw/events/events-000001.parquet");
        let range = MissingRange { first_seq: 5, last_seq: Some(9), reason: "disk".to_owned() };
        forger.manifest.incomplete.push(range);
        forger.chain_anew(GenuineHead::Gone);
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Closed, "the chain removed", "1111 111", |_, forger| {
        forger.manifest.head = None;
        forger.manifest.parts.iter_mut().for_each(|part| part.previous = None);
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Closed, "the chain removed, as of format 1.0", "0111 111", |_, forger| {
        forger.lay_out(FormatVersion { major: 1, minor: 0 });
        forger.manifest.head = None;
        forger.manifest.parts.iter_mut().for_each(|part| part.previous = None);
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Closed, "another part, chained anew, the final signature left", "1111 111", |originals, forger| {
        forger.replace_part(REMOVED, &originals.purged(CASE_ID));
        let head = forger.manifest.head.clone();
        forger.chain_anew(GenuineHead::Gone);
        forger.manifest.head.as_mut().expect("a head").final_signature = head.expect("a head").final_signature;
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Closed, "a part of another case of the signer", "2222 111", |originals, forger| {
        forger.replace_part(EVENTS, &originals.copy_other());
        forger.chain_anew(GenuineHead::Gone);
        forger.strip();
        forger.write();
    }),
    forged(Closed, "more parts after the final head", "2222 111", |originals, forger| {
        forger.extend(&originals.purged(CASE_ID));
        forger.chain_anew(GenuineHead::Kept);
        forger.strip_manifest_signature();
        forger.write();
    }),
    // --- A closed case forged whole. ---
    forged(Closed, "another case in its place", "0111 111", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.purged(CASE_ID);
        forger.lines = lines;
    }),
    forged(Closed, "another case, the genuine signature beside it", "1111 111", |originals, forger| {
        let (genuine, lines) = (originals.copy(Closed), forger.lines.clone());
        *forger = originals.purged(CASE_ID);
        fs::copy(genuine.file("case.json.sig"), forger.file("case.json.sig")).expect("copied");
        forger.write();
        forger.lines = lines;
    }),
    forged(Closed, "another case, the genuine head as the signed one", "1111 111", |originals, forger| {
        forger.replace_all(&originals.purged(CASE_ID));
        forger.manifest.signed_head = Some(forger.genuine_head());
        forger.strip_manifest_signature();
        forger.write();
    }),
    forged(Closed, "another case, signed by another key", "0111 111", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.purged_and_signed();
        forger.lines = lines;
    }),
    forged(Closed, "another case of the signer", "0011 011", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.copy_other();
        forger.lines = lines;
    })
    .unseen("the signer made it: only the id that the verifier expects, or the anchor, tells them apart"),
    forged(Closed, "another case of the signer, with its anchor", "0000 001", |originals, forger| {
        *forger = originals.copy_other();
    })
    .unseen("the signer made it: only the id that the verifier expects tells them apart"),
    forged(Closed, "another case of the signer, named like this one", "2222 111", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.copy_other();
        forger.manifest.case_id = CASE_ID.to_owned();
        forger.write();
        forger.lines = lines;
    }),
    // --- A closed case opened again. ---
    forged(Closed, "opened again", "1111 111", |_, forger| {
        forger.reopen();
        forger.write();
    }),
    forged(Closed, "opened again, the final signature removed", "0111 111", |_, forger| {
        forger.reopen();
        forger.strip();
        forger.write();
    }),
    forged(Closed, "opened again, the final signature as that of the head", "1111 111", |_, forger| {
        forger.reopen();
        let head = forger.manifest.head.as_mut().expect("a head");
        head.signature = head.final_signature.take();
        forger.write();
    }),
    forged(Closed, "opened again, the anchor's signature as that of the head", "1111 111", |_, forger| {
        forger.reopen();
        let line = forger.lines.iter().rfind(|line| line.starts_with("obit-head")).expect("a line");
        let word = line.trim_end().rsplit(' ').next().expect("a signature");
        let signature = format!("-----BEGIN SSH SIGNATURE-----\n{word}\n-----END SSH SIGNATURE-----\n");
        let head = forger.manifest.head.as_mut().expect("a head");
        (head.signature, head.final_signature) = (Some(signature), None);
        forger.write();
    }),
    forged(Closed, "opened again and edited", "1111 111", |_, forger| {
        forger.reopen();
        forger.manifest.host.insert("kernel".to_owned(), "another".into());
        forger.manifest.started_at = "2001-01-01T00:00:00Z".to_owned();
        forger.write();
    }),
    forged(
        Closed,
        "opened again, forged whole, the genuine head as the signed one",
        "1111 111",
        |originals, forger| {
            forger.replace_all(&originals.purged_and_killed());
            forger.manifest.signed_head = Some(forger.genuine_head());
            forger.reopen();
            forger.write();
        },
    ),
    forged(Closed, "opened again, with rows in a journal", "2222 111", |originals, forger| {
        forger.reopen();
        let other = originals.purged_and_killed();
        drop(fs::remove_dir_all(forger.file("journal")));
        fs::create_dir(forger.file("journal")).expect("made");
        let number = forger.manifest.parts.iter().filter(|part| part.table == "events").count();
        let from = fs::read_dir(other.file("journal")).expect("journals").map(|entry| entry.expect("a name").path());
        let from = from.into_iter().find(|path| path.to_string_lossy().contains("events-")).expect("a journal");
        fs::copy(from, forger.file(&format!("journal/events-{number:06}.arrows"))).expect("copied");
        forger.write();
    }),
    forged(Closed, "opened again, with more parts", "2222 111", |originals, forger| {
        forger.reopen();
        forger.extend(&originals.purged(CASE_ID));
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    forged(Closed, "opened again, its last parts removed", "2222 111", |_, forger| {
        forger.reopen();
        forger.cut_off(5);
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    // --- A killed case. ---
    forged(Killed, "a byte of a sealed part", "2222 111", |_, forger| forger.flip(EVENTS)),
    forged(Killed, "a sealed part removed", "2222 111", |_, forger| {
        fs::remove_file(forger.file(EVENTS)).expect("removed");
    }),
    forged(Killed, "a sealed part and its entry removed", "2222 111", |_, forger| {
        forger.remove_part(EVENTS);
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    forged(Killed, "its last parts and journals removed", "2222 111", |_, forger| {
        forger.remove_journals();
        forger.cut_off(3);
        forger.chain_anew(GenuineHead::Gone);
        forger.write();
    }),
    forged(
        Killed,
        "its last parts and journals removed, the genuine head as the signed one",
        "2222 111",
        |_, forger| {
            forger.remove_journals();
            forger.cut_off(3);
            forger.chain_anew(GenuineHead::Kept);
            forger.write();
        },
    ),
    forged(Killed, "rolled back to a head from before", "0011 011", |originals, forger| {
        forger.manifest = serde_json::from_slice(&originals.earlier_manifest).expect("case.json");
        forger.remove_journals();
        for folder in Table::ALL.map(|table| Layout::ByTable.folder(table)) {
            for entry in fs::read_dir(forger.file(&folder)).expect("a folder") {
                let name = entry.expect("a name").file_name().into_string().expect("text");
                let file = format!("{folder}/{name}");
                if forger.manifest.parts.iter().all(|part| part.file != file) {
                    fs::remove_file(forger.file(&file)).expect("removed");
                }
            }
        }
        forger.write();
    })
    .unseen("the recorder signed that head, and a killed case may end anywhere: an anchor saw more"),
    // Rows that were sealed rest on records that were not.
    forged(Killed, "its journals removed", "2222 111", |_, forger| forger.remove_journals()),
    forged(Killed, "its journals forged", "0000 111", |originals, forger| {
        fs::remove_dir_all(forger.file("journal")).expect("removed");
        forger.copy_journals(&originals.killed_otherwise);
    })
    .unseen("what is not sealed is proven by nothing: the report says how many rows, and --require signed fails"),
    forged(Killed, "a part that is not listed", "2222 111", |originals, forger| {
        let other = originals.purged_and_killed();
        let number = forger.manifest.parts.iter().filter(|part| part.table == "events").count();
        fs::copy(other.file(EVENTS), forger.file(&format!("raw/events/events-{number:06}.parquet"))).expect("copied");
    }),
    forged(Killed, "a file with a name that no recorder gives", "1111 111", |_, forger| {
        fs::copy(forger.file(EVENTS), forger.file("raw/events/events-x.parquet")).expect("copied");
    }),
    forged(Killed, "an entry that gives its part another table", "1111 111", |_, forger| {
        let part = forger.manifest.parts.iter_mut().find(|part| part.file == REMOVED).expect("a part");
        part.table = "nothing".to_owned();
        forger.write();
    }),
    forged(Killed, "an entry that gives its part another number", "2222 111", |_, forger| {
        let part = forger.manifest.parts.iter_mut().find(|part| part.file == REMOVED).expect("a part");
        part.number = 77;
        forger.write();
    }),
    forged(Killed, "facts of case.json edited", "0000 111", |_, forger| {
        forger.manifest.host.insert("kernel".to_owned(), "another".into());
        forger.write();
    })
    .unseen("a case.json that was never closed is not signed as a whole: its entries are proven, nothing else"),
    forged(Killed, "forged whole", "0111 111", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.purged_and_killed();
        forger.lines = lines;
    }),
    forged(Killed, "forged whole, the genuine head as the signed one", "1111 111", |originals, forger| {
        forger.replace_all(&originals.purged_and_killed());
        forger.manifest.signed_head = Some(forger.genuine_head());
        forger.write();
    }),
    forged(Killed, "forged whole, the genuine head as the head", "1111 111", |originals, forger| {
        forger.replace_all(&originals.purged_and_killed());
        forger.manifest.head = Some(forger.genuine_head());
        forger.write();
    }),
    forged(Killed, "forged whole, with a dropping of all before", "2222 111", |originals, forger| {
        let flight = originals.copy(KilledFlight);
        forger.replace_all(&originals.purged_and_killed());
        let mut dropped = flight.manifest.dropped.expect("a dropping");
        (dropped.entries, dropped.sha256) = (5_000, sha256(b"anything"));
        dropped.next_parts.clear();
        let mut drop = flight.manifest.drops.last().expect("a dropping").clone();
        (drop.entries, drop.sha256, drop.last_seq) = (5_000, dropped.sha256.clone(), dropped.last_seq);
        drop.segment = dropped.segments - 1;
        drop.entry = 5_000;
        drop.parts.clear();
        forger.manifest.dropped = Some(dropped);
        forger.manifest.drops = vec![drop];
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    forged(Killed, "more sealed parts after the signed head", "2222 111", |originals, forger| {
        forger.remove_journals();
        forger.extend(&originals.purged(CASE_ID));
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    forged(Killed, "closed without the key, its journals removed", "2222 111", |_, forger| {
        forger.close();
        forger.write();
    }),
    forged(Sealed, "closed without the key", "0111 111", |_, forger| {
        forger.close();
        forger.write();
    }),
    forged(Sealed, "closed without the key, all signatures removed", "0111 111", |_, forger| {
        forger.close();
        forger.strip();
        forger.write();
    }),
    forged(Sealed, "a derived part replaced", "1111 111", |originals, forger| {
        forger.replace_part(REMOVED, &originals.purged(CASE_ID));
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    // --- A flight recorder's case. ---
    forged(
        KilledFlight,
        "forged whole by a flight recorder, the genuine head as the signed one",
        "1111 111",
        |originals, forger| {
            let lines = forger.lines.clone();
            let genuine = forger.genuine_head();
            *forger = originals.purged_flight();
            forger.manifest.signed_head = Some(genuine);
            forger.write();
            forger.lines = lines;
        },
    ),
    forged(
        KilledFlight,
        "forged whole by a flight recorder, all signatures removed",
        "0111 111",
        |originals, forger| {
            let lines = forger.lines.clone();
            *forger = originals.purged_flight();
            forger.lines = lines;
        },
    ),
    forged(KilledFlight, "one more segment dropped", "1111 111", |_, forger| {
        forger.drop_segment();
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    forged(KilledFlight, "one more segment dropped, all signatures removed", "0111 111", |_, forger| {
        forger.drop_segment();
        forger.chain_anew(GenuineHead::Gone);
        forger.write();
    }),
    forged(KilledFlight, "one more segment dropped, then closed without the key", "1111 111", |_, forger| {
        forger.drop_segment();
        forger.chain_anew(GenuineHead::Kept);
        forger.close();
        forger.write();
    }),
    forged(KilledFlight, "parts of a segment removed, not dropped", "2222 111", |_, forger| {
        let file = forger.manifest.parts[0].file.clone();
        forger.remove_part(&file);
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    forged(KilledFlight, "parts passed over as dropped", "1111 111", |_, forger| {
        let dropped = forger.manifest.dropped.as_mut().expect("a dropping");
        dropped.next_parts.insert("container_remove".to_owned(), 99);
        forger.write();
    }),
    forged(KilledFlight, "the dropping forgotten", "2222 111", |_, forger| {
        forger.manifest.dropped = None;
        forger.manifest.drops.clear();
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    forged(Flight, "opened again, one more segment dropped", "1111 111", |_, forger| {
        forger.reopen();
        forger.drop_segment();
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
    forged(Flight, "one more segment dropped, all signatures removed", "0111 111", |_, forger| {
        forger.drop_segment();
        forger.chain_anew(GenuineHead::Gone);
        forger.strip();
        forger.write();
    }),
    forged(Flight, "the entry of a dropping edited", "1111 111", |_, forger| {
        forger.manifest.drops.last_mut().expect("a dropping").bytes += 1;
        forger.strip_manifest_signature();
        forger.write();
    }),
    // --- Anchors. ---
    genuine(Closed, "the anchor cut short", "0010 011", |_, forger| forger.lines.truncate(2)),
    genuine(Closed, "the anchor without its last line", "0010 011", |_, forger| drop(forger.lines.pop())),
    genuine(Closed, "the anchor without its heads", "0010 011", |_, forger| {
        forger.lines.drain(..forger.lines.len() - 1);
    }),
    genuine(Closed, "an empty anchor", "0011 011", |_, forger| forger.lines.clear()),
    genuine(Closed, "the anchor of another case", "0011 011", |originals, forger| {
        forger.lines = originals.copy_other().lines;
    }),
    genuine(Closed, "the anchor in another order, each line twice", "0000 000", |_, forger| {
        let again = forger.lines.clone();
        forger.lines.extend(again);
        forger.lines.reverse();
    }),
    genuine(Closed, "an anchor with a journal's words and torn lines", "0000 000", |_, forger| {
        let torn: Vec<_> = forger.lines.iter().map(|line| line[..line.len() / 4].to_owned()).collect();
        let whole = forger.lines.iter().map(|line| format!("Nov 24 07:00:01 host obit-capture[7]: {line}"));
        let appended = forger.lines.iter().zip(&torn).map(|(line, torn)| format!("{torn}{line}"));
        let torn = torn.iter().map(|line| format!("{line}\n"));
        forger.lines = torn.chain(whole).chain(appended).collect();
    }),
    // Without signers nobody knows which line is the recorder's, and the one contradicts the other.
    genuine(Closed, "the anchor with a false head of anybody", "0010 000", |_, forger| {
        forger.lines.push(format!("obit-head 1 {CASE_ID} 3 {}\n", sha256(b"false")));
    }),
    genuine(Closed, "the anchor with a false last word of anybody", "0010 000", |_, forger| {
        forger.lines.push(format!("obit-closed 1 {CASE_ID} {}\n", sha256(b"false")));
    }),
    genuine(Closed, "the anchor with a false head of another key", "0010 000", |originals, forger| {
        let sha256 = sha256(b"false").parse().expect("a digest");
        let statement = obit_case::anchor_line::AnchorStatement::Head { entries: 3, sha256 };
        forger.lines.push(statement.signed_line(CASE_ID, &originals.other_key.signer()).expect("a line"));
    }),
    genuine(Closed, "an edited line in the anchor", "0010 000", |_, forger| {
        let line = &forger.lines[1];
        let digest = line.split(' ').nth(4).expect("a digest");
        forger.lines[1] = line.replace(digest, &sha256(b"false"));
    }),
    forged(Closed, "another case, told to the anchor", "0111 111", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.purged(CASE_ID);
        forger.lines = lines;
        forger.tell_anchor();
    }),
    forged(Closed, "another case of another id, told to the anchor", "0101 111", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.purged(OTHER_ID);
        forger.lines = lines;
        forger.tell_anchor();
    }),
    forged(Unsigned, "another case in its place", "0111 111", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.purged(CASE_ID);
        forger.lines = lines;
    }),
    forged(Unsigned, "another case, told to the anchor", "0111 111", |originals, forger| {
        let lines = forger.lines.clone();
        *forger = originals.purged(CASE_ID);
        forger.lines = lines;
        forger.tell_anchor();
    }),
    forged(Unsigned, "case.json edited, told to the anchor", "0111 111", |_, forger| {
        forger.manifest.host.insert("kernel".to_owned(), "another".into());
        forger.write();
        forger.tell_anchor();
    }),
    forged(Unsigned, "opened again", "0111 111", |_, forger| {
        forger.reopen();
        forger.write();
    }),
    // --- What recorders of format 1.2 cannot prove. ---
    forged(Older, "opened again and edited", "0011 011", |_, forger| {
        forger.reopen();
        forger.manifest.host.insert("kernel".to_owned(), "another".into());
        forger.write();
    })
    .unseen("its recorder signed all heads alike: a closed case looks like a killed one. The anchor knows"),
    forged(Older, "opened again, forged whole, the genuine head as the signed one", "1111 111", |originals, forger| {
        forger.replace_all(&originals.purged_and_killed());
        forger.manifest.signed_head = Some(forger.genuine_head());
        forger.reopen();
        forger.write();
    }),
    forged(Older, "opened again, its last parts removed", "2222 111", |_, forger| {
        forger.reopen();
        forger.cut_off(5);
        forger.chain_anew(GenuineHead::Kept);
        forger.write();
    }),
];
