//! What is served, told to clients: groups, versions, resources; the version; health; what was counted; OpenAPI.

mod aggregated;
mod groups;
mod health;
mod kept;
mod metrics;
mod openapi;

pub use metrics::Metrics;
pub(crate) use openapi::OpenApi;

use axum::body::Body;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::codec::{DiscoveryFormat, Encoding, Type, negotiate_discovery};
use crate::server::Api;
use crate::status::Status;

/// The Kubernetes release whose API this is a part of.
const MAJOR: &str = "1";
const MINOR: &str = "36";

/// Answers a path that is no resource.
pub(crate) async fn answer(api: &Api, request: &Parts) -> Result<Response<Body>, Status> {
    let registry = &api.registry;
    let path = request.uri.path().trim_end_matches('/');
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(Status::path_not_found());
    }
    match parts.as_slice() {
        [which @ ("healthz" | "livez" | "readyz"), rest @ ..] => {
            return health::answer(which, rest, request, &api.store).await;
        }
        ["metrics"] => return api.metrics.ok_or_else(Status::path_not_found)?.answer(),
        ["openapi", "v2"] => return openapi::v2(&request.headers),
        ["openapi", "v3", path @ ..] => return api.openapi.answer(registry, request, path),
        _ => {}
    }
    let encoding = match (negotiate_discovery(&request.headers)?, parts.as_slice()) {
        (DiscoveryFormat::Aggregated, ["api"]) => return Ok(aggregated::core(registry, request)),
        (DiscoveryFormat::Aggregated, ["apis"]) => {
            return Ok(aggregated::groups(registry, request));
        }
        (DiscoveryFormat::Aggregated, _) => Encoding::Json,
        (DiscoveryFormat::Plain(encoding), _) => encoding,
    };
    let (document, of) = match parts.as_slice() {
        [""] => return Ok(json(paths(api))),
        ["version"] => return Ok(json(version())),
        ["api"] => (groups::core_versions(), Type::API_VERSIONS),
        ["apis"] => (groups::list(registry), Type::API_GROUPS),
        ["api", version] => (
            groups::resources(registry, "", version)?,
            Type::API_RESOURCES,
        ),
        ["apis", group] => (groups::one(registry, group)?, Type::API_GROUP),
        ["apis", group, version] => (
            groups::resources(registry, group, version)?,
            Type::API_RESOURCES,
        ),
        _ => return Err(Status::path_not_found()),
    };
    let bytes = encoding.object(document.to_string(), &of)?;
    Ok(encoding.response(StatusCode::OK, bytes))
}

/// A document that is no object of the API.
fn json(document: Value) -> Response<Body> {
    Encoding::Json.response(StatusCode::OK, document.to_string())
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
fn paths(api: &Api) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, version) in groups::named(&api.registry) {
        paths.push(format!("/apis/{group}"));
        paths.push(format!("/apis/{group}/{version}"));
    }
    paths.extend(
        [
            "/healthz",
            "/livez",
            "/openapi/v2",
            "/openapi/v3",
            "/readyz",
            "/version",
        ]
        .map(str::to_owned),
    );
    paths.extend(api.metrics.map(|_| "/metrics".to_owned()));
    paths.sort();
    json!({ "paths": paths })
}
