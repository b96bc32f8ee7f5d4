//! `get`: one object.

use axum::body::Body;
use http::{Response, StatusCode};

use super::call::Call;
use crate::request::ListOptions;
use crate::status::Status;

/// Answers with the object as it is now, whichever of its doors was named.
pub(super) fn get(call: &Call) -> Result<Response<Body>, Status> {
    let options = ListOptions::parse(call.query())?;
    let current = call.api.store.revision();
    if let Some(wanted) = options.resource_version.filter(|wanted| *wanted > current) {
        return Err(Status::too_large_resource_version(wanted, current));
    }
    let name = &call.target.name;
    let record = call
        .api
        .store
        .get(&call.key())
        .ok_or_else(|| call.not_found(name))?;
    call.respond(StatusCode::OK, &record)
}
