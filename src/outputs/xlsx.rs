//! A table as an Excel workbook: one sheet, its first row frozen, all cells texts (ECMA-376, parts 1 and 2).
//!
//! Written straight through, row by row, so that memory does not grow with the table, and with the first date of the format's
//! calendar, so that the same table gives the same bytes. The archive is made by a library; why not the workbook, too: the one
//! there is for Rust panics when the disk is full, and needs the room twice.
//!
//! Nothing is cut so that it looks whole: a table that no workbook holds is none, and in place of a text that is too long
//! stands a note.

use std::fmt;
use std::io::{self, BufWriter, Read, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Rows that a sheet has, the header among them.
const MAX_ROWS: u64 = 1_048_576;

/// Columns that a sheet has.
const MAX_COLUMNS: usize = 16_384;

/// Bytes that a part has, before it is packed.
const MAX_BYTES: u64 = u32::MAX as u64;

/// Characters that a cell has, counted as UTF-16 does.
pub const MAX_CHARACTERS: usize = 32_767;

/// Why no workbook holds a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Too many rows.
    Rows,
    /// Too many columns.
    Columns(usize),
    /// Too many bytes.
    Bytes,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows => write!(f, "the table has more than the {MAX_ROWS} rows of an Excel sheet, header included"),
            Self::Columns(found) => {
                write!(f, "the table has {found} columns, and an Excel sheet has {MAX_COLUMNS}")
            }
            Self::Bytes => f.write_str("the table is larger than the 4 GiB that a part of a workbook has"),
        }
    }
}

/// Cells whose text is too long. A note stands in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Long(pub u64);

/// Writes the rows of a CSV, the header first, as a workbook into an empty file.
///
/// # Errors
/// What the system says. Inside: why no workbook holds the table; then the file is of no use.
pub fn write(rows: &mut csv::Reader<impl Read>, to: impl Write + Seek) -> io::Result<Result<Long, Unfit>> {
    let mut archive = ZipWriter::new(to);
    // Each part is at most 4 GiB: readers of larger ones are rare.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .last_modified_time(DateTime::default());
    for (name, content) in PARTS {
        archive.start_file(name, options)?;
        archive.write_all(content.as_bytes())?;
    }
    archive.start_file("xl/worksheets/sheet1.xml", options)?;
    let mut part = Part { to: BufWriter::with_capacity(1 << 16, &mut archive), left: MAX_BYTES };
    let done = match sheet(rows, &mut part) {
        Ok(done) => {
            part.flush()?;
            done
        }
        Err(_) if part.left == 0 => return Ok(Err(Unfit::Bytes)),
        Err(error) => return Err(error),
    };
    drop(part);
    archive.finish()?.flush()?;
    Ok(done)
}

/// The sheet on its way, as long as it is not too large.
struct Part<W> {
    to: W,
    left: u64,
}

impl<W: Write> Write for Part<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            self.left = 0;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.to.write(bytes)?;
        self.left -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The parts of a workbook that do not depend on the table.
const PARTS: [(&str, &str); 5] = [
    (
        "[Content_Types].xml",
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">"#,
            r#"<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>"#,
            r#"<Default Extension="xml" ContentType="application/xml"/>"#,
            r#"<Override PartName="/xl/workbook.xml" "#,
            r#"ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>"#,
            r#"<Override PartName="/xl/styles.xml" "#,
            r#"ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>"#,
            r#"<Override PartName="/xl/worksheets/sheet1.xml" "#,
            r#"ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>"#,
            "</Types>",
        ),
    ),
    (
        "_rels/.rels",
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">"#,
            r#"<Relationship Id="rId1" Target="xl/workbook.xml" "#,
            r#"Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/>"#,
            "</Relationships>",
        ),
    ),
    (
        "xl/workbook.xml",
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
            r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" "#,
            r#"xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">"#,
            r#"<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
    ),
    (
        "xl/_rels/workbook.xml.rels",
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">"#,
            r#"<Relationship Id="rId1" Target="worksheets/sheet1.xml" "#,
            r#"Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>"#,
            r#"<Relationship Id="rId2" Target="styles.xml" "#,
            r#"Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"/>"#,
            "</Relationships>",
        ),
    ),
    (
        // Style 1 is text (number format 49, `@`), style 2 the same in bold.
        "xl/styles.xml",
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
            r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#,
            r#"<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>"#,
            r#"<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>"#,
            r#"<fills count="2"><fill><patternFill patternType="none"/></fill>"#,
            r#"<fill><patternFill patternType="gray125"/></fill></fills>"#,
            r#"<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"#,
            r#"<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>"#,
            r#"<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>"#,
            r#"<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>"#,
            r#"<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>"#,
            r#"<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"#,
        ),
    ),
];

/// Before the rows: the first one stays in sight.
const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#,
    r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews>"#,
    r#"<sheetView tabSelected="1" workbookViewId="0">"#,
    r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>"#,
);

/// Behind the rows: numbers that stand there as texts are meant so.
const TAIL: &str = concat!(
    r#"</sheetData><ignoredErrors><ignoredError sqref="A1:XFD1048576" numberStoredAsText="1"/></ignoredErrors>"#,
    "</worksheet>",
);

fn sheet(rows: &mut csv::Reader<impl Read>, to: &mut impl Write) -> io::Result<Result<Long, Unfit>> {
    to.write_all(HEAD.as_bytes())?;
    let mut record = csv::ByteRecord::new();
    let (mut columns, mut row, mut long) = (Vec::new(), 0u64, 0);
    let mut text = String::new();
    while rows.read_byte_record(&mut record)? {
        row += 1;
        if row > MAX_ROWS {
            return Ok(Err(Unfit::Rows));
        }
        if record.len() > MAX_COLUMNS {
            return Ok(Err(Unfit::Columns(record.len())));
        }
        columns.extend((columns.len()..record.len()).map(column_name));
        let style = if row == 1 { 2 } else { 1 };
        write!(to, r#"<row r="{row}">"#)?;
        for (cell, column) in record.iter().zip(&columns).filter(|(cell, _)| !cell.is_empty()) {
            let cell = String::from_utf8_lossy(cell);
            text.clear();
            // No text has more characters than bytes.
            let characters = if cell.len() > MAX_CHARACTERS { cell.encode_utf16().count() } else { 0 };
            if characters > MAX_CHARACTERS {
                long += 1;
                text = format!("({characters} characters, too long for a workbook: see the CSV)");
            } else {
                escape(&cell, &mut text);
            }
            write!(
                to,
                r#"<c r="{column}{row}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#
            )?;
        }
        to.write_all(b"</row>")?;
    }
    to.write_all(TAIL.as_bytes())?;
    Ok(Ok(Long(long)))
}

/// A, B, … Z, AA, AB, … for columns 0, 1, ….
fn column_name(mut column: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + (column % 26) as u8));
        match column / 26 {
            0 => return letters.iter().rev().collect(),
            more => column = more - 1,
        }
    }
}

/// A text as XML has it. Characters that XML does not have stand as `_xHHHH_` (`ST_Xstring`, ECMA-376-1, 22.9.2.19), and so
/// does the first character of a text that looks like one of those.
fn escape(text: &str, to: &mut String) {
    for (at, character) in text.char_indices() {
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '\t' | '\n' => to.push(character),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => to.push_str(&format!("_x{:04X}_", u32::from(character))),
            '_' if text.as_bytes()[at..].first_chunk().is_some_and(looks_escaped) => to.push_str("_x005F_"),
            _ => to.push(character),
        }
    }
}

fn looks_escaped(text: &[u8; 7]) -> bool {
    matches!(text, [b'_', b'x', digits @ .., b'_'] if digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn workbook(csv: &str) -> (Result<Long, Unfit>, Vec<u8>) {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv.as_bytes());
        let mut file = Cursor::new(Vec::new());
        let done = write(&mut rows, &mut file).unwrap();
        (done, file.into_inner())
    }

    fn sheet_of(bytes: &[u8]) -> String {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 6);
        std::io::read_to_string(archive.by_name("xl/worksheets/sheet1.xml").unwrap()).unwrap()
    }

    fn cells(csv: &str) -> String {
        let (done, bytes) = workbook(csv);
        assert_eq!(done, Ok(Long(0)));
        let sheet = sheet_of(&bytes);
        sheet.strip_prefix(HEAD).unwrap().strip_suffix(TAIL).unwrap().to_owned()
    }

    #[test]
    fn cells_are_texts_and_empty_ones_are_not_there() {
        let cell = |place: &str, style: u8, text: &str| {
            format!(r#"<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#)
        };
        let want = format!(
            r#"<row r="1">{}{}{}</row><row r="2">{}{}</row>"#,
            cell("A1", 2, "id"),
            cell("B1", 2, "Roll"),
            cell("C1", 2, "q1"),
            cell("A2", 1, "=1+1"),
            cell("C2", 1, " 007&lt;&amp;&gt;"),
        );
        assert_eq!(cells("id,Roll,q1\n=1+1,,\" 007<&>\"\n"), want);
    }

    #[test]
    fn columns_have_the_names_of_excel() {
        assert_eq!(
            [0, 25, 26, 51, 52, 701, 702, 16_383].map(column_name),
            ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"]
        );
    }

    #[test]
    fn control_characters_and_what_looks_like_one_are_escaped() {
        let escaped = |text: &str| {
            let mut to = String::new();
            escape(text, &mut to);
            to
        };
        assert_eq!(escaped("a\u{1}b\r\n\tc\u{ffff}"), "a_x0001_b_x000D_\n\tc_xFFFF_");
        assert_eq!(escaped("_x0041_ _x00g1_ _x41_ _x0041"), "_x005F_x0041_ _x00g1_ _x41_ _x0041");
        assert_eq!(escaped("_x0041_x0042_"), "_x005F_x0041_x005F_x0042_");
    }

    #[test]
    fn a_text_that_is_too_long_leaves_a_note() {
        let (done, bytes) = workbook(&format!("id,text\na,{}\nb,{}\n", "ü".repeat(MAX_CHARACTERS), "x".repeat(32_768)));
        assert_eq!(done, Ok(Long(1)));
        let sheet = sheet_of(&bytes);
        assert!(sheet.contains(&"ü".repeat(MAX_CHARACTERS)) && !sheet.contains("xxx"));
        assert!(sheet.contains("(32768 characters, too long for a workbook: see the CSV)"));
    }

    #[test]
    fn a_table_that_is_too_wide_or_too_long_is_no_workbook() {
        let (done, _) = workbook(&format!("id\n{}\n", ",".repeat(MAX_COLUMNS)));
        assert_eq!(done, Err(Unfit::Columns(16_385)));
        let rows = "x\n".repeat(MAX_ROWS as usize);
        assert_eq!(workbook(&rows).0, Ok(Long(0)));
        assert_eq!(workbook(&format!("{rows}x\n")).0, Err(Unfit::Rows));
    }

    #[test]
    fn the_same_table_is_the_same_bytes() {
        let csv = "id,text\na,b\n".repeat(1000);
        assert_eq!(workbook(&csv).1, workbook(&csv).1);
    }
}
