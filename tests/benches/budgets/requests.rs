//! Many requests at once on a kube-apiserver, approved and signed by Slipway's controllers and by kube-controller-manager.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::api::{PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt as _};
use slipway_tests::Asked;
use slipway_tests::kubernetes::{ALL_CONTROLLERS, AUTOMATIC, Controller, Kubernetes};

use crate::figure::Quantity;

const REQUESTS: usize = 500;

/// Requests that are submitted at once.
const SUBMITTERS: usize = 64;

/// The limits that kube-controller-manager has where nobody sets others.
const DEFAULT_LIMITS: [&str; 2] = ["--kube-api-qps=20", "--kube-api-burst=30"];

/// Requests from their submission to their certificates, in a second.
pub(crate) struct Throughput {
    pub(crate) slipway: Quantity,
    /// With its default limits.
    pub(crate) peer: Quantity,
    pub(crate) peer_without_limits: Quantity,
}

/// Measures each on a cluster of its own.
pub(crate) fn throughput() -> Throughput {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    Throughput {
        slipway: runtime.block_on(of_slipway()),
        peer: runtime.block_on(of_peer(&DEFAULT_LIMITS)),
        peer_without_limits: runtime.block_on(of_peer(&[])),
    }
}

async fn of_slipway() -> Quantity {
    let cluster = Kubernetes::start();
    let token = cluster.initialise(&[]).token;
    let _controller = Controller::signing(&cluster, &cluster.kubeconfig(), AUTOMATIC, &[]);
    served(&cluster, &token).await
}

async fn of_peer(flags: &[&str]) -> Quantity {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers(ALL_CONTROLLERS, flags);
    let token = cluster.invitation().token;
    served(&cluster, &token).await
}

/// Submits the requests with a token, and waits until each has its certificate.
async fn served(cluster: &Kubernetes, token: &str) -> Quantity {
    let administrator = api(&cluster.kubeconfig()).await;
    let submitter = api(&cluster.kubeconfig_with_token("submitter", token)).await;
    // Whoever serves them is there when the first one is served.
    submit_and_wait(&submitter, &administrator, requests("first", 1)).await;
    let requests = requests("node", REQUESTS);
    let took = submit_and_wait(&submitter, &administrator, requests).await;
    Quantity::PerSecond(REQUESTS as f64 / took.as_secs_f64())
}

fn requests(name: &str, number: usize) -> Vec<CertificateSigningRequest> {
    (0..number)
        .map(|number| {
            let node = format!("{name}-{number}");
            serde_json::from_value(Asked::client(&node, &node).manifest()).expect("a request")
        })
        .collect()
}

async fn submit_and_wait(
    submitter: &Api<CertificateSigningRequest>,
    administrator: &Api<CertificateSigningRequest>,
    requests: Vec<CertificateSigningRequest>,
) -> Duration {
    let mut waiting: BTreeSet<_> = requests.iter().map(|request| request.name_any()).collect();
    let start = Instant::now();
    let submit = stream::iter(requests)
        .map(|request| async move {
            let submitted = submitter.create(&PostParams::default(), &request).await;
            submitted.expect("the request is taken")
        })
        .buffer_unordered(SUBMITTERS)
        .for_each(|_| async {});
    let wait = async {
        let events = administrator.watch(&WatchParams::default(), "0").await;
        let mut events = events.expect("requests can be watched").boxed();
        while !waiting.is_empty() {
            let event = events.try_next().await.expect("the watch goes on");
            if let WatchEvent::Modified(request) | WatchEvent::Added(request) =
                event.expect("the watch does not end")
                && request
                    .status
                    .as_ref()
                    .is_some_and(|status| status.certificate.is_some())
            {
                waiting.remove(&request.name_any());
            }
        }
    };
    futures::future::join(submit, wait).await;
    start.elapsed()
}

async fn api(kubeconfig: &Path) -> Api<CertificateSigningRequest> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a kubeconfig that can be used");
    Api::all(Client::try_from(config).expect("a client"))
}
