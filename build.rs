//! Compiles the BPF program (with the `capture` feature only) and notes the commit for `--version`.

use std::path::Path;
use std::process::Command;

fn main() {
    // One listed path switches cargo's default (rerun on any change in the package) off.
    println!("cargo::rerun-if-changed=build.rs");
    note_commit();
    #[cfg(feature = "capture")]
    bpf::compile();
}

/// Sets `OBIT_GIT_COMMIT`: twelve digits, `-dirty` if tracked files differ, `unknown` outside a git
/// checkout.
fn note_commit() {
    let commit = match git(&["rev-parse", "--short=12", "HEAD"]) {
        Some(commit) => {
            let dirty =
                git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|changes| !changes.is_empty());
            for name in ["HEAD", "packed-refs"].into_iter().map(str::to_owned).chain(git(&["symbolic-ref", "HEAD"])) {
                // Asked of git: in a linked work tree these are not below `.git`. A missing file
                // must not be named, or cargo would run this at every build.
                if let Some(path) = git(&["rev-parse", "--git-path", &name]).filter(|path| Path::new(path).exists()) {
                    println!("cargo::rerun-if-changed={path}");
                }
            }
            if dirty { format!("{commit}-dirty") } else { commit }
        }
        None => "unknown".to_owned(),
    };
    println!("cargo::rustc-env=OBIT_GIT_COMMIT={commit}");
}

/// Output of a git command, trimmed; `None` if git is missing or fails.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(feature = "capture")]
mod bpf {
    use std::env;
    use std::ffi::OsString;
    use std::path::PathBuf;
    use std::process::{Command, exit};

    use libbpf_cargo::SkeletonBuilder;

    /// The programs, each of `bpf/NAME.bpf.c`.
    const NAMES: [&str; 2] = ["obit", "processors"];
    const ADVICE: &str = "obit-capture needs clang 12 or newer with the BPF target to build, and libelf and zlib. \
        On Debian or Ubuntu: apt-get install clang libelf-dev zlib1g-dev make pkg-config gcc libc6-dev. \
        Set CLANG to use another clang. obit-replay alone builds without: cargo build --no-default-features";

    /// Writes `NAME.skel.rs`, a program and Rust types around it, to cargo's output directory.
    pub fn compile() {
        println!("cargo::rerun-if-changed=bpf");
        println!("cargo::rerun-if-env-changed=CLANG");
        let clang = env::var_os("CLANG").unwrap_or_else(|| OsString::from("clang"));
        let targets = Command::new(&clang).arg("--print-targets").output();
        match targets {
            Err(error) => fail("bpf", &format!("cannot run {}: {error}", clang.display())),
            Ok(output) if !String::from_utf8_lossy(&output.stdout).contains("bpf") => {
                fail("bpf", &format!("{} cannot compile for BPF", clang.display()))
            }
            Ok(_) => {}
        }
        let Some(directory) = env::var_os("OUT_DIR") else {
            fail("bpf", "OUT_DIR is not set; this is run by cargo");
        };
        let mut arguments = vec!["-Wall", "-Wextra", "-Wno-unused-parameter"];
        // libbpf-cargo shows warnings to nobody, so they are errors to those who work on the
        // program; a user's build must not fail because a newer clang knows one more.
        if env::var_os("PROFILE").is_some_and(|profile| profile == "debug") {
            arguments.push("-Werror");
        }
        for name in NAMES {
            let source = format!("bpf/{name}.bpf.c");
            let built = SkeletonBuilder::new()
                .source(&source)
                .clang(&clang)
                .clang_args(&arguments)
                .build_and_generate(PathBuf::from(&directory).join(format!("{name}.skel.rs")));
            if let Err(error) = built {
                fail(&source, &format!("{error:#}"));
            }
        }
    }

    fn fail(source: &str, what: &str) -> ! {
        eprintln!("error: {source}: {what}\n{ADVICE}");
        exit(1);
    }
}
