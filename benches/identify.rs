//! Nanoseconds that the path rules take, over a mix of paths as hosts have them.
//!
//! `cargo bench --bench identify -- [RUNS]`; default 15 runs of a million paths.

mod measure;

use std::hint::black_box;
use std::time::Instant;

use measure::spread;
use obit_derivation::identity::path::identify;

fn main() {
    let runs = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(15_usize);
    println!("| paths | ns/path (median, min, max) |\n|---|---|");
    for (name, paths) in mixes() {
        let rounds = 1_000_000 / paths.len();
        let taken: Vec<f64> = (0..runs)
            .map(|_| {
                let begun = Instant::now();
                for _ in 0..rounds {
                    for path in &paths {
                        black_box(identify(black_box(path)));
                    }
                }
                begun.elapsed().as_nanos() as f64 / (rounds * paths.len()) as f64
            })
            .collect();
        let (median, low, high) = spread(&taken);
        println!("| {name} | {median:.0} ({low:.0} to {high:.0}) |");
    }
}

fn mixes() -> Vec<(&'static str, Vec<String>)> {
    let id = "3f1c0e6b2f9d4a7788990011223344556677889900aabbccddeeff0011223344";
    let pod = "0e5b1d2c_7a6f_4b3e_9d8c_112233445566";
    let docker = vec![format!("/docker/{id}")];
    let kubernetes = vec![
        format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{pod}.slice/cri-containerd-{id}.scope"),
        format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{pod}.slice"),
    ];
    let services = vec![
        "/system.slice/ssh.service".to_owned(),
        "/user.slice/user-1000.slice/session-3.scope".to_owned(),
        "/system.slice/run-u123.service".to_owned(),
    ];
    let everything = [docker.clone(), kubernetes.clone(), services.clone()].concat();
    vec![
        ("docker, cgroupfs driver", docker),
        ("Kubernetes, systemd driver: containers and pods", kubernetes),
        ("services and sessions", services),
        ("all of these", everything),
    ]
}
