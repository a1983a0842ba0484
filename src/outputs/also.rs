//! The same table in other formats, beside its CSV: `Results.jsonl` and `Results.xlsx` beside `Results.csv`.
//!
//! They are made of the CSV when that is whole, so that rows are appended in one place, and however the CSV came about the
//! other files say the same. All cells are texts, as the CSV has them: leading zeros stay.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::table::partial;
use super::xlsx::{self, Unfit};
use super::{OutputError, jsonl};
use crate::cli::TableFormat;

/// The files of the table `csv` in these formats.
pub fn files<'t>(csv: &'t Path, formats: &'t [TableFormat]) -> impl Iterator<Item = PathBuf> + 't {
    formats.iter().map(|format| csv.with_extension(extension(*format)))
}

const fn extension(format: TableFormat) -> &'static str {
    match format {
        TableFormat::Jsonl => "jsonl",
        TableFormat::Xlsx => "xlsx",
    }
}

/// Writes the table `csv`, whose rows stand in the file `source`, in these formats, each first as `<name>.partial`. Says which
/// files took their places: one that cannot hold the table is left out, with a warning.
///
/// # Errors
/// [`OutputError`].
pub fn write_beside(source: &Path, csv: &Path, formats: &[TableFormat]) -> Result<Vec<PathBuf>, OutputError> {
    let mut written = Vec::new();
    for (format, target) in formats.iter().zip(files(csv, formats)) {
        let growing = partial(&target);
        let mut rows = read(source).map_err(OutputError::at(source))?;
        let file = File::create(&growing).map_err(OutputError::at(&target))?;
        let fits = match format {
            TableFormat::Jsonl => jsonl::write(&mut rows, &file).map(|()| true),
            TableFormat::Xlsx => xlsx::write(&mut rows, &file).map(|done| told(done, &target, csv)),
        };
        let fits = fits.and_then(|fits| file.sync_all().map(|()| fits)).map_err(OutputError::at(&target))?;
        if fits {
            std::fs::rename(growing, &target).map_err(OutputError::at(&target))?;
            written.push(target);
        } else {
            std::fs::remove_file(&growing).map_err(OutputError::at(growing))?;
        }
    }
    Ok(written)
}

/// The rows of a CSV file, the header first.
fn read(source: &Path) -> io::Result<csv::Reader<File>> {
    let file = File::open(source)?;
    Ok(csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file))
}

/// Tells what a workbook could not hold; did it take the table?
fn told(done: Result<xlsx::Long, Unfit>, target: &Path, csv: &Path) -> bool {
    match done {
        Ok(xlsx::Long(0)) => true,
        Ok(xlsx::Long(cells)) => {
            warn!(
                "`{}`: {cells} cell(s) have more than {} characters, which no workbook holds; a note stands in their place, \
                 and `{}` has them whole",
                target.display(),
                xlsx::MAX_CHARACTERS,
                csv.display()
            );
            true
        }
        Err(unfit) => {
            warn!("`{}` is not written: {unfit}; `{}` has the whole table", target.display(), csv.display());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::table::Table;

    const BOTH: [TableFormat; 2] = [TableFormat::Jsonl, TableFormat::Xlsx];

    #[test]
    fn files_take_their_places_beside_the_csv() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let table = Table::create(path.clone(), &["id", "roll"]).unwrap();
        table.append(&["a", "007"]).unwrap();
        let written = table.finish(&BOTH).unwrap();
        assert_eq!(written, ["t.csv", "t.jsonl", "t.xlsx"].map(|name| dir.path().join(name)));
        assert_eq!(std::fs::read_to_string(&written[1]).unwrap(), "{\"id\":\"a\",\"roll\":\"007\"}\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_table_that_no_workbook_holds_leaves_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let table = Table::create(path.clone(), &["id"; 20_000]).unwrap();
        assert!(table.finish(&[TableFormat::Xlsx]).unwrap() == [path]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        for (format, name) in BOTH.into_iter().zip(["t.jsonl", "t.xlsx"]) {
            let dir = tempfile::tempdir().unwrap();
            let (source, csv) = (dir.path().join("source"), dir.path().join("t.csv"));
            std::fs::write(&source, "\"id\"\n\"a\"\n").unwrap();
            std::os::unix::fs::symlink("/dev/full", dir.path().join(format!("{name}.partial"))).unwrap();
            let error = write_beside(&source, &csv, &[format]).unwrap_err();
            assert_eq!((error.path, error.source.kind()), (dir.path().join(name), io::ErrorKind::StorageFull));
            assert!(!dir.path().join(name).exists());
        }
    }
}
