//! What a journal holds: where each sheet's last line lies. The lines themselves stay on disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::Deserialize;

use super::line::{EndLine, FolderLine, Line, RunLine, Setting, SheetLine, Stamp};
use crate::digest::Digest;
use crate::images::Image;
use crate::os_names;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read or written.
    #[error("the journal `{}` cannot be used: {source}", path.display())]
    Unreadable {
        /// Where it lies.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is none of this program's.
    #[error(
        "the journal `{}` has in line {number} what this version does not know: {what}; without --resume all sheets are read anew",
        path.display()
    )]
    Strange {
        /// Where it lies.
        path: PathBuf,
        /// The line, counted from 1.
        number: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// What a journal holds.
#[derive(Debug)]
pub struct Known {
    path: PathBuf,
    file: Mutex<Option<File>>,
    /// Bytes up to the end of the last whole line.
    length: u64,
    run: Option<RunLine>,
    end: Option<EndLine>,
    settings: BTreeMap<Digest, Setting>,
    folders: BTreeMap<PathBuf, KnownFolder>,
    /// Lines that later ones have replaced.
    replaced: usize,
}

/// A folder that a journal knows.
#[derive(Debug, Default)]
struct KnownFolder {
    line: Option<FolderLine>,
    /// Those of other settings, by which sheets may have been read that are not read any more.
    earlier: Vec<FolderLine>,
    sheets: HashMap<OsString, KnownSheet>,
}

#[derive(Debug)]
struct KnownSheet {
    image: Image,
    /// Its file as it was read; `None`: it could not be.
    stamp: Option<Stamp>,
    setting: Digest,
    at: u64,
    length: usize,
}

/// A sheet's line as far as the index needs it.
#[derive(Deserialize)]
struct SheetKey {
    #[serde(with = "os_names::below")]
    place: PathBuf,
    image: Image,
    source: Option<Stamp>,
    setting: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Entry {
    Run(RunLine),
    Setting(Setting),
    Folder(FolderLine),
    Sheet(SheetKey),
    End(EndLine),
}

impl Known {
    /// What the journal of an output folder holds; nothing if there is none.
    ///
    /// # Errors
    /// [`JournalError`]. A last line that is not whole is none: the run was ended while it wrote it.
    pub fn of(output: &Path) -> Result<Self, JournalError> {
        let path = super::file_of(output);
        let mut known = Self {
            path: path.clone(),
            file: Mutex::new(None),
            length: 0,
            run: None,
            end: None,
            settings: BTreeMap::new(),
            folders: BTreeMap::new(),
            replaced: 0,
        };
        let unreadable = |source| JournalError::Unreadable { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(known),
            Err(e) => return Err(unreadable(e)),
        };
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            reader.read_until(b'\n', &mut line).map_err(unreadable)?;
            if line.last() != Some(&b'\n') {
                break;
            }
            let what = known.take(&line).map_err(|e| e.to_string());
            what.map_err(|what| JournalError::Strange { path: path.clone(), number, what })?;
            known.length += line.len() as u64;
        }
        known.file = Mutex::new(Some(reader.into_inner()));
        Ok(known)
    }

    fn take(&mut self, line: &[u8]) -> serde_json::Result<()> {
        match serde_json::from_slice(line)? {
            Entry::Run(run) => {
                (self.run, self.end) = (Some(run), None);
                self.replaced += 1;
            }
            Entry::End(end) => {
                self.end = Some(end);
                self.replaced += 1;
            }
            Entry::Setting(setting) => {
                self.replaced += usize::from(self.settings.insert(setting.id, setting).is_some())
            }
            Entry::Folder(folder) => {
                let setting = folder.setting;
                let known = self.folders.entry(folder.place.clone()).or_default();
                let before = known.earlier.len();
                known.earlier.retain(|line| line.setting != setting);
                self.replaced += before - known.earlier.len();
                match known.line.replace(folder) {
                    Some(line) if line.setting != setting => known.earlier.push(line),
                    replaced => self.replaced += usize::from(replaced.is_some()),
                }
            }
            Entry::Sheet(SheetKey { place, image, source: stamp, setting }) => {
                let sheet = KnownSheet { at: self.length, length: line.len(), image, stamp, setting };
                let folder = match self.folders.get_mut(&place) {
                    Some(folder) => folder,
                    None => self.folders.entry(place).or_default(),
                };
                self.replaced += usize::from(folder.sheets.insert(sheet.image.name().to_owned(), sheet).is_some());
            }
        }
        Ok(())
    }

    /// Bytes up to the end of the last whole line.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The run that began last.
    pub fn run(&self) -> Option<&RunLine> {
        self.run.as_ref()
    }

    /// How it ended, if it has all its sheets.
    pub fn end(&self) -> Option<EndLine> {
        self.end
    }

    /// All that sheets were read by.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.settings.values()
    }

    /// What sheets were read by.
    pub fn setting(&self, id: &Digest) -> Option<&Setting> {
        self.settings.get(id)
    }

    /// The folders, in the order of their places. One without a line of its own was never begun.
    pub fn folders(&self) -> impl Iterator<Item = &FolderLine> {
        self.folders.values().filter_map(|folder| folder.line.as_ref())
    }

    /// A folder.
    pub fn folder(&self, place: &Path) -> Option<&FolderLine> {
        self.folders.get(place)?.line.as_ref()
    }

    /// A folder as it was when sheets were read by a setting.
    pub fn folder_by(&self, place: &Path, setting: &Digest) -> Option<&FolderLine> {
        let folder = self.folders.get(place)?;
        folder.line.iter().chain(&folder.earlier).find(|line| line.setting == *setting)
    }

    /// The images of a folder's sheets that are done, in input order.
    pub fn images(&self, place: &Path) -> Vec<&Image> {
        let sheets = self.folders.get(place).map(|folder| folder.sheets.values());
        let mut images: Vec<&Image> = sheets.into_iter().flatten().map(|sheet| &sheet.image).collect();
        images.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        images
    }

    /// All sheets that are done, with the places of their folders, in any order.
    pub fn all_images(&self) -> impl Iterator<Item = (&Path, &Image)> {
        self.folders
            .iter()
            .flat_map(|(place, folder)| folder.sheets.values().map(|sheet| (place.as_path(), &sheet.image)))
    }

    /// The images of a folder's sheets whose files could be read, in input order.
    pub fn readable(&self, place: &Path) -> Vec<&Image> {
        let mut images = self.images(place);
        let sheets = self.folders.get(place).map(|folder| &folder.sheets);
        images.retain(|image| {
            sheets.and_then(|sheets| sheets.get(image.name())).is_some_and(|sheet| sheet.stamp.is_some())
        });
        images
    }

    /// A sheet's file as it was read, `None` if it could not be, and what it was read by; `None` for a sheet that is not known.
    pub fn stamp(&self, place: &Path, image: &OsStr) -> Option<(Option<Stamp>, Digest)> {
        self.folders.get(place)?.sheets.get(image).map(|sheet| (sheet.stamp, sheet.setting))
    }

    /// Are most lines of no use any more?
    pub fn is_untidy(&self) -> bool {
        let of_use: usize = self.folders.values().map(|folder| folder.sheets.len() + folder.earlier.len() + 1).sum();
        self.replaced > of_use
    }

    /// The line of a sheet that is done, for the tables of a folder. If it was read when other questions were asked there, it tells
    /// nothing of those of now.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn sheet(&self, folder: &FolderLine, image: &OsStr) -> Result<Option<SheetLine>, JournalError> {
        let Some(sheet) = self.folders.get(&folder.place).and_then(|known| known.sheets.get(image)) else {
            return Ok(None);
        };
        let mut line = match serde_json::from_slice(&self.bytes(sheet)?) {
            Ok(Line::Sheet(line)) => *line,
            Ok(_) => return Ok(None),
            Err(e) => return Err(self.unreadable(e.into())),
        };
        if line.setting != folder.setting
            && self.folder_by(&folder.place, &line.setting).is_none_or(|then| then.questions != folder.questions)
        {
            line.done.responses = None;
        }
        Ok(Some(line))
    }

    fn bytes(&self, sheet: &KnownSheet) -> Result<Vec<u8>, JournalError> {
        let mut bytes = vec![0; sheet.length];
        let mut file = self.file.lock();
        let Some(file) = file.as_mut() else { return Err(self.unreadable(io::ErrorKind::NotFound.into())) };
        file.seek(SeekFrom::Start(sheet.at))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| self.unreadable(e))?;
        Ok(bytes)
    }

    fn unreadable(&self, source: io::Error) -> JournalError {
        JournalError::Unreadable { path: self.path.clone(), source }
    }

    /// Writes what is still of use: all settings, the sheets that are kept, and their folders, in the order of these.
    pub(super) fn copy(
        &self,
        to: &mut impl Write,
        is_kept: impl Fn(&Path, &Image) -> bool,
    ) -> Result<(), JournalError> {
        fn put(to: &mut impl Write, line: Line) -> io::Result<()> {
            let mut bytes = serde_json::to_vec(&line)?;
            bytes.push(b'\n');
            to.write_all(&bytes)
        }
        let failed = |e| self.unreadable(e);
        self.run.iter().try_for_each(|run| put(to, Line::Run(run.clone()))).map_err(failed)?;
        self.settings().try_for_each(|setting| put(to, Line::Setting(setting.clone()))).map_err(failed)?;
        for (place, folder) in &self.folders {
            let images = self.images(place).into_iter().filter(|image| is_kept(place, image));
            let sheets: Vec<&KnownSheet> = images.filter_map(|image| folder.sheets.get(image.name())).collect();
            if sheets.is_empty() {
                continue;
            }
            let settings: HashSet<Digest> = sheets.iter().map(|sheet| sheet.setting).collect();
            let earlier = folder.earlier.iter().filter(|line| settings.contains(&line.setting));
            earlier.chain(&folder.line).try_for_each(|line| put(to, Line::Folder(line.clone()))).map_err(failed)?;
            for sheet in sheets {
                to.write_all(&self.bytes(sheet)?).map_err(failed)?;
            }
        }
        Ok(())
    }
}
