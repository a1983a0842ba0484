//! One CSV file that grows row by row and takes its place when it is whole.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::OutputError;
use super::also;
use crate::cli::TableFormat;

/// A CSV file in the making: every cell quoted, LF, UTF-8. Rows go to `<name>.partial`, each whole in one write;
/// [`Table::finish`] puts the file in its place in one step.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    file: Mutex<File>,
}

impl Table {
    /// Starts the file with its header.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: PathBuf, header: &[&str]) -> io::Result<Self> {
        let file = File::create(partial(&path))?;
        let table = Self { path, file: Mutex::new(file) };
        table.append(header)?;
        Ok(table)
    }

    /// Appends a row.
    ///
    /// # Errors
    /// What the system says.
    pub fn append<S: AsRef<[u8]>>(&self, cells: &[S]) -> io::Result<()> {
        append_whole(&mut self.file.lock(), &line(cells)?)
    }

    /// Puts the file in its place, and the same table in other formats beside it. All of them are on the disk before they
    /// have their names. Says which files they are, the CSV first.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn finish(self, also: &[TableFormat]) -> Result<Vec<PathBuf>, OutputError> {
        let partial = partial(&self.path);
        self.file.into_inner().sync_all().map_err(OutputError::at(&self.path))?;
        let others = also::write_beside(&partial, &self.path, also)?;
        std::fs::rename(partial, &self.path).map_err(OutputError::at(&self.path))?;
        Ok(std::iter::once(self.path).chain(others).collect())
    }
}

/// A small table as text.
///
/// # Errors
/// None that is known: rows in memory can be written.
pub fn whole(header: &[&str], rows: &[Vec<String>]) -> io::Result<Vec<u8>> {
    let mut bytes = line(header)?;
    for row in rows {
        bytes.extend(line(row)?);
    }
    Ok(bytes)
}

/// Writes `bytes` at the end of `file`, all or none of them: what a full disk cuts off in the middle is taken back.
///
/// # Errors
/// What the system says.
pub fn append_whole(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        let error = match file.write(left) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(n) => {
                left = left.get(n..).unwrap_or_default();
                continue;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => e,
        };
        let torn = (bytes.len() - left.len()) as u64;
        let whole = file.metadata()?.len().saturating_sub(torn);
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        return Err(error);
    }
    Ok(())
}

/// `<name>.partial`, beside the file.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// A row as text. One empty cell alone is `""`, which `csv` would not write of itself.
fn line<S: AsRef<[u8]>>(cells: &[S]) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::with_capacity(256));
    writer.write_record(cells)?;
    writer.into_inner().map_err(|e| io::Error::other(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_quoted() {
        assert_eq!(line(&["a", "", "b\"c", "d,e\nf"]).unwrap(), b"\"a\",\"\",\"b\"\"c\",\"d,e\nf\"\n");
    }

    #[test]
    fn the_file_takes_its_place_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let table = Table::create(path.clone(), &["x"]).unwrap();
        table.append(&["1"]).unwrap();
        assert!(!path.exists());
        assert_eq!(std::fs::read_to_string(partial(&path)).unwrap(), "\"x\"\n\"1\"\n");
        assert_eq!(table.finish(&[]).unwrap(), [path.as_path()]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "\"x\"\n\"1\"\n");
        assert!(!partial(&path).exists());
    }
}
