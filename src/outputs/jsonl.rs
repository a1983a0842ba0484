//! A table as JSON lines: one object a row, keys in the order of the columns, all values strings.

use std::collections::HashSet;
use std::io::{self, BufWriter, Read, Write};

/// Writes the rows of a CSV, the header first. A column whose name stands further left already gets a number behind it, as
/// `score (2)`: an object must not have a key twice.
///
/// # Errors
/// What the system says.
pub fn write(rows: &mut csv::Reader<impl Read>, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    let mut record = csv::ByteRecord::new();
    let mut keys = Vec::new();
    if rows.read_byte_record(&mut record)? {
        keys = keys_of(&record)?;
    }
    while rows.read_byte_record(&mut record)? {
        for (cell, key) in record.iter().zip(&keys) {
            to.write_all(key)?;
            serde_json::to_writer(&mut to, &String::from_utf8_lossy(cell))?;
        }
        to.write_all(b"}\n")?;
    }
    to.flush()
}

/// What stands before each value: a brace or a comma, the key, a colon.
fn keys_of(header: &csv::ByteRecord) -> io::Result<Vec<Vec<u8>>> {
    let mut taken = HashSet::new();
    let mut keys = Vec::with_capacity(header.len());
    for cell in header {
        let name = String::from_utf8_lossy(cell);
        let mut key = name.to_string();
        let mut number = 2u64;
        while !taken.insert(key.clone()) {
            key = format!("{name} ({number})");
            number += 1;
        }
        let mut before = vec![if keys.is_empty() { b'{' } else { b',' }];
        serde_json::to_writer(&mut before, &key)?;
        before.push(b':');
        keys.push(before);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(csv: &str) -> String {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
        let mut out = Vec::new();
        write(&mut rows, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_are_objects_of_strings_in_the_order_of_the_columns() {
        let csv = "\"file_id\",\"Roll\",\"q1\"\n\"b.png\",\"007\",\"\"\n\"a\"\"\nü.png\",\"1.0\",\"A\\B\"\n";
        let want = "{\"file_id\":\"b.png\",\"Roll\":\"007\",\"q1\":\"\"}\n\
                    {\"file_id\":\"a\\\"\\nü.png\",\"Roll\":\"1.0\",\"q1\":\"A\\\\B\"}\n";
        assert_eq!(lines(csv), want);
    }

    #[test]
    fn a_header_alone_is_an_empty_file() {
        assert_eq!(lines("\"file_id\"\n"), "");
        assert_eq!(lines(""), "");
    }

    #[test]
    fn no_key_stands_twice() {
        let csv = "\"score\",\"score\",\"score (2)\",\"score\"\n\"1\",\"2\",\"3\",\"4\"\n";
        assert_eq!(lines(csv), "{\"score\":\"1\",\"score (2)\":\"2\",\"score (2) (2)\":\"3\",\"score (3)\":\"4\"}\n");
    }
}
