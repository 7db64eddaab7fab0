//! The Merkle tree over the records of a part (RFC 6962, section 2.1), and proofs that some records
//! are in it.
//!
//! Leaves come one after the other. Complete subtrees are joined at once, so the tree of a million
//! records takes the memory of twenty hashes.
//!
//! A proof for several leaves is the hashes of the largest subtrees without one of them, from left
//! to right: for one leaf, RFC 6962's audit path in another order.

use obit_schema::digest::Digest;
use sha2::{Digest as _, Sha256};

/// First byte of what an inner node is the hash of.
const NODE_PREFIX: [u8; 1] = [1];

/// A Merkle tree that grows by leaves.
#[derive(Clone, Debug, Default)]
pub struct MerkleTree {
    /// Complete subtrees from left to right, each smaller than the one before.
    subtrees: Vec<Subtree>,
    leaves: u64,
}

/// A subtree: of leaves that nobody wants, or of some that are to be proven.
#[derive(Clone, Debug)]
struct Subtree {
    leaves: u64,
    root: Digest,
    /// The proof for the wanted leaves; `None` if it has none.
    proof: Option<Vec<Digest>>,
}

impl Subtree {
    /// Joins two neighbours.
    fn join(self, right: Self) -> Self {
        let root = node(&self.root, &right.root);
        let proof = match (self.proof, right.proof) {
            (None, None) => None,
            (Some(mut left), None) => {
                left.push(right.root);
                Some(left)
            }
            (None, Some(right)) => Some([vec![self.root], right].concat()),
            (Some(mut left), Some(mut right)) => {
                left.append(&mut right);
                Some(left)
            }
        };
        Self { leaves: self.leaves.saturating_add(right.leaves), root, proof }
    }
}

impl MerkleTree {
    /// Adds a leaf, by its hash.
    pub fn push(&mut self, leaf: Digest) {
        self.add(leaf, None);
    }

    /// Adds a leaf that is to be proven.
    pub fn push_wanted(&mut self, leaf: Digest) {
        self.add(leaf, Some(Vec::new()));
    }

    fn add(&mut self, root: Digest, proof: Option<Vec<Digest>>) {
        self.leaves = self.leaves.saturating_add(1);
        let mut last = Subtree { leaves: 1, root, proof };
        while let Some(left) = self.subtrees.pop_if(|left| left.leaves == last.leaves) {
            last = left.join(last);
        }
        self.subtrees.push(last);
    }

    /// Returns the number of leaves.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Returns the root, and the proof that the wanted leaves are in the tree.
    pub fn finish(mut self) -> (Digest, Vec<Digest>) {
        let Some(mut last) = self.subtrees.pop() else { return (empty_root(), Vec::new()) };
        while let Some(left) = self.subtrees.pop() {
            last = left.join(last);
        }
        (last.root, last.proof.unwrap_or_default())
    }
}

/// Returns the root of the tree with this number of leaves, of which some are known by place and
/// hash, in ascending order, and the others by a proof. Returns `None` if the proof does not fit.
///
/// It visits as many nodes as the proof and the leaves need, however large the tree is said to be.
pub fn root_of(leaves: u64, known: &[(u64, Digest)], proof: &[Digest]) -> Option<Digest> {
    if leaves == 0 {
        return (known.is_empty() && proof.is_empty()).then(empty_root);
    }
    let is_ascending = known.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a < b));
    if !is_ascending || known.last().is_some_and(|(place, _)| *place >= leaves) {
        return None;
    }
    let mut proof = proof.iter();
    let root = root_of_range(0, leaves, known, &mut proof)?;
    proof.as_slice().is_empty().then_some(root)
}

/// Returns the root of the subtree over these leaves. Each step halves the range, so it is never
/// deeper than 64.
fn root_of_range(
    first: u64,
    leaves: u64,
    known: &[(u64, Digest)],
    proof: &mut std::slice::Iter<'_, Digest>,
) -> Option<Digest> {
    match known {
        [] => proof.next().copied(),
        [(_, leaf)] if leaves == 1 => Some(*leaf),
        _ if leaves == 1 => None,
        _ => {
            // The largest power of two below the number of leaves.
            let left = 1 << (leaves - 1).ilog2();
            let middle = first + left;
            let (in_left, in_right) = known.split_at(known.partition_point(|(place, _)| *place < middle));
            let left_root = root_of_range(first, left, in_left, proof)?;
            Some(node(&left_root, &root_of_range(middle, leaves - left, in_right, proof)?))
        }
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    let mut input = [0; 65];
    let (prefix, rest) = input.split_at_mut(1);
    prefix.copy_from_slice(&NODE_PREFIX);
    let (first, second) = rest.split_at_mut(32);
    first.copy_from_slice(left.as_bytes());
    second.copy_from_slice(right.as_bytes());
    Digest::from(Sha256::new_with_prefix(input))
}

/// Returns the root of a tree without leaves.
fn empty_root() -> Digest {
    Digest::from(Sha256::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(number: u64) -> Digest {
        Digest::from(Sha256::new_with_prefix([&[0][..], &number.to_be_bytes()].concat()))
    }

    /// The definition of RFC 6962, word by word.
    fn root_by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => empty_root(),
            [only] => *only,
            _ => {
                let mut left = 1;
                while left * 2 < leaves.len() {
                    left *= 2;
                }
                let (left, right) = leaves.split_at(left);
                node(&root_by_definition(left), &root_by_definition(right))
            }
        }
    }

    fn tree(leaves: u64, is_wanted: impl Fn(u64) -> bool) -> MerkleTree {
        let mut tree = MerkleTree::default();
        for number in 0..leaves {
            if is_wanted(number) { tree.push_wanted(leaf(number)) } else { tree.push(leaf(number)) }
        }
        tree
    }

    #[test]
    fn the_root_is_that_of_the_definition() {
        for count in 0..70 {
            let leaves: Vec<_> = (0..count).map(leaf).collect();
            assert_eq!(tree(count, |_| false).finish().0, root_by_definition(&leaves), "{count}");
        }
    }

    /// Roots of Certificate Transparency's own tests (google/certificate-transparency,
    /// merkletree/merkle_tree_test.cc) over "", 00, 10, 2021, 3031, 40414243, 5051525354555657 and
    /// 606162636465666768696a6b6c6d6e6f.
    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let data: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let mut tree = MerkleTree::default();
        let mut roots = vec![tree.clone().finish().0.to_string()];
        for bytes in data {
            tree.push(Digest::from(Sha256::new_with_prefix([&[0], bytes].concat())));
            roots.push(tree.clone().finish().0.to_string());
        }
        assert_eq!(roots[0], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(roots[1], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(roots[2], "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        assert_eq!(roots[8], "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn each_set_of_leaves_is_proven_and_no_other_leaf_is() {
        for count in 1..=9_u64 {
            for set in 0..1_u32 << count {
                let is_wanted = |number: u64| set >> number & 1 == 1;
                let (root, proof) = tree(count, is_wanted).finish();
                let mut known: Vec<_> =
                    (0..count).filter(|number| is_wanted(*number)).map(|number| (number, leaf(number))).collect();
                if known.is_empty() {
                    continue;
                }
                assert_eq!(root_of(count, &known, &proof), Some(root), "{count} {set:b}");
                assert_eq!(root_of(count, &known, &[&proof[..], &[root]].concat()), None);
                known[0].1 = leaf(99);
                assert_ne!(root_of(count, &known, &proof), Some(root), "{count} {set:b}");
            }
        }
    }

    #[test]
    fn a_proof_says_nothing_of_a_place_out_of_order_or_beyond_the_end() {
        let known = [(1, leaf(1)), (2, leaf(2))];
        let (root, proof) = tree(4, |number| number == 1 || number == 2).finish();
        assert_eq!(root_of(4, &known, &proof), Some(root));
        assert_eq!(root_of(4, &[known[1], known[0]], &proof), None);
        assert_eq!(root_of(4, &[known[0], known[0]], &proof), None);
        assert_eq!(root_of(2, &known, &proof), None);
        assert_eq!(root_of(0, &known, &proof), None);
        assert_eq!(root_of(u64::MAX, &known, &proof), None);
    }

    #[test]
    fn a_tree_without_wanted_leaves_has_no_proof() {
        assert!(tree(100, |_| false).finish().1.is_empty());
        assert_eq!(tree(100, |_| false).leaves(), 100);
    }
}
