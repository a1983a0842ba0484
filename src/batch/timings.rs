//! What the parts of all sheets cost, in a table: medians over the sheets, and shares of the whole.
//!
//! Times are counted in classes that are 1 % wide, so that the memory is the same for any number of sheets.

use std::fmt;
use std::time::Duration;

use crate::sheet::clock::{Part, Spent};

/// Times of all sheets so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timings {
    parts: [Times; Part::ALL.len()],
    sheets: Times,
}

impl Timings {
    /// Adds a sheet.
    pub fn add(&mut self, spent: &Spent) {
        for (times, &time) in self.parts.iter_mut().zip(spent) {
            if !time.is_zero() {
                times.add(time);
            }
        }
        self.sheets.add(spent.iter().sum());
    }
}

impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, times: &Times| {
            let [median, high] = [0.5, 0.95].map(|part| times.quantile(part).as_secs_f64() * 1e3);
            let share = 100.0 * times.total.as_secs_f64() / self.sheets.total.as_secs_f64().max(1e-12);
            writeln!(f, "{name:16} {:>8} {median:>10.3} {high:>10.3} {share:>7.1} %", times.count)
        };
        writeln!(f, "{:16} {:>8} {:>10} {:>10} {:>9}", "CPU, in ms", "sheets", "median", "95 %", "share")?;
        for (part, times) in Part::ALL.iter().zip(&self.parts) {
            if times.count > 0 {
                line(f, part.name(), times)?;
            }
        }
        line(f, "a sheet", &self.sheets)
    }
}

/// How often times of each class were measured.
#[derive(Debug, Clone, PartialEq, Default)]
struct Times {
    /// By class; up to the longest time.
    classes: Vec<u32>,
    count: u64,
    total: Duration,
}

/// Each class begins this much above the one before; the first one holds all up to a microsecond.
const STEP: f64 = 1.01;

impl Times {
    fn add(&mut self, time: Duration) {
        let microseconds = time.as_secs_f64() * 1e6;
        // Not negative; a year is class 3123.
        let class = microseconds.max(1.0).log(STEP) as usize;
        if class >= self.classes.len() {
            self.classes.resize(class + 1, 0);
        }
        self.classes[class] = self.classes[class].saturating_add(1);
        self.count += 1;
        self.total += time;
    }

    /// The time that this part of all does not exceed, to 1 %.
    fn quantile(&self, part: f64) -> Duration {
        let wanted = part * self.count as f64;
        let mut sum = 0.0;
        let class = self.classes.iter().position(|&count| {
            sum += f64::from(count);
            count > 0 && sum >= wanted
        });
        // The middle of the class.
        class.map_or(Duration::ZERO, |class| Duration::from_secs_f64(STEP.powf(class as f64 + 0.5) / 1e6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_shares_are_told() {
        let mut timings = Timings::default();
        for milliseconds in 1..=99 {
            let mut spent = Spent::default();
            spent[Part::Decode as usize] = Duration::from_millis(milliseconds);
            spent[Part::Ink as usize] = Duration::from_millis(3 * milliseconds);
            if milliseconds == 7 {
                spent[Part::Align as usize] = Duration::from_millis(2);
            }
            timings.add(&spent);
        }
        assert_eq!(timings.parts[Part::Align as usize].count, 1);
        for (part, median) in [(Part::Decode, 50.0), (Part::Ink, 150.0)] {
            let told = timings.parts[part as usize].quantile(0.5).as_secs_f64() * 1e3;
            assert!((told / median - 1.0).abs() < 0.02, "{part:?}: {told}");
        }
        let text = timings.to_string();
        let shares: Vec<&str> =
            text.lines().filter_map(|line| line.strip_suffix(" %")?.split(' ').next_back()).collect();
        assert_eq!(shares, ["25.0", "0.0", "75.0", "100.0"], "{text}");
    }

    #[test]
    fn any_time_has_its_class() {
        let mut times = Times::default();
        for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(40_000_000)] {
            times.add(time);
        }
        assert_eq!(times.count, 3);
        assert_eq!(Times::default().quantile(0.5), Duration::ZERO);
    }
}
