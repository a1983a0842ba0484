#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

#[path = "../documents.rs"]
mod documents;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::evaluation(bytes));

libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
    documents::change(bytes, size, max_size, seed)
});

libfuzzer_sys::fuzz_crossover!(|first: &[u8], second: &[u8], out: &mut [u8], seed: u32| {
    documents::cross(first, second, out, seed)
});
