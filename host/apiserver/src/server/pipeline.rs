//! From a request to its answer: read, authenticate, authorize, handle.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use futures::FutureExt as _;
use http::{Request, Response};

use super::Api;
use super::gate::InProcess;
use crate::authentication::{UserInfo, impersonate};
use crate::authorization::Decision;
use crate::codec::negotiate_status;
use crate::handler;
use crate::request::RequestInfo;
use crate::status::Status;

/// A request with what the pipeline found out about it.
pub(crate) struct Accepted {
    pub(crate) info: RequestInfo,
    pub(crate) user: UserInfo,
    pub(crate) parts: http::request::Parts,
    pub(crate) body: Body,
}

pub(super) fn router(api: Arc<Api>) -> Router {
    Router::new().fallback(answer).with_state(api)
}

async fn answer(State(api): State<Arc<Api>>, request: Request<Body>) -> Response<Body> {
    let encoding = negotiate_status(request.headers());
    let answering = async {
        let accepted = accept(&api, request).await?;
        handler::handle(Arc::clone(&api), accepted).await
    };
    // A bug in one handler must not take the connection down, or a caller inside this process. What is
    // shared is changed by moves only, so that nothing is left half-done.
    AssertUnwindSafe(answering)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Status::internal("a handler panicked")))
        .unwrap_or_else(|status| handler::failure(&status, encoding))
}

async fn accept(api: &Api, request: Request<Body>) -> Result<Accepted, Status> {
    let (parts, body) = request.into_parts();
    let info = RequestInfo::parse(
        &parts.method,
        parts.uri.path(),
        parts.uri.query().unwrap_or_default(),
    )?;
    let user = match parts.extensions.get::<InProcess>() {
        Some(InProcess(user)) => user.clone(),
        None => api.authenticator.authenticate(&parts).await?,
    };
    let user = impersonate(user, &parts.headers, api.authorizer.as_ref()).await?;
    let attributes = info.attributes();
    match api.authorizer.authorize(&user, &attributes).await? {
        Decision::Allow(_) => {}
        Decision::Deny(reason) => return Err(Status::access_denied(&user, &attributes, &reason)),
        Decision::NoOpinion => return Err(Status::access_denied(&user, &attributes, "")),
    }
    Ok(Accepted {
        info,
        user,
        parts,
        body,
    })
}
