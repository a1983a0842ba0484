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
    /// What they, and the folder of its crops, are called by where that is too long.
    cut: Cut,
}

/// What files about images are called by where what they would be called by is too long for a name: by image, and by kind of file,
/// since what a name ends in is never cut.
#[derive(Debug, Clone, Default)]
struct Cut {
    explanations: HashMap<OsString, OsString>,
    stacks: HashMap<OsString, OsString>,
    layouts: HashMap<OsString, OsString>,
    crops: HashMap<OsString, OsString>,
}

/// So many bytes of a name file systems hold.
const LONGEST: usize = 255;

/// What explanation tables are called after the sheet's name.
const EXPLANATION: &str = "_evaluation.csv";

/// What pictures of the layout have after the sheet's name.
const LAYOUT_PICTURE: &str = ".png";

/// What stage pictures that are saved at this level have after the sheet's name.
fn stack_suffix(level: u8) -> String {
    format!("_{level}_stack.jpg")
}

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
        let called = called_otherwise(images.clone());
        let cut = Cut::of(images, &called);
        Self { root: output.to_path_buf(), place: place.to_path_buf(), renamed, called, cut }
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
        self.crops().join(self.cut.crops.get(image).map_or(image, OsString::as_os_str))
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
        self.layouts().join(with_suffix(self.cut.layouts.get(image).map_or(image, OsString::as_os_str), LAYOUT_PICTURE))
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
        self.explanations().join(self.about(image, &self.cut.explanations, EXPLANATION))
    }

    /// The folder of stage pictures, below the output folder.
    pub fn stacks(&self) -> PathBuf {
        self.pictures().join("stack")
    }

    /// The stage pictures of the image named `image` that `save_image_level` asks for; below the output folder.
    pub fn stack(&self, image: &OsStr, level: u8) -> PathBuf {
        self.stacks().join(self.about(image, &self.cut.stacks, &stack_suffix(level)))
    }

    /// What a file about an image is called now, which was called `below` when other images lay beside it.
    pub fn called_now(&self, image: &OsStr, below: &Path) -> PathBuf {
        let (folder, name) = (below.parent().unwrap_or(below), below.file_name().unwrap_or_default());
        if folder == self.pictures() || folder == self.coloured() {
            return folder.join(self.picture(image).name);
        }
        if folder == self.explanations() {
            return self.explanation(image);
        }
        let is_of = |level: &u8| name.as_encoded_bytes().ends_with(stack_suffix(*level).as_bytes());
        match (0..=u8::MAX).find(is_of).filter(|_| folder == self.stacks()) {
            Some(level) => self.stack(image, level),
            None => below.to_path_buf(),
        }
    }

    /// The name of a file about an image: its stem and a suffix.
    fn about(&self, image: &OsStr, cut: &HashMap<OsString, OsString>, suffix: &str) -> OsString {
        let called = cut.get(image).or_else(|| self.called.get(image));
        with_suffix(called.map_or(stem(image), OsString::as_os_str), suffix)
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

impl Cut {
    fn of<'n>(images: impl Iterator<Item = &'n OsStr> + Clone, called: &HashMap<OsString, OsString>) -> Self {
        let called = |image: &'n OsStr| called.get(image).map_or_else(|| stem(image).to_owned(), Clone::clone);
        let whole = |image: &'n OsStr| image.to_owned();
        Self {
            explanations: cut(images.clone(), called, LONGEST - EXPLANATION.len()),
            stacks: cut(images.clone(), called, LONGEST - stack_suffix(0).len()),
            layouts: cut(images.clone(), whole, LONGEST - LAYOUT_PICTURE.len()),
            crops: cut(images, whole, LONGEST),
        }
    }
}

/// What images are called by instead, of those that are `called` by more bytes than `most`: cut, with their page's number at the end,
/// and a number of their own where that is what another is called by.
fn cut<'n>(
    images: impl Iterator<Item = &'n OsStr> + Clone,
    called: impl Fn(&'n OsStr) -> OsString,
    most: usize,
) -> HashMap<OsString, OsString> {
    // Nearly never is any: nothing is copied for a look at it.
    let is_long = |image: &&'n OsStr| image.len() > most / 2 && called(image).len() > most;
    let mut long = images.clone().filter(is_long).peekable();
    if long.peek().is_none() {
        return HashMap::new();
    }
    let mut taken: HashSet<OsString> =
        images.clone().filter(|image| !is_long(image)).map(&called).filter(|name| name.len() > most / 2).collect();
    // Where many are cut to the same, counting from the beginning for each would take the square of the time.
    let mut counts: HashMap<OsString, usize> = HashMap::new();
    let mut cut = HashMap::new();
    for image in long {
        let whole = called(image);
        let text = whole.to_string_lossy();
        let (front, page) = text.split_at(page_part(&text));
        let usual = ending_in(front, page, most);
        let count = counts.entry(usual.clone()).or_insert(1);
        let mut name = usual;
        while !taken.insert(name.clone()) {
            *count += 1;
            name = ending_in(front, &format!("-{count}{page}"), most);
        }
        cut.insert(image.to_owned(), name);
    }
    cut
}

/// Where in an image's name the number of its page begins, `-p001`; its end where it has none.
fn page_part(name: &str) -> usize {
    let front = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match front.strip_suffix("-p") {
        Some(file) if name.len() - front.len() >= 3 => file.len(),
        _ => name.len(),
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
    let mut given: HashSet<OsString> = HashSet::new();
    for image in images.filter(|image| owners.get(stem(image)).is_some_and(|&n| n > 1)) {
        let mut name = image.to_owned();
        let mut n = 2;
        while owners.contains_key(name.as_os_str()) || given.contains(&name) {
            name = with_suffix(image, &format!("-{n}"));
            n += 1;
        }
        given.insert(name.clone());
        called.insert(image.to_owned(), name);
    }
    called
}

/// The name with a suffix, cut in front of it to what file systems hold.
pub(super) fn with_suffix(name: &OsStr, suffix: &str) -> OsString {
    let mut whole = name.to_owned();
    whole.push(suffix);
    if whole.len() <= LONGEST { whole } else { ending_in(&name.to_string_lossy(), suffix, LONGEST) }
}

/// The text with a suffix, at most so many bytes long: cut in front of the suffix.
fn ending_in(text: &str, suffix: &str, most: usize) -> OsString {
    let mut end = text.len().min(most.saturating_sub(suffix.len()));
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

    /// All names of files and folders about an image.
    fn about(paths: &FolderPaths, image: &str) -> Vec<String> {
        let image = OsStr::new(image);
        let all = [paths.crops_of(image), paths.explanation(image), paths.stack(image, 3), paths.layout(image)];
        all.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn files_about_sheets_with_long_names_are_cut_and_stay_apart() {
        // Alike in their first 249 bytes; pages of a file whose own name just fits; one that is called what another is cut to.
        let mut images: Vec<String> = (0..5).map(|i| format!("{}é{i}.jpg", "x".repeat(247))).collect();
        images.extend((1..=4).map(|page| format!("{}.pdf-p{page:03}", "y".repeat(251))));
        images.extend((999..=1001).map(|page| format!("{}.tif-p{page:03}", "é".repeat(125))));
        images.push(format!("{}.jpg", "x".repeat(240)));
        images.push(format!("{}-2.jpg", "x".repeat(238)));
        let paths = paths(&images.iter().map(String::as_str).collect::<Vec<_>>());
        let all: Vec<Vec<String>> = images.iter().map(|image| about(&paths, image)).collect();
        for kind in 0..4 {
            let names: HashSet<&str> = all.iter().map(|names| names[kind].as_str()).collect();
            assert_eq!(names.len(), images.len(), "{names:?}");
            assert!(names.iter().all(|name| name.len() <= 255), "{names:?}");
        }
        // Pages keep their numbers, and what is not too long keeps its name.
        assert_eq!(all[7][0], format!("{}-p003", "y".repeat(250)));
        assert_eq!(all[7][1], format!("{}-p003_evaluation.csv", "y".repeat(235)));
        assert_eq!(all[0][0], images[0]);
        let short = format!("{}_evaluation.csv", "x".repeat(240));
        assert_eq!((all[12][0].as_str(), all[12][1].as_str()), (images[12].as_str(), short.as_str()));
    }

    #[test]
    fn usual_names_stay() {
        let longest = format!("{}.jpg", "x".repeat(240));
        let paths = paths(&[&longest, "scan.pdf-p001", "scan.pdf-p002", "b-p001.png"]);
        assert_eq!(
            about(&paths, "scan.pdf-p002"),
            ["scan.pdf-p002", "scan.pdf-p002_evaluation.csv", "scan.pdf-p002_3_stack.jpg", "scan.pdf-p002.png"]
        );
        assert_eq!(
            about(&paths, &longest)[1..3],
            [format!("{}_evaluation.csv", "x".repeat(240)), format!("{}_3_stack.jpg", "x".repeat(240))]
        );
        assert!(paths.cut.explanations.is_empty() && paths.cut.crops.is_empty() && paths.cut.layouts.is_empty());
    }

    #[test]
    fn no_two_sheets_are_called_alike() {
        let images = ["b.jpg", "b.png", "b.jpg.png", "b.jpg-2"];
        let paths = paths(&images);
        let names: HashSet<PathBuf> = images.iter().map(|name| paths.explanation(OsStr::new(name))).collect();
        assert_eq!(names.len(), images.len(), "{names:?}");
    }

    #[test]
    fn no_two_pictures_share_a_name() {
        let paths = paths(&["a.bmp", "a.bmp.jpg", "a.bmp-2.jpg"]);
        assert_eq!(paths.picture(OsStr::new("a.bmp")).name, "a.bmp-3.jpg");
    }
}
