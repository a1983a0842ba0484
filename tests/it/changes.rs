//! Bytes and documents changed at random, by seeds. The fuzzer changes documents by the same means (`fuzz/`), since bytes at random
//! are seldom JSON.

use serde_json::Value;

/// A number generator (xorshift64*, Vigna 2016), so that a seed gives the same changes everywhere.
pub struct Dice(u64);

impl Dice {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `end`, which is above 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }
}

/// What stands in documents instead of what stood there.
const VALUES: [&str; 18] = [
    "null",
    "true",
    "-1",
    "0",
    "1",
    "1e308",
    "-1e308",
    "0.5",
    "32767",
    "99999999999999999999",
    "[]",
    "{}",
    "\"\"",
    "\"a\"",
    "\"q1..99\"",
    "[0, 0]",
    "[[0, 0], [0, 0]]",
    "\"../../x.png\"",
];

/// Changes a document in one to three places, so that it stays JSON.
pub fn changed_values(original: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(original).unwrap();
    for _ in 0..=dice.below(3) {
        let mut places = Vec::new();
        collect_places(&document, String::new(), &mut places);
        let place = &places[dice.below(places.len())];
        let Some(value) = document.pointer_mut(place) else { continue };
        match (dice.below(4), &mut *value) {
            (0..3, Value::Number(number)) => {
                let was = number.as_f64().unwrap_or_default();
                let by = [-1.0, 0.0, 0.1, 0.5, 1.01, 2.0, 10.0][dice.below(7)];
                let now = was * by + [0.0, 1.0, -1.0][dice.below(3)];
                *value = if now.fract() == 0.0 && now.abs() < 1e9 { (now as i64).into() } else { now.into() };
            }
            (0..3, Value::String(text)) => match dice.below(3) {
                0 => drop(text.pop()),
                1 => text.push(['1', '.', '{', 'é', '\u{0}', '='][dice.below(6)]),
                _ => text.insert_str(0, ["q1..", "{", "(", "=", "../"][dice.below(5)]),
            },
            (0..3, Value::Array(items)) if !items.is_empty() => {
                let i = dice.below(items.len());
                if dice.below(2) == 0 { drop(items.remove(i)) } else { items.push(items[i].clone()) }
            }
            (0..3, Value::Object(members)) if !members.is_empty() => {
                let key = members.keys().nth(dice.below(members.len())).unwrap().clone();
                members.remove(&key);
            }
            _ => *value = serde_json::from_str(VALUES[dice.below(VALUES.len())]).unwrap(),
        }
    }
    serde_json::to_vec_pretty(&document).unwrap()
}

/// A value or a member of the document `from` at a place of the document `to`, so that it stays JSON: keys come where they
/// did not stand.
pub fn crossed(to: &[u8], from: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(to).unwrap();
    let other: Value = serde_json::from_slice(from).unwrap();
    let any = |document: &Value, dice: &mut Dice| {
        let mut places = Vec::new();
        collect_places(document, String::new(), &mut places);
        places.swap_remove(dice.below(places.len()))
    };
    let (place, source) = (any(&document, dice), any(&other, dice));
    let Some(new) = other.pointer(&source) else { return to.to_vec() };
    let Some(value) = document.pointer_mut(&place) else { return to.to_vec() };
    match (&mut *value, new) {
        (Value::Object(members), Value::Object(others)) if !others.is_empty() => {
            if let Some((key, member)) = others.iter().nth(dice.below(others.len())) {
                members.insert(key.clone(), member.clone());
            }
        }
        (Value::Array(items), new) if dice.below(2) == 0 => items.push(new.clone()),
        _ => *value = new.clone(),
    }
    serde_json::to_vec_pretty(&document).unwrap()
}

/// The ways to all values of a document (RFC 6901).
fn collect_places(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            collect_places(value, format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), places);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| collect_places(value, format!("{place}/{i}"), places));
        }
        _ => {}
    }
    places.push(place);
}

/// Changes bytes in one to three ways.
pub fn changed(original: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=dice.below(3) {
        let length = bytes.len().max(1);
        let at = dice.below(length).min(bytes.len());
        let end = (at + 1 + dice.below(64)).min(bytes.len());
        match dice.below(7) {
            0 => {
                for _ in 0..=dice.below(8) {
                    let at = dice.below(length);
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << dice.below(8);
                    }
                }
            }
            1 => bytes.truncate(at),
            2 => {
                let new: Vec<u8> = (0..=dice.below(64)).map(|_| dice.next() as u8).collect();
                bytes.splice(at..at, new);
            }
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = dice.below(length).min(bytes.len());
                bytes.splice(to..to, copy);
            }
            4 => drop(bytes.drain(at..end)),
            5 => bytes[at..end].iter_mut().for_each(|byte| *byte = dice.next() as u8),
            // Headers are near the beginning, and decide most.
            6 => {
                if let Some(byte) = bytes.get_mut(dice.below(64)) {
                    *byte = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)];
                }
            }
            _ => unreachable!(),
        }
    }
    bytes
}
