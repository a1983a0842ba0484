//! What happens in the fields of a deck: kinds of marks by their shares, and the truth of each field.

use std::fmt;
use std::str::FromStr;

use crate::deck::random::Random;
use crate::matcher::BoundMatcher;
use crate::template::{FieldBlock, FieldKind, LayoutKey, Template};

/// What is done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// One bubble filled.
    Full,
    /// One bubble filled so lightly that its ink is little more than 35 % darker than the paper.
    Light,
    /// Nothing.
    Blank,
    /// Two bubbles filled.
    Double,
    /// One bubble ticked.
    Tick,
    /// One bubble crossed.
    Cross,
    /// One bubble filled by half.
    Partial,
    /// One bubble with what an eraser left of a mark; in three of four such fields another bubble is filled.
    Erased,
    /// A dot of less than a third of the bubble's width.
    Dot,
    /// Not marked by hand: a code or text in a zone.
    Printed,
}

impl Kind {
    /// All kinds that can be in a mix, in the order of tables.
    pub const MARKED: [Self; 9] = [
        Self::Full,
        Self::Light,
        Self::Blank,
        Self::Double,
        Self::Tick,
        Self::Cross,
        Self::Partial,
        Self::Erased,
        Self::Dot,
    ];

    /// Its name on the command line and in truth.csv.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Light => "light",
            Self::Blank => "blank",
            Self::Double => "double",
            Self::Tick => "tick",
            Self::Cross => "cross",
            Self::Partial => "partial",
            Self::Erased => "erased",
            Self::Dot => "dot",
            Self::Printed => "printed",
        }
    }
}

/// How often each kind is drawn, in parts of their sum; in the order of [`Kind::MARKED`].
#[derive(Debug, Clone, PartialEq)]
pub struct Mix([f64; 9]);

impl Default for Mix {
    fn default() -> Self {
        Self([60.0, 10.0, 18.0, 3.0, 3.0, 3.0, 1.5, 1.0, 0.5])
    }
}

impl FromStr for Mix {
    type Err = String;

    /// `full=60,light=10`: kinds that are not named do not occur.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares = [None; 9];
        for part in text.split(',') {
            let (name, share) = part.split_once('=').ok_or_else(|| format!("found `{part}`, expected KIND=SHARE"))?;
            let Some(i) = Kind::MARKED.iter().position(|kind| kind.name() == name.trim()) else {
                let known: Vec<&str> = Kind::MARKED.iter().map(|kind| kind.name()).collect();
                return Err(format!("the kind `{}` is unknown; known are {}", name.trim(), known.join(", ")));
            };
            let value = share.trim().parse::<f64>().ok().filter(|v| v.is_finite() && (0.0..=1e6).contains(v));
            let value =
                value.ok_or_else(|| format!("found the share `{share}` of {name}, expected a number from 0"))?;
            if shares[i].replace(value).is_some() {
                return Err(format!("the kind `{name}` is there twice"));
            }
        }
        let shares = shares.map(Option::unwrap_or_default);
        if shares.iter().sum::<f64>() <= 0.0 {
            return Err("all shares are 0".to_owned());
        }
        Ok(Self(shares))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = Kind::MARKED.iter().zip(self.0).filter(|(_, share)| *share > 0.0);
        let parts: Vec<String> = parts.map(|(kind, share)| format!("{}={share}", kind.name())).collect();
        f.write_str(&parts.join(","))
    }
}

impl Mix {
    fn draw(&self, random: &mut Random) -> Kind {
        let mut ticket = random.unit() * self.0.iter().sum::<f64>();
        for (kind, share) in Kind::MARKED.into_iter().zip(self.0) {
            if ticket < share {
                return kind;
            }
            ticket -= share;
        }
        Kind::Full
    }
}

/// One field of one sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// What is done with it.
    pub kind: Kind,
    /// The bubbles that a person reads as marked, in value order.
    pub marked: Vec<usize>,
    /// The bubble with a residue.
    pub erased: Option<usize>,
    /// What a reader is to write: values of the marked bubbles, the empty value, or what is printed.
    pub value: String,
}

impl Filled {
    /// More about the kind, for the table: whether something stands beside a residue.
    pub fn detail(&self) -> &'static str {
        match (self.kind, self.erased, self.marked.is_empty()) {
            (Kind::Erased, Some(_), true) => "alone",
            (Kind::Erased, Some(_), false) => "beside-mark",
            _ => "",
        }
    }
}

/// Draws what happens in every field of a template, in template order.
#[derive(Debug)]
pub struct Filler {
    mix: Mix,
    sets: Vec<BoundMatcher<LayoutKey>>,
}

/// Sheets that by chance say that they are of another layout are drawn anew so often; then the fields are left blank.
const TRIES: u32 = 100;

impl Filler {
    /// A filler for the sheets of `template`.
    ///
    /// # Errors
    /// Names of conditional sets that the template does not have; a template that was loaded has them all. A set that holds
    /// for a blank sheet: the template's own layout could not be shown.
    pub fn new(mix: Mix, template: &Template) -> Result<Self, String> {
        let bind = |set: &crate::template::LayoutSet| set.matcher.bind(|name| template.layout_key(name));
        let sets = template.sets.iter().map(bind).collect::<Result<_, _>>().map_err(|names| names.join(", "))?;
        let filler = Self { mix, sets };
        let blank: Vec<Filled> = template.fields().map(|(block, _)| blank(block)).collect();
        if let Some(i) = filler.set_of(&blank, "sheet-00001.jpg") {
            let name = template.sets.get(i).map_or("", |set| set.name.as_str());
            return Err(format!(
                "the conditional set `{name}`, which holds for blank sheets: no sheet has the own layout"
            ));
        }
        Ok(filler)
    }

    /// Fills a sheet of the template's own layout; `file` is its path.
    pub fn fill(&self, template: &Template, file: &str, random: &mut Random) -> Vec<Filled> {
        for _ in 0..TRIES {
            let filled: Vec<Filled> = template
                .fields()
                .map(|(block, field)| match &block.kind {
                    FieldKind::Bubbles if !field.bubbles.is_empty() => self.field(block, field, random),
                    kind => printed(kind, random),
                })
                .collect();
            if self.set_of(&filled, file).is_none() {
                return filled;
            }
        }
        template.fields().map(|(block, _)| blank(block)).collect()
    }

    /// The set that a sheet is of by what it says.
    fn set_of(&self, filled: &[Filled], file: &str) -> Option<usize> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let value = |key: &LayoutKey| match key {
            LayoutKey::Fields(fields) => {
                fields.iter().filter_map(|&i| filled.get(i)).map(|f| f.value.as_str()).collect()
            }
            LayoutKey::FileName => name.to_owned(),
            LayoutKey::FilePath => file.to_owned(),
        };
        self.sets.iter().position(|matcher| matcher.fits(value))
    }

    fn field(&self, block: &FieldBlock, field: &crate::template::Field, random: &mut Random) -> Filled {
        let count = field.bubbles.len();
        let mut kind = self.mix.draw(random);
        // What both of two marks mean differs between dialects.
        if kind == Kind::Double && count < 3 {
            kind = Kind::Full;
        }
        let first = random.below(count);
        let other = (first + 1 + random.below(count.saturating_sub(1))) % count;
        let alone = random.below(4) == 0 || count < 2;
        let (mut marked, erased) = match kind {
            Kind::Blank => (Vec::new(), None),
            Kind::Double => (vec![first, other], None),
            Kind::Erased if alone => (Vec::new(), Some(first)),
            Kind::Erased => (vec![other], Some(first)),
            _ => (vec![first], None),
        };
        marked.sort_unstable();
        let value = match marked.is_empty() {
            true => block.empty_value.clone(),
            false => marked.iter().filter_map(|&i| field.bubbles.get(i)).map(|b| b.value.as_str()).collect(),
        };
        Filled { kind, marked, erased, value }
    }
}

fn blank(block: &FieldBlock) -> Filled {
    Filled { kind: Kind::Blank, marked: Vec::new(), erased: None, value: block.empty_value.clone() }
}

fn printed(kind: &FieldKind, random: &mut Random) -> Filled {
    let value = match kind {
        FieldKind::Ocr(characters) if !characters.is_empty() => {
            let characters: Vec<char> = characters.chars().filter(|c| !c.is_whitespace()).collect();
            (0..5).filter_map(|_| characters.get(random.below(characters.len()))).collect()
        }
        _ => format!("{:08}", random.below(100_000_000)),
    };
    Filled { kind: Kind::Printed, marked: Vec::new(), erased: None, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_read_and_shown() {
        let mix: Mix = "full=50, blank=49.5,dot=0.5".parse().unwrap();
        assert_eq!(mix.to_string(), "full=50,blank=49.5,dot=0.5");
        assert_eq!(mix.to_string().parse(), Ok(mix));
        assert_eq!(Mix::default().0.iter().sum::<f64>(), 100.0);
    }

    #[test]
    fn what_is_no_mix_is_told() {
        for (text, what) in [
            ("full", "expected KIND=SHARE"),
            ("half=3", "known are full, light, blank, double, tick, cross, partial, erased, dot"),
            ("full=-1", "expected a number from 0"),
            ("full=NaN", "expected a number from 0"),
            ("full=1,full=2", "twice"),
            ("full=0", "all shares are 0"),
            ("printed=1", "unknown"),
        ] {
            let error = text.parse::<Mix>().unwrap_err();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn kinds_come_as_often_as_the_mix_says() {
        let mix = Mix::default();
        let mut random = Random::new(77);
        let n = 200_000;
        let drawn: Vec<Kind> = (0..n).map(|_| mix.draw(&mut random)).collect();
        for (kind, share) in Kind::MARKED.into_iter().zip(mix.0) {
            let p = share / 100.0;
            let found = drawn.iter().filter(|&&k| k == kind).count() as f64;
            // Five deviations of a binomial.
            let (mean, deviation) = (p * f64::from(n), (p * (1.0 - p) * f64::from(n)).sqrt());
            assert!((found - mean).abs() < 5.0 * deviation, "{}: {found}, expected {mean} ± {deviation}", kind.name());
        }
    }
}
