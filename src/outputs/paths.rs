//! Names and places of everything that is written, decided before the first sheet is read.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::file_names::{STATE_FOLDER, extension};
use crate::sheet::PictureFormat;

/// Where the outputs of one folder go.
#[derive(Debug, Clone)]
pub struct FolderPaths {
    /// The output folder.
    root: PathBuf,
    /// The folder's place below it.
    place: PathBuf,
    /// The marked picture's name of each image where it is another than [`usual_name`] gives it.
    renamed: HashMap<OsString, OsString>,
    /// What the files about an image are called by, where that is not its stem.
    called: HashMap<OsString, OsString>,
}

/// What explanation tables are called after the sheet's name.
const EXPLANATION: &str = "_evaluation.csv";

/// The folder of pictures of the layout.
const LAYOUT: &str = "Layout";

/// Is this a picture of a layout? A path below the output folder.
pub fn is_layout(path: &Path) -> bool {
    // Folders that are named after an input folder hold no files themselves, and groups may have any name.
    let is_grouped = path.components().any(|part| part.as_os_str() == ORGANIZED);
    path.parent().and_then(Path::file_name) == Some(OsStr::new(LAYOUT)) && !is_grouped
}

/// The folder of grouped sheets.
pub const ORGANIZED: &str = "organized";

/// The places below an output folder that have a Results.csv, in input order.
///
/// # Errors
/// The folder that cannot be listed, and what the system says.
pub fn places_with_results(root: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut places = Vec::new();
    find_results(root, Path::new(""), &mut places)?;
    Ok(places)
}

fn find_results(root: &Path, place: &Path, places: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let dir = root.join(place);
    let fail = |e: io::Error| (dir.clone(), e);
    if dir.join("Results").join("Results.csv").is_file() {
        places.push(place.to_path_buf());
    }
    let mut below = Vec::new();
    for entry in fs::read_dir(&dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_type().map_err(fail)?.is_dir() && entry.file_name() != STATE_FOLDER {
            below.push(entry.file_name());
        }
    }
    below.sort();
    below.iter().try_for_each(|name| find_results(root, &place.join(name), places))
}

/// A marked picture's name and format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureName {
    /// File name in CheckedOMRs.
    pub name: OsString,
    /// Format of its content.
    pub format: PictureFormat,
}

impl FolderPaths {
    /// Decides the names of the outputs of a folder with images of these names, at `place` below the output folder. Only
    /// names that differ from the usual ones are kept.
    pub fn of<'n>(output: &Path, place: &Path, images: impl Iterator<Item = &'n OsStr> + Clone) -> Self {
        let mut renamed = HashMap::new();
        let mut others = images.clone().filter(|n| !keeps_its_name(n)).peekable();
        let own: HashSet<&OsStr> = match others.peek() {
            Some(_) => images.clone().filter(|n| keeps_its_name(n)).collect(),
            None => HashSet::new(),
        };
        let mut given: HashSet<OsString> = HashSet::new();
        for image in others {
            let mut name = usual_name(image);
            let mut n = 2;
            // `a.bmp` becomes `a.bmp.jpg`, unless a sheet of that name lies beside it.
            while own.contains(name.as_os_str()) || given.contains(&name) {
                name = with_suffix(image, &format!("-{n}.jpg"));
                n += 1;
            }
            if name != usual_name(image) {
                renamed.insert(image.to_owned(), name.clone());
            }
            given.insert(name);
        }
        Self { root: output.to_path_buf(), place: place.to_path_buf(), renamed, called: called_otherwise(images) }
    }

    /// The output folder.
    pub fn output(&self) -> &Path {
        &self.root
    }

    /// The folder's place below the output folder.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// A path below the output folder, for writing.
    pub fn on_disk(&self, below: &Path) -> PathBuf {
        self.root.join(below)
    }

    /// `Results/Results.csv`, below the output folder.
    pub fn results(&self) -> PathBuf {
        self.place.join("Results").join("Results.csv")
    }

    /// `Results/Confidence.csv`, below the output folder.
    pub fn confidence(&self) -> PathBuf {
        self.place.join("Results").join("Confidence.csv")
    }

    /// The folder of pictures of doubtful fields, below the output folder.
    pub fn crops(&self) -> PathBuf {
        self.place.join("Manual").join("Review")
    }

    /// The folder of pictures of doubtful fields of the image named `image`, below the output folder.
    pub fn crops_of(&self, image: &OsStr) -> PathBuf {
        self.crops().join(image)
    }

    /// A file of `Manual/`, below the output folder.
    pub fn manual(&self, name: &str) -> PathBuf {
        self.place.join("Manual").join(name)
    }

    /// The folder of marked pictures, below the output folder.
    pub fn pictures(&self) -> PathBuf {
        self.place.join("CheckedOMRs")
    }

    /// The folder of marked pictures in colour, below the output folder.
    pub fn coloured(&self) -> PathBuf {
        self.pictures().join("colored")
    }

    /// The folder of pictures of the layout, below the output folder.
    pub fn layouts(&self) -> PathBuf {
        self.place.join(LAYOUT)
    }

    /// The picture of the layout on the page of the image named `image`, below the output folder.
    pub fn layout(&self, image: &OsStr) -> PathBuf {
        self.layouts().join(with_suffix(image, ".png"))
    }

    /// The folder of grouped sheets, below the output folder.
    pub fn organized(&self) -> PathBuf {
        self.place.join(ORGANIZED)
    }

    /// The folder of explanation tables, below the output folder.
    pub fn explanations(&self) -> PathBuf {
        self.place.join("Evaluation")
    }

    /// The explanation table of the image named `image`, below the output folder.
    pub fn explanation(&self, image: &OsStr) -> PathBuf {
        self.explanations().join(self.about(image, EXPLANATION))
    }

    /// The folder of stage pictures, below the output folder.
    pub fn stacks(&self) -> PathBuf {
        self.pictures().join("stack")
    }

    /// The stage pictures of the image named `image` that `save_image_level` asks for; below the output folder.
    pub fn stack(&self, image: &OsStr, level: u8) -> PathBuf {
        self.stacks().join(self.about(image, &format!("_{level}_stack.jpg")))
    }

    /// The name of a file about an image: its stem and a suffix.
    fn about(&self, image: &OsStr, suffix: &str) -> OsString {
        with_suffix(self.called.get(image).map_or(stem(image), OsString::as_os_str), suffix)
    }

    /// Name and format of the marked picture of the image named `image`.
    pub fn picture(&self, image: &OsStr) -> PictureName {
        let format = match extension(image).as_deref() {
            Some("png") => PictureFormat::Png,
            _ => PictureFormat::Jpeg,
        };
        PictureName { name: self.renamed.get(image).cloned().unwrap_or_else(|| usual_name(image)), format }
    }
}

/// Pictures of JPEG and PNG sheets have the sheet's name; every other has `.jpg` added.
fn keeps_its_name(name: &OsStr) -> bool {
    matches!(extension(name).as_deref(), Some("png" | "jpg" | "jpeg"))
}

/// The name of an image's marked picture, unless another sheet has it.
fn usual_name(image: &OsStr) -> OsString {
    if keeps_its_name(image) { image.to_owned() } else { with_suffix(image, ".jpg") }
}

/// The image's name without its extension.
fn stem(image: &OsStr) -> &OsStr {
    Path::new(image).file_stem().unwrap_or(image)
}

/// What images that share their stem are called by: their whole name, and a number where that is another image's stem.
fn called_otherwise<'n>(images: impl Iterator<Item = &'n OsStr> + Clone) -> HashMap<OsString, OsString> {
    // Nearly never does any: a sorted list takes a quarter of the memory of a count of each.
    let mut stems: Vec<&OsStr> = images.clone().map(stem).collect();
    stems.sort_unstable();
    if stems.windows(2).all(|pair| pair[0] != pair[1]) {
        return HashMap::new();
    }
    let mut owners: HashMap<&OsStr, usize> = HashMap::new();
    for image in images.clone() {
        *owners.entry(stem(image)).or_default() += 1;
    }
    let mut called = HashMap::new();
    for image in images.filter(|image| owners.get(stem(image)).is_some_and(|&n| n > 1)) {
        let mut name = image.to_owned();
        let mut n = 2;
        while owners.contains_key(name.as_os_str()) {
            name = with_suffix(image, &format!("-{n}"));
            n += 1;
        }
        called.insert(image.to_owned(), name);
    }
    called
}

/// The name with a suffix, cut in front of it to what file systems hold.
pub(super) fn with_suffix(name: &OsStr, suffix: &str) -> OsString {
    const LONGEST: usize = 255;
    let mut whole = name.to_owned();
    whole.push(suffix);
    if whole.len() <= LONGEST {
        return whole;
    }
    let text = name.to_string_lossy();
    let mut end = text.len().min(LONGEST.saturating_sub(suffix.len()));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &text[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(images: &[&str]) -> FolderPaths {
        FolderPaths::of(Path::new("out"), Path::new("sub"), images.iter().map(OsStr::new))
    }

    #[test]
    fn pictures_keep_the_name_of_png_and_jpeg_sheets() {
        let paths = paths(&["a.PNG", "b.jpeg", "c.tif"]);
        let of = |name: &str| paths.picture(OsStr::new(name));
        assert_eq!(of("a.PNG"), PictureName { name: "a.PNG".into(), format: PictureFormat::Png });
        assert_eq!(of("b.jpeg"), PictureName { name: "b.jpeg".into(), format: PictureFormat::Jpeg });
        assert_eq!(of("c.tif"), PictureName { name: "c.tif.jpg".into(), format: PictureFormat::Jpeg });
    }

    #[test]
    fn explanations_are_named_by_the_stem_where_one_sheet_has_it() {
        let images = ["a.jpg", "b.jpg", "b.png", "b.jpg.png", ".png"];
        let paths = paths(&images);
        let names: Vec<_> = images.iter().map(|name| paths.explanation(OsStr::new(name))).collect();
        let expected = ["a", "b.jpg-2", "b.png", "b.jpg", ".png"];
        assert_eq!(names, expected.map(|name| PathBuf::from(format!("sub/Evaluation/{name}_evaluation.csv"))));
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (one, two) = (format!("{}1.tif", "é".repeat(125)), format!("{}2.tif", "é".repeat(125)));
        let paths = paths(&[&one, &two]);
        let of = |name: &str| paths.picture(OsStr::new(name)).name;
        assert!(of(&one).len() <= 255 && of(&two).len() <= 255);
        assert_ne!(of(&one), of(&two));
    }

    #[test]
    fn no_two_pictures_share_a_name() {
        let paths = paths(&["a.bmp", "a.bmp.jpg", "a.bmp-2.jpg"]);
        assert_eq!(paths.picture(OsStr::new("a.bmp")).name, "a.bmp-3.jpg");
    }
}
