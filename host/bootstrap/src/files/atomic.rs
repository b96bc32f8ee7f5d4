//! One file, one link, one folder: written whole, synced, with its mode set whatever the umask.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::FileError;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Writes `contents` under a temporary name in the same folder, syncs, renames and syncs the folder: after a crash
/// the path holds the old contents or the new ones. Mode 0600.
pub fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let folder = folder_of(path);
    let failed = |source: io::Error| FileError::io("write", path, source);
    let mut temporary = tempfile::Builder::new()
        .prefix(&temporary_prefix(path))
        .tempfile_in(folder)
        .map_err(failed)?;
    // The umask has already taken its bits from the mode that the file was created with.
    let file = temporary.as_file_mut();
    file.set_permissions(fs::Permissions::from_mode(FILE_MODE))
        .map_err(failed)?;
    file.write_all(contents).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    temporary
        .persist(path)
        .map_err(|error| failed(error.error))?;
    sync_folder(folder)
}

/// Makes `path` a symbolic link to `target`, replacing a link in one step.
pub fn write_link(path: &Path, target: &str) -> Result<(), FileError> {
    let folder = folder_of(path);
    let failed = |source: io::Error| FileError::io("link", path, source);
    let temporary = tempfile::Builder::new()
        .prefix(&temporary_prefix(path))
        .make_in(folder, |name| std::os::unix::fs::symlink(target, name))
        .map_err(failed)?;
    fs::rename(temporary.path(), path).map_err(failed)?;
    // The temporary name is gone: there is nothing left for its guard to remove.
    let _ = temporary.into_temp_path().keep();
    sync_folder(folder)
}

/// Creates a folder and the missing ones above it, each with mode 0700, and returns those that were created, the
/// outermost first.
pub fn create_folder(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut missing = Vec::new();
    let mut current = path;
    loop {
        match fs::metadata(current) {
            Ok(metadata) if metadata.is_dir() => break,
            Ok(_) => {
                let error = io::Error::from(io::ErrorKind::NotADirectory);
                return Err(FileError::io("create folder", current, error));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing.push(current.to_owned())
            }
            Err(error) => return Err(FileError::io("create folder", current, error)),
        }
        match current.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => current = parent,
            _ => break,
        }
    }
    missing.reverse();
    for folder in &missing {
        let failed = |error| FileError::io("create folder", folder, error);
        match fs::DirBuilder::new().mode(FOLDER_MODE).create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            other => other.map_err(failed)?,
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(FOLDER_MODE)).map_err(failed)?;
        sync_folder(folder_of(folder))?;
    }
    Ok(missing)
}

/// Removes temporary files that an interrupted write of `path` left behind. The caller holds the lock, so there is no
/// write in progress.
pub(super) fn remove_temporaries(path: &Path) -> Result<(), FileError> {
    let folder = folder_of(path);
    let prefix = temporary_prefix(path);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FileError::io("list", folder, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| FileError::io("list", folder, error))?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(prefix.as_encoded_bytes())
        {
            let leftover = entry.path();
            fs::remove_file(&leftover)
                .map_err(|error| FileError::io("remove", &leftover, error))?;
        }
    }
    Ok(())
}

/// A crash can leave the temporary file behind; its name says whose it was, and that it may go.
fn temporary_prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".slipway-");
    prefix
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync_folder(folder: &Path) -> Result<(), FileError> {
    fs::File::open(folder)
        .and_then(|handle| handle.sync_all())
        .map_err(|error| FileError::io("sync", folder, error))
}
