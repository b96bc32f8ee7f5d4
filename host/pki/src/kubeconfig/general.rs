//! Kubeconfig files with an identity in them, or without one: an administrator's, a kubelet's, one for discovery.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_config::endpoint::ApiServerUrl;
use zeroize::Zeroizing;

use super::KubeconfigError;
use super::cluster_info::{read_ca, write_cluster};
use super::raw::{Context, Document, NamedCluster, NamedContext, NamedUser, Reasons, Secret, User};
use crate::ca::CaBundle;
use crate::certificate::Certificate;
use crate::key::PrivateKey;

/// A kubeconfig with one cluster and at most one identity.
#[derive(Debug)]
pub struct Kubeconfig {
    /// The cluster's name within the file; may be empty.
    pub cluster_name: String,
    /// The API servers, the preferred one first; there is at least one.
    pub endpoints: Vec<ApiServerUrl>,
    /// The cluster's CA certificates; none where they come from elsewhere.
    pub ca: Option<CaBundle>,
    /// The name that the server's certificate must carry, where it is not the one in the URL.
    pub tls_server_name: Option<String>,
    /// The identity's name within the file, and what proves it.
    pub identity: Option<(String, Credentials)>,
    /// The namespace that commands use unless told otherwise.
    pub namespace: Option<String>,
}

/// What proves an identity. None of it is ever printed.
pub enum Credentials {
    /// A client certificate with the chain that leads to its CA, its own first, and its key; both in the file.
    ClientCertificate {
        /// The certificate and those after it.
        chain: Vec<Certificate>,
        /// The key of the first certificate.
        key: Box<PrivateKey>,
    },
    /// A client certificate and its key in files of their own, as kubelet keeps them to renew them.
    ClientCertificateFiles(ClientCertificateFiles),
    /// A bearer token, a bootstrap token among others.
    Token(Zeroizing<String>),
}

/// Where a client certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificateFiles {
    /// Path of the certificate.
    pub certificate: String,
    /// Path of the key; the same file may hold both.
    pub key: String,
}

/// A kubeconfig parted from its credentials.
#[derive(Debug)]
pub struct Redacted {
    /// The document without any identity: as it was found where it had none, else written anew.
    pub document: Vec<u8>,
    /// What was taken out.
    pub credentials: Option<Credentials>,
}

impl Kubeconfig {
    /// Reads a kubeconfig.
    pub fn parse(bytes: &[u8]) -> Result<Self, KubeconfigError> {
        let document = Document::read(bytes, Reasons::Withheld)?;
        for user in &document.users {
            check_user(&user.user)?;
        }
        let named = document.cluster()?;
        named.cluster.check()?;
        let (endpoints, ca) = (named.cluster.endpoints()?, read_ca(&named.cluster)?);
        let context = current_context(&document)?;
        let identity = match document.users.as_slice() {
            [] => None,
            [user] => credentials(&user.user)?.map(|credentials| (user.name.clone(), credentials)),
            users => {
                return Err(KubeconfigError::Count {
                    what: "users",
                    count: users.len(),
                    expected: "one or none",
                });
            }
        };
        Ok(Self {
            cluster_name: named.name.clone(),
            endpoints,
            ca,
            tls_server_name: named.cluster.tls_server_name.clone(),
            identity,
            namespace: context.and_then(|context| context.namespace.clone()),
        })
    }

    /// Writes the kubeconfig, with a context of its own where it has an identity. The text is wiped when it is dropped.
    pub fn to_yaml(&self) -> Result<Zeroizing<String>, KubeconfigError> {
        let mut cluster = write_cluster(&self.endpoints, self.ca.as_ref())?;
        cluster.tls_server_name.clone_from(&self.tls_server_name);
        let mut document = Document {
            api_version: "v1".to_owned(),
            kind: "Config".to_owned(),
            clusters: vec![NamedCluster {
                name: self.cluster_name.clone(),
                cluster,
            }],
            preferences: Some(serde_json::Map::new()),
            ..Document::default()
        };
        if let Some((user, credentials)) = &self.identity {
            document.current_context = format!("{user}@{}", self.cluster_name);
            document.contexts.push(NamedContext {
                name: document.current_context.clone(),
                context: Context {
                    cluster: self.cluster_name.clone(),
                    user: user.clone(),
                    namespace: self.namespace.clone(),
                    ..Context::default()
                },
            });
            document.users.push(NamedUser {
                name: user.clone(),
                user: credentials.write()?,
            });
        }
        document.write()
    }

    /// Parts a kubeconfig from its credentials, so that the rest can be shown to a plugin. What [`Kubeconfig::parse`]
    /// refuses is refused.
    pub fn redact(bytes: &[u8]) -> Result<Redacted, KubeconfigError> {
        let mut kubeconfig = Self::parse(bytes)?;
        let names_a_user = !Document::read(bytes, Reasons::Withheld)?.users.is_empty();
        let credentials = kubeconfig
            .identity
            .take()
            .map(|(_, credentials)| credentials);
        let document = if names_a_user {
            kubeconfig.to_yaml()?.as_bytes().to_vec()
        } else {
            bytes.to_vec()
        };
        Ok(Redacted {
            document,
            credentials,
        })
    }
}

impl Credentials {
    fn write(&self) -> Result<User, KubeconfigError> {
        Ok(match self {
            Self::ClientCertificate { chain, key } => {
                let pems: Vec<String> = chain
                    .iter()
                    .map(Certificate::to_pem)
                    .collect::<Result<_, _>>()?;
                let key = STANDARD.encode(key.to_pem()?.as_bytes());
                User {
                    client_certificate_data: Some(STANDARD.encode(pems.concat())),
                    client_key_data: Some(Secret(Zeroizing::new(key))),
                    ..User::default()
                }
            }
            Self::ClientCertificateFiles(files) => User {
                client_certificate: Some(files.certificate.clone()),
                client_key: Some(files.key.clone()),
                ..User::default()
            },
            Self::Token(token) => User {
                token: Some(Secret(token.clone())),
                ..User::default()
            },
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientCertificate { .. } => "ClientCertificate(..)",
            Self::ClientCertificateFiles(_) => "ClientCertificateFiles(..)",
            Self::Token(_) => "Token(..)",
        })
    }
}

fn check_user(user: &User) -> Result<(), KubeconfigError> {
    let refuse = |present: bool, what, why| match present {
        true => Err(KubeconfigError::Refused { what, why }),
        false => Ok(()),
    };
    refuse(
        user.exec.is_some(),
        "exec",
        "it would run a program of the file's choice",
    )?;
    refuse(
        user.auth_provider.is_some(),
        "auth-provider",
        "it would run a program of the file's choice",
    )?;
    refuse(
        user.username.is_some() || user.password.is_some(),
        "username and password",
        "Kubernetes does not take them any more",
    )?;
    refuse(
        user.token_file.is_some(),
        "tokenFile",
        "it names another file; put the token itself into token",
    )?;
    let impersonates = [
        &user.impersonate,
        &user.as_uid,
        &user.as_groups,
        &user.as_user_extra,
    ]
    .into_iter()
    .any(Option::is_some);
    refuse(impersonates, "as", "Slipway acts as itself")
}

/// The context that counts; none where there is none. It must lead to the cluster and the user that are there.
fn current_context(document: &Document) -> Result<Option<&Context>, KubeconfigError> {
    if document.current_context.is_empty() {
        return Ok(None);
    }
    let context = document
        .contexts
        .iter()
        .find(|context| context.name == document.current_context);
    let leads = |context: &Context| {
        document
            .clusters
            .iter()
            .any(|cluster| cluster.name == context.cluster)
            && (document.users.is_empty()
                || document.users.iter().any(|user| user.name == context.user))
    };
    match context
        .map(|named| &named.context)
        .filter(|context| leads(context))
    {
        Some(context) => Ok(Some(context)),
        None => Err(KubeconfigError::Context(document.current_context.clone())),
    }
}

fn credentials(user: &User) -> Result<Option<Credentials>, KubeconfigError> {
    let embedded = (
        user.client_certificate_data.as_deref(),
        user.client_key_data.as_ref(),
    );
    let files = (
        user.client_certificate.as_deref(),
        user.client_key.as_deref(),
    );
    let count = |what, count| {
        Err(KubeconfigError::Count {
            what,
            count,
            expected: "a whole one or none",
        })
    };
    match (embedded, files, user.token.as_ref()) {
        ((None, None), (None, None), None) => Ok(None),
        ((None, None), (None, None), Some(token)) => Ok(Some(Credentials::Token(token.0.clone()))),
        ((None, None), (Some(certificate), Some(key)), None) => Ok(Some(
            Credentials::ClientCertificateFiles(ClientCertificateFiles {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
            }),
        )),
        ((Some(certificate), Some(key)), (None, None), None) => {
            embedded_certificate(certificate, key).map(Some)
        }
        ((Some(_), None) | (None, Some(_)), (None, None), None)
        | ((None, None), (Some(_), None) | (None, Some(_)), None) => {
            count("halves of a client certificate with its key", 1)
        }
        _ => count("different kinds of credentials for one user", 2),
    }
}

fn embedded_certificate(certificate: &str, key: &Secret) -> Result<Credentials, KubeconfigError> {
    let decode = |what, text: &str| {
        let bytes = Zeroizing::new(
            STANDARD
                .decode(text)
                .map_err(|_| KubeconfigError::Base64(what))?,
        );
        let text = std::str::from_utf8(&bytes).map_err(|_| KubeconfigError::Base64(what))?;
        Ok::<_, KubeconfigError>(Zeroizing::new(text.to_owned()))
    };
    let chain = Certificate::list_from_pem(&decode("client-certificate-data", certificate)?)?;
    let key = PrivateKey::from_pem(&decode("client-key-data", &key.0)?)?;
    match chain.first() {
        Some(first) if first.public_key() == key.public_key() => {
            Ok(Credentials::ClientCertificate {
                chain,
                key: Box::new(key),
            })
        }
        _ => Err(KubeconfigError::KeyMismatch),
    }
}
