//! The report as text: for a person, short and aligned.

use std::fmt::Write;
use std::path::Path;

use super::Tried;
use super::examine::Examined;
use super::ink::{self, Ink};
use super::offsets::{self, BlockReport, Verdict};
use super::proposal::Proposal;
use crate::sheet::drawings::histogram::range;
use crate::sheet::{SheetContext, Turn};

/// Lines of readings near a threshold, and of changed values, unless all are asked for.
const MOST_LINES: usize = 20;
/// Widest bar of the histogram, in characters.
const BAR: usize = 40;
/// A stretch that takes the outermost bubble so far from where the template has it is told, in page pixels.
const TOLD_STRETCH: f64 = 1.5;

/// Everything that is told.
pub(super) struct Told<'t> {
    /// The template's file and its config's.
    pub subject: (&'t Path, Option<&'t Path>),
    pub context: &'t SheetContext,
    pub sheets: &'t [Examined],
    pub blocks: &'t [BlockReport],
    pub ink: &'t Ink,
    pub proposal: Option<&'t Proposal>,
    pub tried: Option<&'t Tried>,
    /// Where the proposal was written to.
    /// A proposal of an earlier report that lies where this one's would.
    pub stale: Option<&'t Path>,
    pub written: Option<&'t Path>,
    pub picture: &'t Path,
    /// Tell all lines.
    pub all: bool,
}

impl Told<'_> {
    /// The report.
    pub fn report(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let template = &self.context.template;
        let config = self.subject.1.map_or("the defaults".to_owned(), |path| path.display().to_string());
        let failed = self.sheets.iter().filter(|sheet| sheet.seen.is_err()).count();
        writeln!(out, "template  {} ({}), page {}", self.subject.0.display(), template.dialect, template.page_size)?;
        writeln!(out, "config    {config}")?;
        writeln!(out, "sheets    {} read, {failed} failed", self.sheets.len() - failed)?;
        writeln!(out, "picture   {}", self.picture.display())?;
        self.write_sheets(out)?;
        if failed < self.sheets.len() {
            self.write_blocks(out)?;
            self.write_ink(out)?;
            self.write_flips(out)?;
        }
        self.write_advice(out)
    }

    fn write_sheets(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nSHEETS")?;
        for sheet in self.sheets {
            let verdict = match &sheet.seen {
                Err(error) => format!("FAILED  {error}"),
                Ok(seen) => {
                    let turn = match seen.turn {
                        Turn::None => String::new(),
                        turn => format!(", lay turned clockwise by {}°", turn.degrees()),
                    };
                    let layout = self.context.layout_name(seen.layout);
                    let layout = layout.map_or(String::new(), |name| format!(", layout of the set `{name}`"));
                    format!("read{turn}{layout}")
                }
            };
            writeln!(out, "  {}  {verdict}", sheet.path.display())?;
            if let Some(doubt) = sheet.seen.as_ref().ok().and_then(|seen| seen.doubt.as_ref()) {
                writeln!(out, "      doubt: {doubt}")?;
            }
            let detail = sheet.seen.as_ref().err().map(ToString::to_string);
            for step in &sheet.steps {
                // What failed is told above.
                if detail.as_ref().is_none_or(|detail| !step.ends_with(detail.as_str())) {
                    writeln!(out, "      {step}")?;
                }
            }
        }
        Ok(())
    }

    fn write_blocks(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "\nBLOCKS  where bubbles are printed beside the template's boxes, in px of the page (right, down)"
        )?;
        let names: Vec<String> = self.blocks.iter().map(name).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
        writeln!(out, "  {:width$}  {:>16}  {:>13}  {:>7}  verdict", "block", "offset", "spread", "clear")?;
        for (block, name) in self.blocks.iter().zip(&names) {
            let offset = block.offset.map_or("?".to_owned(), pair);
            let spread = match block.clear {
                0 | 1 => String::new(),
                _ => format!("± {:.1}, {:.1}", block.spread.0, block.spread.1),
            };
            let clear = format!("{}/{}", block.clear, block.sheets);
            writeln!(out, "  {name:width$}  {offset:>16}  {spread:>13}  {clear:>7}  {}", verdict(block))?;
            self.write_remarks(out, block)?;
        }
        Ok(())
    }

    fn write_remarks(&self, out: &mut String, block: &BlockReport) -> std::fmt::Result {
        if block.by_reference {
            writeln!(out, "      measured on the picture that blocks are aligned with")?;
        }
        if let Some(apart) = block.apart.filter(|_| matches!(block.verdict, Verdict::Move(..))) {
            writeln!(out, "      beside the other blocks it is off by {} px", pair(apart))?;
        }
        if let Some(other) = block.otherwise {
            writeln!(out, "      or {} px: the print of a neighbour looks the same; compare the picture", pair(other))?;
        }
        if let Some(unread) = block.unread.filter(|_| block.is_aligned) {
            writeln!(out, "      sheets are aligned: the print lies {} px from where it was read", pair(unread))?;
        }
        if let Some(told) = self.stretch(block) {
            writeln!(out, "      {told}")?;
        }
        for (sheet, shift) in &block.contrary {
            let sheet = self.sheets.get(*sheet).map_or(String::new(), |s| s.path.display().to_string());
            writeln!(out, "      {sheet} differs: {}", pair(*shift))?;
        }
        Ok(())
    }

    /// What is told of gaps that are not those of the print.
    fn stretch(&self, block: &BlockReport) -> Option<String> {
        let bounds = self.blocks_of_template().find(|(key, _)| *key == block.key).map(|(_, bounds)| bounds)?;
        let far = |stretch: f64, side: u32| (stretch - 1.0) * f64::from(side) / 2.0;
        let (x, y) = (far(block.stretch.0, bounds.width), far(block.stretch.1, bounds.height));
        let told = |far: f64, stretch: f64, what: &str| {
            (far.abs() >= TOLD_STRETCH)
                .then(|| format!("{what} are about {:+.1} % off: {:+.1} px at its ends", (stretch - 1.0) * 100.0, far))
        };
        let parts =
            [told(x, block.stretch.0, "gaps from column to column"), told(y, block.stretch.1, "gaps from row to row")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    fn blocks_of_template(&self) -> impl Iterator<Item = (offsets::BlockKey, crate::geometry::Rect)> {
        (0..=self.context.template.sets.len()).flat_map(move |layout| {
            let blocks = &self.context.layout(layout).blocks;
            blocks.iter().map(move |block| (offsets::key(self.context, layout, block), block.bounds))
        })
    }

    fn write_ink(&self, out: &mut String) -> std::fmt::Result {
        let (blank, marked) = self.ink.rows.iter().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
        if blank + marked == 0 {
            return Ok(());
        }
        writeln!(out, "\nINK  of {} bubbles: {}; # marked, . blank", blank + marked, self.ink.scale.legend())?;
        let most = self.ink.rows.iter().map(|row| row.0 + row.1).max().unwrap_or(1).max(1);
        let within = |values: &[f64], (from, to): (usize, usize)| {
            values.iter().filter(|v| **v >= from as f64 && **v < to as f64 + 1.0).count()
        };
        for (i, &(blank, marked)) in self.ink.rows.iter().enumerate() {
            // A few marks stand beside thousands of blanks, and must be seen.
            let part = |count: usize| (count * BAR).div_ceil(most);
            let bar = format!("{}{}", "#".repeat(part(marked)), ".".repeat(part(blank)));
            let (from, to) = ink::levels(self.ink.scale, i);
            let pages = within(&self.ink.pages, (from, to));
            let fields = within(&self.ink.fields, (from, to));
            let mut notes = Vec::new();
            if pages > 0 {
                notes.push(format!("page threshold of {pages} sheet(s)"));
            }
            if fields > 0 {
                notes.push(format!("thresholds of {fields} field(s)"));
            }
            let counts = if marked + blank > 0 { format!("{}", marked + blank) } else { String::new() };
            let line = format!("  {from:3}-{to:3} {counts:>6} {bar:BAR$}   {}", notes.join(", "));
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out, "  page threshold {}; of fields {}", range(&self.ink.pages), range(&self.ink.fields))
    }

    fn write_flips(&self, out: &mut String) -> std::fmt::Result {
        let flips = &self.ink.flips;
        writeln!(
            out,
            "\nNEAR A THRESHOLD  {} bubble(s) that a threshold 10 % higher or lower would flip",
            flips.len()
        )?;
        let most = if self.all { flips.len() } else { MOST_LINES };
        let width = flips.iter().take(most).map(|flip| flip.field.chars().count()).max().unwrap_or(0);
        for flip in flips.iter().take(most) {
            let sheet = self.sheets.get(flip.sheet).map_or(String::new(), |s| s.path.display().to_string());
            let is = if flip.is_marked { "marked" } else { "blank" };
            writeln!(
                out,
                "  {:width$} {:3} {} {:5.1}, threshold {:5.1}: {is}  {sheet}",
                flip.field,
                flip.bubble,
                self.ink.scale.name(),
                flip.level,
                flip.threshold
            )?;
        }
        self.write_rest(out, flips.len(), most)
    }

    fn write_rest(&self, out: &mut String, all: usize, most: usize) -> std::fmt::Result {
        if all > most { writeln!(out, "  … and {} more; -v lists all", all - most) } else { Ok(()) }
    }

    fn write_advice(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nWHAT TO DO")?;
        let mut advice = Vec::new();
        for (reason, count) in self.reasons() {
            advice
                .push(format!("{count} sheet(s) failed with {reason}: see SHEETS for what was found, and the picture"));
        }
        let scattered = self.blocks.iter().filter(|b| b.verdict == Verdict::Scattered).count();
        if scattered > 0 {
            advice.push(format!(
                "the sheets disagree about {scattered} block(s): mend how pages are cut out (markers, CropPage) before \
                 origins, or align blocks with a reference picture"
            ));
        }
        let unclear = self.blocks.iter().filter(|b| b.verdict == Verdict::Unclear && b.sheets > 0).count();
        if unclear > 0 {
            advice.push(format!(
                "the print of {unclear} block(s) is not clear: look at the picture, or try a blank sheet"
            ));
        }
        if let Some(common) = offsets::common(self.blocks) {
            advice.push(format!(
                "nearly all blocks are off by about {}: the page is cut out elsewhere than the template has it. Moving all \
                 origins mends it, if all sheets come from the same scanner and printer",
                pair(common)
            ));
        }
        if self.blocks.iter().any(|block| self.stretch(block).is_some()) {
            advice
                .push("where gaps are off, correct `bubblesGap` or `labelsGap` by the percentage in BLOCKS".to_owned());
        }
        for line in &advice {
            writeln!(out, "  - {line}")?;
        }
        if let Some(path) = self.stale {
            writeln!(out, "  - {} is of an earlier report, not of this one", path.display())?;
        }
        match self.proposal {
            Some(proposal) => self.write_proposal(out, proposal)?,
            None if advice.is_empty() && self.blocks.iter().any(|b| b.sheets == 0) => {
                writeln!(out, "  nothing for the blocks that were seen: each lies where it is printed")?
            }
            None if advice.is_empty() => writeln!(out, "  nothing: every block lies where it is printed")?,
            None => {}
        }
        Ok(())
    }

    /// Is there a proposal that reads worse?
    fn is_withheld(&self) -> bool {
        self.tried.is_some_and(|tried| tried.doubled > 0)
    }

    fn write_proposal(&self, out: &mut String, proposal: &Proposal) -> std::fmt::Result {
        writeln!(out, "  - move origins in {}:", self.subject.0.display())?;
        for moved in &proposal.moved {
            let set = moved.key.set.and_then(|set| self.context.layout_name(set + 1));
            let set = set.map_or(String::new(), |set| format!(" of the set `{set}`"));
            let ([a, b], [c, d]) = (&moved.from, &moved.to);
            writeln!(out, "      {}{set}: \"origin\": [{a}, {b}] becomes [{c}, {d}]", moved.key.name)?;
        }
        for (key, reason) in &proposal.stuck {
            writeln!(out, "      {}: cannot be moved: {reason}", key.name)?;
        }
        if let Some(problem) = &proposal.problem {
            return writeln!(out, "    which makes no template, so nothing is proposed: {problem}");
        }
        match self.written {
            Some(path) => {
                writeln!(out, "    written to {}; compare it and put it in the template's place", path.display())?
            }
            None if self.is_withheld() => writeln!(out, "    it is not written")?,
            None => writeln!(out, "    say --write to have this in a file beside the template")?,
        }
        let Some(tried) = self.tried else { return Ok(()) };
        if tried.doubled > 0 {
            return writeln!(
                out,
                "    read so, {} more field(s) have several marks, so it is wrong somewhere: compare the picture",
                tried.doubled
            );
        }
        let length = |offset: (f64, f64)| offset.0.hypot(offset.1);
        let left = |blocks: &[BlockReport]| blocks.iter().filter_map(|b| b.offset).map(length).fold(0.0, f64::max);
        writeln!(
            out,
            "    read so, the largest offset is {:.1} px (now {:.1}), and {} value(s) are read otherwise",
            left(&tried.blocks),
            left(self.blocks),
            tried.changed.len()
        )?;
        let most = if self.all { tried.changed.len() } else { MOST_LINES };
        for (sheet, field, old, new) in tried.changed.iter().take(most) {
            let sheet = self.sheets.get(*sheet).map_or(String::new(), |s| s.path.display().to_string());
            writeln!(out, "      {field}: `{old}` becomes `{new}`  {sheet}")?;
        }
        self.write_rest(out, tried.changed.len(), most)
    }

    /// Reasons of failures with their numbers, in the order in which they were met.
    fn reasons(&self) -> Vec<(String, usize)> {
        let mut reasons: Vec<(String, usize)> = Vec::new();
        for error in self.sheets.iter().filter_map(|sheet| sheet.seen.as_ref().err()) {
            let reason = error.reason.to_string();
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason, 1)),
            }
        }
        reasons
    }
}

/// A block's name, with that of its set.
fn name(block: &BlockReport) -> String {
    match &block.set_name {
        Some(set) => format!("{} ({set})", block.key.name),
        None => block.key.name.clone(),
    }
}

fn verdict(block: &BlockReport) -> String {
    match block.verdict {
        Verdict::Fits => "fits".to_owned(),
        Verdict::Move(x, y) => format!("move by ({x:+}, {y:+})"),
        Verdict::Scattered => "the sheets disagree".to_owned(),
        Verdict::Unclear if block.sheets == 0 => "on no sheet".to_owned(),
        Verdict::Unclear => "print not clear".to_owned(),
    }
}

fn pair((x, y): (f64, f64)) -> String {
    format!("({x:+.1}, {y:+.1})")
}
