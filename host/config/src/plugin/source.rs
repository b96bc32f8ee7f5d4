//! Where a component comes from.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{PluginName, PluginNameError};
use crate::text::{quoted, written_as_string};

/// Where a component comes from, written as one text: the name of a bundled component (`approve-manual`), a path that
/// begins with `/`, `./` or `../` (`./inventory.wasm`), or a reference to a registry (`oci://registry/repository:tag`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PluginSource {
    /// A component in the program itself.
    Bundled(PluginName),
    /// A file. A relative path counts from the folder of the file that holds the configuration.
    Path(PathBuf),
    /// A reference to a registry, without the `oci://`.
    Oci(String),
}

/// A text says not where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It looks like a file, and has no folder before it.
    #[error("{text} is not the name of a bundled component; for a file write {suggestion}")]
    BareFile {
        /// The text, quoted and cut.
        text: String,
        /// How the file would be written, quoted and cut.
        suggestion: String,
    },
    /// The registry's name or the repository is missing.
    #[error(
        "{text} is no reference to a registry; expected oci://registry/repository, with a tag or a digest after it"
    )]
    Oci {
        /// The text, quoted and cut.
        text: String,
    },
    /// It is nothing known.
    #[error(
        "a plugin's source is the name of a bundled component, a path that begins with /, ./ or ../, or oci://…: {0}"
    )]
    Name(#[from] PluginNameError),
}

const OCI: &str = "oci://";

impl FromStr for PluginSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if let Some(reference) = text.strip_prefix(OCI) {
            let (registry, repository) = reference.split_once('/').unwrap_or_default();
            let printable = reference.chars().all(|c| c.is_ascii_graphic());
            return match registry.is_empty() || repository.is_empty() || !printable {
                true => Err(SourceError::Oci { text: quoted(text) }),
                false => Ok(Self::Oci(reference.to_owned())),
            };
        }
        if ["/", "./", "../"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            return Ok(Self::Path(text.into()));
        }
        if text.contains('/') || text.ends_with(".wasm") {
            return Err(SourceError::BareFile {
                text: quoted(text),
                suggestion: quoted(&format!("./{text}")),
            });
        }
        Ok(Self::Bundled(text.parse()?))
    }
}

impl fmt::Display for PluginSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(name) => name.fmt(f),
            Self::Path(path)
                if path.is_absolute() || path.starts_with(".") || path.starts_with("..") =>
            {
                path.display().fmt(f)
            }
            Self::Path(path) => write!(f, "./{}", path.display()),
            Self::Oci(reference) => write!(f, "{OCI}{reference}"),
        }
    }
}

written_as_string!(
    PluginSource,
    r"^([a-z][a-z0-9-]{0,62}|\.{0,2}/.*|oci://[^/]+/.+)$",
    "the source of a plugin: the name of a bundled component, a path that begins with /, ./ or ../, or oci://…"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_three_sources_are_told_apart() {
        let read = |text: &str| text.parse::<PluginSource>().unwrap();
        assert_eq!(
            read("trust-jws"),
            PluginSource::Bundled("trust-jws".parse().unwrap())
        );
        assert_eq!(read("/opt/x"), PluginSource::Path("/opt/x".into()));
        assert_eq!(read("../x.wasm"), PluginSource::Path("../x.wasm".into()));
        assert_eq!(
            read("oci://r.example/x:1"),
            PluginSource::Oci("r.example/x:1".into())
        );
        assert_eq!(PluginSource::Path("x.wasm".into()).to_string(), "./x.wasm");
    }

    #[test]
    fn what_is_no_source_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<PluginSource>().unwrap_err().to_string();
        insta::assert_snapshot!(refused("inventory.wasm"), @r#""inventory.wasm" is not the name of a bundled component; for a file write "./inventory.wasm""#);
        insta::assert_snapshot!(refused("oci://r.example"), @r#""oci://r.example" is no reference to a registry; expected oci://registry/repository, with a tag or a digest after it"#);
        insta::assert_snapshot!(refused("Trust JWS"), @r#"a plugin's source is the name of a bundled component, a path that begins with /, ./ or ../, or oci://…: "Trust JWS" is no name of a plugin; expected at most 63 of a to z, 0 to 9 and '-', a letter first, no '-' last"#);
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_read_again_alike(text in r"(\.{0,2}/|oci://)?[a-z./:-]{0,20}(\.wasm)?") {
            if let Ok(source) = text.parse::<PluginSource>() {
                prop_assert_eq!(source.to_string().parse::<PluginSource>(), Ok(source));
            }
        }
    }
}
