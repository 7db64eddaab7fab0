//! The Merkle tree over the records of a part, made while the part is written or read.

use arrow_array::RecordBatch;
use obit_schema::Table;
use obit_schema::digest::Digest;
use obit_schema::leaf::{LeafHasher, SaltSeed, SaltedCommitments};

use crate::error::Error;
use crate::merkle::MerkleTree;

/// The tree over the records of a part. A part of a derived table has none, as its rows follow from
/// records.
#[derive(Debug)]
pub(crate) struct RecordTree {
    leaves: LeafHasher,
    commitments: SaltedCommitments,
    tree: MerkleTree,
}

impl RecordTree {
    /// Returns an empty tree. Returns `None` for a derived table, and without the secret that the
    /// salts are made from: then nobody could open a commitment.
    pub(crate) fn new(table: Table, seed: Option<&SaltSeed>) -> Option<Self> {
        let seed = seed.filter(|_| Table::RAW.contains(&table))?;
        let commitments = SaltedCommitments::new(seed.clone());
        Some(Self { leaves: LeafHasher::new(table), commitments, tree: MerkleTree::default() })
    }

    /// Adds the records of a batch, in order.
    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let tree = &mut self.tree;
        Ok(self.leaves.leaves(batch, &mut self.commitments, |_, _, leaf| tree.push(leaf))?)
    }

    /// Returns the root.
    pub(crate) fn root(self) -> Digest {
        self.tree.finish().0
    }
}
