//! What a test gives the host, and what it sees of it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::HOST;
use crate::cluster::Kind;
use crate::dns::{DnsError, Service};
use crate::http::{self, HttpError};
use crate::log::Level;
use crate::unverified_https::{FetchError, Response};

/// A host for native tests: what the operator granted, and what the world answers.
///
/// What is not there is not granted, so a test shows what a plugin needs.
///
/// ```
/// use slipway_sdk::{files, testing::MockHost};
///
/// let host = MockHost::new()
///     .file("inventory", "nodes.txt", "worker-1\n")
///     .install();
/// let inventory = files::Directory::open("inventory")?;
/// assert_eq!(inventory.read_text("nodes.txt", 1024)?, "worker-1\n");
/// assert!(host.log().is_empty());
/// # Ok::<(), files::FileError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MockHost {
    pub(super) settings: Vec<(String, String)>,
    pub(super) log: Vec<Entry>,
    pub(super) directories: BTreeMap<String, Folder>,
    pub(super) objects: BTreeMap<[String; 5], String>,
    pub(super) unverified: BTreeMap<String, Result<Response, FetchError>>,
    pub(super) http: BTreeMap<String, Result<http::Response, HttpError>>,
    pub(super) names: BTreeMap<String, Result<Vec<IpAddr>, DnsError>>,
    pub(super) services: BTreeMap<String, Result<Vec<Service>, DnsError>>,
    pub(super) dns: bool,
    pub(super) clocks: bool,
    pub(super) wall_clock: Duration,
    pub(super) random: u8,
}

/// A folder of the mock host.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) read_only: bool,
    pub(super) writes_left: Option<usize>,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Severity.
    pub level: Level,
    /// The message.
    pub message: String,
    /// Named values beside the message.
    pub fields: Vec<(String, String)>,
}

impl MockHost {
    /// A host that granted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the settings, from an object.
    #[must_use]
    pub fn settings(mut self, settings: Value) -> Self {
        if let Value::Object(settings) = settings {
            self.settings = settings
                .into_iter()
                .map(|(key, value)| (key, value.to_string()))
                .collect();
        }
        self
    }

    /// Sets one setting to a text that need not be JSON.
    #[must_use]
    pub fn raw_setting(mut self, key: &str, text: &str) -> Self {
        self.settings.push((key.to_owned(), text.to_owned()));
        self
    }

    /// Grants an empty, writable folder.
    #[must_use]
    pub fn directory(mut self, name: &str) -> Self {
        self.directories.entry(name.to_owned()).or_default();
        self
    }

    /// Puts a file into a folder, which it grants.
    #[must_use]
    pub fn file(mut self, directory: &str, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.directories
            .entry(directory.to_owned())
            .or_default()
            .files
            .insert(path.to_owned(), content.into());
        self
    }

    /// Takes the right to write from a folder.
    #[must_use]
    pub fn read_only(mut self, directory: &str) -> Self {
        self.directories
            .entry(directory.to_owned())
            .or_default()
            .read_only = true;
        self
    }

    /// Lets a folder accept this many changes more; then the disk is full.
    #[must_use]
    pub fn writes_left(mut self, directory: &str, writes: usize) -> Self {
        self.directories
            .entry(directory.to_owned())
            .or_default()
            .writes_left = Some(writes);
        self
    }

    /// Puts an object into the cluster, and grants it.
    #[must_use]
    pub fn object(mut self, kind: &Kind<'_>, namespace: &str, name: &str, object: Value) -> Self {
        let key = [kind.group, kind.version, kind.kind, namespace, name].map(str::to_owned);
        self.objects.insert(key, object.to_string());
        self
    }

    /// Answers a GET without verification of the server.
    #[must_use]
    pub fn unverified(mut self, url: &str, answer: Result<Response, FetchError>) -> Self {
        self.unverified.insert(url.to_owned(), answer);
        self
    }

    /// Answers a GET without verification of the server, with status 200 and JSON.
    #[must_use]
    pub fn unverified_json(self, url: &str, body: impl Into<Vec<u8>>) -> Self {
        self.unverified(
            url,
            Ok(Response {
                status: 200,
                content_type: "application/json".to_owned(),
                body: body.into(),
                peer_certificates: Vec::new(),
            }),
        )
    }

    /// Answers a GET, and grants it.
    #[must_use]
    pub fn http(mut self, url: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        let response = http::Response {
            status,
            headers: Vec::new(),
            body: body.into(),
        };
        self.http.insert(url.to_owned(), Ok(response));
        self
    }

    /// Has a GET fail, and grants it.
    #[must_use]
    pub fn http_error(mut self, url: &str, error: HttpError) -> Self {
        self.http.insert(url.to_owned(), Err(error));
        self
    }

    /// Gives a name its addresses, and grants the resolver.
    #[must_use]
    pub fn name(mut self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let addresses = addresses.into_iter().collect();
        self.names.insert(name.to_owned(), Ok(addresses));
        self
    }

    /// Has the look-up of a name fail, and grants the resolver.
    #[must_use]
    pub fn name_error(mut self, name: &str, error: DnsError) -> Self {
        self.names.insert(name.to_owned(), Err(error));
        self
    }

    /// Gives a name its SRV records, or has their look-up fail, and grants the resolver.
    #[must_use]
    pub fn services(mut self, name: &str, services: Result<Vec<Service>, DnsError>) -> Self {
        self.services.insert(name.to_owned(), services);
        self
    }

    /// Grants the resolver.
    #[must_use]
    pub fn dns(mut self) -> Self {
        self.dns = true;
        self
    }

    /// Grants the clocks.
    #[must_use]
    pub fn clocks(mut self) -> Self {
        self.clocks = true;
        self
    }

    /// Sets the time of day, and grants the clocks.
    #[must_use]
    pub fn now(mut self, now: SystemTime) -> Self {
        self.clocks = true;
        self.wall_clock = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self
    }

    /// Makes this the host of the present thread, until the guard goes.
    pub fn install(self) -> Installed {
        let previous = HOST.replace(Some(self));
        Installed {
            previous,
            of_this_thread: PhantomData,
        }
    }
}

/// The host of the present thread; when this goes, the previous one is back.
#[derive(Debug)]
#[must_use = "the host is gone as soon as this is dropped"]
pub struct Installed {
    previous: Option<MockHost>,
    of_this_thread: PhantomData<*const ()>,
}

impl Installed {
    /// What was logged so far.
    pub fn log(&self) -> Vec<Entry> {
        super::ask(|host| host.log.clone())
    }

    /// The names in a folder, in order.
    pub fn files(&self, directory: &str) -> Vec<String> {
        super::ask(|host| {
            let folder = host.directories.get(directory);
            folder
                .map(|folder| folder.files.keys().cloned().collect())
                .unwrap_or_default()
        })
    }

    /// A file's content.
    pub fn file(&self, directory: &str, path: &str) -> Option<Vec<u8>> {
        super::ask(|host| host.directories.get(directory)?.files.get(path).cloned())
    }

    /// Replaces a file from outside, as the operator or another process might; or removes it.
    pub fn set_file(&self, directory: &str, path: &str, content: Option<&[u8]>) {
        super::ask(|host| {
            let folder = host.directories.entry(directory.to_owned()).or_default();
            match content {
                Some(content) => folder.files.insert(path.to_owned(), content.to_vec()),
                None => folder.files.remove(path),
            };
        });
    }

    /// Lets a folder accept this many changes more; then the disk is full.
    pub fn set_writes_left(&self, directory: &str, writes: Option<usize>) {
        super::ask(|host| {
            let folder = host.directories.entry(directory.to_owned()).or_default();
            folder.writes_left = writes;
        });
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        HOST.set(self.previous.take());
    }
}
