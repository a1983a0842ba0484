//! The files about one sheet besides its rows: marked pictures, crops, stages, the explanation. Saved by workers, in any order,
//! under names that the plan has fixed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::OutputError;
use super::cells::Cells;
use super::crops::CropNames;
use super::done::Written;
use super::paths::FolderPaths;
use super::table;
use crate::scoring;
use crate::sheet::Crop;

/// Saves what belongs to one sheet, and remembers what it saved.
#[derive(Debug)]
pub struct SheetFiles<'f> {
    paths: &'f FolderPaths,
    image: &'f OsStr,
    written: Vec<Written>,
}

impl<'f> SheetFiles<'f> {
    /// For the image named `image`.
    pub fn of(paths: &'f FolderPaths, image: &'f OsStr) -> Self {
        Self { paths, image, written: Vec::new() }
    }

    /// What was saved.
    pub fn written(self) -> Vec<Written> {
        self.written
    }

    /// Saves the marked picture.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn save_picture(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.save(self.paths.pictures().join(self.paths.picture(self.image).name), bytes)
    }

    /// Saves the marked picture in colour.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn save_coloured(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.save(self.paths.coloured().join(self.paths.picture(self.image).name), bytes)
    }

    /// Saves the stage pictures that `save_image_level` asks for.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn save_stack(&mut self, level: u8, bytes: &[u8]) -> Result<(), OutputError> {
        self.save(self.paths.stack(self.image, level), bytes)
    }

    /// Where the pictures of doubtful fields go, below the output folder.
    pub fn crops(&self, names: &CropNames, crops: &[Crop]) -> Vec<PathBuf> {
        let folder = self.paths.crops_of(self.image);
        crops.iter().map(|crop| folder.join(names.name(&crop.field))).collect()
    }

    /// Saves the pictures of doubtful fields, `files` as [`SheetFiles::crops`] names them.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn save_crops(&mut self, files: Vec<PathBuf>, crops: &[Crop]) -> Result<(), OutputError> {
        if !crops.is_empty() {
            let folder = self.paths.on_disk(&self.paths.crops_of(self.image));
            std::fs::create_dir_all(&folder).map_err(OutputError::at(folder))?;
        }
        files.into_iter().zip(crops).try_for_each(|(file, crop)| self.save(file, &crop.png))
    }

    /// Writes the explanation table.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn save_explanation(&mut self, explanation: &scoring::Table, cells: Cells) -> Result<(), OutputError> {
        let bytes = table::whole(&explanation.header, &cells.explanation(explanation));
        let below = self.paths.explanation(self.image);
        self.save(below.clone(), &bytes.map_err(OutputError::at(self.paths.on_disk(&below)))?)
    }

    fn save(&mut self, below: PathBuf, bytes: &[u8]) -> Result<(), OutputError> {
        save(&self.paths.on_disk(&below), bytes)?;
        self.written.push(Written { path: below, bytes: bytes.len() as u64 });
        Ok(())
    }
}

/// Copies a file about a sheet from the output folder of another run, and leaves none that is not whole.
///
/// # Errors
/// What the system says of reading it; inside, that it could not be written.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<Result<(), OutputError>> {
    let mut source = std::fs::File::open(from)?;
    let written = std::fs::File::create(to).and_then(|mut file| std::io::copy(&mut source, &mut file));
    Ok(written.map(drop).map_err(|source| {
        let _gone = std::fs::remove_file(to);
        OutputError { path: to.to_path_buf(), source }
    }))
}

/// Writes a file, and leaves none that is not whole.
fn save(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    std::fs::write(path, bytes).map_err(|source| {
        // Half a picture is worth nothing, and its space may be what the rows need.
        let _gone = std::fs::remove_file(path);
        OutputError { path: path.to_path_buf(), source }
    })
}
