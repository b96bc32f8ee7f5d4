//! What form of answer a client accepts.

use http::{HeaderMap, header};

use super::{Encoding, JSON, PROTOBUF};
use crate::status::Status;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// What is told.
    pub(crate) shape: Shape,
    /// In which bytes.
    pub(crate) encoding: Encoding,
}

/// What an answer tells of an object or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The object or the list itself.
    Plain,
    /// A table of printed rows. There is no message for it: it is always JSON.
    Table,
    /// Only the metadata: PartialObjectMetadata, or a list of them.
    Metadata,
}

/// The form of a discovery document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiscoveryFormat {
    /// One document for each question.
    Plain(Encoding),
    /// Everything in one list, `apidiscovery.k8s.io/v2`.
    Aggregated,
}

/// The first form in the client's order of preference that is served.
///
/// # Errors
/// 406 when none is.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Format, Status> {
    preferred(headers, |clause| clause.format())
}

/// The first form of a discovery document in the client's order of preference.
///
/// # Errors
/// 406 when none is served.
pub(crate) fn negotiate_discovery(headers: &HeaderMap) -> Result<DiscoveryFormat, Status> {
    preferred(headers, |clause| clause.discovery_format())
}

/// How a failure is told to a client: it has a form of its own, so that what the client accepts in another form only comes
/// to JSON, as in Kubernetes.
pub(crate) fn negotiate_status(headers: &HeaderMap) -> Encoding {
    let plain = |clause: &Clause<'_>| clause.encoding().filter(|_| clause.kind.is_empty());
    preferred(headers, plain).unwrap_or_default()
}

fn preferred<T>(
    headers: &HeaderMap,
    served: impl Fn(&Clause<'_>) -> Option<T>,
) -> Result<T, Status> {
    let mut clauses: Vec<Clause<'_>> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Clause::parse)
        .collect();
    if clauses.is_empty() {
        clauses.extend(Clause::parse("*/*"));
    }
    // Stable: clauses of the same quality stay in their order.
    clauses.sort_by(|one, other| other.quality.total_cmp(&one.quality));
    clauses
        .iter()
        .filter(|clause| clause.quality > 0.0)
        .find_map(served)
        .ok_or_else(|| Status::not_acceptable(&[JSON, PROTOBUF]))
}

/// One media range with its parameters.
struct Clause<'a> {
    range: &'a str,
    kind: &'a str,
    group: &'a str,
    version: &'a str,
    quality: f32,
}

impl<'a> Clause<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut clause = Self {
            range: parts.next().filter(|range| !range.is_empty())?,
            kind: "",
            group: "",
            version: "",
            quality: 1.0,
        };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key {
                "as" => clause.kind = value,
                "g" => clause.group = value,
                "v" => clause.version = value,
                "q" => clause.quality = value.parse().unwrap_or(0.0),
                _ => {}
            }
        }
        Some(clause)
    }

    /// What a media range comes to; JSON where anything will do.
    fn encoding(&self) -> Option<Encoding> {
        match self.range {
            "*/*" | "application/*" | JSON => Some(Encoding::Json),
            PROTOBUF => Some(Encoding::Protobuf),
            _ => None,
        }
    }

    fn format(&self) -> Option<Format> {
        let encoding = self.encoding()?;
        let shape = match (self.kind, self.group, self.version) {
            ("", _, _) => Shape::Plain,
            ("Table", "meta.k8s.io", "v1") if encoding == Encoding::Json => Shape::Table,
            ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io", "v1") => {
                Shape::Metadata
            }
            _ => return None,
        };
        Some(Format { shape, encoding })
    }

    fn discovery_format(&self) -> Option<DiscoveryFormat> {
        let encoding = self.encoding()?;
        match (self.kind, self.group, self.version) {
            ("", _, _) => Some(DiscoveryFormat::Plain(encoding)),
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2")
                if encoding == Encoding::Json =>
            {
                Some(DiscoveryFormat::Aggregated)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Format = Format {
        shape: Shape::Plain,
        encoding: Encoding::Json,
    };
    const TABLE: Format = Format {
        shape: Shape::Table,
        ..PLAIN
    };
    const METADATA: Format = Format {
        shape: Shape::Metadata,
        ..PLAIN
    };
    const MESSAGE: Format = Format {
        encoding: Encoding::Protobuf,
        ..PLAIN
    };

    fn headers(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        headers
    }

    #[test]
    fn the_first_served_form_wins() {
        for (value, expected) in [
            ("", Ok(PLAIN)),
            ("application/json", Ok(PLAIN)),
            ("*/*", Ok(PLAIN)),
            ("application/json, */*", Ok(PLAIN)),
            // kubectl get
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Ok(TABLE),
            ),
            (
                "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Ok(PLAIN),
            ),
            // kube's metadata API
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Ok(METADATA),
            ),
            // client-go
            (
                "application/vnd.kubernetes.protobuf,application/json",
                Ok(MESSAGE),
            ),
            ("application/vnd.kubernetes.protobuf, */*", Ok(MESSAGE)),
            (
                "application/vnd.kubernetes.protobuf;stream=watch",
                Ok(MESSAGE),
            ),
            (
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
                Ok(Format {
                    encoding: Encoding::Protobuf,
                    ..METADATA
                }),
            ),
            // A table has no message.
            (
                "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json",
                Ok(PLAIN),
            ),
            (
                "application/json;q=0.1,application/json;as=Table;v=v1;g=meta.k8s.io",
                Ok(TABLE),
            ),
            ("application/cbor,application/json;q=0.9", Ok(PLAIN)),
            ("application/yaml", Err(406)),
            ("application/json;q=0", Err(406)),
        ] {
            let found = negotiate(&headers(value)).map_err(|status| status.code().as_u16());
            assert_eq!(found, expected, "{value:?}");
        }
        assert_eq!(negotiate(&HeaderMap::new()).unwrap(), PLAIN);
    }

    #[test]
    fn discovery_is_aggregated_where_the_client_asks_for_this_version_of_it() {
        let v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let v2beta1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
        let plain = DiscoveryFormat::Plain(Encoding::Json);
        for (value, expected) in [
            (
                format!("{v2};profile=nopeer,{v2},{v2beta1},application/json"),
                DiscoveryFormat::Aggregated,
            ),
            (format!("{v2beta1},application/json"), plain),
            ("application/json".to_owned(), plain),
            ("application/json, */*".to_owned(), plain),
        ] {
            assert_eq!(
                negotiate_discovery(&headers(&value)).unwrap(),
                expected,
                "{value}"
            );
        }
        assert_eq!(
            negotiate_discovery(&headers(v2beta1)).unwrap_err().code(),
            406
        );
    }

    #[test]
    fn a_failure_is_told_in_json_to_who_accepts_nothing_that_is_served() {
        for (value, expected) in [
            (
                "application/vnd.kubernetes.protobuf,application/json",
                Encoding::Protobuf,
            ),
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io",
                Encoding::Json,
            ),
            (
                "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io",
                Encoding::Json,
            ),
            ("text/html", Encoding::Json),
        ] {
            assert_eq!(negotiate_status(&headers(value)), expected, "{value}");
        }
    }
}
