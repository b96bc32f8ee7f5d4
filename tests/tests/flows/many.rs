//! Many requests at once with one token: no more are let in than it is for, and nobody waits behind them (security.md,
//! cases 22 and 30).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;
use slipway_pki::csr::NodeCsr;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use slipway_tests::{Approval, Backend, Launched, Sandbox, on_both_backends};

use crate::decisions::records;
use crate::tokens::{id, listed};

on_both_backends!(
    of_two_hundred_requests_that_race_for_one_use_one_wins,
    of_eight_machines_that_race_for_one_use_one_joins,
    nobody_waits_behind_a_flood,
);

const RACERS: usize = 200;
const MACHINES: usize = 8;
const AT_ONCE: usize = 200;
const USED_UP: &str = "its only use is taken, by ";

/// Asks for the certificates of nodes, many at once, with the credentials of a kubeconfig.
struct Crowd {
    runtime: tokio::runtime::Runtime,
    requests: Api<CertificateSigningRequest>,
}

impl Crowd {
    fn with(kubeconfig: &Path) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let client = runtime.block_on(async {
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            let mut config = config.expect("a kubeconfig that can be used");
            // Who is told to come back later has an answer.
            config.default_retry = false;
            Client::try_from(config).expect("a client")
        });
        Self {
            runtime,
            requests: Api::all(client),
        }
    }

    /// The answers' status codes, and how often each came.
    fn ask(&self, nodes: impl Iterator<Item = String>) -> BTreeMap<u16, usize> {
        let answers = futures::stream::iter(nodes)
            .map(|node| self.ask_for(node))
            .buffer_unordered(AT_ONCE)
            .fold(BTreeMap::new(), async |mut answers, code| {
                *answers.entry(code).or_default() += 1;
                answers
            });
        self.runtime.block_on(answers)
    }

    async fn ask_for(&self, node: String) -> u16 {
        let request = request(&node);
        // A connection that has not been used for a while may be closed by the server as it is.
        for _ in 0..3 {
            match self.requests.create(&PostParams::default(), &request).await {
                Ok(_) => return 201,
                Err(kube::Error::Api(status)) => return status.code,
                Err(_) => {}
            }
        }
        panic!("{node}: no answer");
    }
}

fn request(node: &str) -> CertificateSigningRequest {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
    let name = node.parse().expect("a name of a node");
    let request = NodeCsr::client(&name, &key).expect("a request");
    let mut object = CertificateSigningRequest::default();
    object.metadata.name = Some(node.to_owned());
    object.spec.request.0 = request.to_pem().expect("PEM").into_bytes();
    object.spec.signer_name = "kubernetes.io/kube-apiserver-client-kubelet".to_owned();
    object.spec.usages = Some(vec![
        "digital signature".to_owned(),
        "client auth".to_owned(),
    ]);
    object
}

/// Waits until nobody waits for a decision or a certificate any more, and returns all requests.
#[track_caller]
fn all_decided(cluster: &Launched) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let requests = cluster.requests();
        let is_decided =
            |request: &&Value| request["standing"] == "issued" || request["standing"] == "denied";
        let decided = requests.iter().filter(is_decided).count();
        if decided == requests.len() {
            return requests;
        }
        assert!(
            Instant::now() < end,
            "{decided} of {} are decided",
            requests.len()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn with_standing<'a>(requests: &'a [Value], standing: &str) -> Vec<&'a Value> {
    let stands = |request: &&Value| request["standing"] == standing;
    requests.iter().filter(stands).collect()
}

/// The token was used once, and is used up.
#[track_caller]
fn assert_used_up(cluster: &Launched, token: &str) {
    let token = listed(cluster, id(token)).expect("it is listed");
    assert_eq!((&token["used"], &token["usesLeft"]), (&1.into(), &0.into()));
}

fn of_two_hundred_requests_that_race_for_one_use_one_wins(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let token = cluster.invitation_with(&["--uses=1"]).token;
    let crowd = Crowd::with(&cluster.kubeconfig_with_token(&token));
    let answers = crowd.ask((0..RACERS).map(|number| format!("racer-{number}")));
    assert_eq!(answers, BTreeMap::from([(201, RACERS)]));

    let requests = all_decided(&cluster);
    let (issued, denied) = (
        with_standing(&requests, "issued"),
        with_standing(&requests, "denied"),
    );
    assert_eq!((issued.len(), denied.len()), (1, RACERS - 1));
    let taken = format!(
        "{USED_UP}{} at ",
        issued[0]["node"].as_str().expect("a name")
    );
    for request in denied {
        let message = request["message"].as_str().unwrap_or_default();
        assert!(message.contains(&taken), "no {taken:?} in {request}");
    }
    let certificates = cluster
        .kubectl(&[
            "get",
            "csr",
            "--output=jsonpath={.items[*].status.certificate}",
        ])
        .success();
    assert_eq!(certificates.split_whitespace().count(), 1);
    assert_used_up(&cluster, &token);
}

fn of_eight_machines_that_race_for_one_use_one_joins(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let once = cluster.invitation_with(&["--uses=1"]);
    let machines: Vec<_> = (0..MACHINES)
        .map(|number| {
            let node = Sandbox::new();
            let name = format!("worker-{number}");
            let join = once.start_join(&node, &name, &["--timeout=60s"]);
            (node, join)
        })
        .collect();
    let mut joined = 0;
    for (node, mut join) in machines {
        let status = join.wait().expect("join can be waited for");
        let log = std::fs::read_to_string(node.file("join.log")).expect("join's output");
        let is_node = node.dir().join("kubernetes/kubelet.conf").exists();
        assert_eq!(is_node, status.success(), "{log}");
        if is_node {
            joined += 1;
        } else {
            assert_eq!(status.code(), Some(5), "{log}");
            assert!(log.contains(USED_UP), "{log}");
        }
    }
    assert_eq!(joined, 1);
    assert_used_up(&cluster, &once.token);
}

/// How many requests make a flood; it goes on beyond that until somebody else has asked, within reason.
fn flood_on(backend: Backend) -> usize {
    match backend {
        Backend::Embedded => 2000,
        // It stores them all.
        Backend::Kubernetes => 1000,
    }
}

/// All wait for a person when the policy changes, the node of another token as the last. What is approved before it shows
/// whether it had to wait for its turn behind the flood.
fn nobody_waits_behind_a_flood(backend: Backend) {
    let cluster = backend.launch(Approval::Manual);
    let flood = cluster.invitation_with(&[]).token;
    let crowd = Crowd::with(&cluster.kubeconfig_with_token(&flood));
    let node = Sandbox::new();
    let enough = flood_on(backend);
    let (asked, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (answers, request, mut waiting) = std::thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            let goes_on = |number: &usize| {
                asked.store(*number, Ordering::Relaxed);
                *number < enough || (*number < 5 * enough && !over.load(Ordering::Relaxed))
            };
            let nodes = (0..).take_while(goes_on);
            crowd.ask(nodes.map(|number| format!("flood-{number:06}")))
        });
        while asked.load(Ordering::Relaxed) < enough / 2 && !flooding.is_finished() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let waiting = cluster.start_join(&node, "worker-1", &["--timeout=60s"]);
        let request = cluster.request_of("worker-1");
        over.store(true, Ordering::Relaxed);
        let answers = flooding.join().expect("every request is answered");
        (answers, request, waiting)
    });
    let stored = answers.get(&201).copied().unwrap_or_default();
    let refused = answers.get(&429).copied().unwrap_or_default();
    assert_eq!(
        stored + refused,
        answers.values().sum::<usize>(),
        "{answers:?}"
    );
    assert!(stored >= 200, "{answers:?}");
    assert!(refused > 0 || backend == Backend::Kubernetes, "{answers:?}");

    let plugins = Approval::Automatic.plugins();
    std::fs::write(cluster.policy_file(), plugins).expect("the policy");
    let status = waiting.wait().expect("join can be waited for");
    let log = std::fs::read_to_string(node.file("join.log")).expect("join's output");
    assert!(status.success(), "{log}");

    let records = records(&cluster);
    // What is about to be done is on disk before it is.
    let approved: Vec<_> = records
        .iter()
        .filter(|record| record["action"] == "approve" && record["stage"] == "intent")
        .map(|record| record["subject"]["name"].as_str().expect("a name"))
        .collect();
    let place = approved.iter().position(|name| *name == request);
    let place = place.expect("the node's approval is written down");
    assert!(place < stored / 10, "{place} of {stored} came first");
}
