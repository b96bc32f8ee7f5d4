//! What the bytes of an answer are, and how texts become them.
//!
//! Everything is JSON first, because that is what the store holds: a JSON answer is the stored text, and only protobuf costs.

use std::borrow::Cow;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;

use super::protobuf::{self, Message, PartialObjectMetadata, Protobuf, ProtobufError};
use super::{JSON, PROTOBUF, json};
use crate::resource::Definition;
use crate::status::Status;

/// What the bytes of an answer are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// JSON.
    #[default]
    Json,
    /// Kubernetes' protobuf.
    Protobuf,
}

/// What a text is, for those who cannot read it there.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    api_version: Cow<'static, str>,
    kind: &'static str,
    protobuf: Protobuf,
}

impl Type {
    /// A `Status`.
    pub(crate) const STATUS: Self = Self::of::<meta::Status>("v1", "Status");
    /// Only the metadata of an object.
    pub(crate) const METADATA: Self =
        Self::of::<PartialObjectMetadata>("meta.k8s.io/v1", "PartialObjectMetadata");
    /// The versions of the core group.
    pub(crate) const API_VERSIONS: Self = Self::of::<meta::APIVersions>("v1", "APIVersions");
    /// The groups.
    pub(crate) const API_GROUPS: Self = Self::of::<meta::APIGroupList>("v1", "APIGroupList");
    /// A group.
    pub(crate) const API_GROUP: Self = Self::of::<meta::APIGroup>("v1", "APIGroup");
    /// The resources of a group and version.
    pub(crate) const API_RESOURCES: Self =
        Self::of::<meta::APIResourceList>("v1", "APIResourceList");

    /// The objects of a resource.
    pub(crate) fn of_resource(definition: &Definition) -> Self {
        Self {
            api_version: definition.api_version().into(),
            kind: definition.kind,
            protobuf: definition.protobuf,
        }
    }

    const fn of<T>(api_version: &'static str, kind: &'static str) -> Self
    where
        T: Message + serde::Serialize + serde::de::DeserializeOwned,
    {
        Self {
            api_version: Cow::Borrowed(api_version),
            kind,
            protobuf: Protobuf::of::<T>(),
        }
    }
}

impl Encoding {
    /// The media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Protobuf => PROTOBUF,
        }
    }

    /// The media type of a watch.
    pub(crate) const fn stream_media_type(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        }
    }

    /// An answer of bytes that are encoded so.
    pub(crate) fn response(self, code: StatusCode, bytes: impl Into<Bytes>) -> Response<Body> {
        let mut response = Response::new(Body::from(bytes.into()));
        *response.status_mut() = code;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.media_type()),
        );
        response
    }

    /// An object from its JSON text.
    ///
    /// # Errors
    /// When the text is not of the type; never so for what this server wrote.
    pub(crate) fn object(self, json: impl Into<Bytes>, of: &Type) -> Result<Bytes, Status> {
        let json = json.into();
        match self {
            Self::Json => Ok(json),
            Self::Protobuf => {
                let message = of
                    .protobuf
                    .encode(&json)
                    .map_err(|error| failed(of, &error))?;
                Ok(protobuf::seal(&of.api_version, of.kind, message).into())
            }
        }
    }

    /// A list from its items' JSON texts.
    ///
    /// # Errors
    /// As [`Self::object`].
    pub(crate) fn list<'a>(
        self,
        metadata: meta::ListMeta,
        items: impl Iterator<Item = &'a [u8]>,
        of: &Type,
    ) -> Result<Bytes, Status> {
        let kind = format!("{}List", of.kind);
        match self {
            Self::Json => json::list(&of.api_version, &kind, &metadata, items, of.kind)
                .map_err(Status::internal),
            Self::Protobuf => {
                let items = items
                    .map(|text| of.protobuf.encode(text))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| failed(of, &error))?;
                let message = protobuf::list(metadata, items);
                Ok(protobuf::seal(&of.api_version, &kind, message).into())
            }
        }
    }

    /// A failure, or the success of a delete.
    pub(crate) fn status(self, status: &Status) -> Response<Body> {
        // Text fields and numbers are always written.
        let json = serde_json::to_vec(status.to_api()).unwrap_or_default();
        match self.object(json.clone(), &Type::STATUS) {
            Ok(bytes) => self.response(status.code(), bytes),
            Err(_) => Self::Json.response(status.code(), json),
        }
    }

    /// An event of a watch around an encoded object.
    pub(crate) fn event(self, kind: &str, object: &[u8]) -> Bytes {
        match self {
            Self::Json => json::line(kind, object),
            Self::Protobuf => protobuf::frame(kind, object.to_vec()),
        }
    }
}

fn failed(of: &Type, error: &ProtobufError) -> Status {
    Status::internal(format!(
        "a {} cannot be written as protobuf: {error}",
        of.kind
    ))
}
