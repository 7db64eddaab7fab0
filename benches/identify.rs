//! CPU time of the path rules in nanoseconds, over a mix of paths as hosts have them.
//!
//! `cargo bench --bench identify -- [RUNS]`; default 15 runs of a million paths. CPU time, so that
//! other programs on the machine count less.

mod measure;

use std::hint::black_box;

use measure::{cell, numbers};
use obit_derivation::identity::path::identify;

fn main() {
    let runs = numbers().first().copied().unwrap_or(15);
    println!("| paths | ns/path (median, min, max) |\n|---|---|");
    for (name, paths) in mixes() {
        let rounds = 1_000_000 / paths.len();
        let taken: Vec<f64> = (0..runs)
            .map(|_| {
                let begun = cpu_ns();
                for _ in 0..rounds {
                    for path in &paths {
                        black_box(identify(black_box(path)));
                    }
                }
                (cpu_ns() - begun) / (rounds * paths.len()) as f64
            })
            .collect();
        println!("| {name} | {} |", cell(&taken, 1));
    }
}

/// CPU time of this thread.
fn cpu_ns() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
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
