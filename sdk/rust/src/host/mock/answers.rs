//! What the host answers.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::{Entry, ask};
use crate::cluster::{ClusterError, Kind};
use crate::dns::{DnsError, Service};
use crate::http::{self, Get, HttpError};
use crate::log::Level;
use crate::unverified_https::{FetchError, Limits, Response};

/// A native panic tells its story by itself.
pub(crate) fn report_panics() {}

pub(crate) fn log(level: Level, message: &str, fields: &[(&str, &str)]) {
    ask(|host| {
        host.log.push(Entry {
            level,
            message: message.to_owned(),
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        });
    });
}

pub(crate) fn settings() -> Result<Vec<(String, String)>, String> {
    Ok(ask(|host| host.settings.clone()))
}

/// What a test set up is what it grants.
pub(crate) fn grants() -> Result<String, String> {
    Ok(ask(|host| {
        let origins = host.http.keys().filter_map(|url| {
            let origin = http::Url::parse(url).ok()?.origin()?;
            Some(json!({"scheme": origin.scheme, "host": origin.host, "port": origin.port}))
        });
        let objects = host
            .objects
            .keys()
            .map(|[group, version, kind, namespace, _]| {
                let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
                json!({"group": group, "version": version, "kind": kind, "namespace": namespace})
            });
        let writable = host
            .directories
            .iter()
            .filter(|(_, folder)| !folder.read_only);
        json!({
            "dns": host.dns || !host.names.is_empty() || !host.services.is_empty(),
            "clocks": host.clocks,
            "folders": host.directories.keys().collect::<Vec<_>>(),
            "writableFolders": writable.map(|(name, _)| name).collect::<Vec<_>>(),
            "http": origins.collect::<Vec<_>>(),
            "cluster": objects.collect::<Vec<_>>(),
        })
        .to_string()
    }))
}

pub(crate) fn wall_clock() -> Duration {
    ask(|host| host.wall_clock)
}

pub(crate) fn monotonic_clock() -> Duration {
    ask(|host| host.wall_clock)
}

/// A counter, so that a test is the same each time.
pub(crate) fn random_bytes(length: usize) -> Vec<u8> {
    ask(|host| {
        std::iter::repeat_with(|| {
            host.random = host.random.wrapping_add(1);
            host.random
        })
        .take(length)
        .collect()
    })
}

pub(crate) fn resolve(name: &str) -> Result<Vec<IpAddr>, DnsError> {
    ask(|host| host.names.get(name).cloned())
        .unwrap_or_else(|| Err(DnsError::NotFound(name.to_owned())))
}

pub(crate) fn services(name: &str) -> Result<Vec<Service>, DnsError> {
    ask(|host| host.services.get(name).cloned())
        .unwrap_or_else(|| Err(DnsError::NotFound(name.to_owned())))
}

pub(crate) fn cluster_get(
    kind: &Kind<'_>,
    namespace: &str,
    name: &str,
) -> Result<Option<String>, ClusterError> {
    let key = [kind.group, kind.version, kind.kind, namespace, name].map(str::to_owned);
    ask(|host| {
        granted(host, kind)?;
        Ok(host.objects.get(&key).cloned())
    })
}

pub(crate) fn cluster_list(kind: &Kind<'_>, namespace: &str) -> Result<Vec<String>, ClusterError> {
    ask(|host| {
        granted(host, kind)?;
        Ok(host
            .objects
            .iter()
            .filter(|([group, version, name, within, _], _)| {
                is_of(kind, group, version, name) && (namespace.is_empty() || namespace == within)
            })
            .map(|(_, object)| object.clone())
            .collect())
    })
}

/// A kind is granted when there is an object of it.
fn granted(host: &super::MockHost, kind: &Kind<'_>) -> Result<(), ClusterError> {
    host.objects
        .keys()
        .any(|[group, version, name, ..]| is_of(kind, group, version, name))
        .then_some(())
        .ok_or_else(|| ClusterError::NotGranted(format!("{} in the mock host", kind.kind)))
}

fn is_of(kind: &Kind<'_>, group: &str, version: &str, name: &str) -> bool {
    (kind.group, kind.version, kind.kind) == (group, version, name)
}

pub(crate) fn unverified_get(url: &str, limits: Limits) -> Result<Response, FetchError> {
    let response = ask(|host| host.unverified.get(url).cloned())
        .unwrap_or_else(|| Err(FetchError::NotAllowed(format!("{url} in the mock host"))))?;
    if response.body.len() > limits.body_bytes as usize {
        return Err(FetchError::TooLarge);
    }
    Ok(response)
}

/// Answers in the order of the URLs.
pub(crate) struct Race(std::vec::IntoIter<(usize, Result<Response, FetchError>)>);

impl Race {
    pub(crate) fn begin(urls: &[String], limits: Limits) -> Self {
        let answers: Vec<_> = urls
            .iter()
            .map(|url| unverified_get(url, limits))
            .enumerate()
            .collect();
        Self(answers.into_iter())
    }

    pub(crate) fn next(&mut self) -> Option<(usize, Result<Response, FetchError>)> {
        self.0.next()
    }
}

pub(crate) fn http_get(get: &Get) -> Result<http::Response, HttpError> {
    let response = ask(|host| host.http.get(&get.url.text).cloned())
        .unwrap_or_else(|| Err(HttpError::NotAllowed(get.url.text.clone())))?;
    if response.body.len() > get.body_bytes {
        return Err(HttpError::TooLarge(get.url.text.clone()));
    }
    Ok(response)
}
