//! Links that lead out of the input: what lies elsewhere was not handed over to be read, so that links are followed within
//! the input alone unless a person allows others (`--follow-links`). The input itself may be a link.

use std::path::{Path, PathBuf};

/// What links of an input may lead to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fence {
    /// Anything.
    #[default]
    None,
    /// What lies in these folders or files, by their real paths.
    Around(Vec<PathBuf>),
}

impl Fence {
    /// Around inputs, as they are typed; one that cannot be found has nothing to lead to.
    pub fn around<'p>(inputs: impl Iterator<Item = &'p Path>) -> Self {
        Self::Around(inputs.filter_map(|input| input.canonicalize().ok()).collect())
    }

    /// Where the link at `path` leads, if it is one that leads out. One that leads nowhere does not: opening it tells.
    pub fn leads_out(&self, path: &Path) -> Option<PathBuf> {
        let Self::Around(inside) = self else { return None };
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return None;
        }
        let real = path.canonicalize().ok()?;
        (!inside.iter().any(|input| real.starts_with(input))).then_some(real)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_within_the_inputs() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for folder in ["a", "b", "c"] {
            fs::create_dir(path(folder)).unwrap();
            fs::write(path(folder).join("x.png"), b"").unwrap();
        }
        symlink(path("a"), path("input")).unwrap();
        for (name, to) in
            [("own", "a/x.png"), ("other", "b/x.png"), ("out", "c/x.png"), ("folder", "c"), ("gone", "no")]
        {
            symlink(path(to), path("a").join(name)).unwrap();
        }
        let inputs = [path("input"), path("b"), path("nowhere")];
        let fence = Fence::around(inputs.iter().map(PathBuf::as_path));
        let leads_out = |name: &str| fence.leads_out(&path("input").join(name)).is_some();
        assert_eq!(["x.png", "own", "other", "gone"].map(leads_out), [false; 4]);
        assert_eq!(["out", "folder"].map(leads_out), [true; 2]);
        assert_eq!(fence.leads_out(&path("input")), None, "the input may be a link");
        assert_eq!(Fence::None.leads_out(&path("input").join("out")), None);
    }
}
