//! Where a document is: a file, or an HTTPS URL.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::text::{quoted, written_as_string};

/// A file, or an HTTPS URL, as `--discovery-file` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DocumentLocation {
    /// A file.
    File(PathBuf),
    /// An HTTPS URL, without credentials or a fragment.
    Https(url::Url),
}

/// A text is neither a path nor an HTTPS URL. A URL is not repeated, since it may hold credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// There is nothing in it.
    #[error("the location of a document is empty; expected a path or an https:// URL")]
    Empty,
    /// It is a URL of another scheme.
    #[error("the location of a document begins with {scheme}; expected a path or an https:// URL")]
    Scheme {
        /// The scheme, quoted and cut.
        scheme: String,
    },
    /// It is no URL.
    #[error("the URL of a document is malformed: {source}")]
    Url {
        /// What is wrong.
        source: url::ParseError,
    },
    /// It has credentials in it.
    #[error("the URL of a document has credentials in it; expected an https:// URL without them")]
    Credentials,
    /// It has a fragment.
    #[error("the URL of a document has a fragment; expected an https:// URL without one")]
    Fragment,
}

impl FromStr for DocumentLocation {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        };
        match text
            .split_once("://")
            .filter(|(scheme, _)| is_scheme(scheme))
        {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
                https(text).map(Self::Https)
            }
            Some((scheme, _)) => Err(LocationError::Scheme {
                scheme: quoted(&format!("{scheme}://")),
            }),
            None => Ok(Self::File(text.into())),
        }
    }
}

fn https(text: &str) -> Result<url::Url, LocationError> {
    let url = url::Url::parse(text).map_err(|source| LocationError::Url { source })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LocationError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(LocationError::Fragment);
    }
    Ok(url)
}

impl fmt::Display for DocumentLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Https(url) => url.fmt(f),
        }
    }
}

written_as_string!(DocumentLocation, "^.+$", "a path or an https:// URL");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_and_urls_are_told_apart() {
        let read = |text: &str| text.parse::<DocumentLocation>().unwrap();
        assert_eq!(
            read("/etc/cluster.conf"),
            DocumentLocation::File("/etc/cluster.conf".into())
        );
        assert_eq!(
            read("a://b/../c".strip_prefix("a://").unwrap()),
            DocumentLocation::File("b/../c".into())
        );
        assert_eq!(
            read("HTTPS://Example.org/x").to_string(),
            "https://example.org/x"
        );
    }

    #[test]
    fn what_is_neither_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<DocumentLocation>().unwrap_err().to_string();
        insta::assert_snapshot!(refused(""), @"the location of a document is empty; expected a path or an https:// URL");
        insta::assert_snapshot!(refused("http://example.org"), @r#"the location of a document begins with "http://"; expected a path or an https:// URL"#);
        insta::assert_snapshot!(refused("https://"), @"the URL of a document is malformed: empty host");
        insta::assert_snapshot!(refused("https://u:hunter2@example.org"), @"the URL of a document has credentials in it; expected an https:// URL without them");
        insta::assert_snapshot!(refused("https://example.org/#x"), @"the URL of a document has a fragment; expected an https:// URL without one");
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_read_again_alike(text in r"(https://|http://)?[a-zA-Z0-9./:@#?é-]{0,40}") {
            if let Ok(location) = text.parse::<DocumentLocation>() {
                prop_assert_eq!(location.to_string().parse(), Ok(location));
            }
        }
    }
}
