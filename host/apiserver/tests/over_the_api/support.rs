//! A server on loopback with real TLS, and clients of every kind for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestSpec,
};
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client, Config};
use slipway_apiserver::authentication::UserInfo;
use slipway_apiserver::serve::{ConnectionLimits, TlsIdentity, bind};
use slipway_apiserver::{ApiServer, ApiServerBuilder, HistoryLimits, Store};
use slipway_pki::ca::{CertificateAuthority, ClientCertificate, ServerCertificate};
use slipway_pki::csr::NodeCsr;
use slipway_pki::decision::signing::Validity;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The token that the tests use, unless they make others.
pub(crate) const TOKEN: &str = "abcdef.0123456789abcdef";

/// A running server.
pub(crate) struct Loopback {
    pub(crate) address: SocketAddr,
    pub(crate) authority: CertificateAuthority,
    _stop: DropGuard,
}

/// Whom a client is to the server.
pub(crate) enum Credential<'a> {
    None,
    Token(&'a str),
    Certificate { user: &'a str, group: &'a str },
}

/// A server that is not on the network.
pub(crate) async fn in_process() -> ApiServer {
    let store = Store::in_memory(HistoryLimits::default()).unwrap();
    ApiServer::builder(store).build().await.unwrap()
}

/// An administrator inside the process.
pub(crate) fn admin(server: &ApiServer) -> Client {
    server.client(UserInfo::authenticated("admin", ["system:masters"]))
}

impl Loopback {
    pub(crate) async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    pub(crate) async fn start_with(
        configure: impl FnOnce(ApiServerBuilder) -> ApiServerBuilder,
    ) -> Self {
        let store = Store::in_memory(HistoryLimits::default()).unwrap();
        let server = configure(ApiServer::builder(store)).build().await.unwrap();
        let day = Duration::from_secs(24 * 3600);
        let authority = CertificateAuthority::generate(
            "kubernetes",
            KeyAlgorithm::EcdsaP256,
            day,
            Timestamp::now(),
        )
        .unwrap();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let wanted = ServerCertificate {
            common_name: "kube-apiserver",
            dns_names: &["localhost".to_owned()],
            addresses: &["127.0.0.1".parse().unwrap()],
        };
        let chain = authority
            .issue_server(&wanted, key.public_key(), validity())
            .unwrap();
        let identity = TlsIdentity::from_pem(
            chain.to_pem().unwrap().as_bytes(),
            key.to_pem().unwrap().as_bytes(),
            authority.certificate().to_pem().unwrap().as_bytes(),
        )
        .unwrap();
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        tokio::spawn(async move {
            let limits = ConnectionLimits::default();
            server
                .serve(listener, identity, limits, token)
                .await
                .unwrap();
        });
        Self {
            address,
            authority,
            _stop: shutdown.drop_guard(),
        }
    }

    /// A client over TLS.
    pub(crate) fn client(&self, credential: Credential<'_>) -> Client {
        let mut config = Config::new(format!("https://{}", self.address).parse().unwrap());
        config.root_cert = Some(vec![self.authority.certificate().der().to_vec()]);
        // A refusal is what the tests are about: 429 is not to be tried again.
        config.default_retry = false;
        match credential {
            Credential::None => {}
            Credential::Token(token) => config.auth_info.token = Some(token.to_owned().into()),
            Credential::Certificate { user, group } => {
                let (certificate, key) = self.client_certificate(user, group);
                config.auth_info.client_certificate_data = Some(certificate);
                config.auth_info.client_key_data = Some(key.into());
            }
        }
        Client::try_from(config).unwrap()
    }

    /// A client certificate and its key as a kubeconfig holds them: PEM in base64.
    fn client_certificate(&self, user: &str, group: &str) -> (String, String) {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let wanted = ClientCertificate {
            user,
            group: Some(group),
        };
        let certificate = self
            .authority
            .issue_client(&wanted, key.public_key(), validity())
            .unwrap();
        (
            BASE64_STANDARD.encode(certificate.to_pem().unwrap()),
            BASE64_STANDARD.encode(key.to_pem().unwrap().as_bytes()),
        )
    }

    /// A kubeconfig for other programs. JSON is YAML.
    pub(crate) fn kubeconfig(&self, user: &str, group: &str) -> String {
        let (certificate, key) = self.client_certificate(user, group);
        let authority = self.authority.certificate().to_pem().unwrap();
        serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {
                "server": format!("https://{}", self.address),
                "certificate-authority-data": BASE64_STANDARD.encode(authority),
            }}],
            "users": [{"name": "u", "user": {
                "client-certificate-data": certificate,
                "client-key-data": key,
            }}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        })
        .to_string()
    }

    pub(crate) fn admin(&self) -> Client {
        self.client(Credential::Certificate {
            user: "kubernetes-admin",
            group: "system:masters",
        })
    }

    pub(crate) fn node(&self, name: &str) -> Client {
        self.client(Credential::Certificate {
            user: &format!("system:node:{name}"),
            group: "system:nodes",
        })
    }

    pub(crate) fn token(&self, token: &str) -> Client {
        self.client(Credential::Token(token))
    }
}

fn validity() -> Validity {
    let now = Timestamp::now();
    Validity {
        not_before: now - Duration::from_secs(60),
        not_after: now + Duration::from_secs(3600),
    }
}

/// The Secret of a token that authenticates, with some of its data changed; an empty value removes a key.
pub(crate) fn token_secret(token: &str, changes: &[(&str, &str)]) -> Secret {
    let (id, secret) = token.split_once('.').unwrap();
    let mut data: BTreeMap<String, ByteString> = [
        ("token-id", id),
        ("token-secret", secret),
        ("usage-bootstrap-authentication", "true"),
        ("usage-bootstrap-signing", "true"),
    ]
    .into_iter()
    .chain(changes.iter().copied())
    .map(|(key, value)| (key.to_owned(), ByteString(value.as_bytes().to_vec())))
    .collect();
    data.retain(|_, value| !value.0.is_empty());
    let mut secret = Secret {
        type_: Some("bootstrap.kubernetes.io/token".into()),
        data: Some(data),
        ..Secret::default()
    };
    secret.metadata.name = Some(format!("bootstrap-token-{id}"));
    secret
}

pub(crate) async fn create_token(admin: &Client, token: &str, changes: &[(&str, &str)]) {
    let secrets: Api<Secret> = Api::namespaced(admin.clone(), "kube-system");
    let secret = token_secret(token, changes);
    secrets
        .create(&PostParams::default(), &secret)
        .await
        .unwrap();
}

/// A node's request for its client certificate.
pub(crate) fn client_request(name: &str, node: &str) -> CertificateSigningRequest {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let csr = NodeCsr::client(&node.parse().unwrap(), &key).unwrap();
    let mut request = CertificateSigningRequest {
        spec: CertificateSigningRequestSpec {
            request: ByteString(csr.to_pem().unwrap().into_bytes()),
            signer_name: "kubernetes.io/kube-apiserver-client-kubelet".into(),
            usages: Some(vec!["digital signature".into(), "client auth".into()]),
            ..CertificateSigningRequestSpec::default()
        },
        ..CertificateSigningRequest::default()
    };
    request.metadata.name = Some(name.into());
    request
}

/// The status code and message of a refusal.
#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.message.clone()),
        other => panic!("not a refusal: {other:?}"),
    }
}
