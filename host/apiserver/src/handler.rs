//! What is done with an accepted request: one module for each verb.

mod apply;
mod body;
mod call;
mod create;
mod delete;
mod list;
mod namespace;
mod owners;
mod read;
mod review;
mod update;
mod watch;
mod watch_encoding;

use std::sync::Arc;

use axum::body::Body;
use http::{Response, header};

use self::call::Call;
use crate::codec::Encoding;
use crate::discovery;
use crate::resource::Served;
use crate::server::{Accepted, Api};
use crate::status::Status;

/// Answers an accepted request.
///
/// # Errors
/// As the handler of its verb says.
pub(crate) async fn handle(api: Arc<Api>, request: Accepted) -> Result<Response<Body>, Status> {
    route(api, request).await
}

/// A failure as a response.
pub(crate) fn failure(status: &Status, encoding: Encoding) -> Response<Body> {
    let mut response = encoding.status(status);
    if let Some(seconds) = status.retry_after_seconds() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn route(api: Arc<Api>, request: Accepted) -> Result<Response<Body>, Status> {
    let Some(target) = &request.info.resource else {
        return discovery::answer(&api, &request.parts).await;
    };
    let served = api
        .registry
        .find(&target.group, &target.version, &target.resource)
        .cloned()
        .ok_or_else(Status::path_not_found)?;
    let verb = request.info.verb.clone();
    let (call, body) = Call::new(api, request, served.definition())?;
    if let Served::Virtual(_, review) = served {
        return match verb.as_str() {
            "create" => review::answer(call, body, review.as_ref()).await,
            _ => Err(Status::method_not_allowed()),
        };
    }
    let unnamed = call.target.name.is_empty();
    match verb.as_str() {
        "update" | "patch" if unnamed => Err(Status::method_not_allowed()),
        "get" => read::get(&call),
        "list" => list::list(&call),
        "watch" => watch::watch(call),
        "create" => create::create(call, body).await,
        "update" => update::update(call, body).await,
        "patch" => update::patch(call, body).await,
        "delete" => delete::delete(call, body).await,
        "deletecollection" => delete::delete_collection(call, body).await,
        _ => Err(Status::method_not_allowed()),
    }
}
