//! A joined column told apart: which part of `1204` is which field's.
//!
//! A field's part is its empty value, or values of its bubbles, each once, in order. Where several partings fit, the one
//! counts that leaves the fewest fields wrong, and of those the one that leaves the most of them unreported: so nobody is
//! flattered by a guess about who was wrong.

/// A field of a joined column.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// The values of its bubbles, in order; `None`: it can read as anything.
    pub values: Option<&'a [String]>,
    /// The value of a blank.
    pub empty: &'a str,
    /// Readings that are right.
    pub right: Vec<&'a str>,
    /// Was it reported?
    pub reported: bool,
}

/// A text told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting<'t> {
    /// What each field reads as.
    pub texts: Vec<&'t str>,
    /// Does no other parting fit?
    pub is_sure: bool,
}

/// How bad a parting is: fields wrong, and how many of these were reported.
type Cost = (usize, usize);

/// Tells a text apart. `None`: it is not what these fields write.
pub fn part<'t>(text: &'t str, parts: &[Part<'_>]) -> Option<Parting<'t>> {
    // For each place in the text, the best way to read what comes after it with the parts that are left: cost, end of the
    // first part, number of ways up to two.
    let mut after: Vec<Option<(Cost, usize, u8)>> = vec![None; text.len() + 1];
    after[text.len()] = Some(((0, 0), text.len(), 1));
    let mut table = Vec::with_capacity(parts.len());
    for part in parts.iter().rev() {
        let mut here = vec![None; text.len() + 1];
        for start in (0..=text.len()).filter(|&i| text.is_char_boundary(i)) {
            let mut best: Option<(Cost, usize, u8)> = None;
            for end in part.ends(text, start) {
                let Some(((wrong, reported), _, ways)) = after[end] else { continue };
                let is_wrong = !part.right.contains(&&text[start..end]);
                let cost = (wrong + usize::from(is_wrong), reported + usize::from(is_wrong && part.reported));
                best = Some(match best {
                    Some((least, at, others)) if least <= cost => (least, at, others.saturating_add(ways).min(2)),
                    Some((_, _, others)) => (cost, end, others.saturating_add(ways).min(2)),
                    None => (cost, end, ways),
                });
            }
            here[start] = best;
        }
        after.clone_from(&here);
        table.push(here);
    }
    table.reverse();
    let (_, _, ways) = *after.first()?.as_ref()?;
    let mut texts = Vec::with_capacity(parts.len());
    let mut start = 0;
    for row in &table {
        let (_, end, _) = row.get(start).copied().flatten()?;
        texts.push(&text[start..end]);
        start = end;
    }
    Some(Parting { texts, is_sure: ways == 1 })
}

impl Part<'_> {
    /// Where this part of a text can end that begins at `start`.
    fn ends(&self, text: &str, start: usize) -> Vec<usize> {
        let Some(values) = self.values else {
            return (start..=text.len()).filter(|&i| text.is_char_boundary(i)).collect();
        };
        let mut ends = vec![start];
        for value in values.iter().filter(|value| !value.is_empty()) {
            for i in 0..ends.len() {
                if text[ends[i]..].starts_with(value.as_str()) {
                    ends.push(ends[i] + value.len());
                }
            }
        }
        // Nothing marked is written as the empty value.
        ends.remove(0);
        if text[start..].starts_with(self.empty) {
            ends.push(start + self.empty.len());
        }
        ends.sort_unstable();
        ends.dedup();
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits() -> Vec<String> {
        (0..10).map(|d| d.to_string()).collect()
    }

    fn parts<'a>(values: &'a [String], empty: &'a str, right: &[&'a str]) -> Vec<Part<'a>> {
        let part = |right: &&'a str| Part { values: Some(values), empty, right: vec![*right], reported: false };
        right.iter().map(part).collect()
    }

    fn texts<'t>(text: &'t str, parts: &[Part<'_>]) -> Option<(Vec<&'t str>, bool)> {
        part(text, parts).map(|parting| (parting.texts, parting.is_sure))
    }

    #[test]
    fn digits_with_a_mark_for_blanks_are_told_apart() {
        let digits = digits();
        let three = parts(&digits, "-", &["1", "-", "4"]);
        assert_eq!(texts("1-4", &three), Some((vec!["1", "-", "4"], true)));
        assert_eq!(texts("--4", &three), Some((vec!["-", "-", "4"], true)));
        // A double mark of rising digits can be two fields'.
        assert_eq!(texts("1-45", &three), Some((vec!["1", "-", "45"], true)));
        assert_eq!(texts("1-54", &three), None);
        assert_eq!(texts("1-4x", &three), None);
        assert_eq!(texts("14", &three), None);
    }

    #[test]
    fn what_fits_in_several_ways_is_parted_with_the_fewest_wrong() {
        let digits = digits();
        let three = parts(&digits, "", &["1", "2", "4"]);
        assert_eq!(texts("14", &three), Some((vec!["1", "", "4"], false)));
        assert_eq!(texts("124", &three).unwrap().0, ["1", "2", "4"]);
        assert_eq!(texts("1234", &three).unwrap().0.iter().filter(|t| t.len() == 2).count(), 1);
    }

    #[test]
    fn of_equal_partings_the_unreported_is_taken() {
        let digits = digits();
        let mut two = parts(&digits, "", &["3", "7"]);
        two[0].reported = true;
        // Either field may have read as 5; the first was reported.
        assert_eq!(texts("5", &two).unwrap().0, ["", "5"]);
        let blank = parts(&digits, "", &["", ""]);
        assert_eq!(texts("", &blank).unwrap().0, ["", ""]);
        let mut two = parts(&digits, "", &["", ""]);
        two[0].reported = true;
        assert_eq!(texts("5", &two).unwrap().0, ["", "5"]);
        two[0].reported = false;
        two[1].reported = true;
        assert_eq!(texts("5", &two).unwrap().0, ["5", ""]);
    }

    #[test]
    fn long_values_and_any_text() {
        let words: Vec<String> = ["Ä", "ÄB", "C"].map(str::to_owned).into();
        let mut two = parts(&words, "-", &["ÄB", "C"]);
        assert_eq!(texts("ÄBC", &two), Some((vec!["ÄB", "C"], true)));
        two[1].values = None;
        two[1].right = vec!["né"];
        assert_eq!(texts("ÄBné", &two).unwrap().0, ["ÄB", "né"]);
    }
}
