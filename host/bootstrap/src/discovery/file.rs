//! Reading the document of a file or HTTPS discovery. What comes back is bytes: nothing has looked into them yet.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// A kubeconfig with a few API servers takes a few KiB.
pub(super) const LARGEST_DOCUMENT: usize = 1 << 20;

/// Why a discovery file is not read.
#[derive(Debug, thiserror::Error)]
pub enum FileSourceError {
    /// The system refused.
    #[error("cannot read the discovery file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A symbolic link: whoever can change it decides whom this node trusts.
    #[error("the discovery file {} is a symbolic link", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A folder, a FIFO, a device, a socket.
    #[error("the discovery file {} is {kind}, not a regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// `a folder`, `a FIFO`.
        kind: &'static str,
    },
    /// Somebody else could have written it.
    #[error("the discovery file {} cannot be trusted: {reason}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Who else could have written it.
        reason: String,
    },
    /// It is too large to be what it should be.
    #[error("the discovery file {} is larger than {LARGEST_DOCUMENT} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a discovery file. It decides whom the node trusts, so nobody but its owner may be able to write it, and
/// its owner is root or the user who runs this.
pub fn read_file(path: &Path) -> Result<Vec<u8>, FileSourceError> {
    use std::os::unix::fs::MetadataExt;

    let failed = |source: io::Error| FileSourceError::Io {
        path: path.to_owned(),
        source,
    };
    // Opening a FIFO would wait for a writer, following a link would read what somebody else points at.
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => fs::File::from(descriptor),
        Err(rustix::io::Errno::LOOP) => {
            return Err(FileSourceError::Link {
                path: path.to_owned(),
            });
        }
        Err(rustix::io::Errno::NXIO) => {
            return Err(FileSourceError::NotRegular {
                path: path.to_owned(),
                kind: "a socket or a device",
            });
        }
        Err(error) => return Err(failed(error.into())),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(FileSourceError::NotRegular {
            path: path.to_owned(),
            kind: kind(&metadata),
        });
    }
    let exposed = |reason: String| {
        Err(FileSourceError::Exposed {
            path: path.to_owned(),
            reason,
        })
    };
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != 0 && metadata.uid() != user {
        return exposed(format!(
            "it belongs to user {}, and this is user {user}",
            metadata.uid()
        ));
    }
    if metadata.mode() & 0o022 != 0 {
        return exposed(format!(
            "others may write to it (mode {:04o})",
            metadata.mode() & 0o7777
        ));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder_mode = fs::metadata(folder).map_err(failed)?.mode();
    let sticky = folder_mode & 0o1000 != 0;
    if folder_mode & 0o022 != 0 && !sticky {
        return exposed(format!(
            "others may replace it (its folder has mode {:04o})",
            folder_mode & 0o7777
        ));
    }
    let mut contents = Vec::new();
    let limit = u64::try_from(LARGEST_DOCUMENT)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    file.take(limit)
        .read_to_end(&mut contents)
        .map_err(failed)?;
    if contents.len() > LARGEST_DOCUMENT {
        return Err(FileSourceError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(contents)
}

fn kind(metadata: &fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    let file_type = metadata.file_type();
    if file_type.is_dir() {
        "a folder"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, "apiVersion: v1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn an_ordinary_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            read_file(&file(folder.path(), "conf", 0o644)).unwrap(),
            b"apiVersion: v1\n"
        );
    }

    #[test]
    fn what_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o666, 0o664, 0o602] {
            let error = read_file(&file(folder.path(), "conf", mode)).unwrap_err();
            assert!(
                error.to_string().contains("others may write to it"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused_unless_sticky() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "conf", 0o600);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = read_file(&path).unwrap_err();
        assert!(
            error.to_string().contains("others may replace it"),
            "{error}"
        );
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        read_file(&path).unwrap();
    }

    #[test]
    fn links_folders_fifos_and_sockets_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(file(folder.path(), "conf", 0o600), &link).unwrap();
        assert!(matches!(
            read_file(&link),
            Err(FileSourceError::Link { .. })
        ));

        let error = read_file(folder.path()).unwrap_err();
        assert!(
            matches!(
                error,
                FileSourceError::NotRegular {
                    kind: "a folder",
                    ..
                }
            ),
            "{error}"
        );

        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        let error = read_file(&fifo).unwrap_err();
        assert!(
            matches!(error, FileSourceError::NotRegular { kind: "a FIFO", .. }),
            "{error}"
        );

        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(matches!(
            read_file(&socket),
            Err(FileSourceError::NotRegular { .. })
        ));
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused_and_one_at_the_limit_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "conf", 0o600);
        fs::write(&path, vec![b'#'; LARGEST_DOCUMENT]).unwrap();
        assert_eq!(read_file(&path).unwrap().len(), LARGEST_DOCUMENT);
        fs::write(&path, vec![b'#'; LARGEST_DOCUMENT + 1]).unwrap();
        assert!(matches!(
            read_file(&path),
            Err(FileSourceError::TooLarge { .. })
        ));
    }
}
