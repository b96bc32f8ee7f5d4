//! The files of a log: `decisions-000001.jsonl` and on, each 0600 in a folder 0700.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::LogError;

const PREFIX: &str = "decisions-";
const SUFFIX: &str = ".jsonl";
const LOCK: &str = "lock";

pub(super) fn failed<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> LogError + use<'a> {
    move |source| LogError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// The log's files in their order; none where there is no folder yet.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, LogError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("read", folder))?.path();
        if number(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The file after this one, or the first.
pub(super) fn next(folder: &Path, last: Option<&Path>) -> PathBuf {
    let number = last.and_then(number).unwrap_or_default().saturating_add(1);
    folder.join(format!("{PREFIX}{number:06}{SUFFIX}"))
}

pub(super) fn create_folder(folder: &Path) -> Result<(), LogError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed("create", folder))
}

/// Opens a file to append to, making it where it is missing; its name is on disk then, too.
pub(super) fn append_to(path: &Path) -> Result<File, LogError> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(failed("open", path))?;
    if let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed("open", folder))?;
    }
    Ok(file)
}

/// Makes sure that nobody else appends, as long as the returned file is open. Readers are not kept out.
pub(super) fn lock(folder: &Path) -> Result<File, LogError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed("open", &path))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(LogError::InUse(folder.to_owned())),
        Err(error) => Err(failed("lock", &path)(error.into())),
    }
}

fn number(path: &Path) -> Option<u64> {
    path.file_name()?
        .to_str()?
        .strip_prefix(PREFIX)?
        .strip_suffix(SUFFIX)?
        .parse()
        .ok()
}
