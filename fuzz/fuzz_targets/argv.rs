#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| obit_fuzz::argv::check(bytes));
