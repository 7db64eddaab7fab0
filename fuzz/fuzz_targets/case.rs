#![no_main]

// The reader catches panics of the Parquet reader (case/src/guard.rs); libFuzzer's own hook would
// end the process before. A panic that nobody catches still does.
libfuzzer_sys::fuzz_target!(
    init: { std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))) },
    |bytes: &[u8]| obit_fuzz::case::check(bytes)
);
