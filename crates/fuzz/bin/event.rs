//! libFuzzer's way into [`restitch_fuzz::event`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restitch_fuzz::event(bytes));
