//! A request's verb and target, as Kubernetes reads them from method and path.
//!
//! Source: `k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`.

use http::Method;
use percent_encoding::percent_decode_str;

use super::ListOptions;
use crate::authorization::{Attributes, ResourceTarget};
use crate::selector::FieldSelector;
use crate::status::Status;

/// A request's verb and target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    /// Kubernetes' verb for a resource, the lower-case HTTP method for another path.
    pub(crate) verb: String,
    /// The path as it came.
    pub(crate) path: String,
    /// The resource; none for another path.
    pub(crate) resource: Option<ResourceRequest>,
}

/// A resource, or an object of it, or a part of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourceRequest {
    /// The API group; empty for the core group.
    pub(crate) group: String,
    /// The version.
    pub(crate) version: String,
    /// The namespace; empty for cluster-wide resources and for requests across namespaces.
    pub(crate) namespace: String,
    /// The plural name.
    pub(crate) resource: String,
    /// The subresource; empty for the object itself.
    pub(crate) subresource: String,
    /// The object's name, from the path; empty on collections.
    pub(crate) name: String,
    /// The name that a field selector of a list, watch or deletecollection asks for; empty without one.
    pub(crate) selected_name: String,
}

impl RequestInfo {
    /// Reads method, path (still percent-encoded) and query (without the `?`).
    ///
    /// # Errors
    /// 400 when a part of the path is not UTF-8 once it is decoded.
    pub(crate) fn parse(method: &Method, path: &str, query: &str) -> Result<Self, Status> {
        let decoded = path
            .trim_matches('/')
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Status::bad_request("the path is not UTF-8"))?;
        let parts: Vec<&str> = decoded.iter().map(AsRef::as_ref).collect();
        let Some(mut target) = target(&parts) else {
            return Ok(Self {
                verb: method.as_str().to_ascii_lowercase(),
                path: path.to_owned(),
                resource: None,
            });
        };
        let verb = verb(method, &target, query);
        if matches!(verb, "list" | "watch" | "deletecollection") {
            target.selected_name = selected_name(query);
        }
        Ok(Self {
            verb: verb.to_owned(),
            path: path.to_owned(),
            resource: Some(target),
        })
    }

    /// The same as authorizers see it.
    pub(crate) fn attributes(&self) -> Attributes {
        match &self.resource {
            None => Attributes::path(&self.verb, &self.path),
            Some(target) => Attributes::resource(
                &self.verb,
                ResourceTarget {
                    group: target.group.clone(),
                    resource: target.resource.clone(),
                    subresource: target.subresource.clone(),
                    namespace: target.namespace.clone(),
                    name: if target.name.is_empty() {
                        target.selected_name.clone()
                    } else {
                        target.name.clone()
                    },
                },
            ),
        }
    }
}

/// The target of a path that names a resource.
fn target(parts: &[&str]) -> Option<ResourceRequest> {
    let (group, version, rest) = match parts {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        [] | [""] => return None,
        // `namespaces/n` and its own subresources are the namespace; anything longer is in it.
        ["namespaces", name] | ["namespaces", name, "status" | "finalize"] => (*name, rest),
        ["namespaces", name, inside @ ..] => (*name, inside),
        other => ("", other),
    };
    let at = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
    Some(ResourceRequest {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: namespace.to_owned(),
        resource: at(0),
        name: at(1),
        // A deeper path is no subresource that exists.
        subresource: rest.get(2..).unwrap_or_default().join("/"),
        selected_name: String::new(),
    })
}

fn verb(method: &Method, target: &ResourceRequest, query: &str) -> &'static str {
    let one = !target.name.is_empty();
    match *method {
        Method::POST => "create",
        Method::GET | Method::HEAD if one => "get",
        Method::GET | Method::HEAD if wants_watch(query) => "watch",
        Method::GET | Method::HEAD => "list",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if one => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    }
}

fn wants_watch(query: &str) -> bool {
    super::options::pairs(query).any(|(key, value)| key == "watch" && super::options::flag(&value))
}

/// The name that a field selector insists on, read as the list itself reads it: what is authorized has
/// to be what is served, however often and however the selector is spelled.
fn selected_name(query: &str) -> String {
    let selector = ListOptions::parse(query)
        .ok()
        .and_then(|options| FieldSelector::parse(&options.field_selector).ok());
    selector
        .as_ref()
        .and_then(FieldSelector::name)
        .unwrap_or_default()
        .to_owned()
}
