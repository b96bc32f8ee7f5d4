//! Taking back what `init` or `join` wrote on this machine: what the manifest says, where it still is what was written,
//! and nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::{Entry, FileError, Files, Manifest, Written};
use crate::layout::Layout;

/// What a reset will do. Nothing has been touched yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What will be removed: files and links first, then folders from the innermost, then Slipway's own records.
    pub remove: Vec<PathBuf>,
    /// What stays, and why.
    pub keep: Vec<Kept>,
}

/// Something that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The path.
    pub path: PathBuf,
    /// Why.
    pub reason: KeptReason,
}

/// Why something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptReason {
    /// It is not what was written: somebody changed or replaced it.
    Changed,
    /// A folder that holds what Slipway did not write.
    NotEmpty,
}

/// What a reset did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was removed.
    pub removed: Vec<PathBuf>,
    /// What stayed, and why.
    pub kept: Vec<Kept>,
}

impl Plan {
    /// Whether there is nothing of ours on this machine.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.keep.is_empty()
    }
}

/// Reads the manifest and compares it with the disk. Without a manifest there is nothing to do.
pub fn plan(layout: &Layout) -> Result<Plan, FileError> {
    let manifest = Manifest::load(&layout.manifest())?;
    let mut plan = Plan::default();
    for (path, entry) in manifest.entries().rev() {
        if *entry == Entry::Folder || is_record(layout, path) {
            continue;
        }
        match manifest.inspect(path)? {
            Written::Unchanged => plan.remove.push(path.to_owned()),
            Written::Changed => {
                plan.keep.push(Kept {
                    path: path.to_owned(),
                    reason: KeptReason::Changed,
                });
            }
            Written::Missing => {}
        }
    }
    let records = [layout.manifest(), layout.lock()];
    let mut gone: Vec<PathBuf> = plan.remove.clone();
    gone.extend(records.iter().cloned());
    let mut folders = Vec::new();
    for (path, entry) in manifest.entries().rev() {
        if *entry != Entry::Folder || manifest.inspect(path)? != Written::Unchanged {
            continue;
        }
        if children(path)?.iter().all(|child| gone.contains(child)) {
            gone.push(path.to_owned());
            folders.push(path.to_owned());
        } else {
            plan.keep.push(Kept {
                path: path.to_owned(),
                reason: KeptReason::NotEmpty,
            });
        }
    }
    if layout.manifest().exists() {
        plan.remove.extend(records);
    }
    plan.remove.extend(folders);
    Ok(plan)
}

/// Carries out a plan. Each path is compared again right before it goes: a plan may have waited for an answer.
pub fn execute(layout: &Layout, plan: &Plan) -> Result<Report, FileError> {
    let mut report = Report {
        removed: Vec::new(),
        kept: plan.keep.clone(),
    };
    if plan.remove.is_empty() {
        return Ok(report);
    }
    let files = Files::open(layout)?;
    let manifest = files.manifest();
    for path in &plan.remove {
        if !is_record(layout, path) {
            match manifest.inspect(path)? {
                Written::Unchanged => {}
                Written::Missing => continue,
                Written::Changed => {
                    report.kept.push(Kept {
                        path: path.clone(),
                        reason: KeptReason::Changed,
                    });
                    continue;
                }
            }
        }
        let removed = match manifest.entry(path) {
            Some(Entry::Folder) => fs::remove_dir(path),
            Some(Entry::DataFolder) => fs::remove_dir_all(path),
            _ => fs::remove_file(path),
        };
        match removed {
            Ok(()) => report.removed.push(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                report.kept.push(Kept {
                    path: path.clone(),
                    reason: KeptReason::NotEmpty,
                });
            }
            Err(error) => return Err(FileError::io("remove", path, error)),
        }
    }
    Ok(report)
}

/// The manifest and the lock are needed until everything else is gone.
fn is_record(layout: &Layout, path: &Path) -> bool {
    path == layout.manifest() || path == layout.lock()
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed = |error| FileError::io("list", folder, error);
    fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| Ok(entry.map_err(failed)?.path()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Write;

    fn prepared() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::under(&folder.path().join("lab"));
        let mut files = Files::open(&layout).unwrap();
        files
            .write(&layout.ca_certificate(), b"certificate")
            .unwrap();
        files.write(&layout.ca_key(), b"key").unwrap();
        let client = "kubelet-client-1.pem";
        files
            .write_all(&[
                Write::file(layout.kubelet().join(client), b"pem"),
                Write::link(layout.kubelet_client_current(), client),
            ])
            .unwrap();
        files.adopt(&layout.store()).unwrap();
        fs::write(layout.store(), "grows").unwrap();
        (folder, layout)
    }

    #[test]
    fn everything_that_was_written_goes_and_the_surroundings_stay() {
        let (folder, layout) = prepared();
        let neighbour = folder.path().join("neighbour");
        fs::write(&neighbour, "theirs").unwrap();
        let plan = plan(&layout).unwrap();
        assert_eq!(plan.keep, []);
        let report = execute(&layout, &plan).unwrap();
        assert_eq!(report.kept, []);
        assert_eq!(report.removed, plan.remove);
        assert!(!folder.path().join("lab").exists());
        assert!(neighbour.exists());
    }

    #[test]
    fn what_was_changed_or_added_by_others_stays_and_is_named() {
        let (_folder, layout) = prepared();
        fs::write(layout.ca_certificate(), "another CA").unwrap();
        fs::write(layout.kubernetes().join("theirs.conf"), "theirs").unwrap();
        let plan = plan(&layout).unwrap();
        let report = execute(&layout, &plan).unwrap();
        assert!(layout.ca_certificate().exists());
        assert!(layout.kubernetes().join("theirs.conf").exists());
        assert!(!layout.ca_key().exists());
        assert!(report.kept.contains(&Kept {
            path: layout.ca_certificate(),
            reason: KeptReason::Changed
        }));
        let folder = Kept {
            path: layout.kubernetes().to_owned(),
            reason: KeptReason::NotEmpty,
        };
        assert!(report.kept.contains(&folder), "{:?}", report.kept);
    }

    #[test]
    fn a_change_between_plan_and_execution_is_respected() {
        let (_folder, layout) = prepared();
        let plan = plan(&layout).unwrap();
        fs::write(layout.ca_key(), "another key").unwrap();
        let report = execute(&layout, &plan).unwrap();
        assert!(layout.ca_key().exists());
        assert!(report.kept.contains(&Kept {
            path: layout.ca_key(),
            reason: KeptReason::Changed
        }));
    }

    #[test]
    fn a_link_that_points_elsewhere_now_is_not_ours() {
        let (_folder, layout) = prepared();
        fs::remove_file(layout.kubelet_client_current()).unwrap();
        std::os::unix::fs::symlink("rotated.pem", layout.kubelet_client_current()).unwrap();
        let plan = plan(&layout).unwrap();
        let kept = Kept {
            path: layout.kubelet_client_current(),
            reason: KeptReason::Changed,
        };
        assert!(plan.keep.contains(&kept));
        assert!(!plan.remove.contains(&layout.kubelet_client_current()));
    }

    #[test]
    fn on_a_machine_without_ours_nothing_happens() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::under(folder.path());
        let plan = plan(&layout).unwrap();
        assert!(plan.is_empty());
        assert_eq!(execute(&layout, &plan).unwrap(), Report::default());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_second_reset_finds_nothing() {
        let (_folder, layout) = prepared();
        execute(&layout, &plan(&layout).unwrap()).unwrap();
        assert!(plan(&layout).unwrap().is_empty());
    }
}
