//! Counts of a comparison, and how they are shown.

use std::fmt;

use serde::Serialize;

use super::Judged;
use super::bound;
use crate::deck::for_template::degradation::Degradation;
use crate::deck::for_template::mixture::Kind;

/// The bound of the silent error rate holds with this probability.
const CONFIDENCE: f64 = 0.95;

/// What became of a number of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// All fields.
    pub fields: u64,
    /// Read right, reported or not.
    pub right: u64,
    /// Wrong, and in Review.csv.
    pub wrong_reported: u64,
    /// Wrong or a dot, and not in Review.csv.
    pub silent: u64,
    /// On sheets that were not read.
    pub unread: u64,
    /// Reported, of those that were read.
    pub reported: u64,
}

impl Counts {
    /// Fields on sheets that were read.
    pub const fn read(&self) -> u64 {
        self.fields - self.unread
    }

    /// Upper 95 % bound of the share of silent errors among fields that were read.
    pub fn silent_bound(&self) -> f64 {
        bound::upper(self.silent, self.read(), CONFIDENCE)
    }

    /// Reported fields of a thousand that were read.
    pub fn reported_per_mille(&self) -> f64 {
        1000.0 * self.reported as f64 / self.read().max(1) as f64
    }

    fn add(&mut self, judged: Judged) {
        self.fields += 1;
        self.reported += u64::from(judged.is_reported);
        if judged.is_silent() {
            self.silent += 1;
        } else if judged.is_right {
            self.right += 1;
        } else {
            self.wrong_reported += 1;
        }
    }
}

/// Sheets of a degradation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SheetCounts {
    /// All sheets.
    pub sheets: u64,
    /// Not read.
    pub unread: u64,
    /// Read, and doubted as a whole.
    pub doubted: u64,
}

/// Fields whose confidence lies in a range.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bin {
    fields: u64,
    right: u64,
    silent: u64,
    /// Of the fields that were not reported.
    unreported: u64,
    sum: f64,
}

/// The counts of one kind of field in one degradation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cell {
    kind: String,
    degradation: String,
    counts: Counts,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    cells: Vec<Cell>,
    sheets: Vec<(String, SheetCounts)>,
    bins: Vec<Bin>,
    has_confidences: bool,
    /// Joined columns that are wrong and can be told apart in several ways, or in none.
    pub guessed: u64,
    /// Fields that the results have no column for.
    pub not_written: u64,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    degradation: Option<&'a str>,
    #[serde(flatten)]
    counts: Counts,
    reported_per_1000: f64,
    silent_upper_95: f64,
}

#[derive(Serialize)]
struct SheetRow<'a> {
    degradation: &'a str,
    #[serde(flatten)]
    counts: SheetCounts,
}

#[derive(Serialize)]
struct ReliabilityRow {
    from: f64,
    to: f64,
    fields: u64,
    right: u64,
    share_right: f64,
    mean_confidence: f64,
}

#[derive(Serialize)]
struct ReviewRow {
    review_below: f64,
    fields_reviewed: u64,
    share_reviewed: f64,
    silent_left: u64,
    silent_upper_95: f64,
}

#[derive(Serialize)]
struct Json<'a> {
    total: Row<'a>,
    kinds: Vec<Row<'a>>,
    degradations: Vec<Row<'a>>,
    cells: Vec<Row<'a>>,
    sheets: Vec<SheetRow<'a>>,
    joined_columns_guessed: u64,
    fields_not_written: u64,
    reliability: Option<Vec<ReliabilityRow>>,
    review_below: Option<Vec<ReviewRow>>,
}

impl Report {
    /// Nothing counted yet.
    pub(super) fn new(bins: usize, has_confidences: bool) -> Self {
        Self {
            cells: Vec::new(),
            sheets: Vec::new(),
            bins: vec![Bin::default(); bins],
            has_confidences,
            guessed: 0,
            not_written: 0,
        }
    }

    pub(super) fn add_sheet(&mut self, degradation: &str, is_unread: bool, is_doubted: bool) {
        let place = match self.sheets.iter().position(|(name, _)| name == degradation) {
            Some(place) => place,
            None => {
                self.sheets.push((degradation.to_owned(), SheetCounts::default()));
                self.sheets.len() - 1
            }
        };
        let counts = &mut self.sheets[place].1;
        counts.sheets += 1;
        counts.unread += u64::from(is_unread);
        counts.doubted += u64::from(is_doubted && !is_unread);
    }

    pub(super) fn add_unread(&mut self, kind: &str, degradation: &str) {
        let counts = self.cell(kind, degradation);
        counts.fields += 1;
        counts.unread += 1;
    }

    pub(super) fn add_field(&mut self, kind: &str, degradation: &str, judged: Judged, bins: &[f64]) {
        self.cell(kind, degradation).add(judged);
        match judged.confidence {
            Some(confidence) => {
                let place = bins.iter().rposition(|&from| from <= confidence).unwrap_or(0);
                let bin = &mut self.bins[place];
                bin.fields += 1;
                bin.right += u64::from(judged.is_right);
                bin.silent += u64::from(judged.is_silent());
                bin.unreported += u64::from(!judged.is_reported);
                bin.sum += confidence;
            }
            // A table of some fields would say nothing about the others.
            None => self.has_confidences = false,
        }
    }

    fn cell(&mut self, kind: &str, degradation: &str) -> &mut Counts {
        let place = match self.cells.iter().position(|c| c.kind == kind && c.degradation == degradation) {
            Some(place) => place,
            None => {
                let counts = Counts::default();
                self.cells.push(Cell { kind: kind.to_owned(), degradation: degradation.to_owned(), counts });
                self.cells.len() - 1
            }
        };
        &mut self.cells[place].counts
    }

    /// All fields together.
    pub fn total(&self) -> Counts {
        self.sum(|_| true)
    }

    fn sum(&self, which: impl Fn(&Cell) -> bool) -> Counts {
        self.cells.iter().filter(|cell| which(cell)).fold(Counts::default(), |a, cell| {
            let b = cell.counts;
            Counts {
                fields: a.fields + b.fields,
                right: a.right + b.right,
                wrong_reported: a.wrong_reported + b.wrong_reported,
                silent: a.silent + b.silent,
                unread: a.unread + b.unread,
                reported: a.reported + b.reported,
            }
        })
    }

    /// Names in the order of `known`, then others in the order in which they came.
    fn names<'s>(&'s self, known: &[&'static str], name: impl Fn(&'s Cell) -> &'s str) -> Vec<&'s str> {
        let mut names: Vec<&str> = Vec::new();
        for cell in &self.cells {
            if !names.contains(&name(cell)) {
                names.push(name(cell));
            }
        }
        names.sort_by_key(|name| known.iter().position(|known| known == name).unwrap_or(known.len()));
        names
    }

    /// Fields by kind.
    pub fn kinds(&self) -> Vec<(&str, Counts)> {
        let mut known: Vec<&'static str> = Kind::MARKED.iter().map(|kind| kind.name()).collect();
        known.push(Kind::Printed.name());
        let names = self.names(&known, |cell| &cell.kind);
        names.into_iter().map(|name| (name, self.sum(|cell| cell.kind == name))).collect()
    }

    /// Fields by degradation.
    pub fn degradations(&self) -> Vec<(&str, Counts)> {
        let known: Vec<&'static str> = Degradation::ALL.iter().map(|degradation| degradation.name()).collect();
        let names = self.names(&known, |cell| &cell.degradation);
        names.into_iter().map(|name| (name, self.sum(|cell| cell.degradation == name))).collect()
    }

    /// Sheets of a degradation.
    pub fn sheets_of(&self, degradation: &str) -> SheetCounts {
        self.sheets.iter().find(|(name, _)| name == degradation).map(|(_, counts)| *counts).unwrap_or_default()
    }

    fn reliability(&self) -> Vec<ReliabilityRow> {
        let ends = super::BINS.iter().skip(1).copied().chain([1.0]);
        let rows = super::BINS.iter().zip(ends).zip(&self.bins).filter(|(_, bin)| bin.fields > 0);
        rows.map(|((&from, to), bin)| ReliabilityRow {
            from,
            to,
            fields: bin.fields,
            right: bin.right,
            share_right: bin.right as f64 / bin.fields as f64,
            mean_confidence: bin.sum / bin.fields as f64,
        })
        .collect()
    }

    fn review(&self) -> Vec<ReviewRow> {
        let total = self.total();
        let row = |(i, &below): (usize, &f64)| {
            let (more, caught) =
                self.bins.iter().take(i).fold((0, 0), |(n, s), bin| (n + bin.unreported, s + bin.silent));
            let (reviewed, left) = (total.reported + more, total.silent - caught);
            ReviewRow {
                review_below: below,
                fields_reviewed: reviewed,
                share_reviewed: reviewed as f64 / total.read().max(1) as f64,
                silent_left: left,
                silent_upper_95: bound::upper(left, total.read(), CONFIDENCE),
            }
        };
        super::BINS.iter().enumerate().map(row).collect()
    }

    /// The comparison as one JSON object.
    pub fn to_json(&self) -> String {
        fn row<'a>(kind: Option<&'a str>, degradation: Option<&'a str>, counts: Counts) -> Row<'a> {
            Row {
                kind,
                degradation,
                counts,
                reported_per_1000: counts.reported_per_mille(),
                silent_upper_95: counts.silent_bound(),
            }
        }
        let json = Json {
            total: row(None, None, self.total()),
            kinds: self.kinds().into_iter().map(|(name, counts)| row(Some(name), None, counts)).collect(),
            degradations: self.degradations().into_iter().map(|(name, c)| row(None, Some(name), c)).collect(),
            cells: self.cells.iter().map(|c| row(Some(&c.kind), Some(&c.degradation), c.counts)).collect(),
            sheets: self.sheets.iter().map(|(name, counts)| SheetRow { degradation: name, counts: *counts }).collect(),
            joined_columns_guessed: self.guessed,
            fields_not_written: self.not_written,
            reliability: self.has_confidences.then(|| self.reliability()),
            review_below: self.has_confidences.then(|| self.review()),
        };
        // Names and numbers: nothing in it can fail.
        serde_json::to_string(&json).unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header =
            ["fields", "right", "wrong, reported", "wrong, silent", "not read", "reported/1000", "silent, at most"];
        let cells = |name: &str, c: Counts| {
            let mut row = vec![name.to_owned()];
            row.extend([c.fields, c.right, c.wrong_reported, c.silent, c.unread].map(|n| n.to_string()));
            row.push(if c.read() == 0 { "-".to_owned() } else { format!("{:.1}", c.reported_per_mille()) });
            row.push(if c.read() == 0 { "-".to_owned() } else { rate(c.silent_bound()) });
            row
        };
        let mut rows = vec![std::iter::once("kind").chain(header).map(str::to_owned).collect()];
        rows.extend(self.kinds().into_iter().map(|(name, counts)| cells(name, counts)));
        rows.push(cells("all", self.total()));
        table(f, &rows)?;
        writeln!(f)?;

        let more = ["sheets", "not read", "doubted whole"];
        let mut head: Vec<String> = std::iter::once("degradation").chain(header).map(str::to_owned).collect();
        head.extend(more.map(str::to_owned));
        let mut rows = vec![head];
        for (name, counts) in self.degradations() {
            let mut row = cells(if name.is_empty() { "-" } else { name }, counts);
            let sheets = self.sheets_of(name);
            row.extend([sheets.sheets, sheets.unread, sheets.doubted].map(|n| n.to_string()));
            rows.push(row);
        }
        table(f, &rows)?;
        writeln!(f)?;
        writeln!(
            f,
            "`silent, at most` is the upper 95 % bound (Clopper-Pearson) of the share of fields that are silently wrong."
        )?;
        if self.guessed > 0 {
            writeln!(
                f,
                "{} joined column(s) are wrong and do not tell which of their fields; the fewest are counted. Read the deck \
                 with `--outputMode moderation` for a column of each field.",
                self.guessed
            )?;
        }
        if self.not_written > 0 {
            let n = self.not_written;
            writeln!(
                f,
                "{n} field(s) have no column in the results and were not compared; `--outputMode moderation` has one."
            )?;
        }
        if !self.has_confidences {
            writeln!(
                f,
                "The reliability table and the one of `--review-below` need the confidence of every field: \
                 Results/Confidence.csv, which these results do not have."
            )?;
            return Ok(());
        }
        writeln!(f)?;
        let head = ["confidence", "fields", "right", "share right", "mean"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(self.reliability().iter().map(|row| {
            vec![
                format!("{} to {}", row.from, row.to),
                row.fields.to_string(),
                row.right.to_string(),
                format!("{:.3} %", 100.0 * row.share_right),
                format!("{:.4}", row.mean_confidence),
            ]
        }));
        table(f, &rows)?;
        writeln!(f)?;
        let head = ["--review-below", "fields to look at", "share", "silent left", "silent, at most"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(self.review().iter().map(|row| {
            vec![
                row.review_below.to_string(),
                row.fields_reviewed.to_string(),
                format!("{:.2} %", 100.0 * row.share_reviewed),
                row.silent_left.to_string(),
                rate(row.silent_upper_95),
            ]
        }));
        table(f, &rows)
    }
}

/// A share as people say it: in percent, or `1 in 12,000` where it is small.
fn rate(share: f64) -> String {
    if share >= 0.01 {
        return format!("{:.1} %", 100.0 * share);
    }
    let digits = ((1.0 / share.max(1e-12)).floor() as u64).to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("1 in {text}")
}

/// Rows of equal length with aligned columns: the first to the left, numbers to the right.
fn table(f: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let blanks = " ".repeat(width - cell.chars().count());
            if i == 0 {
                line = format!("{cell}{blanks}");
            } else {
                line += &format!("  {blanks}{cell}");
            }
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
