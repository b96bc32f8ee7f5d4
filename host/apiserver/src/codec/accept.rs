//! What form of answer a client accepts.

use http::{HeaderMap, header};

use super::JSON;
use crate::status::Status;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The object or the list itself.
    Plain,
    /// A table of printed rows.
    Table,
    /// Only the metadata: PartialObjectMetadata, or a list of them.
    Metadata,
}

/// The first form in the client's order of preference that is served.
///
/// # Errors
/// 406 when none is.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Format, Status> {
    let mut clauses: Vec<Clause> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Clause::parse)
        .collect();
    if clauses.is_empty() {
        return Ok(Format::Plain);
    }
    // Stable: clauses of the same quality stay in their order.
    clauses.sort_by(|one, other| other.quality.total_cmp(&one.quality));
    clauses
        .iter()
        .filter(|clause| clause.quality > 0.0)
        .find_map(Clause::format)
        .ok_or_else(|| Status::not_acceptable(&[JSON]))
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

    fn format(&self) -> Option<Format> {
        if !matches!(self.range, "*/*" | "application/*" | JSON) {
            return None;
        }
        match (self.kind, self.group, self.version) {
            ("", _, _) => Some(Format::Plain),
            ("Table", "meta.k8s.io", "v1") => Some(Format::Table),
            ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io", "v1") => {
                Some(Format::Metadata)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> Result<Format, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, value.parse().unwrap());
        negotiate(&headers).map_err(|status| status.code().as_u16())
    }

    #[test]
    fn the_first_served_form_wins() {
        for (value, expected) in [
            ("", Ok(Format::Plain)),
            ("application/json", Ok(Format::Plain)),
            ("*/*", Ok(Format::Plain)),
            ("application/json, */*", Ok(Format::Plain)),
            // kubectl get
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Ok(Format::Table),
            ),
            (
                "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Ok(Format::Plain),
            ),
            // kube's metadata API
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Ok(Format::Metadata),
            ),
            // client-go
            (
                "application/vnd.kubernetes.protobuf,application/json",
                Ok(Format::Plain),
            ),
            (
                "application/json;q=0.1,application/json;as=Table;v=v1;g=meta.k8s.io",
                Ok(Format::Table),
            ),
            ("application/vnd.kubernetes.protobuf", Err(406)),
            ("application/yaml", Err(406)),
            ("application/json;q=0", Err(406)),
        ] {
            assert_eq!(accept(value), expected, "{value:?}");
        }
        assert_eq!(negotiate(&HeaderMap::new()).unwrap(), Format::Plain);
    }
}
