//! A cluster on the embedded API, over real TLS on loopback, made by `init` itself. The administrator and the controllers
//! are played by the test, so that it decides what happens when.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ListParams, PostParams};
use slipway_apiserver::authentication::UserInfo;
use slipway_apiserver::serve::{ConnectionLimits, TlsIdentity};
use slipway_apiserver::{ApiServer, HistoryLimits, Store};
use slipway_config::token::BootstrapToken;
use slipway_pki::ca::ClientCertificate;
use slipway_pki::csr::CertificateRequest;
use slipway_pki::jws;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::init::settings::Settings;
use crate::init::settings::tests::settings;
use crate::init::{self, Phases, Prepared};
use crate::layout::Layout;
use crate::progress::Silent;
use crate::testing::hours_from_now;

pub(crate) struct Cluster {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) prepared: Prepared,
    pub(crate) settings: Settings,
    pub(crate) token: BootstrapToken,
    /// An administrator inside the server's process.
    pub(crate) admin: kube::Client,
    _stop: DropGuard,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut settings = settings(&listener.local_addr().unwrap().to_string());
        change(&mut settings);
        let layout = Layout::under(&folder.path().join("cluster"));
        let phases = Phases::default();
        let prepared =
            init::prepare(&layout, &settings, &phases, Timestamp::now(), &Silent).unwrap();

        let server = ApiServer::builder(Store::in_memory(HistoryLimits::default()).unwrap())
            .build()
            .await
            .unwrap();
        let admin = server.client(UserInfo::controller("test"));
        let identity = &prepared.certificates.server;
        let tls = TlsIdentity::from_pem(
            identity.certificate.to_pem().unwrap().as_bytes(),
            identity.key.to_pem().unwrap().as_bytes(),
            prepared
                .certificates
                .authority
                .certificate()
                .to_pem()
                .unwrap()
                .as_bytes(),
        )
        .unwrap();
        let stop = CancellationToken::new();
        let serving = stop.clone();
        tokio::spawn(async move {
            server
                .serve(listener, tls, ConnectionLimits::default(), serving)
                .await
                .unwrap()
        });

        let published = init::publish(
            &admin,
            &settings.publication(prepared.ca()),
            &phases,
            Timestamp::now(),
            &Silent,
        )
        .await
        .unwrap();
        init::complete(&prepared.layout, &phases).unwrap();
        let token = published.invitation.unwrap().token;
        let cluster = Self {
            folder,
            prepared,
            settings,
            token,
            admin,
            _stop: stop.drop_guard(),
        };
        cluster.sign_cluster_info(&cluster.token).await;
        cluster
    }

    /// The bootstrap signer's part.
    pub(crate) async fn sign_cluster_info(&self, token: &BootstrapToken) {
        let api: Api<ConfigMap> = Api::namespaced(self.admin.clone(), "kube-public");
        let mut found = api.get("cluster-info").await.unwrap();
        let data = found.data.get_or_insert_with(BTreeMap::new);
        let signature = jws::sign(token, data["kubeconfig"].as_bytes()).unwrap();
        data.insert(format!("jws-kubeconfig-{}", token.id), signature);
        api.replace("cluster-info", &PostParams::default(), &found)
            .await
            .unwrap();
    }

    pub(crate) fn requests(&self) -> Api<CertificateSigningRequest> {
        Api::all(self.admin.clone())
    }

    /// All requests in the cluster, as it is now.
    pub(crate) async fn submitted_so_far(&self) -> Vec<CertificateSigningRequest> {
        let listed = self.requests().list(&ListParams::default()).await;
        listed.unwrap().items
    }

    /// All requests in the cluster, once there is one.
    pub(crate) async fn submitted(&self) -> Vec<CertificateSigningRequest> {
        for _ in 0..200 {
            let found = self.submitted_so_far().await;
            if !found.is_empty() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no request was submitted")
    }

    /// The approver's part: a condition on a request.
    pub(crate) async fn condition(&self, name: &str, kind: &str, reason: &str, message: &str) {
        let mut found = self.requests().get(name).await.unwrap();
        let status = if kind == "slipway.dev/Reviewed" {
            "False"
        } else {
            "True"
        };
        let conditions = found
            .status
            .get_or_insert_default()
            .conditions
            .get_or_insert_default();
        conditions.push(CertificateSigningRequestCondition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            ..CertificateSigningRequestCondition::default()
        });
        let subresource = if matches!(kind, "Approved" | "Denied") {
            "approval"
        } else {
            "status"
        };
        self.requests()
            .replace_subresource(subresource, name, &PostParams::default(), &found)
            .await
            .unwrap();
    }

    /// The signer's part: the node's certificate, as asked for.
    pub(crate) async fn sign(&self, name: &str) {
        let found = self.requests().get(name).await.unwrap();
        let request = CertificateRequest::from_pem(&found.spec.request.0).unwrap();
        self.sign_as(
            name,
            &request.node_name().unwrap().user_name(),
            "system:nodes",
        )
        .await;
    }

    /// A signer that sets another subject than was asked for.
    pub(crate) async fn sign_as(&self, name: &str, user: &str, group: &str) {
        let mut found = self.requests().get(name).await.unwrap();
        let request = CertificateRequest::from_pem(&found.spec.request.0).unwrap();
        let authority = &self.prepared.certificates.authority;
        let client = ClientCertificate {
            user,
            group: Some(group),
        };
        let certificate = authority
            .issue_client(&client, request.public_key(), hours_from_now(0, 24))
            .unwrap();
        let pem = certificate.to_pem().unwrap();
        found.status.get_or_insert_default().certificate = Some(ByteString(pem.into_bytes()));
        self.requests()
            .replace_status(name, &PostParams::default(), &found)
            .await
            .unwrap();
    }

    /// Approves and signs the first request that comes.
    pub(crate) async fn let_in(&self) {
        let name = self.submitted().await[0].metadata.name.clone().unwrap();
        self.condition(&name, "Approved", "Test", "welcome").await;
        self.sign(&name).await;
    }
}
