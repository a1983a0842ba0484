//! What the bubbles of a field mean and in which direction they run.

/// The values of a field's bubbles and their direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldType {
    /// Values in bubble order.
    pub values: Vec<String>,
    /// The way from one bubble of a field to the next.
    pub direction: Direction,
}

/// The way from one bubble of a field to the next; the next field lies across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the right.
    Horizontal,
    /// Down.
    Vertical,
}

/// The spellings of a direction.
pub(super) const DIRECTIONS: [(&str, Direction); 2] =
    [("horizontal", Direction::Horizontal), ("vertical", Direction::Vertical)];

/// Types that every dialect knows: name, values (one letter each), direction.
const COMMON: [(&str, &str, Direction); 4] = [
    ("QTYPE_INT", "0123456789", Direction::Vertical),
    ("QTYPE_INT_FROM_1", "1234567890", Direction::Vertical),
    ("QTYPE_MCQ4", "ABCD", Direction::Horizontal),
    ("QTYPE_MCQ5", "ABCDE", Direction::Horizontal),
];

/// Types that v1 has besides: answers from right to left.
const RIGHT_TO_LEFT: [(&str, &str, Direction); 2] =
    [("QTYPE_MCQ4_RTL", "DCBA", Direction::Horizontal), ("QTYPE_MCQ5_RTL", "EDCBA", Direction::Horizontal)];

/// The built-in type of v1 with this name.
pub fn v1_type(name: &str) -> Option<FieldType> {
    find(name, COMMON.iter().chain(&RIGHT_TO_LEFT))
}

/// The built-in type of the v2 family with this name.
pub fn v2_type(name: &str) -> Option<FieldType> {
    find(name, COMMON.iter())
}

/// The names of v1's built-in types.
pub const V1_NAMES: [&str; 6] =
    [COMMON[0].0, COMMON[1].0, COMMON[2].0, COMMON[3].0, RIGHT_TO_LEFT[0].0, RIGHT_TO_LEFT[1].0];

/// The names of the v2 family's built-in types.
pub const V2_NAMES: [&str; 4] = [COMMON[0].0, COMMON[1].0, COMMON[2].0, COMMON[3].0];

fn find<'t>(name: &str, mut types: impl Iterator<Item = &'t (&'t str, &'t str, Direction)>) -> Option<FieldType> {
    let (_, values, direction) = types.find(|(known, ..)| *known == name)?;
    Some(FieldType { values: values.chars().map(String::from).collect(), direction: *direction })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_to_left_types_are_v1s() {
        assert_eq!(v1_type("QTYPE_MCQ4_RTL").unwrap().values, ["D", "C", "B", "A"]);
        assert_eq!(v2_type("QTYPE_MCQ4_RTL"), None);
    }

    #[test]
    fn every_named_type_exists() {
        assert!(V1_NAMES.into_iter().all(|name| v1_type(name).is_some()));
        assert!(V2_NAMES.into_iter().all(|name| v2_type(name) == v1_type(name) && v2_type(name).is_some()));
        assert_eq!(v2_type("QTYPE_INT_FROM_1").unwrap().values.concat(), "1234567890");
    }
}
