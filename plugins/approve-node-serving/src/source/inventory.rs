//! A JSON document of the operator.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use slipway_sdk::files::{Directory, Reason};
use slipway_sdk::http::Get;
use slipway_sdk::prelude::*;

use super::{Confirmed, Known};
use crate::settings::{FOLDER, Inventory, NODE};

/// The largest inventory that is read, in bytes.
const LIMIT: usize = 4 << 20;

/// What the inventory says of one node.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    addresses: Vec<IpAddr>,
    #[serde(default)]
    dns_names: Vec<String>,
}

pub(super) fn look_up(inventory: &Inventory, node: &str) -> Result<Known, ReviewError> {
    let (pattern, (place, text)) = match inventory {
        Inventory::File(file) => (file, read(&file.replace(NODE, node))?),
        Inventory::Url(url) => (url, fetch(&url.replace(NODE, node))?),
    };
    let unknown = || Known::Nothing(format!("the node {node} is not in the inventory {place}"));
    let Some(text) = text else {
        // Where each node has its own document, that is an answer; the one of all nodes may be written anew just now.
        return match pattern.contains(NODE) {
            true => Ok(unknown()),
            false => Err(ReviewError::Unavailable(format!(
                "the inventory {place} is not there"
            ))),
        };
    };
    let mut nodes: BTreeMap<String, Entry> = serde_json::from_slice(&text).map_err(|error| {
        ReviewError::Other(format!("the inventory {place} is not understood: {error}"))
    })?;
    Ok(match nodes.remove(node) {
        None => unknown(),
        Some(Entry {
            addresses,
            dns_names,
        }) => Known::Node(Confirmed {
            by: format!("the inventory {place}"),
            addresses,
            dns_names,
            resolved: Vec::new(),
        }),
    })
}

/// The document's place and its text; none where there is no such document.
fn read(file: &str) -> Result<(String, Option<Vec<u8>>), ReviewError> {
    let read = Directory::open(FOLDER).and_then(|folder| folder.read(file, LIMIT));
    let place = format!("{FOLDER}/{file}");
    match read {
        Ok(text) => Ok((place, Some(text))),
        Err(error) if error.reason == Reason::NotFound => Ok((place, None)),
        Err(error) if error.reason == Reason::NotPermitted => {
            Err(ReviewError::Unavailable(error.to_string()))
        }
        Err(error) => Err(ReviewError::Other(error.to_string())),
    }
}

fn fetch(url: &str) -> Result<(String, Option<Vec<u8>>), ReviewError> {
    let answer = Get::new(url)
        .and_then(|get| {
            get.header("accept", "application/json")
                .body_limit(LIMIT)
                .send()
        })
        .map_err(|error| match error.is_outage() {
            true => ReviewError::Unavailable(error.to_string()),
            false => ReviewError::Other(error.to_string()),
        })?;
    match answer.status {
        200 => Ok((url.to_owned(), Some(answer.body))),
        404 | 410 => Ok((url.to_owned(), None)),
        status => Err(ReviewError::Unavailable(format!(
            "{url} answers with status {status}"
        ))),
    }
}
