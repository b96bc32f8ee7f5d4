//! `list`: objects at one moment, whole or in pages.

use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Response, StatusCode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use serde::{Deserialize, Serialize};

use super::call::{Call, readable, text};
use crate::codec::{Shape, Type};
use crate::request::{ListOptions, OptionsKind, ResourceVersionMatch};
use crate::resource::Object;
use crate::status::Status;
use crate::store::{Key, Listing, OutOfHistory, Part, Record, Scope};
use crate::strategy::Violation;
use crate::table;

/// Where a list in pages goes on: an opaque text for clients.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Continue {
    /// The moment that all pages show.
    #[serde(rename = "rv")]
    revision: u64,
    /// The last object of the page before.
    namespace: String,
    name: String,
}

/// A page: what is in it, and how to go on.
struct Page {
    revision: u64,
    records: Vec<Arc<Record>>,
    next: String,
    remaining: Option<usize>,
}

/// Lists what the request selects.
pub(super) fn list(call: &Call) -> Result<Response<Body>, Status> {
    let page = page(call)?;
    let encoding = call.format.encoding;
    let metadata = page.metadata();
    let bytes = match call.format.shape {
        Shape::Plain => {
            let items = page.records.iter().map(|record| record.json.as_ref());
            encoding.list(metadata, items, &call.kind())?
        }
        Shape::Metadata => {
            let items = page.items(|object| text(&table::partial(object)))?;
            encoding.list(metadata, items.iter().map(Vec::as_slice), &Type::METADATA)?
        }
        Shape::Table => {
            let include = table::IncludeObject::parse(call.query())?;
            let now = call.context.now;
            let rows =
                page.items(|object| Ok(table::row(call.definition, object, now, include)))?;
            text(&table::table(call.definition, &metadata, rows))?.into()
        }
    };
    Ok(encoding.response(StatusCode::OK, bytes))
}

impl Page {
    fn metadata(&self) -> ListMeta {
        ListMeta {
            resource_version: Some(self.revision.to_string()),
            continue_: Some(self.next.clone()).filter(|next| !next.is_empty()),
            remaining_item_count: self.remaining.and_then(|count| i64::try_from(count).ok()),
            ..ListMeta::default()
        }
    }

    fn items<T>(&self, item: impl Fn(&Object) -> Result<T, Status>) -> Result<Vec<T>, Status> {
        self.records
            .iter()
            .map(|record| item(&readable(record)?))
            .collect()
    }
}

/// Everything that the request selects, in one page.
pub(super) fn select(call: &Call) -> Result<(u64, Vec<Arc<Record>>), Status> {
    let page = page(call)?;
    Ok((page.revision, page.records))
}

fn page(call: &Call) -> Result<Page, Status> {
    let options = ListOptions::parse(call.query())?;
    check(&options)?;
    let (scope, selector) = call.selection(&options)?;
    let limit = options.limit.unwrap_or(usize::MAX);
    // A selector may leave out any of them.
    let most = match selector.is_everything() {
        true => limit,
        false => usize::MAX,
    };
    let mut listing = listing(call, &options, &scope, most)?;
    listing
        .records
        .retain(|record| selector.matches_record(record));
    let more = listing.beyond > 0 || listing.records.len() > limit;
    listing.records.truncate(limit);
    let next = match listing.records.last() {
        Some(last) if more => Continue::after(listing.revision, &last.key).encode()?,
        _ => String::new(),
    };
    // With a selector the number would have to be counted, and Kubernetes does not either.
    let remaining = (more && selector.is_everything()).then_some(listing.beyond);
    Ok(Page {
        revision: listing.revision,
        records: listing.records,
        next,
        remaining,
    })
}

/// Which combinations of options make sense.
fn check(options: &ListOptions) -> Result<(), Status> {
    let violation =
        if options.resource_version_match.is_some() && options.resource_version.is_none() {
            Violation::forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            )
        } else if options.resource_version_match.is_some() && !options.continue_token.is_empty() {
            Violation::forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden when continue is provided",
            )
        } else if options.resource_version_match == Some(ResourceVersionMatch::Exact)
            && options.resource_version == Some(0)
        {
            Violation::forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            )
        } else if options.send_initial_events.is_some() {
            Violation::forbidden(
                "sendInitialEvents",
                "sendInitialEvents is forbidden for list",
            )
        } else {
            return Ok(());
        };
    Err(OptionsKind::LIST.invalid(violation))
}

/// The objects at the moment that the options ask for, and not more than `most`.
fn listing(
    call: &Call,
    options: &ListOptions,
    scope: &Scope,
    most: usize,
) -> Result<Listing, Status> {
    let store = &call.api.store;
    let first = Part { after: None, most };
    if !options.continue_token.is_empty() {
        if options.resource_version.is_some_and(|version| version != 0) {
            return Err(Status::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let from = Continue::decode(&options.continue_token)?;
        let after = Key::new(&call.definition.collection(), &from.namespace, &from.name);
        return store
            .list_at(
                from.revision,
                scope,
                Part {
                    after: Some(&after),
                    most,
                },
            )
            .map_err(|_| {
                Status::expired(
                    "the continue parameter is too old: the moment that it shows is no longer known; list anew",
                )
            });
    }
    match (options.resource_version, options.resource_version_match) {
        (Some(version), Some(ResourceVersionMatch::Exact)) => at(call, version, scope, first),
        // Without a match, pages from a moment show that moment.
        (Some(version), None) if version > 0 && options.limit.is_some() => {
            at(call, version, scope, first)
        }
        (version, _) => {
            let listing = store.list_and_tell(scope, first);
            match version {
                Some(version) if version > listing.revision => Err(
                    Status::too_large_resource_version(version, listing.revision),
                ),
                _ => Ok(listing),
            }
        }
    }
}

fn at(call: &Call, version: u64, scope: &Scope, part: Part<'_>) -> Result<Listing, Status> {
    call.api
        .store
        .list_at(version, scope, part)
        .map_err(|error| outdated(&error))
}

/// 410, or 504 for a moment that has not come.
fn outdated(error: &OutOfHistory) -> Status {
    if error.wanted > error.newest {
        return Status::too_large_resource_version(error.wanted, error.newest);
    }
    too_old(error)
}

/// 410 in Kubernetes' words.
pub(super) fn too_old(error: &OutOfHistory) -> Status {
    Status::expired(format!(
        "too old resource version: {} ({})",
        error.wanted, error.oldest
    ))
}

impl Continue {
    fn after(revision: u64, key: &Key) -> Self {
        Self {
            revision,
            namespace: key.namespace.to_string(),
            name: key.name.to_string(),
        }
    }

    fn encode(&self) -> Result<String, Status> {
        let json = serde_json::to_vec(self).map_err(Status::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    fn decode(text: &str) -> Result<Self, Status> {
        let malformed = || Status::bad_request("continue key is not valid");
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
        serde_json::from_slice(&json).map_err(|_| malformed())
    }
}
