//! Claims: what each source says of who a container is.
//!
//! A [`Claim`] borrows all of its texts, since most claims repeat what is known. An [`OwnedClaim`]
//! is stored. A [`ClaimSet`] holds all claims about one life; the best of them makes the identity.

mod claim;
mod claim_set;
mod conflict;
mod observed_directory;
mod owned_claim;
mod root_claims;
mod run_init;
mod runtime_facts;

pub(crate) use claim::{Claim, ClaimField};
pub(crate) use claim_set::ClaimSet;
pub(crate) use observed_directory::ObservedDirectory;
pub(crate) use owned_claim::OwnedClaim;
pub(crate) use root_claims::RootClaims;
pub(crate) use run_init::RunInit;
