//! `limits`, which OMRChecker does not have: what any one input may cost. The shape is the same in all dialects, its keys
//! in camel or in snake case.

use std::time::Duration;

use crate::dialect::spelled;
use crate::json::{Cursor, DEFAULT_DEPTH, Fields, Rules, Unknown};
use crate::reach::Reach;

/// The keys, as the v2 family spells them.
pub(super) const KEYS: [&str; 5] = ["maxPixels", "maxFileBytes", "maxPages", "maxJsonDepth", "secondsPerSheet"];

/// The keys in snake case, as `config.example.json` has them.
pub(super) const SNAKE_KEYS: [&str; 5] =
    ["max_pixels", "max_file_bytes", "max_pages", "max_json_depth", "seconds_per_sheet"];

/// What an input may have and take. Each limit is there for mistakes and attacks; no sheet comes near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `maxPixels`: pixels of a picture, and of the sizes that a template asks for. Default 180 million, 20 times an A4 page at
    /// 300 dpi.
    pub max_pixels: u64,
    /// `maxFileBytes`: bytes of a sheet's file. Default 2³⁰.
    pub max_file_bytes: u64,
    /// `maxPages`: pages of a file. Default 10,000.
    pub max_pages: u32,
    /// `maxJsonDepth`: levels of arrays and objects in the template and evaluation of a folder. Default 64.
    pub max_json_depth: usize,
    /// `secondsPerSheet`: time from a sheet's bytes to its rows and pictures. Default 60 s.
    pub time_per_sheet: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
            max_file_bytes: 1 << 30,
            max_pages: 10_000,
            max_json_depth: DEFAULT_DEPTH,
            time_per_sheet: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// The rules for the documents that the config governs.
    pub const fn rules(&self, reach: Reach) -> Rules {
        Rules { max_depth: self.max_json_depth, reach }
    }
}

/// Reads `limits` of the whole config `fields`.
pub(super) fn read(fields: &Fields<'_>) -> Option<Limits> {
    super::default_or(fields, "limits", Limits::default(), limits)
}

fn limits(cursor: &Cursor<'_>) -> Option<Limits> {
    /// A picture of more could not be addressed by every step.
    const MAX_PIXELS: i64 = 1_000_000_000;
    const MAX_FILE_BYTES: i64 = 1 << 36;
    const MAX_PAGES: i64 = 1_000_000;
    /// Documents are walked by recursion; the deepest shape that is known has 9 levels.
    const DEPTHS: (i64, i64) = (10, 128);
    const SECONDS: (f64, f64) = (0.001, 86_400.0);
    let default = Limits::default();
    let fields = cursor.object()?;
    let count = |key, default: u64, (min, max): (i64, i64)| {
        spelled(&fields, key).map_or(Some(default), |c| c.integer(min, max).map(i64::unsigned_abs))
    };
    let max_pixels = count("maxPixels", default.max_pixels, (1, MAX_PIXELS));
    let max_file_bytes = count("maxFileBytes", default.max_file_bytes, (1, MAX_FILE_BYTES));
    let max_pages = count("maxPages", u64::from(default.max_pages), (1, MAX_PAGES));
    let max_json_depth = count("maxJsonDepth", default.max_json_depth as u64, DEPTHS);
    let time_per_sheet = spelled(&fields, "secondsPerSheet")
        .map_or(Some(default.time_per_sheet), |c| c.number(SECONDS.0, SECONDS.1).map(Duration::from_secs_f64));
    fields.finish(Unknown::Refuse, &[KEYS, SNAKE_KEYS].concat());
    Some(Limits {
        max_pixels: max_pixels?,
        max_file_bytes: max_file_bytes?,
        max_pages: u32::try_from(max_pages?).ok()?,
        max_json_depth: usize::try_from(max_json_depth?).ok()?,
        time_per_sheet: time_per_sheet?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::json::Document;

    fn load(text: &str) -> Result<Limits, String> {
        let document = Document::parse(Path::new("config.json"), text.to_owned()).unwrap();
        Config::read(&document).map(|(config, _)| config.limits).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_are_read_in_both_spellings_and_every_dialect() {
        let want = Limits {
            max_pixels: 1000,
            max_file_bytes: 2000,
            max_pages: 3,
            max_json_depth: 12,
            time_per_sheet: Duration::from_millis(250),
        };
        for dialect in [r#""dimensions": {}"#, r#""thresholding": {}"#] {
            for keys in [KEYS, SNAKE_KEYS] {
                let [a, b, c, d, e] = keys;
                let limits = format!(r#"{{"{a}": 1000, "{b}": 2000, "{c}": 3, "{d}": 12, "{e}": 0.25}}"#);
                assert_eq!(load(&format!(r#"{{{dialect}, "limits": {limits}}}"#)), Ok(want), "{dialect} {keys:?}");
            }
        }
        assert_eq!(load(r#"{"limits": {"maxPages": 7}}"#), Ok(Limits { max_pages: 7, ..Limits::default() }));
    }

    #[test]
    fn what_is_no_limit_is_told() {
        for (limits, message) in [
            (r#"[]"#, "`limits`: found an array of 0, expected an object"),
            (r#"{"maxPixels": 0}"#, "`limits.maxPixels`: found `0`, expected a whole number"),
            (r#"{"max_pages": 1.5}"#, "`limits.max_pages`: found `1.5`, expected a whole number from 1 to 1000000"),
            (r#"{"maxJsonDepth": 9}"#, "expected a whole number from 10 to 128"),
            (r#"{"secondsPerSheet": 0}"#, "expected a number from 0.001 to 86400"),
            (r#"{"secondPerSheet": 1}"#, "did you mean `secondsPerSheet`?"),
        ] {
            let error = load(&format!(r#"{{"limits": {limits}}}"#)).unwrap_err();
            assert!(error.contains(message), "{error}\nexpected: {message}");
        }
    }
}
