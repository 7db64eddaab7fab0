//! Helpers of the live tests beside the engines ([`obit_test_engines`]).
//!
//! [`capture`] records, [`replay`] derives, [`ledger`] compares what was started with the rows that
//! came out, [`rows`] looks at single rows, [`daemon_answers`] at what daemons said, and
//! [`analysis`] reads a case without any code of this project. [`cri`] drives pods as the kubelet
//! does.

pub mod analysis;
pub mod capture;
pub mod cri;
pub mod daemon_answers;
pub mod ledger;
pub mod replay;
pub mod rows;
