//! Requests as they stand in a file.

use std::fs;
use std::path::Path;

use crate::body::Body;

/// A file of requests, sent one after the other.
#[derive(Debug)]
pub(crate) struct Script {
    /// The file's name, without its extension.
    pub(crate) name: String,
    /// In their order.
    pub(crate) requests: Vec<Request>,
}

/// One request, as it goes over the wire. In the place of `{{TITLE FIELD}}` goes what the same server said in this field of
/// the metadata, such as `uid`, when it answered the request of that title.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) title: String,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

impl Script {
    /// All files of a folder, in the order of their names.
    pub(crate) fn read_all(folder: &Path) -> Vec<Self> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .expect("a folder of requests")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        files.iter().map(|file| Self::read(file)).collect()
    }

    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("a file of requests");
        let name = file.file_stem().expect("a name").to_string_lossy();
        let mut parts = text.split("### ");
        let comment = parts.next().unwrap_or_default();
        assert!(
            comment
                .lines()
                .all(|line| line.is_empty() || line.starts_with("# ")),
            "{name} does not begin with a comment or with ###"
        );
        Self {
            requests: parts.map(Request::parse).collect(),
            name: name.into_owned(),
        }
    }
}

impl Request {
    /// Whether the answer goes on until its time is over.
    pub(crate) fn is_watch(&self) -> bool {
        self.target.contains("watch=true") || self.target.contains("watch=1")
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let title = lines.next().expect("a title").trim().to_owned();
        let (method, target) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .unwrap_or_else(|| panic!("{title:?} is followed by no method and path"));
        let headers = lines.map(|line| {
            let (name, value) = line
                .split_once(": ")
                .unwrap_or_else(|| panic!("{title:?} has a header {line:?}"));
            (name.to_owned(), value.to_owned())
        });
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.collect(),
            body: Body::parse(body),
            title,
        }
    }
}
