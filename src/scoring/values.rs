//! The values that a sheet has, by the names that questions and matchers can have: those of its custom labels, and of
//! the fields that no custom label joins.

use std::collections::HashMap;

use crate::json::nearest;
use crate::template::{FieldBlock, FieldKind, Template};

/// All values of a template's sheets, or of a table of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetValues {
    values: Vec<SheetValue>,
    index: HashMap<String, usize>,
    /// Fields that are only parts of a value, with that value's name.
    parts: HashMap<String, String>,
    empty: String,
}

/// One value of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetValue {
    /// Its name.
    pub name: String,
    /// Indices of the fields whose values it joins, in the first layout that has any; of a table of results, none.
    pub fields: Vec<usize>,
    /// What can be marked in those fields; `None` where it is not known.
    pub marks: Option<Vec<FieldMarks>>,
    /// What can be marked for it in other layouts, where that differs.
    pub elsewhere: Vec<Option<Vec<FieldMarks>>>,
}

/// What can be marked in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMarks {
    /// The values of its bubbles, in order.
    pub bubbles: Vec<String>,
    /// Its value without a mark.
    pub empty: String,
}

impl SheetValues {
    /// The values of a template's sheets, of whatever layout: those of its own layout first, then what its sets add.
    pub fn of_template(template: &Template) -> Self {
        let mut layouts = template.layouts().map(Self::of_layout);
        let Some(mut all) = layouts.next() else { return Self::of_columns([], "") };
        for layout in layouts {
            for value in layout.values {
                all.add(value);
            }
            all.parts.extend(layout.parts);
        }
        all
    }

    /// Adds a value of another layout.
    fn add(&mut self, value: SheetValue) {
        let known = self.index.get(&value.name).and_then(|&i| self.values.get_mut(i));
        match known {
            None => {
                self.index.insert(value.name.clone(), self.values.len());
                self.values.push(value);
            }
            Some(_) if value.fields.is_empty() => {}
            Some(known) if known.fields.is_empty() => *known = value,
            Some(known) if known.marks != value.marks && !known.elsewhere.contains(&value.marks) => {
                known.elsewhere.push(value.marks);
            }
            Some(_) => {}
        }
    }

    /// The values of one layout. A custom label of whose fields it has none stands there without fields.
    pub fn of_layout(template: &Template) -> Self {
        let fields: Vec<_> = template.fields().collect();
        let index: HashMap<&str, usize> = fields.iter().enumerate().map(|(i, (_, f))| (f.label.as_str(), i)).collect();
        let value = |name: &str, indices: Vec<usize>| {
            let marks = indices.iter().filter_map(|&i| fields.get(i)).map(|(block, field)| {
                let bubbles = field.bubbles.iter().map(|b| b.value.clone()).collect();
                is_bubbles(block).then(|| FieldMarks { bubbles, empty: block.empty_value.clone() })
            });
            SheetValue { name: name.to_owned(), marks: marks.collect(), fields: indices, elsewhere: Vec::new() }
        };
        let mut parts = HashMap::new();
        let mut values = Vec::new();
        for custom in &template.custom_labels {
            parts.extend(custom.fields.iter().map(|label| (label.clone(), custom.name.clone())));
            let indices = custom.fields.iter().filter_map(|label| index.get(label.as_str()).copied());
            values.push(value(&custom.name, indices.collect()));
        }
        let plain = fields.iter().enumerate().filter(|(_, (_, field))| !parts.contains_key(&field.label));
        values.extend(plain.map(|(i, (_, field))| value(&field.label, vec![i])));
        Self::new(values, parts, template.empty_value.clone())
    }

    /// The values of a table of results with these columns; `empty` is the value of an unmarked field.
    pub fn of_columns<'n>(names: impl IntoIterator<Item = &'n str>, empty: &str) -> Self {
        let value =
            |name: &str| SheetValue { name: name.to_owned(), fields: Vec::new(), marks: None, elsewhere: Vec::new() };
        Self::new(names.into_iter().map(value).collect(), HashMap::new(), empty.to_owned())
    }

    fn new(values: Vec<SheetValue>, parts: HashMap<String, String>, empty: String) -> Self {
        let index = values.iter().enumerate().map(|(i, value)| (value.name.clone(), i)).collect();
        Self { values, index, parts, empty }
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&SheetValue> {
        self.index.get(name).and_then(|&i| self.values.get(i))
    }

    /// All names: custom labels first, then fields in template order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| value.name.as_str())
    }

    /// The value of an unmarked field where a block does not state its own.
    pub fn empty(&self) -> &str {
        &self.empty
    }

    /// What to do about a name that is no value: the custom label that it is a part of, or the nearest name.
    pub fn hint(&self, name: &str) -> Option<String> {
        match self.parts.get(name) {
            Some(whole) => Some(format!("`{name}` is a part of the custom label `{whole}`; use `{whole}`")),
            None => nearest(name, self.names()).map(|near| format!("did you mean `{near}`?")),
        }
    }
}

fn is_bubbles(block: &FieldBlock) -> bool {
    block.kind == FieldKind::Bubbles
}

impl SheetValue {
    /// The text that the value is when all its fields are blank, unless a mark could give the same text. A field whose
    /// block states `0` for blank may have a bubble `0`.
    pub fn blank(&self) -> Option<String> {
        let fields = self.marks.as_ref()?;
        let is_marked_too = |field: &FieldMarks| field.bubbles.contains(&field.empty);
        let tells = !fields.iter().all(is_marked_too);
        tells.then(|| fields.iter().map(|field| field.empty.as_str()).collect())
    }
}

impl SheetValue {
    /// The ways in which sheets can be marked for it, one for each layout that differs; none where that is not known.
    pub fn ways(&self) -> Vec<&[FieldMarks]> {
        let ways = std::iter::once(&self.marks).chain(&self.elsewhere).map(Option::as_deref);
        ways.collect::<Option<Vec<_>>>().unwrap_or_default()
    }
}

/// How many steps the search for an answer's marks may take: those of real sheets take fewer than they have bubbles,
/// and a maze of values must not hold up the run.
const MAX_STEPS: usize = 5_000;

/// The marks that give `answer` in these fields, at most `most` in each: for every field, which bubbles. `None`: no
/// marks do.
pub fn marks_for(answer: &str, fields: &[FieldMarks], most: usize) -> Option<Vec<Vec<bool>>> {
    let marked = fields.iter().map(|field| vec![false; field.bubbles.len()]).collect();
    let mut search = Search { fields, most, marked, steps: 0 };
    search.field(answer, 0).then_some(search.marked)
}

struct Search<'f> {
    fields: &'f [FieldMarks],
    most: usize,
    marked: Vec<Vec<bool>>,
    steps: usize,
}

impl Search<'_> {
    /// Can the fields from number `f` on give `rest`?
    fn field(&mut self, rest: &str, f: usize) -> bool {
        match self.fields.get(f) {
            None => rest.is_empty(),
            Some(_) => self.bubble(rest, f, 0, 0),
        }
    }

    /// Can field `f` from bubble `b` on, `count` of its bubbles being marked, and the fields after it?
    fn bubble(&mut self, rest: &str, f: usize, b: usize, count: usize) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return false;
        }
        let field = &self.fields[f];
        let Some(value) = field.bubbles.get(b) else {
            return match count {
                0 => rest.strip_prefix(field.empty.as_str()).is_some_and(|rest| self.field(rest, f + 1)),
                _ => self.field(rest, f + 1),
            };
        };
        if count < self.most
            && let Some(after) = rest.strip_prefix(value.as_str())
        {
            self.marked[f][b] = true;
            if self.bubble(after, f, b + 1, count + 1) {
                return true;
            }
            self.marked[f][b] = false;
        }
        self.bubble(rest, f, b + 1, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(bubbles: &str, empty: &str) -> FieldMarks {
        FieldMarks { bubbles: bubbles.chars().map(String::from).collect(), empty: empty.to_owned() }
    }

    fn marks(answer: &str, fields: &[FieldMarks], most: usize) -> Option<String> {
        let row = |field: &Vec<bool>| field.iter().map(|&m| if m { '#' } else { '.' }).collect::<String>();
        marks_for(answer, fields, most).map(|fields| fields.iter().map(row).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn an_answer_tells_its_bubbles() {
        let letters = [field("ABCD", "")];
        assert_eq!(marks("B", &letters, 1).as_deref(), Some(".#.."));
        assert_eq!(marks("BC", &letters, 9).as_deref(), Some(".##."));
        assert_eq!((marks("BC", &letters, 1), marks("CB", &letters, 9), marks("E", &letters, 9)), (None, None, None));
        let digits = [field("0123", "-"), field("0123", "-")];
        assert_eq!(marks("13", &digits, 1).as_deref(), Some(".#.. ...#"));
        assert_eq!(marks("-3", &digits, 1).as_deref(), Some(".... ...#"));
        // Two marks in the first digit are a way too; one in each is found, since that is what was meant.
        assert_eq!(marks("123", &digits, 9).as_deref(), Some(".##. ...#"));
    }

    #[test]
    fn a_maze_ends() {
        let maze = vec![field(&"A".repeat(30), ""); 9];
        assert_eq!(marks_for(&("A".repeat(200) + "B"), &maze, 99), None);
    }

    #[test]
    fn a_blank_that_a_mark_gives_too_is_none() {
        let value = |fields: &[FieldMarks]| SheetValue {
            name: "q1".to_owned(),
            fields: vec![],
            marks: Some(fields.to_vec()),
            elsewhere: vec![],
        };
        assert_eq!(value(&[field("AB", "-"), field("AB", "-")]).blank().as_deref(), Some("--"));
        assert_eq!(value(&[field("01", "0")]).blank(), None);
        assert_eq!(value(&[field("01", "0"), field("12", "0")]).blank().as_deref(), Some("00"));
    }
}
