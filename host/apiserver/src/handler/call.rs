//! A request to a resource, with everything that its handler needs.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::authorization::is_shown_its_own_only;
use crate::codec::{Encoding, Format, Shape, Type, negotiate};
use crate::request::{ListOptions, ResourceRequest};
use crate::resource::{Context, Definition, Object, ObjectError};
use crate::selector::Selector;
use crate::server::{Accepted, Api};
use crate::status::Status;
use crate::store::{Key, Record, Scope, WriteError};
use crate::table;

/// A request to a resource.
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    pub(crate) definition: &'static Definition,
    pub(crate) target: ResourceRequest,
    pub(crate) format: Format,
    pub(crate) context: Context,
    pub(crate) parts: Parts,
}

impl Call {
    /// Checks that path and resource fit together. The body comes apart: it cannot be shared.
    ///
    /// # Errors
    /// 404 for a path that the resource does not have, 406 for an answer that is not served.
    pub(crate) fn new(
        api: Arc<Api>,
        request: Accepted,
        definition: &'static Definition,
    ) -> Result<(Self, Body), Status> {
        let target = request.info.resource.unwrap_or_default();
        let subresource = match target.subresource.as_str() {
            "" => None,
            name => Some(
                definition
                    .subresources
                    .iter()
                    .copied()
                    .find(|known| known.as_str() == name)
                    .ok_or_else(Status::path_not_found)?,
            ),
        };
        let own_namespace = definition.plural == "namespaces" && definition.group.is_empty();
        let namespace = if own_namespace {
            String::new()
        } else {
            target.namespace.clone()
        };
        if !definition.is_namespaced() && !namespace.is_empty() {
            return Err(Status::path_not_found());
        }
        let needs_namespace = definition.is_namespaced()
            && namespace.is_empty()
            && !matches!(
                request.info.verb.as_str(),
                "list" | "watch" | "deletecollection"
            );
        if needs_namespace {
            return Err(Status::path_not_found());
        }
        let context = Context {
            now: (api.clock)(),
            user: request.user,
            resource: definition,
            subresource,
            namespace,
            dry_run: false,
        };
        let call = Self {
            format: negotiate(&request.parts.headers)?,
            api,
            definition,
            target,
            context,
            parts: request.parts,
        };
        Ok((call, request.body))
    }

    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The key of the object that the path names.
    pub(crate) fn key(&self) -> Key {
        self.key_of(&self.target.name)
    }

    /// The key of an object of this name in the request's namespace.
    pub(crate) fn key_of(&self, name: &str) -> Key {
        Key::new(&self.definition.collection(), &self.context.namespace, name)
    }

    /// The namespace that has to exist for a new object.
    pub(crate) fn namespace_key(&self) -> Option<Key> {
        self.definition
            .is_namespaced()
            .then(|| namespace_key(&self.context.namespace))
    }

    /// What a list or a watch is about.
    ///
    /// # Errors
    /// As for [`Selector::parse`].
    pub(crate) fn selection(&self, options: &ListOptions) -> Result<(Scope, Selector), Status> {
        let mut scope = Scope::all(&self.definition.collection());
        if !self.context.namespace.is_empty() {
            scope = scope.within(&self.context.namespace);
        }
        let mut selector = Selector::parse(options, self.definition, &mut scope)?;
        let user = &self.context.user;
        if is_shown_its_own_only(user) {
            selector = selector.requested_by(&user.username);
        }
        Ok((scope, selector))
    }

    /// 404 for the object that the path names.
    pub(crate) fn not_found(&self, name: &str) -> Status {
        Status::not_found(&self.definition.group_resource(), name)
    }

    /// A failed write as it is answered.
    pub(crate) fn refused(&self, error: WriteError, name: &str) -> Status {
        let resource = self.definition.group_resource();
        let namespace = &self.context.namespace;
        match error {
            WriteError::Exists(_) => Status::already_exists(&resource, name),
            WriteError::Missing => self.not_found(name),
            WriteError::Changed(_) => Status::modified(&resource, name),
            WriteError::NoNamespace => {
                Status::not_found(&super::namespace::definition().group_resource(), namespace)
            }
            WriteError::NamespaceTerminating => Status::forbidden(
                &resource,
                name,
                &format!(
                    "unable to create new content in namespace {namespace} because it is being terminated"
                ),
            )
            .with_cause(
                "NamespaceTerminating",
                "metadata.namespace",
                &format!("namespace {namespace} is being terminated"),
            ),
            WriteError::NamespaceNotEmpty => Status::conflict(
                &resource,
                name,
                "the namespace still holds objects",
            ),
            WriteError::Full(_) => Status::insufficient_storage(error),
            WriteError::Storage(_) | WriteError::Closed => Status::internal(error),
        }
    }

    /// A stored object in the form that the client accepts.
    pub(crate) fn respond(
        &self,
        code: StatusCode,
        record: &Record,
    ) -> Result<Response<Body>, Status> {
        match self.format.shape {
            Shape::Plain => self.respond_json(code, record.json.clone(), &self.kind()),
            _ => self.respond_object(code, &readable(record)?),
        }
    }

    /// An object in the form that the client accepts.
    pub(crate) fn respond_object(
        &self,
        code: StatusCode,
        object: &Object,
    ) -> Result<Response<Body>, Status> {
        match self.format.shape {
            Shape::Plain => self.respond_json(code, text(object)?, &self.kind()),
            Shape::Metadata => {
                self.respond_json(code, text(&table::partial(object))?, &Type::METADATA)
            }
            Shape::Table => {
                let include = table::IncludeObject::parse(self.query())?;
                let table = table::of_one(self.definition, object, self.context.now, include);
                Ok(Encoding::Json.response(code, text(&table)?))
            }
        }
    }

    /// What objects of the resource are on the wire.
    pub(crate) fn kind(&self) -> Type {
        Type::of_resource(self.definition)
    }

    fn respond_json(
        &self,
        code: StatusCode,
        json: impl Into<Bytes>,
        of: &Type,
    ) -> Result<Response<Body>, Status> {
        let encoding = self.format.encoding;
        Ok(encoding.response(code, encoding.object(json, of)?))
    }
}

/// The JSON text of a value.
pub(super) fn text(value: &impl Serialize) -> Result<Vec<u8>, Status> {
    serde_json::to_vec(value).map_err(Status::internal)
}

/// The key of a namespace.
pub(crate) fn namespace_key(name: &str) -> Key {
    Key::new(&super::namespace::definition().collection(), "", name)
}

/// The object of a record, which this server wrote.
pub(crate) fn readable(record: &Record) -> Result<Object, Status> {
    record
        .object()
        .map_err(|error: ObjectError| Status::internal(format!("{}: {error}", record.key)))
}

/// Sentences as `Warning` headers.
pub(crate) fn with_warnings(mut response: Response<Body>, warnings: &[String]) -> Response<Body> {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(http::header::WARNING, value);
        }
    }
    response
}
