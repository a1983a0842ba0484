//! What `--input` names: folders, files, or a list of both on stdin. Files become one more folder, that holds only them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::file_names::{DOCUMENTS, shown, tidy};

/// What stands for a list of paths on stdin.
const LIST: &str = "-";

/// Why inputs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The list cannot be read.
    #[error("the list of inputs on stdin cannot be read: {0}")]
    Unreadable(io::Error),
    /// A document is no sheet.
    #[error("the input `{}` is no sheet, but says how sheets are read; name its folder, or the sheets beside it", .0.display())]
    Document(PathBuf),
    /// A pipe or a device has no end that could be waited for.
    #[error("the input `{}` is no file but a pipe or a device, which is not read", .0.display())]
    Pipe(PathBuf),
    /// A path in the list leads nowhere.
    #[error("line {line} of the list on stdin: `{}` {what}", path.display())]
    Listed {
        /// Counted from 1.
        line: usize,
        /// As listed.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

/// The inputs that were typed, with what a list on stdin names in the place of `-`.
///
/// # Errors
/// The first path of the list that is not there, or a document that was typed.
pub fn named(typed: &[PathBuf]) -> Result<Vec<PathBuf>, InputError> {
    let mut list = None;
    if typed.iter().any(|path| path == Path::new(LIST)) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(InputError::Unreadable)?;
        list = Some(listed(&bytes)?);
    }
    let mut named = Vec::with_capacity(typed.len());
    for path in typed {
        match path == Path::new(LIST) {
            // Named twice, it is read once.
            true => named.extend(list.take().unwrap_or_default()),
            false if is_pipe(path) => return Err(InputError::Pipe(path.clone())),
            false if is_document(path) => return Err(InputError::Document(path.clone())),
            false => named.push(path.clone()),
        }
    }
    Ok(named)
}

/// Is it there, and neither a file nor a folder?
fn is_pipe(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Is it one of the files that say how sheets are read? In a list of all files of a tree they stand beside the sheets.
fn is_document(path: &Path) -> bool {
    path.file_name().is_some_and(|name| DOCUMENTS.iter().any(|document| name == *document)) && path.is_file()
}

/// The paths of a list: one a line, or with a NUL behind each if there is a NUL in it. Empty ones are passed over.
fn listed(bytes: &[u8]) -> Result<Vec<PathBuf>, InputError> {
    let end = if bytes.contains(&0) { 0 } else { b'\n' };
    let mut paths = Vec::new();
    for (i, line) in bytes.split(|&byte| byte == end).enumerate() {
        let line = if end == b'\n' { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let path = path_of(line);
        if is_pipe(&path) {
            return Err(InputError::Pipe(path));
        }
        if let Err(e) = path.metadata() {
            let what = match e.kind() {
                io::ErrorKind::NotFound => "does not exist".to_owned(),
                _ => format!("cannot be read: {e}"),
            };
            return Err(InputError::Listed { line: i + 1, path, what });
        }
        paths.push(path);
    }
    Ok(paths)
}

#[cfg(unix)]
fn path_of(line: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(line))
}

#[cfg(not(unix))]
fn path_of(line: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(line).into_owned())
}

/// Files of a folder and of those below it: nothing else in them is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen(BTreeSet<PathBuf>);

impl Chosen {
    /// All files, below the folder of all.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }

    /// What is chosen in the folder `below` the folder of all: names of files, and of folders with chosen files.
    pub fn within(&self, below: &Path) -> (Vec<OsString>, Vec<OsString>) {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        // Paths are ordered by their components: those below a folder follow it.
        let those = self.0.range(below.to_path_buf()..).take_while(|path| path.starts_with(below));
        for path in those {
            let mut rest = path.strip_prefix(below).unwrap_or(path).components();
            let Some(Component::Normal(name)) = rest.next() else { continue };
            let into = if rest.next().is_some() { &mut folders } else { &mut files };
            if into.last().is_none_or(|last| last != name) {
                into.push(name.to_owned());
            }
        }
        (files, folders)
    }
}

/// A folder to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// As typed, tidied.
    pub dir: PathBuf,
    /// Only these files of it and of the folders below it; `None`: all that there is.
    pub chosen: Option<Arc<Chosen>>,
}

/// Folders as they are, in order, each once; all files together as one folder at the place of the first: the deepest that holds
/// them all.
pub fn gathered(inputs: &[PathBuf]) -> Vec<Gathered> {
    let (mut gathered, mut files, mut place) = (Vec::new(), Vec::new(), 0);
    for input in inputs {
        match input.metadata() {
            Ok(metadata) if !metadata.is_dir() => {
                if files.is_empty() {
                    place = gathered.len();
                }
                files.push(tidy(input));
            }
            // One that is not there is told by the walk.
            _ => gathered.push(Gathered { dir: tidy(input), chosen: None }),
        }
    }
    if let Some(of_files) = together(files) {
        gathered.insert(place, of_files);
    }
    gathered
}

fn together(files: Vec<PathBuf>) -> Option<Gathered> {
    let mut real: HashMap<PathBuf, PathBuf> = HashMap::new();
    let mut known: HashSet<PathBuf> = HashSet::new();
    let (mut parents, mut distinct): (BTreeSet<PathBuf>, Vec<(PathBuf, OsString)>) = (BTreeSet::new(), Vec::new());
    for file in files {
        let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else { continue };
        let resolve = || shown(parent).canonicalize().unwrap_or_else(|_| parent.to_path_buf());
        let folder = real.entry(parent.to_path_buf()).or_insert_with(resolve);
        if known.insert(folder.join(name)) {
            parents.insert(parent.to_path_buf());
            distinct.push((parent.to_path_buf(), name.to_owned()));
        }
    }
    let has_up = |path: &PathBuf| path.components().any(|part| part == Component::ParentDir);
    let absolute = parents.iter().filter(|path| path.is_absolute()).count();
    // What is typed in different ways has its common folder by its real place only.
    if parents.iter().any(has_up) && parents.len() > 1 || absolute > 0 && absolute < parents.len() {
        for (parent, _) in &mut distinct {
            if let Some(real) = real.get(parent) {
                *parent = real.clone();
            }
        }
    }
    let dir = distinct.iter().map(|(parent, _)| parent.clone()).reduce(|a, b| common(&a, &b))?;
    let below = |(parent, name): (PathBuf, OsString)| parent.strip_prefix(&dir).unwrap_or(&parent).join(name);
    let chosen = distinct.into_iter().map(below).collect();
    Some(Gathered { chosen: Some(Arc::new(Chosen(chosen))), dir: dir.clone() })
}

/// The deepest folder that holds both.
fn common(a: &Path, b: &Path) -> PathBuf {
    a.components().zip(b.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_at_lines_or_nuls() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = ["a b.png", "c.png"].map(|name| dir.path().join(name));
        [&a, &b].iter().for_each(|path| std::fs::write(path, b"").unwrap());
        let text = |end: &str| format!("{}{end}{end}{}{end}", a.display(), b.display()).into_bytes();
        for end in ["\n", "\r\n", "\0"] {
            assert_eq!(listed(&text(end)).unwrap(), [a.clone(), b.clone()], "{end:?}");
        }
        assert!(listed(b"").unwrap().is_empty());
        let error = listed(format!("{}\n\n{}x\n", a.display(), b.display()).as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("line 3 of the list") && error.ends_with("c.pngx` does not exist"), "{error}");
    }

    #[test]
    fn files_become_the_deepest_folder_that_holds_them() {
        let dir = tempfile::tempdir().unwrap();
        let files = ["s/a/1.png", "s/a/b/2.png", "s/c/3.png"].map(|name| dir.path().join(name));
        for file in &files {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, b"").unwrap();
        }
        let twice = dir.path().join("s/c/../a/1.png");
        let all = [&files[2], &files[0], &files[1], &files[0]].map(PathBuf::clone);
        let [one] = gathered(&all).try_into().unwrap();
        assert_eq!(one.dir, dir.path().join("s"));
        let chosen = one.chosen.unwrap();
        let names = |below: &str| {
            let (files, folders) = chosen.within(Path::new(below));
            let text =
                |names: Vec<OsString>| names.iter().map(|n| n.to_string_lossy().into_owned()).collect::<Vec<_>>();
            (text(files), text(folders))
        };
        let strings = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(""), (strings(&[]), strings(&["a", "c"])));
        assert_eq!(names("a"), (strings(&["1.png"]), strings(&["b"])));
        assert_eq!(names("a/b"), (strings(&["2.png"]), strings(&[])));

        let [one] = gathered(&[files[0].clone(), twice]).try_into().unwrap();
        assert_eq!(one.chosen.unwrap().0.len(), 1, "one file by two names");
        let folder = dir.path().join("s/c");
        let [a, b] = gathered(&[folder.clone(), files[0].clone()]).try_into().unwrap();
        assert_eq!((a.dir, a.chosen), (folder, None));
        assert_eq!(b.dir, dir.path().join("s/a"));
    }
}
