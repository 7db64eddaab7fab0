//! What the tests share. The live tests (`live_*.rs`) record real containers: [`live`] says whether they can run,
//! [`stage`] gives them a mount namespace of their own, [`engines`] run containers in it, [`capture`] records them and
//! [`ledger`] compares what was started with the rows that came out, [`rows`] looks at single ones; [`told`] is what daemons said, and [`fake`] are some that
//! are none.

// Each test binary includes this module and uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod analysis;
pub mod capture;
pub mod cgroups;
pub mod cri;
pub mod daemon;
pub mod disk;
pub mod engines;
pub mod fake;
pub mod grounds;
pub mod ledger;
pub mod live;
pub mod replay;
pub mod rows;
pub mod stage;
pub mod told;
