//! The folders under `samples/`: templates, sheets and the known answers, all made here.
//!
//! Each folder shows one way of working, and each `answers.csv` lists the right answers: `file` is the sheet's path
//! below the folder, `score` its score where there is a key, the other columns are the template's output columns.

mod booklet_sets;
mod folder;
mod four_markers;
mod json;
mod key;
mod layout;
mod nested;
mod phone_photo;
mod plain;
mod scored_csv;
mod scored_picture;

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
    let folders = [
        four_markers::folder()?,
        phone_photo::folder()?,
        plain::folder()?,
        nested::folder()?,
        scored_csv::folder()?,
        scored_picture::folder()?,
        booklet_sets::folder()?,
    ];
    Ok(folders.into_iter().flatten().collect())
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
        let layouts = [
            four_markers::layout(),
            phone_photo::layout(),
            plain::layout(),
            nested::layout(),
            scored_csv::layout(),
            scored_picture::layout(),
            booklet_sets::layout(),
        ];
        for layout in layouts {
            let value: serde_json::Value = serde_json::from_str(&json::template(&layout)).unwrap();
            assert_eq!(value["fieldBlocks"].as_object().unwrap().len(), layout.blocks.len());
        }
    }
}
