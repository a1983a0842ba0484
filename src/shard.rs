//! A share of a run's sheets: which of several machines reads a sheet is told by a digest of its path, so that all agree without
//! a word.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The share `number` of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// 1 to `count`.
    pub number: u32,
    /// How many there are, at least 1.
    pub count: u32,
}

impl Shard {
    /// Most shards of a run.
    pub const MOST: u32 = 100_000;

    /// Has it the file at this path below the input root?
    pub fn has(self, below: &Path) -> bool {
        Self::of(below, self.count) == self.number
    }

    /// The number of the shard, of so many, that has this file: the first 64 bits of the SHA-256 of its path with `/` between
    /// components, modulo `count`, plus 1.
    pub fn of(below: &Path, count: u32) -> u32 {
        let mut text = Vec::new();
        for component in below.components() {
            if !text.is_empty() {
                text.push(b'/');
            }
            text.extend_from_slice(component.as_os_str().as_encoded_bytes());
        }
        let remainder = Digest::of(&text).number() % u64::from(count.max(1));
        // Less than `count`, which is a u32.
        remainder as u32 + 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected I/N with 1 ≤ I ≤ N ≤ {}, for example 3/8, or `auto`", Self::MOST);
        let (number, count) = text.split_once('/').ok_or_else(wrong)?;
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
        let shard = digits(number).zip(digits(count)).map(|(number, count)| Self { number, count });
        shard.filter(|shard| (1..=shard.count).contains(&shard.number) && shard.count <= Self::MOST).ok_or_else(wrong)
    }
}

/// What `--shard auto` found in the environment.
///
/// Slurm sets `SLURM_ARRAY_TASK_ID`, `_MIN`, `_MAX`, `_STEP` and `_COUNT` for the tasks of an array. Kubernetes sets
/// `JOB_COMPLETION_INDEX` for the pods of an indexed job, from 0, and tells no count: that is to be `given` as `--shard auto/N` or as `OMR_SHARD_COUNT`.
///
/// # Errors
/// One of a pair is missing, both engines speak, or the numbers make no shard.
pub fn from_environment(given: Option<u32>, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, String> {
    const TASK: &str = "SLURM_ARRAY_TASK_ID";
    const TASKS: &str = "SLURM_ARRAY_TASK_COUNT";
    const INDEX: &str = "JOB_COMPLETION_INDEX";
    const COUNT: &str = "OMR_SHARD_COUNT";
    let number = |name: &str| match variable(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => match text.parse::<u32>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("`{name}` is `{text}`; expected a whole number")),
        },
    };
    let half = |has: &str, lacks: &str| format!("`{has}` is set and `{lacks}` is not: set both, or say --shard I/N");
    let slurm = match (number(TASK)?, number(TASKS)?) {
        (Some(task), Some(count)) => {
            let (least, step) =
                (number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0), number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1));
            // Tasks 0-7, 1-8 and 1-15:2 are all eight shards.
            let place =
                task.checked_sub(least).filter(|_| step > 0).filter(|from| from % step == 0).map(|from| from / step);
            let found = (place, count);
            Some(found)
        }
        (Some(_), None) => return Err(half(TASK, TASKS)),
        (None, Some(_)) => return Err(half(TASKS, TASK)),
        (None, None) => None,
    };
    let kubernetes = match (number(INDEX)?, given.or(number(COUNT)?)) {
        (Some(index), Some(count)) => Some((Some(index), count)),
        (Some(_), None) => return Err(format!("{}, or --shard auto/N", half(INDEX, COUNT))),
        (None, Some(_)) if given.is_none() => return Err(half(COUNT, INDEX)),
        (None, _) => None,
    };
    let (place, count) = match (slurm, kubernetes) {
        (Some(_), Some(_)) => return Err("both Slurm and Kubernetes name a shard; say --shard I/N".to_owned()),
        (Some(found), None) | (None, Some(found)) => found,
        (None, None) => {
            return Err(format!(
                "--shard auto finds neither `{TASK}` and `{TASKS}` (a Slurm array) nor `{INDEX}` and `{COUNT}` (a Kubernetes \
                 indexed job); say --shard I/N"
            ));
        }
    };
    if let Some(given) = given.filter(|&given| given != count) {
        return Err(format!(
            "--shard auto/{given}, but the environment has {count} tasks; say the same in both places"
        ));
    }
    let shard = place.and_then(|place| Some(Shard { number: place.checked_add(1)?, count }));
    shard.filter(|shard| shard.number <= shard.count && shard.count <= Shard::MOST).ok_or_else(|| {
        let place = place.map_or_else(|| "?".to_owned(), |place| place.to_string());
        format!("--shard auto finds task {place} (counted from 0) of {count}: that is no shard; say --shard I/N")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_one_shard_and_shares_are_even() {
        const COUNT: u32 = 8;
        let mut shares = [0; COUNT as usize];
        for i in 0..4000 {
            let path = format!("room {}/scan {i}.jpg", i % 7);
            let having: Vec<u32> =
                (1..=COUNT).filter(|&number| Shard { number, count: COUNT }.has(Path::new(&path))).collect();
            let [number] = having[..] else { panic!("{path}: {having:?}") };
            shares[number as usize - 1] += 1;
        }
        assert!(shares.iter().all(|share| (400..600).contains(share)), "{shares:?}");
        // Other machines, other days: the share of a path never changes.
        assert_eq!(Shard::of(Path::new("a/b.jpg"), 8), Shard::of(Path::new("a//b.jpg"), 8));
        assert_eq!(["a.jpg", "b.jpg", "sub/c.png"].map(|path| Shard::of(Path::new(path), 8)), [3, 3, 7]);
    }

    #[test]
    fn what_is_typed() {
        assert_eq!("3/8".parse(), Ok(Shard { number: 3, count: 8 }));
        for wrong in ["0/8", "9/8", "8", "1/0", "a/b", "", "1/", "+1/8", "-1/8", "1/8/2", "1/4294967296", "1/100001"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    fn auto(variables: &[(&str, &str)]) -> Result<String, String> {
        auto_of(None, variables)
    }

    fn auto_of(given: Option<u32>, variables: &[(&str, &str)]) -> Result<String, String> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        from_environment(given, find).map(|shard| shard.to_string())
    }

    #[test]
    fn slurm_arrays_from_any_number_on() {
        let task = |id, min, step, count| {
            auto(&[
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", min),
                ("SLURM_ARRAY_TASK_STEP", step),
                ("SLURM_ARRAY_TASK_COUNT", count),
            ])
        };
        assert_eq!(task("0", "0", "1", "8"), Ok("1/8".to_owned()));
        assert_eq!(task("8", "1", "1", "8"), Ok("8/8".to_owned()));
        assert_eq!(task("15", "1", "2", "8"), Ok("8/8".to_owned()));
        // An array of 1,2,9 is no run of numbers.
        assert!(
            task("9", "1", "1", "3").is_err() && task("2", "1", "2", "8").is_err() && task("x", "0", "1", "8").is_err()
        );
    }

    #[test]
    fn kubernetes_needs_a_count() {
        assert_eq!(auto(&[("JOB_COMPLETION_INDEX", "0"), ("OMR_SHARD_COUNT", "4")]), Ok("1/4".to_owned()));
        assert!(auto(&[("JOB_COMPLETION_INDEX", "4"), ("OMR_SHARD_COUNT", "4")]).is_err());
        for half in ["JOB_COMPLETION_INDEX", "OMR_SHARD_COUNT", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"] {
            assert!(auto(&[(half, "1")]).unwrap_err().contains("set both"), "{half}");
        }
        assert_eq!(auto_of(Some(4), &[("JOB_COMPLETION_INDEX", "3")]), Ok("4/4".to_owned()));
        assert!(auto_of(Some(4), &[]).unwrap_err().contains("finds neither"));
        let slurm = [("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_COUNT", "8")];
        assert_eq!(auto_of(Some(8), &slurm), Ok("4/8".to_owned()));
        assert!(auto_of(Some(4), &slurm).unwrap_err().contains("has 8 tasks"));
        assert!(auto(&[]).unwrap_err().contains("finds neither"));
    }
}
