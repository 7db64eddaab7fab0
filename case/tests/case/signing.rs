//! A key that fails while a case is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use obit_case::signing::CaseSigner;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, Error};

use crate::kit::{self, Builders, Scratch};

const RECORDS: usize = 60;

/// A signer that fails after so many signatures.
#[derive(Debug)]
struct FailingSigner {
    left: AtomicU32,
}

impl CaseSigner for FailingSigner {
    fn sign(&self, message: &[u8]) -> Result<String, Error> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match taken {
            Ok(_) => Ok(format!("signed-{}", message.len())),
            Err(_) => Err(Error::Sign { why: "the key is gone".to_owned() }),
        }
    }
}

fn options(signatures: u32) -> WriterOptions {
    let signer = FailingSigner { left: AtomicU32::new(signatures) };
    WriterOptions { signer: Some(Arc::new(signer)), ..kit::small_parts(4) }
}

#[test]
fn a_key_that_fails_at_once_gives_no_case() {
    let scratch = Scratch::new();
    let error = CaseWriter::create(&scratch.case(), kit::manifest(), options(0)).unwrap_err();
    assert!(matches!(error, Error::Sign { .. }), "{error}");
}

#[test]
fn a_case_goes_on_unsigned_whenever_its_key_fails() {
    // Each head has two signatures, one for the anchor; closing takes three.
    for signatures in 2..40 {
        let scratch = Scratch::new();
        let mut writer = CaseWriter::create(&scratch.case(), kit::manifest(), options(signatures)).unwrap();
        let mut builders = Builders::default();
        for (seq, record) in (0..).zip(&kit::plain(RECORDS)) {
            builders.push(seq, record);
            builders.write(&mut writer);
        }
        writer.sync().unwrap();
        let summary = writer.close(|_| {}).unwrap();
        let failure = writer.take_signing_failure();
        assert!(failure.is_none_or(|error| error.to_string() == "cannot sign: the key is gone"));
        assert!(writer.take_signing_failure().is_none(), "it is told once");

        let case = Case::open(&scratch.case()).unwrap();
        let manifest = case.manifest().unwrap();
        let head = manifest.head.as_ref().unwrap();
        let (seqs, problems) = kit::read_from(&case);
        assert!(seqs.len() == RECORDS && problems.is_empty(), "{signatures}: {problems:?}");
        let newest = [Some(head), manifest.signed_head.as_ref()]
            .into_iter()
            .flatten()
            .any(|head| head.signature.is_some() || head.final_signature.is_some());
        assert!(newest, "{signatures}: what was signed is kept");
        assert!(head.signature.is_none() || head.final_signature.is_none(), "{signatures}");
        let is_signed = summary.closed_line.split_ascii_whitespace().count() == 5;
        assert!(!is_signed || head.final_signature.is_some(), "{signatures}: a key that failed is not used again");
    }
}
