//! A case, as Python's class `Case` asks it.

use std::collections::{BTreeSet, VecDeque};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use obit_analysis::case_state::case_warnings;
use obit_analysis::cases;
use obit_analysis::evidence::{AnchorSource, LineTrust, ProofRequest, Requirement};
use obit_analysis::explain::text::{PlainText, write_explanation};
use obit_analysis::explain::{ContainerLives, Explanation, SearchResult, find, kept_rows};
use obit_analysis::export::{ExportFormat, Exporter};
use obit_analysis::inventory::{Moment, take};
use obit_analysis::json::explain::ExplainReport;
use obit_analysis::json::inventory::InventoryReport;
use obit_analysis::json::problems::of_case;
use obit_analysis::json::triage::{SuspectEntry, TriageDocument};
use obit_analysis::json::verify::VerifyReport;
use obit_analysis::origin::{OutputColumns, RowOrigin};
use obit_analysis::span::CaseSpan;
use obit_analysis::triage::triage;
use obit_analysis::verify::{VerifyOptions, verify};
use obit_analysis::{Error, problems, profile};
use obit_case::Case;
use obit_case::signing::AllowedSigners;
use obit_derivation::Profile;
use obit_schema::Table;
use obit_schema::text::{json, shortened};
use pyo3::{FromPyObject, Py, PyErr, PyResult, Python, pyclass, pyfunction, pymethods};
use serde::Serialize;

use crate::errors::{DamagedCase, NoContainer, SeveralContainers, bad_argument, exception};
use crate::filter::{FilterOptions, moment, row_filter};
use crate::interrupt;
use crate::readers::{CaseRows, ColumnTypes, DamagePolicy, MetProblems, OutputOf, RowsReader};
use crate::stream::Stream;

/// Longest name of a container in a message, in characters.
const NAME_CHARACTERS: usize = 120;

/// A case on disk. Nothing of it is kept in memory but its file list and case.json.
#[pyclass(module = "obit", frozen)]
pub struct NativeCase {
    case: Arc<Case>,
}

/// Opens a case as far as it can be read.
#[pyfunction]
pub fn open(py: Python<'_>, path: PathBuf) -> PyResult<NativeCase> {
    let case = interrupt::run(py, move || problems::open(&path))?;
    Ok(NativeCase { case: Arc::new(case) })
}

/// Opens several cases, or those in directories; each must be another one.
#[pyfunction]
pub fn open_each(py: Python<'_>, paths: Vec<PathBuf>) -> PyResult<Vec<NativeCase>> {
    let cases = interrupt::run(py, move || cases::open(&paths))?;
    Ok(cases.into_iter().map(|case| NativeCase { case: Arc::new(case) }).collect())
}

/// Derives the rows of several cases into one stream, a case after another, with the columns of
/// their origin.
#[pyfunction]
pub fn derive_all(
    cases: Vec<Py<NativeCase>>,
    table: &str,
    profile: &str,
    filter: FilterOptions,
    types: &str,
    on_damage: &str,
) -> PyResult<Stream> {
    let (table, profile) = (derived_table(table)?, profile_named(profile)?);
    let cases: Vec<_> = cases.iter().map(|case| Arc::clone(&case.get().case)).collect();
    let columns = OutputColumns::choose(table, profile, &[], true).map_err(|error| exception(&error))?;
    stream(&cases, OutputOf::WithOrigin(columns), table, profile, &filter, column_types(types)?, damage(on_damage)?)
}

/// What must hold of a case: a dictionary with each of these.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct ProofOptions {
    require: Vec<String>,
    signers: Option<PathBuf>,
    anchor: Option<PathBuf>,
    trust_anchor: bool,
    case_id: Option<String>,
}

#[pymethods]
impl NativeCase {
    /// The directory, as it was given.
    #[getter]
    fn path(&self) -> PathBuf {
        self.case.path().to_owned()
    }

    /// True if the capture closed the case.
    #[getter]
    fn is_closed(&self) -> bool {
        self.case.is_closed()
    }

    /// True if a recorder writes the case now.
    #[getter]
    fn is_being_recorded(&self) -> bool {
        self.case.is_being_recorded()
    }

    /// The bytes of case.json; none if it cannot be read.
    fn manifest(&self) -> Option<Vec<u8>> {
        self.case.manifest()?;
        self.case.manifest_bytes()
    }

    /// Everything that is wrong with the case, as far as opening it shows.
    fn problems(&self) -> Vec<String> {
        let path = self.case.path().display().to_string();
        let found = self.case.problems().iter().map(ToString::to_string);
        let texts = case_warnings(&self.case).into_iter().chain(found);
        texts.map(|text| obit_schema::text::printable(&format!("{path}: {text}")).into_owned()).collect()
    }

    /// Number of rows of a table, as its files state it.
    fn count(&self, table: &str) -> PyResult<u64> {
        Ok(self.case.rows(any_table(table)?))
    }

    fn recorded(&self, table: &str, types: &str, on_damage: &str) -> PyResult<Stream> {
        let table = any_table(table)?;
        let rows = VecDeque::from([CaseRows::recorded(&self.case, table)]);
        let met = MetProblems::default();
        let columns = OutputOf::Table(table.schema());
        let reader = RowsReader::new(rows, columns, column_types(types)?, damage(on_damage)?, met.clone());
        Ok(Stream::new(reader, met))
    }

    fn derive(
        &self,
        table: &str,
        profile: &str,
        filter: FilterOptions,
        types: &str,
        on_damage: &str,
    ) -> PyResult<Stream> {
        let (table, profile) = (derived_table(table)?, profile_named(profile)?);
        let schema = profile::schema(profile, table).map_err(|error| exception(&error))?;
        let cases = std::slice::from_ref(&self.case);
        stream(cases, OutputOf::Table(schema), table, profile, &filter, column_types(types)?, damage(on_damage)?)
    }

    /// Returns what `obit-replay verify --format json` prints.
    fn verify(&self, py: Python<'_>, proof: ProofOptions, max_listed: usize) -> PyResult<String> {
        let ProofOptions { require, signers, anchor, trust_anchor, case_id } = proof;
        let required = require.iter().map(|name| requirement(name)).collect::<PyResult<BTreeSet<_>>>()?;
        if required.contains(&Requirement::Signed) && signers.is_none() {
            return Err(bad_argument("signed by whom? Give the signers to trust: signers=PATH"));
        }
        if required.contains(&Requirement::Anchored) && anchor.is_none() {
            return Err(bad_argument("anchored where? Give the anchor: anchor=PATH"));
        }
        let case = Arc::clone(&self.case);
        interrupt::run(py, move || {
            let signers = signers.as_deref().map(AllowedSigners::read).transpose()?;
            let trust = if trust_anchor { LineTrust::All } else { LineTrust::Signed };
            let proof = ProofRequest {
                anchor: anchor.as_deref().map(|path| AnchorSource { path, trust }),
                signers: signers.as_ref(),
                case_id: case_id.as_deref(),
                required: required.clone(),
            };
            let verification = verify(&case, &VerifyOptions { max_listed, proof })?;
            json_text(&VerifyReport::new(&case, &verification, &required, None))
        })
    }

    /// Returns what `obit-replay explain` prints, as JSON, as text, and as text with the records.
    fn explain(
        &self,
        py: Python<'_>,
        what: String,
        filter: FilterOptions,
        limit: usize,
    ) -> PyResult<(String, String, String)> {
        let filter = row_filter(&filter, CaseSpan::of(&self.case))?;
        let case = Arc::clone(&self.case);
        let explained = interrupt::run(py, move || {
            let search = find(&case, &what, &filter)?;
            let problems = problems::all(&case, &search.problems);
            let container = match search.matches {
                SearchResult::One { container_id, lives, lives_left_out } => {
                    let kept = kept_rows(&case, &container_id)?;
                    ContainerLives { container_id, lives, lives_left_out, kept }
                }
                SearchResult::Several { containers, has_more } => {
                    let ids: Vec<_> = containers.into_iter().map(|container| container.container_id).collect();
                    return Ok(Err(ExplainFailure::Several { what, ids, has_more }));
                }
                SearchResult::None => {
                    let kept = if filter.is_empty() { kept_rows(&case, &what)? } else { Vec::new() };
                    let ids: BTreeSet<_> = kept.iter().map(|row| row.container_id.clone()).collect();
                    match Vec::from_iter(ids).as_slice() {
                        [] => return Ok(Err(ExplainFailure::None { what })),
                        [container_id] => {
                            let container_id = container_id.clone();
                            ContainerLives { container_id, lives: Vec::new(), lives_left_out: 0, kept }
                        }
                        ids => return Ok(Err(ExplainFailure::Several { what, ids: ids.to_vec(), has_more: false })),
                    }
                }
            };
            let explanation = Explanation::tell(&case, container, limit, problems)?;
            let written = |with_records| {
                let mut text = Vec::new();
                write_explanation(&explanation, with_records, PlainText, &mut text).map_err(Error::Output)?;
                Ok::<_, Error>(String::from_utf8_lossy(&text).into_owned())
            };
            Ok(Ok((json_text(&ExplainReport::new(&case, &explanation)?)?, written(false)?, written(true)?)))
        })?;
        explained.map_err(PyErr::from)
    }

    /// Returns what `obit-replay inventory --format json` prints.
    fn inventory(&self, py: Python<'_>, at: &str, filter: FilterOptions) -> PyResult<String> {
        let span = CaseSpan::of(&self.case);
        let filter = row_filter(&filter, span)?.identity;
        let moment = match at.parse() {
            Ok(seq) => Moment::Record(seq),
            Err(_) => Moment::Time(moment(at, span)?),
        };
        if let Moment::Time(at) = moment
            && !(span.start..=span.end).contains(&at)
        {
            return Err(bad_argument("this moment is not in the case: it is before its start or after its end"));
        }
        let case = Arc::clone(&self.case);
        let (report, problem) = interrupt::run(py, move || {
            let inventory = take(&case, moment, &filter)?;
            let found = problems::all(&case, &inventory.problems);
            let present: Vec<_> = inventory.containers.into_iter().map(|container| (0, container)).collect();
            let report = InventoryReport::new(&[RowOrigin::of(&case)], moment, &present, of_case(&case, &found));
            Ok((json_text(&report)?, damage_text(&case, &found)))
        })?;
        whole(report, problem)
    }

    /// Returns what `obit-replay triage --format json` prints.
    fn triage(&self, py: Python<'_>, filter: FilterOptions, limit: usize) -> PyResult<String> {
        let filter = row_filter(&filter, CaseSpan::of(&self.case))?;
        let case = Arc::clone(&self.case);
        let (report, problem) = interrupt::run(py, move || {
            let report = triage(&case, &filter)?;
            let found = problems::all(&case, &report.problems);
            let origin = RowOrigin::of(&case);
            let document = TriageDocument {
                cases: vec![(&origin).into()],
                counts: TriageDocument::counts(&report.counts),
                reasons: TriageDocument::reasons(&report.by_reason),
                suspects_total: report.suspects_total,
                suspects: report.suspects.iter().take(limit).map(|end| SuspectEntry::new(&origin, end)).collect(),
                problems: of_case(&case, &found),
            };
            Ok((json_text(&document)?, damage_text(&case, &found)))
        })?;
        whole(report, problem)
    }

    /// Writes the rows in another program's format into a new file. Returns their number.
    fn export(&self, py: Python<'_>, to: &str, path: PathBuf, filter: FilterOptions) -> PyResult<u64> {
        let known = || ExportFormat::ALL.map(ExportFormat::name).join(", ");
        let format = ExportFormat::ALL.into_iter().find(|format| format.name() == to);
        let format = format.ok_or_else(|| bad_argument(&format!("no format is named {to}; there are {}", known())))?;
        let filter = row_filter(&filter, CaseSpan::of(&self.case))?;
        let case = Arc::clone(&self.case);
        let (rows, problem) = interrupt::run(py, move || {
            let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(Error::Output)?;
            let mut output = BufWriter::new(file);
            let exported = Exporter::new(format).export(&case, &filter, &mut output)?;
            output.flush().map_err(Error::Output)?;
            let found = problems::all(&case, &exported.problems);
            Ok((exported.rows, damage_text(&case, &found)))
        })?;
        whole(rows, problem)
    }
}

/// The reasons why a container is not explained.
enum ExplainFailure {
    None { what: String },
    Several { what: String, ids: Vec<String>, has_more: bool },
}

impl From<ExplainFailure> for PyErr {
    fn from(unexplained: ExplainFailure) -> Self {
        let short = |text: &str| shortened(text, NAME_CHARACTERS).into_owned();
        match unexplained {
            ExplainFailure::None { what } => NoContainer::new_err(format!(
                "no container of this case has the id, name, pod or image {}, or an id that begins so; \
                 derive(\"container_exit\") gives those that ended, derive(\"existing_container\") those alive before",
                short(&what)
            )),
            ExplainFailure::Several { what, ids, has_more } => {
                let ids: Vec<_> = ids.iter().map(|id| short(id)).collect();
                let more = if has_more { ", and more" } else { "" };
                SeveralContainers::new_err(format!(
                    "{} stands for several containers: {}{more}; give the id of one",
                    short(&what),
                    ids.join(", ")
                ))
            }
        }
    }
}

/// Makes the stream of the derived rows of some cases.
fn stream(
    cases: &[Arc<Case>],
    columns: OutputOf,
    table: Table,
    profile: Profile,
    filter: &FilterOptions,
    types: ColumnTypes,
    on_damage: DamagePolicy,
) -> PyResult<Stream> {
    let filter = row_filter(filter, CaseSpan::of_all(cases.iter().map(AsRef::as_ref)))?;
    for column in filter.columns() {
        let has_column = table.columns().iter().any(|one| one.name == column) && profile::fills(profile, table, column);
        if !has_column {
            return Err(bad_argument(&format!("no row of {table} has a {column} by the rules of {profile}")));
        }
    }
    let rows = cases.iter().map(|case| CaseRows::derived(case, profile, table, filter.clone()));
    let rows = rows.collect::<Result<VecDeque<_>, _>>().map_err(|error| exception(&error))?;
    let met = MetProblems::default();
    let reader = RowsReader::new(rows, columns, types, on_damage, met.clone());
    Ok(Stream::new(reader, met))
}

/// Returns the first problem that may cost records.
fn damage_text(case: &Case, found: &[obit_case::Problem]) -> Option<String> {
    let is_damage = |problem: &&obit_case::Problem| problems::effect(case, problem) == problems::Effect::Damage;
    let problem = found.iter().find(is_damage)?;
    Some(obit_schema::text::printable(&format!("{}: {problem}", case.path().display())).into_owned())
}

/// Returns the answer, or the exception of an answer that is not whole.
fn whole<T>(answer: T, problem: Option<String>) -> PyResult<T> {
    match problem {
        None => Ok(answer),
        Some(problem) => Err(DamagedCase::new_err(format!("{problem}; the answer would not be whole"))),
    }
}

fn json_text(value: &impl Serialize) -> Result<String, Error> {
    let mut bytes = Vec::new();
    json::write(value, &mut bytes).map_err(Error::Output)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn any_table(name: &str) -> PyResult<Table> {
    named(name, &Table::ALL)
}

fn derived_table(name: &str) -> PyResult<Table> {
    named(name, &Table::DERIVED)
}

fn named(name: &str, tables: &[Table]) -> PyResult<Table> {
    tables.iter().copied().find(|table| table.name() == name).ok_or_else(|| {
        let known: Vec<_> = tables.iter().map(|table| table.name()).collect();
        bad_argument(&format!("no table here is named {name}; there are {}", known.join(", ")))
    })
}

fn profile_named(name: &str) -> PyResult<Profile> {
    let found = [Profile::Strict, Profile::Tracee].into_iter().find(|profile| profile.as_str() == name);
    found.ok_or_else(|| bad_argument(&format!("no profile is named {name}; there are strict and tracee")))
}

fn column_types(name: &str) -> PyResult<ColumnTypes> {
    match name {
        "exact" => Ok(ColumnTypes::Exact),
        "lake" => Ok(ColumnTypes::Lake),
        _ => Err(bad_argument(&format!("types={name}: give exact or lake"))),
    }
}

fn damage(name: &str) -> PyResult<DamagePolicy> {
    match name {
        "raise" => Ok(DamagePolicy::Raise),
        "ignore" => Ok(DamagePolicy::Ignore),
        _ => Err(bad_argument(&format!("on_damage={name}: give raise or ignore"))),
    }
}

fn requirement(name: &str) -> PyResult<Requirement> {
    Requirement::ALL.into_iter().find(|requirement| requirement.name() == name).ok_or_else(|| {
        let known = Requirement::ALL.map(Requirement::name).join(", ");
        bad_argument(&format!("require={name}: there are {known}"))
    })
}
