//! The embedded API in this process, over a store in memory and without limits on who asks, and the controllers beside it.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{PostParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt as _};
use slipway_apiserver::authentication::UserInfo;
use slipway_apiserver::{ApiServer, HistoryLimits, RequestLimits, Store};
use slipway_config::system::TOKEN_UID;
use slipway_config::token::{BootstrapToken, TokenBounds, TokenGroup, TokenUsages};
use slipway_controller::tokens::{ListedToken, NewToken};
use slipway_controller::{
    Chain, Controllers, DecisionLog, Error, Signing, Standing, TokenAdmin, standing,
};
use slipway_pki::ca::{CertificateAuthority, DEFAULT_CA_LIFETIME};
use slipway_pki::csr::NodeCsr;
use slipway_pki::key::KeyAlgorithm;
use slipway_pki::signer::Usage;
use slipway_tests::processor_time;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long may take what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// For how long nearly nothing has to be done for the process to count as at rest.
const REST: Duration = Duration::from_millis(500);

/// How long recordings are kept: longer than any of this takes.
const KEEP: Duration = Duration::from_hours(1);

/// A cluster.
pub(crate) struct Embedded {
    server: ApiServer,
    authority: Arc<CertificateAuthority>,
}

/// Controllers that run until they are stopped.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
}

/// How long a request waited from its submission on.
pub(crate) struct Waited {
    pub(crate) approval: Duration,
    pub(crate) certificate: Duration,
}

impl Embedded {
    pub(crate) async fn start() -> Self {
        let unlimited = RequestLimits {
            burst: u32::MAX,
            per_second: u32::MAX,
            pending_per_token: usize::MAX,
        };
        let store = Store::in_memory(HistoryLimits::default()).expect("a store");
        let server = ApiServer::builder(store).request_limits(unlimited);
        let authority = CertificateAuthority::generate(
            "kubernetes",
            KeyAlgorithm::EcdsaP256,
            DEFAULT_CA_LIFETIME,
            Timestamp::now(),
        );
        Self {
            server: server.build().await.expect("the server starts"),
            authority: Arc::new(authority.expect("a CA")),
        }
    }

    /// A client that may do everything.
    pub(crate) fn client(&self) -> Client {
        self.server.client(UserInfo::controller("bench"))
    }

    /// A client with the identity that a token gives.
    pub(crate) fn client_of_token(&self, token: &ListedToken) -> Client {
        let groups = token.groups.iter().map(String::as_str);
        let mut user = UserInfo::authenticated(
            format!("system:bootstrap:{}", token.id),
            groups.chain(["system:bootstrappers"]),
        );
        let uid = vec![token.uid.clone()];
        user.extra.insert(TOKEN_UID.to_owned(), uid);
        self.server.client(user)
    }

    /// A client with the identity of a node.
    pub(crate) fn client_of_node(&self, node: &str) -> Client {
        let name = format!("system:node:{node}");
        let user = UserInfo::authenticated(name, ["system:nodes"]);
        self.server.client(user)
    }

    pub(crate) async fn token(&self) -> ListedToken {
        let token = BootstrapToken::generate().expect("a token");
        let made = TokenAdmin::new(self.client()).create(&joining(token)).await;
        made.expect("the token is made")
    }

    /// Runs whatever takes part in a decision and its certificate, and clears up after them. The bootstrap signer does not.
    pub(crate) fn run(&self, client: Client, chain: Chain, log: &DecisionLog) -> Running {
        let controllers = Controllers::builder(client)
            .policy(chain)
            .token_cleaner()
            .csr_cleaner()
            .approver(log.clone())
            .csr_signer(Signing::new(Arc::clone(&self.authority)), log.clone());
        let stop = CancellationToken::new();
        let task = tokio::spawn(controllers.build().run(stop.clone()));
        Running { stop, task }
    }

    /// Submits a request that is to be approved, and waits for its certificate, watching it as kubelet does.
    pub(crate) async fn ask(
        &self,
        submitter: &Client,
        request: &CertificateSigningRequest,
    ) -> Waited {
        let waiting = self.submit_and_wait(submitter, request);
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.expect("the request is served")
    }

    async fn submit_and_wait(
        &self,
        submitter: &Client,
        request: &CertificateSigningRequest,
    ) -> Waited {
        let only = WatchParams::default().fields(&format!("metadata.name={}", request.name_any()));
        let requests: Api<CertificateSigningRequest> = Api::all(self.client());
        let events = requests.watch(&only, "0").await;
        let mut events = events.expect("requests can be watched").boxed();
        let begun = Instant::now();
        submit(submitter, request).await;
        let mut approval = None;
        loop {
            let event = events.try_next().await.expect("the watch goes on");
            let event = event.expect("the watch does not end");
            let (WatchEvent::Added(request) | WatchEvent::Modified(request)) = event else {
                continue;
            };
            let waited = begun.elapsed();
            match standing(&request) {
                Standing::Open => {}
                Standing::Approved => {
                    approval.get_or_insert(waited);
                }
                Standing::Issued => {
                    return Waited {
                        approval: approval.unwrap_or(waited),
                        certificate: waited,
                    };
                }
                Standing::Denied | Standing::Failed => panic!("refused: {:?}", request.status),
            }
        }
    }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        let ended = self.task.await.expect("the controllers end");
        ended.expect("they end well");
    }
}

/// Runs on a runtime of its own, of which nothing is left afterwards.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

/// A folder on a disk, where syncing costs what it costs.
pub(crate) fn folder_on_disk() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// A decision log with recordings, in a folder.
pub(crate) fn log(folder: &Path) -> DecisionLog {
    DecisionLog::open_with_recordings(&folder.join("log"), KEEP).expect("a log")
}

pub(crate) async fn submit(submitter: &Client, request: &CertificateSigningRequest) {
    let requests = Api::all(submitter.clone());
    let submitted = requests.create(&PostParams::default(), request).await;
    submitted.expect("the request is taken");
}

/// The object of a request.
pub(crate) fn object(name: &str, csr: &NodeCsr) -> CertificateSigningRequest {
    let usages = csr.usages().into_iter().map(Usage::name);
    CertificateSigningRequest {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: CertificateSigningRequestSpec {
            request: ByteString(csr.to_pem().expect("PEM").into_bytes()),
            signer_name: csr.signer().name().to_owned(),
            usages: Some(usages.map(str::to_owned).collect()),
            ..CertificateSigningRequestSpec::default()
        },
        status: None,
    }
}

/// A token that lets nodes join for a day. It signs nothing.
pub(crate) fn joining(token: BootstrapToken) -> NewToken {
    NewToken {
        token,
        description: String::new(),
        expires: Some(Timestamp::now() + SignedDuration::from_hours(24)),
        usages: TokenUsages {
            signing: false,
            ..TokenUsages::ALL
        },
        groups: vec![TokenGroup::default_node_token()],
        bounds: TokenBounds::default(),
    }
}

/// Does everything, on all cores, so much of it at a time.
pub(crate) async fn all<W>(work: impl IntoIterator<Item = W>, at_a_time: usize)
where
    W: Future<Output = ()> + Send + 'static,
{
    let running = stream::iter(work).map(tokio::spawn);
    running
        .buffer_unordered(at_a_time)
        .for_each(|done| async { done.expect("it is done") })
        .await;
}

/// Waits until the process is at rest: what the controllers make of what they find when they start is done then.
pub(crate) async fn rest() {
    let resting = async {
        loop {
            let before = used();
            tokio::time::sleep(REST).await;
            if used() - before < REST / 20 {
                return;
            }
        }
    };
    let rested = tokio::time::timeout(PATIENCE * 2, resting).await;
    rested.expect("the controllers come to rest");
}

/// The processor time that the process has used.
fn used() -> Duration {
    processor_time(std::process::id())
}
