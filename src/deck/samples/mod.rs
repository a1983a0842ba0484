//! The folders under `samples/`: templates, sheets and the known answers, all made here.
//!
//! Each folder shows one way of working, and each `answers.csv` lists the right answers: `file` is the sheet's path
//! below the folder, `score` its score where there is a key, the other columns are the template's output columns.

mod aligned;
mod booklet_sets;
mod codes;
mod conditional_layouts;
mod curved_page;
mod folder;
mod four_corners;
mod four_markers;
mod json;
mod key;
mod layout;
mod marks;
mod nested;
mod phone_photo;
mod plain;
mod printed_marks;
mod quiz;
mod scored_csv;
mod scored_picture;
mod turned;

use super::DeckError;

/// A file of the samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFile {
    /// Its path below `samples/`, with slashes.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// All files of all samples; the same bytes whenever they are made.
///
/// # Errors
/// [`DeckError`], which with these layouts means a mistake in this module.
pub fn files() -> Result<Vec<SampleFile>, DeckError> {
    let mut folders = vec![
        four_markers::folder()?,
        phone_photo::folder()?,
        plain::folder()?,
        nested::folder()?,
        scored_csv::folder()?,
        scored_picture::folder()?,
        booklet_sets::folder()?,
        curved_page::folder()?,
        codes::folder()?,
        turned::auto_rotate()?,
        turned::by_itself()?,
        aligned::template_alignment()?,
        aligned::feature_alignment()?,
        conditional_layouts::folder()?,
    ];
    for kind in &printed_marks::KINDS {
        folders.push(printed_marks::folder(kind)?);
    }
    Ok(folders.into_iter().flatten().collect())
}

/// The folder `bent/` with the photo `sheet.jpg` of a page that is bent, its template and its answers: of the two lines beside
/// the page, the left one bows by `bow` of the page's width (0: flat, to 0.03) and the right one by half of it. The same seed
/// gives the same answers for every bow.
///
/// # Errors
/// As [`files`].
pub fn bent_page(bow: f64, seed: u64) -> Result<Vec<SampleFile>, DeckError> {
    curved_page::bent(bow, seed)
}

/// The folder `ocr/` with two scans of forms with printed numbers and words. It is no sample: only a machine with tesseract
/// can read it.
///
/// # Errors
/// As [`files`].
pub fn ocr_fields() -> Result<Vec<SampleFile>, DeckError> {
    codes::ocr()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One folder stands for all: they share their code, and pictures take their time.
    #[test]
    fn the_same_bytes_every_time() {
        assert_eq!(plain::folder().unwrap(), plain::folder().unwrap());
    }

    #[test]
    fn every_sheet_has_its_answers() {
        let files = plain::folder().unwrap();
        let answers = files.iter().find(|file| file.path == "plain/answers.csv").unwrap();
        let mut reader = csv::Reader::from_reader(answers.bytes.as_slice());
        let columns = reader.headers().unwrap().len();
        let listed: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let sheets: Vec<&SampleFile> =
            files.iter().filter(|file| file.path.ends_with(".png") || file.path.ends_with(".jpg")).collect();
        assert_eq!(sheets.len(), listed.len());
        for (sheet, row) in sheets.iter().zip(&listed) {
            assert_eq!(sheet.path, format!("plain/{}", &row[0]));
            assert_eq!(row.len(), columns);
        }
    }

    #[test]
    fn templates_are_json() {
        let mut layouts = vec![
            four_markers::layout(),
            phone_photo::layout(),
            plain::layout(),
            nested::layout(),
            scored_csv::layout(),
            scored_picture::layout(),
            booklet_sets::layout(),
            curved_page::layout(),
            codes::codes(),
            codes::letters(),
            turned::stamped(),
            turned::unmarked(),
            aligned::blocks(),
            aligned::features(),
            conditional_layouts::layout(),
        ];
        layouts.extend(printed_marks::KINDS.iter().map(printed_marks::layout));
        for layout in layouts {
            let value: serde_json::Value = serde_json::from_str(&json::template(&layout)).unwrap();
            assert_eq!(value["fieldBlocks"].as_object().unwrap().len(), layout.blocks.len());
        }
    }
}
