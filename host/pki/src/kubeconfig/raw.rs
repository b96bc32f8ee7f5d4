//! The form of a kubeconfig (client-go, `tools/clientcmd/api/v1`), as far as it is read or written here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use slipway_config::endpoint::ApiServerUrl;
use zeroize::Zeroizing;

use super::{ENDPOINTS_EXTENSION, KubeconfigError, LIMIT};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Document {
    #[serde(rename = "apiVersion")]
    pub(super) api_version: String,
    #[serde(deserialize_with = "null_is_empty", default)]
    pub(super) clusters: Vec<NamedCluster>,
    #[serde(deserialize_with = "null_is_empty", default)]
    pub(super) contexts: Vec<NamedContext>,
    #[serde(deserialize_with = "null_is_empty", default)]
    pub(super) current_context: String,
    #[serde(
        deserialize_with = "null_is_empty",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) extensions: Vec<NamedExtension>,
    pub(super) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) preferences: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(deserialize_with = "null_is_empty", default)]
    pub(super) users: Vec<NamedUser>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedCluster {
    pub(super) cluster: Cluster,
    pub(super) name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Cluster {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate_authority: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate_authority_data: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) disable_compression: Option<bool>,
    #[serde(
        deserialize_with = "null_is_empty",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) extensions: Vec<NamedExtension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) insecure_skip_tls_verify: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) proxy_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tls_server_name: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedContext {
    pub(super) context: Context,
    pub(super) name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Context {
    pub(super) cluster: String,
    #[serde(
        deserialize_with = "null_is_empty",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) extensions: Vec<NamedExtension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    #[serde(default)]
    pub(super) user: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedUser {
    pub(super) name: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) user: User,
}

/// Every field that client-go knows, so that what is refused can be named.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct User {
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub(super) impersonate: Option<Ignored>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) as_uid: Option<Ignored>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) as_groups: Option<Ignored>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) as_user_extra: Option<Ignored>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) auth_provider: Option<Ignored>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_certificate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_certificate_data: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_key_data: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exec: Option<Ignored>,
    #[serde(
        deserialize_with = "null_is_empty",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) extensions: Vec<NamedExtension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<Ignored>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<Secret>,
    #[serde(rename = "tokenFile", default, skip_serializing_if = "Option::is_none")]
    pub(super) token_file: Option<Ignored>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<Ignored>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedExtension {
    pub(super) extension: serde_json::Value,
    pub(super) name: String,
}

/// The value of [`ENDPOINTS_EXTENSION`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoints {
    pub(super) endpoints: Vec<ApiServerUrl>,
}

/// A value that is not kept: it is only known to be there.
#[derive(Debug)]
pub(super) struct Ignored;

/// A text that is wiped and never printed.
pub(super) struct Secret(pub(super) Zeroizing<String>);

impl Document {
    /// Reads a document and checks that it is a kubeconfig. The reasons of errors are shown only where
    /// `reasons` says that they cannot repeat a secret.
    pub(super) fn read(bytes: &[u8], reasons: Reasons) -> Result<Self, KubeconfigError> {
        if bytes.len() > LIMIT {
            return Err(KubeconfigError::TooLarge(bytes.len()));
        }
        let options = serde_saphyr::options! {
            with_snippet: false,
            merge_keys: serde_saphyr::MergeKeyPolicy::Error,
            reject_unsupported_tags: true,
        };
        let document: Self = serde_saphyr::from_slice_with_options(bytes, options)
            .map_err(|error| form(&error, reasons))?;
        if (document.api_version.as_str(), document.kind.as_str()) != ("v1", "Config") {
            return Err(KubeconfigError::Kind {
                api_version: document.api_version,
                kind: document.kind,
            });
        }
        Ok(document)
    }

    /// The document as YAML.
    pub(super) fn write(&self) -> Result<Zeroizing<String>, KubeconfigError> {
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        serde_saphyr::to_string_with_options(self, options)
            .map(Zeroizing::new)
            .map_err(|error| KubeconfigError::Write(error.to_string()))
    }

    /// The only cluster.
    pub(super) fn cluster(&self) -> Result<&NamedCluster, KubeconfigError> {
        match self.clusters.as_slice() {
            [cluster] => Ok(cluster),
            clusters => Err(KubeconfigError::Count {
                what: "clusters",
                count: clusters.len(),
                expected: "one",
            }),
        }
    }
}

impl Cluster {
    /// All API servers: the preferred one, then those of the extension.
    pub(super) fn endpoints(&self) -> Result<Vec<ApiServerUrl>, KubeconfigError> {
        let server: ApiServerUrl = self
            .server
            .as_deref()
            .ok_or(KubeconfigError::NoServer)?
            .parse()?;
        let mut endpoints = vec![server];
        for extension in self
            .extensions
            .iter()
            .filter(|extension| extension.name == ENDPOINTS_EXTENSION)
        {
            let more = Endpoints::deserialize(&extension.extension).map_err(|error| {
                KubeconfigError::Form {
                    line: 0,
                    column: 0,
                    reason: format!("the extension {ENDPOINTS_EXTENSION} is malformed: {error}"),
                }
            })?;
            for endpoint in more.endpoints {
                if !endpoints.contains(&endpoint) {
                    endpoints.push(endpoint);
                }
            }
        }
        Ok(endpoints)
    }

    /// Refuses what no cluster entry may have here.
    pub(super) fn check(&self) -> Result<(), KubeconfigError> {
        if self.insecure_skip_tls_verify == Some(true) {
            return Err(KubeconfigError::Refused {
                what: "insecure-skip-tls-verify",
                why: "a server that is not verified can be anybody",
            });
        }
        if self.certificate_authority.is_some() {
            return Err(KubeconfigError::Refused {
                what: "certificate-authority",
                why: "it names another file; put the certificates themselves into certificate-authority-data",
            });
        }
        if self.proxy_url.is_some() {
            return Err(KubeconfigError::Refused {
                what: "proxy-url",
                why: "Slipway connects without a proxy",
            });
        }
        Ok(())
    }
}

/// Whether the reasons of a parser's errors may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reasons {
    /// The document is public.
    Shown,
    /// The document may hold secrets, and a reason may quote what it found in their place.
    Withheld,
}

fn form(error: &serde_saphyr::Error, reasons: Reasons) -> KubeconfigError {
    let location = error.location();
    let reason = match (reasons, error.without_snippet()) {
        (Reasons::Shown, error) => error.to_string(),
        (Reasons::Withheld, serde_saphyr::Error::SerdeUnknownField { field, .. })
            if is_plain(field) =>
        {
            format!("unknown field {field:?}")
        }
        (Reasons::Withheld, serde_saphyr::Error::SerdeMissingField { field, .. }) => {
            format!("missing field {field:?}")
        }
        (Reasons::Withheld, _) => {
            "it is not YAML of a kubeconfig's form (not shown, it could hold a secret)".to_owned()
        }
    };
    KubeconfigError::Form {
        line: location.map_or(0, |location| location.line()),
        column: location.map_or(0, |location| location.column()),
        reason,
    }
}

/// Whether a text looks like the name of a field rather than like a secret in the place of one.
fn is_plain(field: &str) -> bool {
    field.len() <= 32
        && field
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

/// client-go writes empty lists and texts as null.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Serialize for Ignored {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(
            "a value that was refused cannot be written",
        ))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
