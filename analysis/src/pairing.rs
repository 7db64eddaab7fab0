//! Pairs of cases of two sets, for a comparison of what was recorded on the same hosts.

use std::collections::{BTreeMap, VecDeque};

use obit_case::Case;
use obit_derivation::WallNs;

use crate::origin::RowOrigin;
use crate::span::CaseSpan;

/// Two sets of cases in pairs, by their places in the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CasePairs {
    /// The pairs, in the order of the left set.
    pub pairs: Vec<(usize, usize)>,
    /// Cases of the left set without a counterpart.
    pub only_left: Vec<usize>,
    /// Cases of the right set without a counterpart.
    pub only_right: Vec<usize>,
}

impl CasePairs {
    /// Pairs cases of one host, the earliest with the earliest. Two single cases are a pair,
    /// whatever their hosts.
    pub fn of(left: &[Case], right: &[Case]) -> Self {
        if let ([_], [_]) = (left, right) {
            return Self { pairs: vec![(0, 0)], ..Self::default() };
        }
        Self::by_host(
            &left.iter().map(HostStart::of).collect::<Vec<_>>(),
            &right.iter().map(HostStart::of).collect::<Vec<_>>(),
        )
    }

    fn by_host(left: &[HostStart], right: &[HostStart]) -> Self {
        let mut of_host: BTreeMap<&Option<String>, VecDeque<usize>> = BTreeMap::new();
        for place in in_time(right) {
            of_host.entry(&right[place].host).or_default().push_back(place);
        }
        let mut found = Self::default();
        for place in in_time(left) {
            match of_host.get_mut(&left[place].host).and_then(VecDeque::pop_front) {
                Some(counterpart) => found.pairs.push((place, counterpart)),
                None => found.only_left.push(place),
            }
        }
        found.pairs.sort_unstable();
        found.only_left.sort_unstable();
        found.only_right = of_host.into_values().flatten().collect();
        found.only_right.sort_unstable();
        found
    }
}

/// The host of a case, and when its recording began.
#[derive(Clone, Debug)]
struct HostStart {
    /// Machine id or, without one, the name; `None` if case.json tells neither.
    host: Option<String>,
    start: WallNs,
}

impl HostStart {
    fn of(case: &Case) -> Self {
        let origin = RowOrigin::of(case);
        Self { host: origin.machine_id.or(origin.host), start: CaseSpan::of(case).start }
    }
}

/// Returns the places of cases, those that began first before others.
fn in_time(cases: &[HostStart]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..cases.len()).collect();
    places.sort_by_key(|place| cases[*place].start);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(cases: &[(&str, i64)]) -> Vec<HostStart> {
        cases.iter().map(|(host, start)| HostStart { host: Some((*host).to_owned()), start: WallNs(*start) }).collect()
    }

    #[test]
    fn cases_of_one_host_are_paired_in_the_order_of_time() {
        let found = CasePairs::by_host(&set(&[("b", 9), ("a", 2), ("a", 1)]), &set(&[("a", 7), ("c", 1), ("a", 8)]));
        assert_eq!(
            found.pairs,
            [(1, 2), (2, 0)],
            "the second recording of a with the second, the first with the first"
        );
        assert_eq!((found.only_left, found.only_right), (vec![0], vec![1]));
    }
}
