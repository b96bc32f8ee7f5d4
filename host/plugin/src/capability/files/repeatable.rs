//! Files in a call that can be made again: what is opened is noted with its content, and a replay finds nothing but that.
//!
//! A few functions of `wasi:filesystem` are put in the place of wasmtime-wasi's, and use those. A replay has folders of its
//! own under the names of the granted ones, which are filled as the plugin opens what was there.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::filesystem::WasiFilesystemView as _;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntryStream, ErrorCode,
    Host as _, HostDescriptor, HostDirectoryEntryStream, OpenFlags, PathFlags,
};

use crate::call::CallState;
use crate::capability::WASI;
use crate::outside::{Content, Outside, Question};

/// How much is read at once, in bytes.
const CHUNK: u64 = 64 * 1024;

/// The largest file that is noted, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;

/// What a call knows of the files that it opens.
pub(crate) struct FileSession {
    outside: Outside,
    /// By handle: where it leads, from the name of the grant on.
    paths: HashMap<u32, String>,
    /// In a replay: what holds the folders that stand for the granted ones.
    stage: Option<TempDir>,
}

/// What was found at a path.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Opened {
    File(Content),
    Folder,
    Other,
}

/// A name in a folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    is_folder: bool,
}

/// What a file is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    is_folder: bool,
    is_file: bool,
    links: u64,
    size: u64,
    /// Of access, of content, of status: seconds and nanoseconds.
    times: [Option<(u64, u32)>; 3],
}

/// Why there is nothing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Failure {
    NotThere,
    NotPermitted,
    Folder,
    NoFolder,
    Other,
}

impl FileSession {
    /// Of a call that begins.
    pub(crate) fn begin(outside: Outside) -> io::Result<Self> {
        let stage = outside.is_replayed().then(TempDir::new).transpose()?;
        Ok(Self {
            outside,
            paths: HashMap::new(),
            stage,
        })
    }

    /// The folder that stands for the one granted under this name, if the call is replayed.
    pub(super) fn stand_in(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let Some(folder) = self.on_stage(name)? else {
            return Ok(None);
        };
        fs::create_dir_all(&folder)?;
        Ok(Some(folder))
    }

    /// Where a path is in a replay. A recording is a file like others: what would lead elsewhere is refused.
    fn on_stage(&self, path: &str) -> io::Result<Option<PathBuf>> {
        let Some(stage) = &self.stage else {
            return Ok(None);
        };
        let path = Path::new(path.trim_start_matches('/'));
        match path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            true => Ok(Some(stage.path().join(path))),
            false => Err(io::Error::other("a recorded path leads out of its folder")),
        }
    }

    /// Puts what was there at a path.
    fn put(&self, path: &str, opened: Opened) -> io::Result<()> {
        let Some(place) = self.on_stage(path)? else {
            return Ok(());
        };
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        match opened {
            Opened::Folder => fs::create_dir_all(place),
            Opened::File(content) => fs::write(place, content.into_bytes().unwrap_or_default()),
            Opened::Other => Ok(()),
        }
    }

    /// Where `path` leads from a handle, without steps that lead nowhere.
    fn path(&self, from: &Resource<Descriptor>, path: &str) -> String {
        let mut whole = self.paths.get(&from.rep()).cloned().unwrap_or_default();
        for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
            whole.push('/');
            whole.push_str(part);
        }
        whole
    }
}

/// Puts what is noted or replayed in the place of what wasmtime-wasi does.
pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut preopens = linker.instance(&format!("wasi:filesystem/preopens@{WASI}"))?;
    preopens.func_wrap(
        "get-directories",
        |mut store: StoreContextMut<'_, CallState>, (): ()| {
            let state = store.data_mut();
            let folders = state.filesystem().get_directories()?;
            for (folder, name) in &folders {
                state.files.paths.insert(folder.rep(), name.clone());
            }
            Ok((folders,))
        },
    )?;
    let mut types = linker.instance(&format!("wasi:filesystem/types@{WASI}"))?;
    types.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store: StoreContextMut<'_, CallState>,
         (from, path_flags, path, how, flags): (
            Resource<Descriptor>,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            Box::new(async move {
                let state = store.data_mut();
                let whole = state.files.path(&from, &path);
                if !how.contains(OpenFlags::CREATE)
                    && let Some(failure) = recall_file(state, &whole)?
                {
                    return Ok((Err(failure),));
                }
                let opened = state
                    .filesystem()
                    .open_at(from, path_flags, path, how, flags)
                    .await;
                let opened = plain(state, opened)?;
                if let Ok(handle) = &opened {
                    state.files.paths.insert(handle.rep(), whole.clone());
                }
                if !how.contains(OpenFlags::CREATE) {
                    note_file(state, whole, &opened).await?;
                }
                Ok((opened,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.read-directory",
        |mut store: StoreContextMut<'_, CallState>, (folder,): (Resource<Descriptor>,)| {
            Box::new(async move { Ok((read_folder(store.data_mut(), folder).await?,)) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.stat",
        |mut store: StoreContextMut<'_, CallState>, (file,): (Resource<Descriptor>,)| {
            Box::new(async move {
                let state = store.data_mut();
                let path = state.files.path(&file, "");
                if let Some(answer) = recall_metadata(state, &path) {
                    return Ok((answer,));
                }
                let answer = state.filesystem().stat(file).await;
                Ok((note_metadata(state, path, answer)?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.stat-at",
        |mut store: StoreContextMut<'_, CallState>,
         (from, flags, path): (Resource<Descriptor>, PathFlags, String)| {
            Box::new(async move {
                let state = store.data_mut();
                let whole = state.files.path(&from, &path);
                if let Some(answer) = recall_metadata(state, &whole) {
                    return Ok((answer,));
                }
                let answer = state.filesystem().stat_at(from, flags, path).await;
                Ok((note_metadata(state, whole, answer)?,))
            })
        },
    )
}

/// Puts what was at a path in its place; what the plugin was told where there was nothing.
fn recall_file(state: &CallState, path: &str) -> wasmtime::Result<Option<ErrorCode>> {
    let files = &state.files;
    if !files.outside.is_replayed() {
        return Ok(None);
    }
    let question = Question::File {
        path: path.to_owned(),
    };
    match files.outside.recall::<Result<Opened, Failure>>(question) {
        Ok(Ok(opened)) => {
            files.put(path, opened)?;
            Ok(None)
        }
        Ok(Err(failure)) => Ok(Some(failure.into())),
        Err(_) => Ok(Some(ErrorCode::NoEntry)),
    }
}

async fn note_file(
    state: &mut CallState,
    path: String,
    opened: &Result<Resource<Descriptor>, ErrorCode>,
) -> wasmtime::Result<()> {
    let outside = state.files.outside.clone();
    if !outside.is_noted() {
        return Ok(());
    }
    let answer = match opened {
        Err(code) => Err(Failure::from(*code)),
        Ok(handle) => Ok(content(state, handle.rep()).await?),
    };
    outside.note(|| Question::File { path }, &answer);
    Ok(())
}

/// What an open handle leads to, with its content; the call is not recorded where that is too large.
async fn content(state: &mut CallState, handle: u32) -> wasmtime::Result<Opened> {
    let type_ = state
        .filesystem()
        .get_type(Resource::new_borrow(handle))
        .await;
    match plain(state, type_)? {
        Ok(DescriptorType::Directory) => return Ok(Opened::Folder),
        Ok(DescriptorType::RegularFile) => {}
        Ok(_) | Err(_) => return Ok(Opened::Other),
    }
    let mut content = Vec::new();
    loop {
        let offset = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let read = state
            .filesystem()
            .read(Resource::new_borrow(handle), CHUNK, offset)
            .await;
        let Ok((chunk, is_at_end)) = plain(state, read)? else {
            return Ok(Opened::Other);
        };
        content.extend_from_slice(&chunk);
        if content.len() > LARGEST {
            state.files.outside.give_up();
            return Ok(Opened::Other);
        }
        if is_at_end || chunk.is_empty() {
            return Ok(Opened::File(Content::from(&*content)));
        }
    }
}

async fn read_folder(
    state: &mut CallState,
    folder: Resource<Descriptor>,
) -> wasmtime::Result<Result<Resource<DirectoryEntryStream>, ErrorCode>> {
    let outside = state.files.outside.clone();
    let handle = folder.rep();
    let path = state.files.path(&folder, "");
    let question = || Question::Folder { path: path.clone() };
    if outside.is_replayed() {
        match outside.recall::<Result<Vec<Entry>, Failure>>(question()) {
            Ok(Ok(entries)) => {
                for entry in entries {
                    let place = state.files.on_stage(&format!("{path}/{}", entry.name))?;
                    match place {
                        Some(place) if place.exists() => {}
                        Some(place) if entry.is_folder => fs::create_dir_all(place)?,
                        Some(place) => fs::write(place, [])?,
                        None => {}
                    }
                }
            }
            Ok(Err(failure)) => return Ok(Err(failure.into())),
            Err(_) => return Ok(Err(ErrorCode::NoEntry)),
        }
    }
    let listed = state.filesystem().read_directory(folder).await;
    let listed = plain(state, listed)?;
    if !outside.is_noted() {
        return Ok(listed);
    }
    let stream = match listed {
        Ok(stream) => stream,
        Err(code) => {
            outside.note(question, &Err::<Vec<Entry>, _>(Failure::from(code)));
            return Ok(Err(code));
        }
    };
    let mut entries = Vec::new();
    loop {
        let next = state
            .filesystem()
            .read_directory_entry(Resource::new_borrow(stream.rep()))
            .await;
        match plain(state, next)? {
            Ok(Some(entry)) => entries.push(Entry {
                is_folder: matches!(entry.type_, DescriptorType::Directory),
                name: entry.name,
            }),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    HostDirectoryEntryStream::drop(&mut state.filesystem(), stream)?;
    outside.note(question, &Ok::<_, Failure>(entries));
    // The plugin's own, from the beginning.
    let listed = state
        .filesystem()
        .read_directory(Resource::new_borrow(handle))
        .await;
    plain(state, listed)
}

/// What was told of a path; none where the call is not replayed.
fn recall_metadata(state: &CallState, path: &str) -> Option<Result<DescriptorStat, ErrorCode>> {
    let outside = &state.files.outside;
    if !outside.is_replayed() {
        return None;
    }
    let path = path.to_owned();
    let known = outside.recall::<Result<Metadata, Failure>>(Question::Metadata { path });
    Some(match known {
        Ok(Ok(metadata)) => Ok(metadata.into()),
        Ok(Err(failure)) => Err(failure.into()),
        Err(_) => Err(ErrorCode::NoEntry),
    })
}

fn note_metadata(
    state: &mut CallState,
    path: String,
    answer: FsResult<DescriptorStat>,
) -> wasmtime::Result<Result<DescriptorStat, ErrorCode>> {
    let answer = plain(state, answer)?;
    let noted = match &answer {
        Ok(stat) => Ok(Metadata::from(stat)),
        Err(code) => Err(Failure::from(*code)),
    };
    let outside = &state.files.outside;
    outside.note(|| Question::Metadata { path }, &noted);
    Ok(answer)
}

/// An answer as the plugin gets it.
fn plain<T>(state: &mut CallState, answer: FsResult<T>) -> wasmtime::Result<Result<T, ErrorCode>> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(state.filesystem().convert_error_code(error)?)),
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NoEntry => Self::NotThere,
            ErrorCode::Access | ErrorCode::NotPermitted => Self::NotPermitted,
            ErrorCode::IsDirectory => Self::Folder,
            ErrorCode::NotDirectory => Self::NoFolder,
            _ => Self::Other,
        }
    }
}

impl From<Failure> for ErrorCode {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotThere => Self::NoEntry,
            Failure::NotPermitted => Self::NotPermitted,
            Failure::Folder => Self::IsDirectory,
            Failure::NoFolder => Self::NotDirectory,
            Failure::Other => Self::Io,
        }
    }
}

impl From<&DescriptorStat> for Metadata {
    fn from(stat: &DescriptorStat) -> Self {
        let time = |time: &Option<Datetime>| time.map(|time| (time.seconds, time.nanoseconds));
        Self {
            is_folder: matches!(stat.type_, DescriptorType::Directory),
            is_file: matches!(stat.type_, DescriptorType::RegularFile),
            links: stat.link_count,
            size: stat.size,
            times: [
                time(&stat.data_access_timestamp),
                time(&stat.data_modification_timestamp),
                time(&stat.status_change_timestamp),
            ],
        }
    }
}

impl From<Metadata> for DescriptorStat {
    fn from(metadata: Metadata) -> Self {
        let time = |time: Option<(u64, u32)>| {
            time.map(|(seconds, nanoseconds)| Datetime {
                seconds,
                nanoseconds,
            })
        };
        let [access, content, status] = metadata.times;
        Self {
            type_: match (metadata.is_folder, metadata.is_file) {
                (true, _) => DescriptorType::Directory,
                (false, true) => DescriptorType::RegularFile,
                (false, false) => DescriptorType::Unknown,
            },
            link_count: metadata.links,
            size: metadata.size,
            data_access_timestamp: time(access),
            data_modification_timestamp: time(content),
            status_change_timestamp: time(status),
        }
    }
}
