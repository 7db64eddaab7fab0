//! A policy: what must hold of a case, in a file, so that each verification asks for the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use obit_analysis::evidence::Requirement;
use obit_case::bounded;
use serde::Deserialize;

use crate::cli::VerifyArgs;

/// Longest policy that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What must hold of a case. A JSON object; a member that is not known is an error, as it may stand
/// for something that would not be asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProofPolicy {
    /// Names of requirements.
    require: Vec<String>,
    /// The signers to trust. A relative path begins at the policy's folder.
    signers: Option<PathBuf>,
    /// The anchor. A relative path begins at the policy's folder.
    anchor: Option<PathBuf>,
    /// True if nobody but the recorder could write to the anchor.
    trust_anchor: bool,
    /// The case's id.
    case_id: Option<String>,
}

/// What the arguments of `verify` and its policy ask for together.
#[derive(Debug, Default)]
pub struct RequestedProof {
    /// Properties that must hold.
    pub required: BTreeSet<Requirement>,
    /// The file of signers to trust.
    pub signers: Option<PathBuf>,
    /// The anchor.
    pub anchor: Option<PathBuf>,
    /// True if nobody but the recorder could write to the anchor.
    pub trust_anchor: bool,
    /// The case's id.
    pub case_id: Option<String>,
}

impl RequestedProof {
    /// Returns what the arguments and the policy that they name ask for.
    pub fn of(args: &VerifyArgs) -> anyhow::Result<Self> {
        let policy = args.policy.as_deref().map(ProofPolicy::read).transpose()?.unwrap_or_default();
        let named = |name: &String| {
            Requirement::ALL.into_iter().find(|requirement| requirement.name() == name).with_context(|| {
                let known = Requirement::ALL.map(Requirement::name).join(", ");
                format!("the policy requires {name:?}, which is none of {known}")
            })
        };
        let mut required = policy.require.iter().map(named).collect::<anyhow::Result<BTreeSet<_>>>()?;
        required.extend(&args.require);
        let request = Self {
            required,
            signers: one("signers", args.signers.clone(), policy.signers)?,
            anchor: one("anchor", args.anchor.clone(), policy.anchor)?,
            trust_anchor: args.trust_anchor || policy.trust_anchor,
            case_id: one("case id", args.case_id.clone(), policy.case_id)?,
        };
        let lacks = |requirement, is_given: bool| request.required.contains(&requirement) && !is_given;
        ensure!(
            !lacks(Requirement::Signed, request.signers.is_some()),
            "signed by whom? Give the signers to trust with --signers, or in the policy"
        );
        ensure!(
            !lacks(Requirement::Anchored, request.anchor.is_some()),
            "anchored where? Give the anchor with --anchor, or in the policy"
        );
        Ok(request)
    }
}

/// Returns the value that is given; an error if there are two.
fn one<T: PartialEq>(name: &str, argument: Option<T>, policy: Option<T>) -> anyhow::Result<Option<T>> {
    let is_contradicted = argument.is_some() && policy.is_some() && argument != policy;
    ensure!(!is_contradicted, "the policy and the command line give another {name}: leave it out of one of them");
    Ok(argument.or(policy))
}

impl ProofPolicy {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot use the policy {}", obit_schema::text::printable(&path.to_string_lossy()));
        let text = bounded::read(path, MAX_BYTES).with_context(cannot)?;
        let mut policy: Self = serde_json::from_slice(&text).with_context(cannot)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in [&mut policy.signers, &mut policy.anchor].into_iter().flatten() {
            *file = folder.join(&*file);
        }
        Ok(policy)
    }
}
