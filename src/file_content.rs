//! Reads files up to a limit, so that none costs more memory than is meant for its kind: what a file's size says may be
//! wrong by the time that it is read, and pipes and devices have none.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system says so.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It has more bytes than the limit.
    #[error("has too many bytes")]
    TooLong,
}

/// The bytes of the file at `path`, if there are at most `most`.
///
/// # Errors
/// [`ReadError`].
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    // Opening a pipe would wait for somebody who writes into it.
    if is_pipe(path) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a pipe or a socket, not a file").into());
    }
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    read_open(&mut file, size, most)
}

/// The bytes of an open file, if there are at most `most`. The system says that it has so many bytes: that is where reading begins,
/// not what is relied on.
///
/// # Errors
/// [`ReadError`]. A file that is too long by what the system says is not read at all.
pub fn read_open(file: &mut impl Read, size: u64, most: u64) -> Result<Vec<u8>, ReadError> {
    if size > most {
        return Err(ReadError::TooLong);
    }
    let mut bytes = Vec::new();
    // One more than the size, so that a file that does not grow is read without asking for memory twice.
    let wished = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1);
    bytes.try_reserve_exact(wished).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(ReadError::TooLong) } else { Ok(bytes) }
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo() || metadata.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(matches!(read(&path, 4), Err(ReadError::TooLong)));
        assert!(matches!(read(&dir.path().join("b"), 4), Err(ReadError::Io(_))));
    }

    #[test]
    fn what_the_system_says_of_a_size_is_not_relied_on() {
        let read = |bytes: &[u8], size, most| read_open(&mut &*bytes, size, most);
        for size in 0..=6 {
            assert_eq!(read(b"12345", size, 6).unwrap(), b"12345");
        }
        assert!(matches!(read(b"12345", 2, 4), Err(ReadError::TooLong)));
        assert!(matches!(read(b"", 5, 4), Err(ReadError::TooLong)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_has_no_size_ends_too() {
        assert!(matches!(read(Path::new("/dev/zero"), 100_000), Err(ReadError::TooLong)));
    }
}
