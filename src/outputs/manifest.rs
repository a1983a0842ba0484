//! `manifest.json`: digests of all that was read, of all that decided how, and of all that was written. It holds nothing of the day,
//! the machine or the output folder's name: the same inputs give the same manifest.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::journal::{Document, FolderLine, JournalError, Known};
use super::{OutputError, ledger, table};
use crate::digest::Digest;
use crate::file_names::as_cell;
use crate::shard::Shard;

/// Its name in the output folder.
pub const NAME: &str = "manifest.json";

/// Why it could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The journal, which knows what was read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// A file with its digest; `None` if it could not be read.
#[derive(Serialize)]
struct Entry {
    path: String,
    bytes: Option<u64>,
    sha256: Option<Digest>,
}

/// Writes the manifest of an output folder whose journal and list of files are finished.
///
/// # Errors
/// [`ManifestError`].
pub fn write(output: &Path) -> Result<(), ManifestError> {
    let known = Known::of(output)?;
    let path = output.join(NAME);
    let partial = table::partial(&path);
    let failed = |e| OutputError::at(&path)(e);
    let mut to = BufWriter::new(File::create(&partial).map_err(failed)?);
    let mut folders: Vec<&FolderLine> = known.folders().collect();
    folders.sort_by(|a, b| a.order().cmp(&b.order()));

    let shard: Option<Shard> = known.run().and_then(|run| run.shard);
    let head = format!("{{\"omr\":{},\n\"shard\":{},\n", json(&env!("CARGO_PKG_VERSION")), json(&shard));
    to.write_all(head.as_bytes()).map_err(failed)?;
    let mut settings = BTreeSet::new();
    let mut inputs = List::begin(&mut to, "inputs").map_err(failed)?;
    let mut last = String::new();
    for folder in folders {
        for image in known.images(&folder.place) {
            let Some(sheet) = known.sheet(folder, image.name())? else { continue };
            settings.insert(sheet.setting);
            // Pages of a file follow each other.
            if sheet.input != last {
                let (bytes, sha256) = sheet.source.map(|source| (source.stamp.bytes, source.sha256)).unzip();
                inputs.put(&Entry { path: sheet.input.clone(), bytes, sha256 }).map_err(failed)?;
                last = sheet.input;
            }
        }
    }
    inputs.end().map_err(failed)?;
    let settings: Vec<_> = settings.iter().filter_map(|id| known.setting(id)).collect();
    let documents: BTreeSet<&Document> = settings.iter().flat_map(|setting| &setting.documents).collect();
    let mut list = List::begin(&mut to, "documents").map_err(failed)?;
    documents.iter().try_for_each(|document| list.put(document)).map_err(failed)?;
    list.end().map_err(failed)?;
    let options: BTreeSet<&str> = settings.iter().map(|setting| setting.options.as_str()).collect();
    let mut list = List::begin(&mut to, "options").map_err(failed)?;
    options.iter().filter(|options| !options.is_empty()).try_for_each(|options| list.put(options)).map_err(failed)?;
    list.end().map_err(failed)?;

    let mut written: Vec<PathBuf> = ledger::written_below(output).into_iter().collect();
    written.retain(|below| below.as_os_str() != NAME);
    written.sort();
    let mut outputs = List::begin(&mut to, "outputs").map_err(failed)?;
    for below in written {
        let file = output.join(&below);
        let bytes = fs::metadata(&file).ok().map(|metadata| metadata.len());
        let entry = Entry { path: as_cell(&below), bytes, sha256: Digest::of_file(&file).ok() };
        outputs.put(&entry).map_err(failed)?;
    }
    outputs.end().map_err(failed)?;
    to.write_all(b"\"end\":true}\n").and_then(|()| to.flush()).map_err(failed)?;
    to.get_ref().sync_all().map_err(failed)?;
    drop(to);
    Ok(fs::rename(&partial, &path).map_err(failed)?)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A member that is an array, an element a line.
struct List<'w, W> {
    to: &'w mut W,
    is_empty: bool,
}

impl<'w, W: Write> List<'w, W> {
    fn begin(to: &'w mut W, name: &str) -> io::Result<Self> {
        write!(to, "{}:[", json(&name))?;
        Ok(Self { to, is_empty: true })
    }

    fn put(&mut self, element: &impl Serialize) -> io::Result<()> {
        self.to.write_all(if self.is_empty { b"\n" } else { b",\n" })?;
        self.is_empty = false;
        serde_json::to_writer(&mut *self.to, element).map_err(io::Error::from)
    }

    fn end(self) -> io::Result<()> {
        self.to.write_all(if self.is_empty { b"],\n" } else { b"\n],\n" })
    }
}
