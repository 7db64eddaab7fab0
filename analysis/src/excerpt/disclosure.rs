//! Texts that an excerpt leaves out, disclosed later by whoever holds the whole case.

use std::collections::{BTreeMap, BTreeSet};

use obit_case::Case;
use obit_case::excerpt::{RecordProof, TextProof};
use obit_schema::Table;
use obit_schema::digest::Digest;
use obit_schema::leaf::{Commitments, LeafHasher, Salt, SaltedCommitments, commitment, text_groups};
use serde::{Deserialize, Serialize};

use super::text_columns::TextColumns;
use crate::error::Error;

/// Longest disclosure that is read, in bytes.
pub const MAX_BYTES: u64 = 64 << 20;

/// Texts that belong to commitments of an excerpt. Its JSON is the output of `disclose`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosure {
    /// Unique name of the whole case.
    pub case_id: String,
    /// The texts, by table and record.
    pub texts: Vec<DisclosedText>,
}

/// The text of one commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisclosedText {
    /// Name of the table.
    pub table: String,
    /// Place of the record.
    pub seq: u64,
    /// Name of the text group.
    pub group: String,
    /// Salt of the commitment.
    pub salt: Salt,
    /// The group's columns in their order, each as a netstring or `-`, as the commitment has them.
    pub text: String,
}

/// The result of comparing a disclosure with an excerpt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DisclosureCheck {
    /// Texts that the excerpt's commitments stand for.
    pub fitting: u64,
    /// Texts that they do not stand for, or that the excerpt does not leave out.
    pub others: u64,
}

impl Disclosure {
    /// Reads from the whole case the texts of these columns that an excerpt of it leaves out; with
    /// `seqs` those of these records only.
    ///
    /// # Errors
    /// [`Error::NoDisclosure`] if the excerpt is not one of this case, or an error of reading.
    pub fn of(whole: &Case, excerpt: &Case, columns: &TextColumns, seqs: &BTreeSet<u64>) -> Result<Self, Error> {
        let refused = |why: &str| Error::NoDisclosure { why: why.to_owned() };
        let manifest = whole.manifest().ok_or_else(|| refused("the whole case has no case.json"))?;
        let origin = excerpt.manifest().and_then(|manifest| manifest.excerpt.as_ref());
        if origin.is_none_or(|origin| origin.case_id != manifest.case_id) {
            return Err(refused("the other case is no excerpt of it"));
        }
        let seed = manifest.salt_seed().ok_or_else(|| refused("the whole case has no secret to make salts from"))?;
        let proof = excerpt.excerpt_proof().map_err(|why| refused(&why))?;
        let mut disclosure = Self { case_id: manifest.case_id.clone(), texts: Vec::new() };
        for part in &proof.parts {
            let found = Table::RAW.into_iter().find_map(|table| {
                let info = whole.parts(table).iter().find(|info| info.file == part.file)?;
                Some((table, info))
            });
            let (table, info) = found.ok_or_else(|| refused(&format!("the whole case has no part {}", part.file)))?;
            let wanted = part.records.iter().filter(|record| seqs.is_empty() || seqs.contains(&record.seq));
            let wanted: BTreeMap<u64, &RecordProof> = wanted.map(|record| (record.seq, record)).collect();
            let mut texts = DisclosedCommitments {
                table,
                columns,
                wanted: &wanted,
                salted: SaltedCommitments::new(seed.clone()),
                texts: &mut disclosure.texts,
            };
            let mut hasher = LeafHasher::new(table);
            for batch in whole.batches_of(table, info) {
                hasher.leaves(&batch?, &mut texts, |_, _, _| {})?;
            }
        }
        Ok(disclosure)
    }

    /// Compares the texts with the commitments of an excerpt. That these stand in the whole case is
    /// for [`super::check`] to tell.
    ///
    /// # Errors
    /// [`Error::NoDisclosure`] if the case is no excerpt, or of another case.
    pub fn check(&self, excerpt: &Case) -> Result<DisclosureCheck, Error> {
        let refused = |why: String| Error::NoDisclosure { why };
        let proof = excerpt.excerpt_proof().map_err(refused)?;
        if proof.parent.case_id != self.case_id {
            return Err(refused("its texts are of another case than the excerpt".to_owned()));
        }
        let records: BTreeMap<u64, (&str, &RecordProof)> = proof
            .parts
            .iter()
            .flat_map(|part| part.records.iter().map(move |record| (record.seq, (part.file.as_str(), record))))
            .collect();
        let layout = proof.parent.layout();
        let is_of = |file: &str, name: &str| layout.part_of(file).is_some_and(|(table, _)| table.name() == name);
        let mut check = DisclosureCheck::default();
        for DisclosedText { table, seq, group, salt, text } in &self.texts {
            let record = records.get(seq).filter(|(file, _)| is_of(file, table)).map(|(_, record)| record);
            let proof = record.and_then(|record| record.texts.get(group));
            let fits = proof == Some(&TextProof::Commitment(commitment(salt, text.as_bytes())));
            *if fits { &mut check.fitting } else { &mut check.others } += 1;
        }
        Ok(check)
    }
}

/// Takes note of the texts that are to be disclosed while records are hashed.
struct DisclosedCommitments<'a> {
    table: Table,
    columns: &'a TextColumns,
    wanted: &'a BTreeMap<u64, &'a RecordProof>,
    salted: SaltedCommitments,
    texts: &'a mut Vec<DisclosedText>,
}

impl Commitments for DisclosedCommitments<'_> {
    fn commitment(&mut self, seq: u64, group: u8, text: Option<&[u8]>) -> Option<Digest> {
        let (text, record) = (text?, self.wanted.get(&seq)?);
        let name = text_groups(self.table).get(usize::from(group))?.name;
        let is_hidden = matches!(record.texts.get(name), Some(TextProof::Commitment(_)));
        if is_hidden && self.columns.contains(self.table, group) {
            self.texts.push(DisclosedText {
                table: self.table.name().to_owned(),
                seq,
                group: name.to_owned(),
                salt: self.salted.salt(seq, group),
                // The columns of a group are text, which is UTF-8.
                text: String::from_utf8_lossy(text).into_owned(),
            });
        }
        // The leaf itself is of no interest.
        None
    }
}
