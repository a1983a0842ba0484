//! How the fuzzer changes documents: most of the time so that they stay JSON, since everything else is refused at once.

#[path = "../tests/it/changes.rs"]
#[allow(dead_code)]
mod changes;

use changes::Dice;

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok()
}

/// Puts `new` into `out` if it fits, and says how long it is.
fn put(new: &[u8], out: &mut [u8]) -> Option<usize> {
    out.get_mut(..new.len())?.copy_from_slice(new);
    Some(new.len())
}

/// Changes the first `size` of `bytes`, and says how many there are then.
pub fn change(bytes: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let by_bytes = seed.is_multiple_of(4) || !is_json(&bytes[..size]);
    let changed = (!by_bytes).then(|| changes::changed_values(&bytes[..size], &mut Dice::new(u64::from(seed))));
    let length = changed.and_then(|new| put(&new, &mut bytes[..max_size]));
    length.unwrap_or_else(|| libfuzzer_sys::fuzzer_mutate(bytes, size, max_size))
}

/// Makes one of two, and says how long it is: 0 is none.
pub fn cross(first: &[u8], second: &[u8], out: &mut [u8], seed: u32) -> usize {
    if !is_json(first) || !is_json(second) {
        return 0;
    }
    put(&changes::crossed(first, second, &mut Dice::new(u64::from(seed))), out).unwrap_or(0)
}
