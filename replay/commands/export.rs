//! `export`: derived rows in the formats of other programs.

use std::io::{self, IsTerminal as _, Write};

use anyhow::{Context, ensure};
use obit_analysis::cases;
use obit_analysis::export::{ExportFormat, Exporter};
use obit_analysis::problems::{self, Effect};
use obit_analysis::span::CaseSpan;
use obit_case::Case;
use obit_schema::digest::Digest;
use sha2::{Digest as _, Sha256};

use crate::cli::ExportArgs;
use crate::output::activity::Activity;
use crate::output::destination::Destination;
use crate::output::messages::{complain, say};
use crate::output::problems::report_problems;
use crate::output::security_lake::SecurityLakeWriter;
use crate::status::CommandStatus;

pub fn run(args: &ExportArgs) -> anyhow::Result<CommandStatus> {
    // Before the output is made: a wrong path must not leave an empty file behind.
    let cases = cases::open(&args.cases)?;
    let filter = args.filter.filter(CaseSpan::of_all(&cases));
    let is_for_terminal = args.output.is_none() && io::stdout().is_terminal();
    ensure!(!(args.to.is_binary() && is_for_terminal), "a trace is not for a terminal; give a file with --output PATH");
    let mut output = ExportOutput::open(args, &cases)?;
    let activity =
        args.output.as_ref().map(|_| Activity::on_records("exporting rows from", &cases.iter().collect::<Vec<_>>()));
    let mut exporter = Exporter::new(args.to);
    let (mut rows, mut found) = (0, Vec::new());
    for case in &cases {
        let exported = exporter.export(case, &filter, output.writer())?;
        rows += exported.rows;
        found.push(exported.problems);
    }
    output.finish()?;
    drop(activity);
    let problems_of = |(case, found): (&Case, &Vec<_>)| report_problems(case, &problems::all(case, found));
    let effect = cases.iter().zip(&found).map(problems_of).max().unwrap_or(Effect::None);
    if let Some(path) = &args.output {
        say(&format!("{rows} rows written to {} for {}", path.display(), args.to.name()));
    }
    match effect {
        Effect::None | Effect::CutOff | Effect::Changed | Effect::DerivedOnly => Ok(CommandStatus::Done),
        Effect::Damage => {
            complain(&format!("{rows} rows follow from what could be read; others may be missing"));
            Ok(CommandStatus::Incomplete)
        }
    }
}

/// Where an export goes.
enum ExportOutput {
    /// Standard output, or a file.
    Stream(Destination),
    /// A directory of Parquet files.
    Lake(Box<SecurityLakeWriter>),
}

impl ExportOutput {
    fn open(args: &ExportArgs, cases: &[Case]) -> anyhow::Result<Self> {
        let Some((partition, directory)) = args.security_lake.clone().zip(args.output.clone()) else {
            return Ok(Self::Stream(Destination::open(args.output.as_deref())?));
        };
        ensure!(args.to == ExportFormat::Ocsf, "--security-lake is a form of --to ocsf, not of {}", args.to.name());
        // The ids are what a case says of itself, so no part of a path.
        let mut hash = Sha256::new();
        cases.iter().filter_map(Case::manifest).for_each(|manifest| hash.update(format!("{}\n", manifest.case_id)));
        let name = Digest::from(hash).to_string().chars().take(16).collect();
        Ok(Self::Lake(Box::new(SecurityLakeWriter::create(directory, partition, name)?)))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Stream(output) => output,
            Self::Lake(output) => output.as_mut(),
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Stream(output) => {
                output.finish().context("cannot write what is exported (check the disk's free space)")
            }
            Self::Lake(output) => output.finish(),
        }
    }
}
