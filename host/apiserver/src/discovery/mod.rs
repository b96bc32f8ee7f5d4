//! What is served, told to clients: groups, versions, resources; the version; health; a stand-in for the
//! OpenAPI document.
//!
//! Aggregated discovery is another answer of `/api` and `/apis`, when it comes: clients that ask for it
//! take the plain one as well.

mod groups;
mod health;
mod openapi;

use axum::body::Body;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::codec::{json_response, negotiate};
use crate::resource::Registry;
use crate::status::Status;
use crate::store::Store;

/// The Kubernetes release whose API this is a part of.
const MAJOR: &str = "1";
const MINOR: &str = "36";

/// Answers a path that is no resource.
pub(crate) async fn answer(
    registry: &Registry,
    store: &Store,
    request: &Parts,
) -> Result<Response<Body>, Status> {
    let path = request.uri.path().trim_end_matches('/');
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(Status::path_not_found());
    }
    match parts.as_slice() {
        [which @ ("healthz" | "livez" | "readyz"), rest @ ..] => {
            return health::answer(which, rest, request, store).await;
        }
        ["openapi", "v2"] => return openapi::answer(&request.headers),
        _ => {}
    }
    negotiate(&request.headers)?;
    let document = match parts.as_slice() {
        [""] => paths(registry),
        ["version"] => version(),
        ["api"] => groups::core_versions(),
        ["apis"] => groups::list(registry),
        ["api", version] => groups::resources(registry, "", version)?,
        ["apis", group] => groups::one(registry, group)?,
        ["apis", group, version] => groups::resources(registry, group, version)?,
        _ => return Err(Status::path_not_found()),
    };
    Ok(json_response(StatusCode::OK, document.to_string()))
}

fn version() -> Value {
    json!({
        "major": MAJOR,
        "minor": MINOR,
        "gitVersion": format!("v{MAJOR}.{MINOR}.0+slipway.{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// The paths at the root.
fn paths(registry: &Registry) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, version) in groups::named(registry) {
        paths.push(format!("/apis/{group}"));
        paths.push(format!("/apis/{group}/{version}"));
    }
    paths.extend(["/healthz", "/livez", "/openapi/v2", "/readyz", "/version"].map(str::to_owned));
    json!({ "paths": paths })
}
