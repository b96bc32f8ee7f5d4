//! An embedded API with the identities, tokens, requests and clocks that the tests use.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestSpec,
};
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, PostParams};
use slipway_apiserver::authentication::UserInfo;
use slipway_apiserver::{ApiServer, HistoryLimits, RequestLimits, Store};
use slipway_config::name::NodeName;
use slipway_config::system::{SOURCE_ADDRESS, TOKEN_UID};
use slipway_config::token::{BootstrapToken, TokenBounds, TokenGroup, TokenUsages};
use slipway_controller::chain::Chain;
use slipway_controller::decision_log::{self, Record};
use slipway_controller::system::Clock;
use slipway_controller::tokens::{ListedToken, NewToken, SourceAddresses};
use slipway_controller::{
    Controllers, ControllersBuilder, DecisionLog, Signing, Standing, TokenAdmin, standing,
};
use slipway_pki::ca::{CertificateAuthority, DEFAULT_CA_LIFETIME};
use slipway_pki::csr::NodeCsr;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use slipway_pki::signer::Usage;
use slipway_plugin::CsrApprover;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long something may take that is expected.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing must happen that is not.
pub(crate) const CALM: Duration = Duration::from_millis(400);

pub(crate) struct Cluster {
    server: ApiServer,
    folder: TempDir,
    offset: Arc<AtomicI64>,
    pub(crate) authority: Arc<CertificateAuthority>,
}

/// Controllers that run until they are stopped.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), slipway_controller::Error>>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let offset = Arc::new(AtomicI64::new(0));
        let limits = RequestLimits {
            burst: 100_000,
            per_second: 100_000,
            pending_per_token: 100_000,
        };
        let server = ApiServer::builder(Store::in_memory(HistoryLimits::default()).unwrap())
            .clock(clock(&offset))
            .request_limits(limits)
            .build()
            .await
            .unwrap();
        let authority = CertificateAuthority::generate(
            "kubernetes",
            KeyAlgorithm::EcdsaP256,
            DEFAULT_CA_LIFETIME,
            Timestamp::now(),
        );
        Self {
            server,
            folder: TempDir::new().unwrap(),
            offset,
            authority: Arc::new(authority.unwrap()),
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.server.client(UserInfo::controller("test"))
    }

    pub(crate) fn node_client(&self, node: &str) -> Client {
        self.server.client(UserInfo::authenticated(
            format!("system:node:{node}"),
            ["system:nodes"],
        ))
    }

    pub(crate) fn token_client(&self, token: &ListedToken) -> Client {
        self.token_client_from(token, Some("192.0.2.1"))
    }

    pub(crate) fn token_client_from(&self, token: &ListedToken, address: Option<&str>) -> Client {
        let mut user = UserInfo::authenticated(
            format!("system:bootstrap:{}", token.id),
            [
                "system:bootstrappers",
                "system:bootstrappers:kubeadm:default-node-token",
            ],
        );
        user.extra
            .insert(TOKEN_UID.to_owned(), vec![token.uid.clone()]);
        user.extra
            .extend(address.map(|address| (SOURCE_ADDRESS.to_owned(), vec![address.to_owned()])));
        self.server.client(user)
    }

    pub(crate) fn clock(&self) -> Clock {
        clock(&self.offset)
    }

    /// Turns the clock of everybody forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.offset
            .fetch_add(by.as_secs().try_into().unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn log_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn log(&self, name: &str) -> DecisionLog {
        DecisionLog::open(&self.log_folder(name)).unwrap()
    }

    pub(crate) fn records(&self, name: &str) -> Vec<Record> {
        decision_log::verify(&self.log_folder(name)).unwrap();
        decision_log::read(&self.log_folder(name)).unwrap()
    }

    /// Everything, with these approvers.
    pub(crate) fn controllers(&self, approvers: Vec<Arc<dyn CsrApprover>>) -> ControllersBuilder {
        let log = self.log("log");
        self.without_signer(Chain::new(approvers), &log)
            .csr_signer(Signing::new(Arc::clone(&self.authority)), log)
    }

    pub(crate) fn without_signer(&self, chain: Chain, log: &DecisionLog) -> ControllersBuilder {
        Controllers::builder(self.client())
            .clock(self.clock())
            .bootstrap_signer()
            .token_cleaner()
            .csr_cleaner()
            .policy(chain)
            .approver(log.clone())
    }

    pub(crate) fn run(&self, controllers: ControllersBuilder) -> Running {
        let stop = CancellationToken::new();
        let task = tokio::spawn(controllers.build().run(stop.clone()));
        Running { stop, task }
    }

    pub(crate) fn tokens(&self) -> TokenAdmin {
        TokenAdmin::new(self.client()).source_addresses(SourceAddresses::Seen)
    }

    pub(crate) async fn token(&self, bounds: TokenBounds) -> ListedToken {
        self.tokens().create(&new_token(bounds)).await.unwrap()
    }

    pub(crate) fn requests(&self) -> Api<CertificateSigningRequest> {
        Api::all(self.client())
    }

    pub(crate) async fn request(&self, name: &str) -> CertificateSigningRequest {
        self.requests().get(name).await.unwrap()
    }

    /// Waits until a request stands there.
    pub(crate) async fn until(&self, name: &str, wanted: Standing) -> CertificateSigningRequest {
        eventually(|| async {
            let request = self.requests().get_opt(name).await.unwrap()?;
            (standing(&request) == wanted).then_some(request)
        })
        .await
        .unwrap_or_else(|| panic!("{name} never became {wanted:?}"))
    }

    /// Waits until the approvers said something about a request.
    pub(crate) async fn until_reviewed(&self, name: &str, reason: &str) -> String {
        eventually(|| async {
            let request = self.requests().get_opt(name).await.unwrap()?;
            assert_eq!(standing(&request), Standing::Open, "{name} is decided");
            let found = condition(&request, slipway_controller::REVIEWED)?;
            (found.0 == reason).then_some(found.1)
        })
        .await
        .unwrap_or_else(|| panic!("{name} never became {reason}"))
    }

    pub(crate) async fn node(&self, name: &str) {
        let nodes: Api<Node> = Api::all(self.client());
        let node = Node {
            metadata: named(name),
            ..Node::default()
        };
        nodes.create(&PostParams::default(), &node).await.unwrap();
    }

    pub(crate) fn maps(&self, namespace: &str) -> Api<ConfigMap> {
        Api::namespaced(self.client(), namespace)
    }

    /// Publishes a document as cluster-info.
    pub(crate) async fn publish(&self, document: &str) {
        let info = ConfigMap {
            metadata: named("cluster-info"),
            data: Some([("kubeconfig".to_owned(), document.to_owned())].into()),
            ..ConfigMap::default()
        };
        let maps = self.maps("kube-public");
        maps.create(&PostParams::default(), &info).await.unwrap();
    }

    /// The claim on a name as text; none where it is free.
    pub(crate) async fn claim(&self, node: &str) -> Option<String> {
        let map = self
            .maps("slipway-system")
            .get_opt(&format!("node-claim.{node}"))
            .await
            .unwrap();
        map.map(|map| map.data.unwrap()["claim"].clone())
    }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// A key and the requests that it makes.
pub(crate) struct Machine {
    pub(crate) key: PrivateKey,
    pub(crate) node: NodeName,
}

impl Machine {
    pub(crate) fn new(node: &str) -> Self {
        Self {
            key: PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap(),
            node: node.parse().unwrap(),
        }
    }

    /// A request for the node's identity.
    pub(crate) fn request(&self, name: &str) -> CertificateSigningRequest {
        object(name, &NodeCsr::client(&self.node, &self.key).unwrap())
    }

    /// A request for a serving certificate, with one name or address.
    pub(crate) fn serving(&self, name: &str, place: &str) -> CertificateSigningRequest {
        let csr = match place.parse() {
            Ok(address) => NodeCsr::serving(&self.node, &[], &[address], &self.key),
            Err(_) => NodeCsr::serving(&self.node, &[place.parse().unwrap()], &[], &self.key),
        };
        object(name, &csr.unwrap())
    }

    pub(crate) async fn ask(&self, client: Client, name: &str) -> CertificateSigningRequest {
        submit(client, &self.request(name)).await
    }
}

pub(crate) async fn submit(
    client: Client,
    request: &CertificateSigningRequest,
) -> CertificateSigningRequest {
    Api::all(client)
        .create(&PostParams::default(), request)
        .await
        .unwrap()
}

pub(crate) fn object(name: &str, csr: &NodeCsr) -> CertificateSigningRequest {
    CertificateSigningRequest {
        metadata: named(name),
        spec: CertificateSigningRequestSpec {
            request: ByteString(csr.to_pem().unwrap().into_bytes()),
            signer_name: csr.signer().name().to_owned(),
            usages: Some(
                csr.usages()
                    .into_iter()
                    .map(Usage::name)
                    .map(str::to_owned)
                    .collect(),
            ),
            ..CertificateSigningRequestSpec::default()
        },
        status: None,
    }
}

pub(crate) fn new_token(bounds: TokenBounds) -> NewToken {
    NewToken {
        token: BootstrapToken::generate().unwrap(),
        description: "for a test".to_owned(),
        expires: Some(Timestamp::now() + SignedDuration::from_hours(24)),
        usages: TokenUsages::ALL,
        groups: vec![TokenGroup::default_node_token()],
        bounds,
    }
}

pub(crate) fn uses(uses: u32) -> TokenBounds {
    TokenBounds {
        uses: Some(uses),
        ..TokenBounds::default()
    }
}

pub(crate) fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}

/// Reason and message of a condition.
pub(crate) fn condition(
    request: &CertificateSigningRequest,
    type_: &str,
) -> Option<(String, String)> {
    let conditions = request.status.as_ref()?.conditions.as_ref()?;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == type_)?;
    Some((
        found.reason.clone().unwrap_or_default(),
        found.message.clone().unwrap_or_default(),
    ))
}

/// Asks again until there is an answer, or patience ends.
pub(crate) async fn eventually<T, F>(mut ask: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Option<T>>,
{
    let end = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < end {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

fn clock(offset: &Arc<AtomicI64>) -> Clock {
    let offset = Arc::clone(offset);
    Arc::new(move || Timestamp::now() + SignedDuration::from_secs(offset.load(Ordering::SeqCst)))
}
