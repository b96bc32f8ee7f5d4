//! The file: a redb database of two tables.
//!
//! `objects` maps a key's text to the object's JSON; `meta` holds the format and the last revision.
//! Every commit is durable before it returns, in two phases: after a crash the newest commit is then
//! known to be whole, so that damage is never mistaken for an unfinished write and rolled back.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{
    Builder, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageError,
    TableDefinition, TableError,
};

use super::Key;
use super::error::OpenError;
use super::record::{Event, Record};

const OBJECTS: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("objects");
const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("meta");
const FORMAT_KEY: &str = "format";
const REVISION_KEY: &str = "revision";

/// The format that this version reads and writes.
const FORMAT: u64 = 1;

/// The first revision; 0 means "any" to clients.
const FIRST_REVISION: u64 = 1;

/// Reads are served from memory, so the database's own cache may be small.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// A file that is larger than this, and much larger than what is in it, is compacted when it is opened.
const COMPACT_ABOVE_BYTES: u64 = 32 * 1024 * 1024;

/// How a redb database is had, once and again after a failure.
type Opener = Box<dyn Fn() -> Result<redb::Database, DatabaseError> + Send>;

/// An open database. After a failed commit it is closed, until [`Database::reopen`] succeeds.
pub(super) struct Database {
    opener: Opener,
    open: Option<redb::Database>,
}

/// What an opened database holds.
pub(super) struct Loaded {
    pub(super) database: Database,
    pub(super) revision: u64,
    pub(super) records: Vec<Record>,
}

impl Database {
    /// Opens the file, or makes it, readable by its owner only.
    pub(super) fn open(path: &Path) -> Result<Loaded, OpenError> {
        let io = |source| OpenError::Io {
            path: path.to_owned(),
            source,
        };
        match std::fs::metadata(path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => {
                return Err(OpenError::NotAFile {
                    path: path.to_owned(),
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(path)?,
            Err(error) => return Err(io(error)),
        }
        let file = path.to_owned();
        let opener: Opener = Box::new(move || builder().open(&file));
        let mut opened = guarded(path, &opener)?;
        compact_if_loose(path, &mut opened)?;
        let (revision, records) = load(path, &opened)?;
        Ok(Loaded {
            database: Self {
                opener,
                open: Some(opened),
            },
            revision,
            records,
        })
    }

    /// A database over any backend; an empty one is initialised.
    pub(super) fn over<B: redb::StorageBackend>(
        backend: impl Fn() -> B + Send + 'static,
    ) -> Result<Loaded, OpenError> {
        let path = Path::new("(memory)");
        let opener: Opener = Box::new(move || builder().create_with_backend(backend()));
        let opened = guarded(path, &opener)?;
        if is_empty(&opened).map_err(|error| database_error(path, error))? {
            initialise(&opened).map_err(|error| database_error(path, error))?;
        }
        let (revision, records) = load(path, &opened)?;
        Ok(Loaded {
            database: Self {
                opener,
                open: Some(opened),
            },
            revision,
            records,
        })
    }

    /// Writes events, all or none, durably.
    ///
    /// After an error it is not known whether they were written: see [`Database::reopen`].
    pub(super) fn commit(&mut self, events: &[Arc<Event>]) -> Result<(), redb::Error> {
        self.transact(|open| write(open, events))
    }

    fn transact(
        &mut self,
        write: impl FnOnce(&redb::Database) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let Some(open) = &self.open else {
            return Err(redb::Error::DatabaseClosed);
        };
        let result = write(open);
        if result.is_err() {
            self.open = None;
        }
        result
    }

    /// Writes what is there again, durably: whether a commit works now. An error is as one of [`Database::commit`].
    pub(super) fn probe(&mut self) -> Result<(), redb::Error> {
        self.transact(|open| write_revision(open, revision(open)?))
    }

    /// Opens the database anew after a failure, and says which revision it holds.
    pub(super) fn reopen(&mut self) -> Result<u64, redb::Error> {
        self.open = None;
        let opened = (self.opener)()?;
        let revision = revision(&opened)?;
        self.open = Some(opened);
        Ok(revision)
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true);
    builder
}

/// Makes a new database beside the path and moves it there whole; leaves a file that somebody else
/// made meanwhile as it is.
fn create(path: &Path) -> Result<(), OpenError> {
    let io = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let unfinished = tempfile::Builder::new()
        .prefix(".store-")
        .tempfile_in(folder)
        .map_err(io)?;
    let database = builder()
        .create(unfinished.path())
        .map_err(|error| database_error(path, error.into()))?;
    initialise(&database).map_err(|error| database_error(path, error))?;
    database
        .close()
        .map_err(|error| database_error(path, error.into()))?;
    match unfinished.persist_noclobber(path) {
        Ok(file) => file.sync_all().map_err(io)?,
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(io(error.error)),
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io)
}

/// Opens; redb may panic over a file that was changed behind its back.
fn guarded(path: &Path, opener: &Opener) -> Result<redb::Database, OpenError> {
    match catch_unwind(AssertUnwindSafe(opener)) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(error)) => Err(open_error(path, error)),
        Err(_) => Err(OpenError::Damaged {
            path: path.to_owned(),
            reason: "its pages do not fit together".to_owned(),
        }),
    }
}

fn open_error(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            OpenError::Locked { path }
        }
        DatabaseError::Storage(StorageError::Io(source))
            if source.kind() == std::io::ErrorKind::InvalidData
                || source.kind() == std::io::ErrorKind::UnexpectedEof =>
        {
            OpenError::Foreign {
                path,
                reason: source.to_string(),
            }
        }
        DatabaseError::Storage(StorageError::Io(source)) => OpenError::Io { path, source },
        DatabaseError::Storage(StorageError::Corrupted(reason)) => {
            OpenError::Damaged { path, reason }
        }
        other => OpenError::Database {
            path,
            source: other.into(),
        },
    }
}

fn database_error(path: &Path, error: redb::Error) -> OpenError {
    let path: PathBuf = path.to_owned();
    match error {
        redb::Error::Io(source) => OpenError::Io { path, source },
        redb::Error::Corrupted(reason) => OpenError::Damaged { path, reason },
        source => OpenError::Database { path, source },
    }
}

fn is_empty(database: &redb::Database) -> Result<bool, redb::Error> {
    Ok(database.begin_read()?.list_tables()?.next().is_none())
}

fn initialise(database: &redb::Database) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    {
        transaction.open_table(OBJECTS)?;
        let mut meta = transaction.open_table(META)?;
        meta.insert(FORMAT_KEY, FORMAT)?;
        meta.insert(REVISION_KEY, FIRST_REVISION)?;
    }
    Ok(transaction.commit()?)
}

fn write(database: &redb::Database, events: &[Arc<Event>]) -> Result<(), redb::Error> {
    let Some(last) = events.last() else {
        return Ok(());
    };
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        for event in events {
            let key = event.record.key.to_string();
            match event.after() {
                Some(record) => objects.insert(key.as_str(), record.json.as_ref())?,
                None => objects.remove(key.as_str())?,
            };
        }
        let mut meta = transaction.open_table(META)?;
        meta.insert(REVISION_KEY, last.revision())?;
    }
    Ok(transaction.commit()?)
}

fn write_revision(database: &redb::Database, revision: u64) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction
        .open_table(META)?
        .insert(REVISION_KEY, revision)?;
    Ok(transaction.commit()?)
}

fn revision(database: &redb::Database) -> Result<u64, redb::Error> {
    let meta = database.begin_read()?.open_table(META)?;
    Ok(meta.get(REVISION_KEY)?.map_or(0, |value| value.value()))
}

/// Reads everything, and refuses what this version did not write.
fn load(path: &Path, database: &redb::Database) -> Result<(u64, Vec<Record>), OpenError> {
    let fail = |error: redb::Error| database_error(path, error);
    let transaction = database.begin_read().map_err(|error| fail(error.into()))?;
    let meta = transaction
        .open_table(META)
        .map_err(|error| table_error(path, error))?;
    let number = |key| {
        meta.get(key)
            .map(|found| found.map(|value| value.value()))
            .map_err(|error| fail(error.into()))
    };
    match number(FORMAT_KEY)? {
        Some(FORMAT) => {}
        Some(found) => {
            return Err(OpenError::Format {
                path: path.to_owned(),
                found,
                expected: FORMAT,
            });
        }
        None => return Err(foreign(path, "it has no format number")),
    }
    let Some(revision) = number(REVISION_KEY)? else {
        return Err(foreign(path, "it has no revision"));
    };
    let objects = transaction
        .open_table(OBJECTS)
        .map_err(|error| table_error(path, error))?;
    let mut records = Vec::new();
    for entry in objects.iter().map_err(|error| fail(error.into()))? {
        let (key, json) = entry.map_err(|error| fail(error.into()))?;
        records.push(record(path, key.value(), json.value(), revision)?);
    }
    Ok((revision, records))
}

fn record(path: &Path, key: &str, json: &[u8], newest: u64) -> Result<Record, OpenError> {
    let damaged = |reason: String| OpenError::Damaged {
        path: path.to_owned(),
        reason: format!("object {key:?}: {reason}"),
    };
    let parsed = Key::parse(key).ok_or_else(|| damaged("its key is malformed".to_owned()))?;
    let record = Record::load(parsed, bytes::Bytes::copy_from_slice(json)).map_err(damaged)?;
    if record.revision > newest {
        return Err(damaged(format!(
            "its revision {} is newer than the store's {newest}",
            record.revision
        )));
    }
    Ok(record)
}

fn table_error(path: &Path, error: TableError) -> OpenError {
    match error {
        TableError::Storage(error) => database_error(path, error.into()),
        error => foreign(path, &error.to_string()),
    }
}

fn foreign(path: &Path, reason: &str) -> OpenError {
    OpenError::Foreign {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// The file grows in large steps under churn; opening is the moment when nobody waits for a write.
fn compact_if_loose(path: &Path, database: &mut redb::Database) -> Result<(), OpenError> {
    let Ok(size) = std::fs::metadata(path).map(|found| found.len()) else {
        return Ok(());
    };
    if size <= COMPACT_ABOVE_BYTES {
        return Ok(());
    }
    match database.compact() {
        Ok(_) => Ok(()),
        Err(redb::CompactionError::Storage(error)) => Err(database_error(path, error.into())),
        Err(error) => {
            tracing::debug!(%error, "the store was not compacted");
            Ok(())
        }
    }
}
