//! Imports every capability that an approver can have, and tries the one that the request names. For the tests of the
//! runtime.

use std::time::SystemTime;

use serde_json::Value;
use slipway_sdk::prelude::*;
use slipway_sdk::{clock, cluster, dns, files, http, random};

/// A plugin that wants everything.
#[derive(Debug)]
pub struct WantsEverything;

impl Plugin for WantsEverything {
    type Settings = NoSettings;

    fn configure(NoSettings {}: NoSettings) -> Result<Self, SettingErrors> {
        Ok(Self)
    }
}

impl CsrApprover for WantsEverything {
    /// Defers with what became of the attempt.
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        let mut words = request.name.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let result = match word() {
            "clock" => Ok(seconds()),
            "random" => Ok(random::bytes(8).len().to_string()),
            "random-bytes" => Ok(format!("{:?}", random::bytes(16))),
            "names" => names(word()),
            "resolve" => dns::resolve(word())
                .map(|found| found.len().to_string())
                .map_err(|error| error.to_string()),
            "get" => get(word()),
            "get-with-own-credential" => with_own_credential(word()),
            "read" => read(word(), word()),
            "write" => write(word(), word()),
            "hoard" => hoard(word()),
            "object" => object(word(), word(), word()),
            "objects" => objects(word(), word()),
            other => Err(format!("there is no {other:?}")),
        };
        let (Ok(text) | Err(text)) = result;
        Ok(Review::defer(text))
    }
}

fn seconds() -> String {
    clock::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map(|elapsed| elapsed.as_secs().to_string())
        .unwrap_or_default()
}

fn get(url: &str) -> Result<String, String> {
    let answer = http::get(url).map_err(|error| error.to_string())?;
    Ok(format!(
        "{} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    ))
}

fn with_own_credential(url: &str) -> Result<String, String> {
    let answer = http::Get::new(url)
        .and_then(|request| request.header("authorization", "mine").send())
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

fn read(folder: &str, path: &str) -> Result<String, String> {
    files::Directory::open(folder)
        .and_then(|folder| folder.read_text(path, 4096))
        .map_err(|error| error.to_string())
}

fn names(folder: &str) -> Result<String, String> {
    let mut names = files::Directory::open(folder)
        .and_then(|folder| folder.names())
        .map_err(|error| error.to_string())?;
    names.sort();
    Ok(names.join(" "))
}

fn write(folder: &str, path: &str) -> Result<String, String> {
    files::Directory::open(folder)
        .and_then(|folder| folder.create(path, b"written"))
        .map(|()| "written".to_owned())
        .map_err(|error| error.to_string())
}

/// Opens a folder again and again, and closes none of the handles.
fn hoard(folder: &str) -> Result<String, String> {
    loop {
        let opened = files::Directory::open(folder).map_err(|error| error.to_string())?;
        std::mem::forget(opened);
    }
}

fn object(kind: &str, namespace: &str, name: &str) -> Result<String, String> {
    let kind = cluster::Kind {
        group: "",
        version: "v1",
        kind,
    };
    cluster::get::<Value>(&kind, namespace, name)
        .map(|found| found.map_or_else(|| "absent".to_owned(), |object| object.to_string()))
        .map_err(|error| error.to_string())
}

fn objects(kind: &str, namespace: &str) -> Result<String, String> {
    let kind = cluster::Kind {
        group: "",
        version: "v1",
        kind,
    };
    cluster::list::<Value>(&kind, namespace)
        .map(|found| Value::from(found).to_string())
        .map_err(|error| error.to_string())
}

slipway_sdk::export_csr_approver!(WantsEverything);
