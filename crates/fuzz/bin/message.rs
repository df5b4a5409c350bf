//! libFuzzer's way into [`restitch_fuzz::message`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restitch_fuzz::message(bytes));
