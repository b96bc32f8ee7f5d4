//! The whole house at once: `init` on the embedded API over a store on disk and real TLS, the controllers with the bundled
//! components deciding, and nodes that join through the bundled trust source and endpoint provider.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows these in tests, and its helpers are part of the test"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::PrivateKeyDer;
use slipway_apiserver::authentication::UserInfo;
use slipway_apiserver::serve::{ConnectionLimits, TlsIdentity};
use slipway_apiserver::{ApiServer, HistoryLimits, Store};
use slipway_bootstrap::discovery::{self, Candidate, Plugins, Source};
use slipway_bootstrap::discovery_service;
use slipway_bootstrap::init::settings::{Lifetimes, PublishedCa, Settings as InitSettings};
use slipway_bootstrap::init::{self, Invitation, Prepared};
use slipway_bootstrap::join::{self, JoinError, Joined};
use slipway_bootstrap::layout::Layout;
use slipway_bootstrap::progress::{Event, Progress, Silent, Waiting};
use slipway_config::kubeadm::{ClusterName, TokenSpec};
use slipway_config::plugin::PluginConfiguration;
use slipway_controller::requests::Requests;
use slipway_controller::{Chain, Controllers, DecisionLog, Signing};
use slipway_pki::ca::CertificateAuthority;
use slipway_pki::key::KeyAlgorithm;
use slipway_plugin::{EndpointProvider, HostOptions, PluginHost};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

struct Cluster {
    folder: tempfile::TempDir,
    prepared: Prepared,
    invitation: Invitation,
    admin: kube::Client,
    endpoints: Arc<dyn EndpointProvider>,
    trust: Candidate,
    _stop: DropGuard,
}

impl Cluster {
    async fn start(plugins: PluginConfiguration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::under(&folder.path().join("cluster"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = InitSettings {
            cluster_name: ClusterName::default(),
            advertise: listener.local_addr().unwrap().to_string().parse().unwrap(),
            control_plane_endpoint: None,
            additional_servers: Vec::new(),
            extra_sans: Vec::new(),
            key_algorithm: KeyAlgorithm::default(),
            lifetimes: Lifetimes::default(),
            tokens: vec![TokenSpec::default()],
            access: Default::default(),
            published_ca: PublishedCa::Included,
        };
        let phases = init::Phases::default();
        let prepared =
            init::prepare(&layout, &settings, &phases, Timestamp::now(), &Silent).unwrap();

        let store = Store::open(&layout.store(), HistoryLimits::default()).unwrap();
        let server = ApiServer::builder(store).build().await.unwrap();
        let admin = server.client(UserInfo::controller("end-to-end"));
        let identity = &prepared.certificates.server;
        let ca = prepared
            .certificates
            .authority
            .certificate()
            .to_pem()
            .unwrap();
        let tls = TlsIdentity::from_pem(
            identity.certificate.to_pem().unwrap().as_bytes(),
            identity.key.to_pem().unwrap().as_bytes(),
            ca.as_bytes(),
        )
        .unwrap();
        let stop = CancellationToken::new();
        let serving = stop.clone();
        tokio::spawn(async move {
            server
                .serve(listener, tls, ConnectionLimits::default(), serving)
                .await
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
        let host = PluginHost::new(HostOptions::default()).unwrap();
        run_controllers(
            &host,
            &plugins,
            &prepared,
            folder.path(),
            admin.clone(),
            stop.clone(),
        )
        .await;
        let trust = Candidate {
            plugin: host
                .load_trust_source(&plugins.trust_sources[0])
                .await
                .unwrap(),
            takes: None,
            believed_unverified: false,
        };
        let endpoints = host
            .load_endpoint_provider(&plugins.endpoint_providers[0])
            .await
            .unwrap();
        let invitation = published.invitation.unwrap();
        Self {
            folder,
            prepared,
            invitation,
            admin,
            endpoints,
            trust,
            _stop: stop.drop_guard(),
        }
    }

    fn node(&self, folder: &str, name: &str) -> join::Settings {
        join::Settings {
            layout: Layout::under(&self.folder.path().join(folder)),
            node: name.parse().unwrap(),
            discovery: discovery::Request {
                sources: vec![Source::Token {
                    locations: self
                        .invitation
                        .servers
                        .iter()
                        .map(ToString::to_string)
                        .collect(),
                    token: self.invitation.token.clone(),
                }],
                pins: self.invitation.pins.clone(),
                ca: None,
                https_roots: None,
                accepted: BTreeSet::new(),
                quorum: None,
                timing: discovery::Timing {
                    timeout: Duration::from_secs(30),
                    retry: Duration::from_millis(200),
                    ..discovery::Timing::default()
                },
            },
            tls_bootstrap_token: None,
            key_algorithm: KeyAlgorithm::default(),
            start: join::Start::Resume,
            timeout: Some(Duration::from_secs(30)),
            phases: join::Phases::default(),
            search_path: None,
        }
    }

    async fn join(
        &self,
        settings: &join::Settings,
        progress: &dyn Progress,
    ) -> Result<Joined, JoinError> {
        let plugins = Plugins {
            endpoints: std::slice::from_ref(&self.endpoints),
            trust: std::slice::from_ref(&self.trust),
        };
        join::join(settings, plugins, progress).await
    }
}

async fn run_controllers(
    host: &PluginHost,
    plugins: &PluginConfiguration,
    prepared: &Prepared,
    folder: &Path,
    admin: kube::Client,
    stop: CancellationToken,
) {
    let mut approvers = Vec::new();
    for entry in &plugins.csr_approvers {
        approvers.push(host.load_csr_approver(entry).await.unwrap());
    }
    let authority = &prepared.certificates.authority;
    let authority = CertificateAuthority::from_pem(
        authority.certificate().to_pem().unwrap().as_bytes(),
        &authority.key_pem().unwrap(),
        Timestamp::now(),
    )
    .unwrap();
    let log = DecisionLog::open(&folder.join("decisions")).unwrap();
    let controllers = Controllers::builder(admin)
        .bootstrap_signer()
        .token_cleaner()
        .policy(Chain::new(approvers))
        .approver(log.clone())
        .csr_signer(Signing::new(Arc::new(authority)), log)
        .build();
    tokio::spawn(async move { controllers.run(stop).await });
}

/// Approves what is waited for, as an administrator who reads the screen.
struct Administrator(tokio::sync::mpsc::UnboundedSender<String>);

impl Progress for Administrator {
    fn event(&self, event: Event) {
        if let Event::Waiting(Waiting::Approval {
            request,
            findings: Some(_),
            ..
        }) = event
        {
            let _ = self.0.send(request);
        }
    }
}

fn complete(joined: Result<Joined, JoinError>) -> join::Node {
    match joined {
        Ok(Joined::Complete(node)) => node,
        Ok(other) => panic!("not joined: {other:?}"),
        Err(error) => panic!("not joined: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_waits_for_a_person_and_is_let_in() {
    let cluster = Cluster::start(PluginConfiguration::default()).await;
    let settings = cluster.node("node", "worker-1");
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<String>();
    let requests = Requests::new(cluster.admin.clone());
    let person = async {
        let request = receiver.recv().await.unwrap();
        requests.approve(&request, "ada").await.unwrap();
    };
    let administrator = Administrator(sender);
    let (joined, ()) = tokio::join!(cluster.join(&settings, &administrator), person);
    let node = complete(joined);
    assert_eq!(node.name, settings.node);
    assert!(settings.layout.kubelet_kubeconfig().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_machine_does_not_get_a_name_that_was_just_given_away() {
    let cluster = Cluster::start(PluginConfiguration::default().with_auto_approve()).await;
    complete(
        cluster
            .join(&cluster.node("first", "worker-1"), &Silent)
            .await,
    );
    let mut second = cluster.node("second", "worker-1");
    second.timeout = Some(Duration::from_secs(3));
    let error = cluster.join(&second, &Silent).await.unwrap_err();
    let text = match &error {
        JoinError::Denied { message, .. } => message.clone(),
        JoinError::NotDecided { waiting, .. } => match &**waiting {
            Waiting::Name { findings, .. } => findings.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other}"),
    };
    assert!(text.contains("worker-1"), "{text}");
    assert!(!second.layout.kubelet_kubeconfig().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_by_the_discovery_service_alone() {
    let cluster = Cluster::start(PluginConfiguration::default().with_auto_approve()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let backend = discovery_service::Cluster::new(cluster.admin.clone(), None);
    let router = discovery_service::router(Arc::new(backend)).unwrap();
    let identity = &cluster.prepared.certificates.server;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![identity.certificate.der().to_vec().into()],
            PrivateKeyDer::try_from(identity.key.pkcs8_der().to_vec()).unwrap(),
        )
        .unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(discovery_service::serve(
        listener,
        router,
        Arc::new(tls),
        stop.clone(),
    ));

    let mut settings = cluster.node("node", "worker-1");
    let token = cluster.invitation.token.clone();
    settings.discovery.sources = vec![Source::Token {
        locations: vec![format!("discovery://{address}")],
        token,
    }];
    complete(cluster.join(&settings, &Silent).await);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_apart_and_nothing_is_submitted() {
    let cluster = Cluster::start(PluginConfiguration::default().with_auto_approve()).await;
    let mut settings = cluster.node("node", "worker-1");
    let wrong = format!("{}.aaaaaaaaaaaaaaaa", cluster.invitation.token.id);
    settings.discovery.sources = vec![Source::Token {
        locations: cluster
            .invitation
            .servers
            .iter()
            .map(ToString::to_string)
            .collect(),
        token: wrong.parse().unwrap(),
    }];
    let error = cluster
        .join(&settings, &Silent)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("secret"), "{error}");
    assert!(!error.contains("aaaaaaaaaaaaaaaa"), "{error}");
    assert!(
        Requests::new(cluster.admin.clone())
            .list()
            .await
            .unwrap()
            .is_empty()
    );
}
