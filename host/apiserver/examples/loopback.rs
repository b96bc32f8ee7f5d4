//! A server on loopback, and kubeconfigs to try clients against it:
//!
//! ```console
//! $ cargo run -p slipway-apiserver --example loopback -- /tmp/loopback
//! $ kubectl --kubeconfig /tmp/loopback/admin.conf get csr,secrets,configmaps,nodes -A
//! ```
//!
//! The folder gets `admin.conf` (an administrator), `token.conf` (the bootstrap token
//! `abcdef.0123456789abcdef`) and `node.conf` (the node `n1`). Everything is gone when it ends.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use slipway_apiserver::authentication::UserInfo;
use slipway_apiserver::serve::{ConnectionLimits, TlsIdentity, bind};
use slipway_apiserver::{ApiServer, HistoryLimits, Store};
use slipway_pki::ca::{CertificateAuthority, ClientCertificate, ServerCertificate};
use slipway_pki::decision::signing::Validity;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "abcdef.0123456789abcdef";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: loopback FOLDER")?);
    std::fs::create_dir_all(&folder)?;

    let store = Store::in_memory(HistoryLimits::default())?;
    let server = ApiServer::builder(store).build().await?;
    create_token(&server).await?;
    let authority = Authority::new()?;
    let listener = bind("127.0.0.1:0".parse()?).await?;
    let address = format!("https://{}", listener.local_addr()?);

    let write = |name: &str, user: Value| {
        let kubeconfig = authority.kubeconfig(&address, user)?;
        std::fs::write(folder.join(name), kubeconfig).map_err(Box::<dyn Error>::from)
    };
    write(
        "admin.conf",
        authority.client("kubernetes-admin", "system:masters")?,
    )?;
    write(
        "node.conf",
        authority.client("system:node:n1", "system:nodes")?,
    )?;
    write("token.conf", json!({"token": TOKEN}))?;
    writeln!(
        std::io::stdout(),
        "serving at {address}; kubeconfigs in {}",
        folder.display()
    )?;

    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
    });
    let limits = ConnectionLimits::default();
    server
        .serve(listener, authority.server()?, limits, shutdown)
        .await?;
    Ok(())
}

async fn create_token(server: &ApiServer) -> Result<(), Box<dyn Error>> {
    let (id, secret) = TOKEN.split_once('.').unwrap_or_default();
    let secret: Secret = serde_json::from_value(json!({
        "metadata": {"name": format!("bootstrap-token-{id}")},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "token-id": id,
            "token-secret": secret,
            "usage-bootstrap-authentication": "true",
        },
    }))?;
    let secrets: Api<Secret> = Api::namespaced(
        server.client(UserInfo::controller("example")),
        "kube-system",
    );
    secrets.create(&PostParams::default(), &secret).await?;
    Ok(())
}

/// A CA for an hour.
struct Authority {
    authority: CertificateAuthority,
    validity: Validity,
}

impl Authority {
    fn new() -> Result<Self, Box<dyn Error>> {
        let now = Timestamp::now();
        let hour = Duration::from_secs(3600);
        let authority =
            CertificateAuthority::generate("kubernetes", KeyAlgorithm::EcdsaP256, hour, now)?;
        let validity = authority.validity();
        Ok(Self {
            authority,
            validity,
        })
    }

    fn server(&self) -> Result<TlsIdentity, Box<dyn Error>> {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
        let wanted = ServerCertificate {
            common_name: "kube-apiserver",
            dns_names: &["localhost".to_owned()],
            addresses: &["127.0.0.1".parse()?],
        };
        let certificate = self
            .authority
            .issue_server(&wanted, key.public_key(), self.validity)?;
        let authority = self.authority.certificate().to_pem()?;
        Ok(TlsIdentity::from_pem(
            certificate.to_pem()?.as_bytes(),
            key.to_pem()?.as_bytes(),
            authority.as_bytes(),
        )?)
    }

    fn client(&self, user: &str, group: &str) -> Result<Value, Box<dyn Error>> {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
        let wanted = ClientCertificate {
            user,
            group: Some(group),
        };
        let certificate = self
            .authority
            .issue_client(&wanted, key.public_key(), self.validity)?;
        Ok(json!({
            "client-certificate-data": BASE64_STANDARD.encode(certificate.to_pem()?),
            "client-key-data": BASE64_STANDARD.encode(key.to_pem()?.as_bytes()),
        }))
    }

    /// JSON is YAML.
    fn kubeconfig(&self, server: &str, user: Value) -> Result<String, Box<dyn Error>> {
        let authority = BASE64_STANDARD.encode(self.authority.certificate().to_pem()?);
        Ok(serde_json::to_string_pretty(&json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "loopback", "cluster": {
                "server": server,
                "certificate-authority-data": authority,
            }}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": "loopback", "context": {"cluster": "loopback", "user": "user"}}],
            "current-context": "loopback",
        }))?)
    }
}
