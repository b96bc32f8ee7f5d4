use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use slipway_pki::key::KeyAlgorithm;
use slipway_pki::kubeconfig::Kubeconfig;

use super::*;
use crate::discovery::Source;
use crate::layout::Layout;
use crate::progress::{Silent, Waiting};
use crate::reset;
use crate::testing::cluster::Cluster;
use crate::testing::plugins::{Asked, ReadsClusterInfo};
use crate::testing::progress::Recorder;

mod interrupted;
mod refused;

fn settings(cluster: &Cluster) -> Settings {
    Settings {
        layout: Layout::under(&cluster.folder.path().join("node")),
        node: "worker-1".parse().unwrap(),
        discovery: discovery::Request {
            sources: vec![Source::Token {
                locations: vec![cluster.settings.advertise.to_string()],
                token: cluster.token.clone(),
            }],
            pins: cluster.prepared.certificates.authority.bundle().pins(),
            ca: None,
            https_roots: None,
            accepted: BTreeSet::new(),
            quorum: None,
            timing: discovery::Timing {
                timeout: Duration::from_secs(5),
                retry: Duration::from_millis(50),
                ..discovery::Timing::default()
            },
        },
        tls_bootstrap_token: None,
        key_algorithm: KeyAlgorithm::default(),
        start: Start::Resume,
        timeout: Some(Duration::from_secs(10)),
        phases: Phases::default(),
        search_path: None,
    }
}

async fn run(
    cluster: &Cluster,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Joined, JoinError> {
    let asked = Asked::one(ReadsClusterInfo::new(cluster.admin.clone()));
    join(settings, asked.plugins(), progress).await
}

/// A join, with an administrator who acts as soon as there is a request.
async fn run_with(
    cluster: &Cluster,
    settings: &Settings,
    administrator: impl Future<Output = ()>,
) -> Result<Joined, JoinError> {
    let (joined, ()) = tokio::join!(run(cluster, settings, &Silent), administrator);
    joined
}

fn complete(joined: Result<Joined, JoinError>) -> Node {
    match joined {
        Ok(Joined::Complete(node)) => node,
        other => panic!("not joined: {other:?}"),
    }
}

async fn only_request(cluster: &Cluster) -> String {
    let requests = cluster.submitted().await;
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests[0].metadata.name.clone().unwrap()
}

/// What a kubelet finds.
fn installed(settings: &Settings) -> Kubeconfig {
    let layout = &settings.layout;
    let kubeconfig =
        Kubeconfig::parse(&std::fs::read(layout.kubelet_kubeconfig()).unwrap()).unwrap();
    let pem = std::fs::read_to_string(layout.kubelet_client_current()).unwrap();
    let chain = Certificate::list_from_pem(&pem).unwrap();
    let key = slipway_pki::key::PrivateKey::from_pem(&pem).unwrap();
    assert_eq!(chain[0].public_key(), key.public_key());
    assert_eq!(
        chain[0].subject().common_name(),
        Some(settings.node.user_name().as_str())
    );
    assert!(
        std::fs::symlink_metadata(layout.kubelet_client_current())
            .unwrap()
            .is_symlink()
    );
    kubeconfig
}

#[tokio::test]
async fn a_node_joins_and_joining_again_does_nothing() {
    let cluster = Cluster::start().await;
    let settings = settings(&cluster);
    let node = complete(run_with(&cluster, &settings, cluster.let_in()).await);
    assert_eq!(node.server, cluster.settings.server());
    assert!(matches!(node.kubelet, Some(KubeletOutcome::Absent(_))));
    let kubeconfig = installed(&settings);
    assert_eq!(
        kubeconfig.ca.unwrap(),
        cluster.prepared.certificates.authority.bundle()
    );
    let record = std::fs::read_to_string(settings.layout.join_record()).unwrap();
    assert!(
        !record.contains("PRIVATE KEY"),
        "the key is in one place only"
    );

    let before = std::fs::read(settings.layout.kubelet_kubeconfig()).unwrap();
    let again = run(&cluster, &settings, &Silent).await.unwrap();
    assert!(matches!(again, Joined::Already(_)), "{again:?}");
    assert_eq!(
        std::fs::read(settings.layout.kubelet_kubeconfig()).unwrap(),
        before
    );
    assert_eq!(cluster.submitted().await.len(), 1);
}

#[tokio::test]
async fn while_it_waits_it_shows_the_request_the_findings_and_the_command() {
    let cluster = Cluster::start().await;
    let mut settings = settings(&cluster);
    settings.timeout = Some(Duration::from_millis(800));
    let recorder = Recorder::default();
    let review = async {
        let name = only_request(&cluster).await;
        cluster
            .condition(
                &name,
                "slipway.dev/Reviewed",
                "Deferred",
                "a person must decide",
            )
            .await;
    };
    let (joined, ()) = tokio::join!(run(&cluster, &settings, &recorder), review);
    let error = joined.unwrap_err();
    let JoinError::NotDecided {
        request, waiting, ..
    } = &error
    else {
        panic!("{error}")
    };
    let Waiting::Approval { key, .. } = &**waiting else {
        panic!("{waiting:?}")
    };
    let expected = Waiting::Approval {
        request: request.clone(),
        key: *key,
        findings: Some("a person must decide".to_owned()),
        command: format!("slipway csr approve {request}"),
    };
    assert_eq!(**waiting, expected);
    assert!(recorder.events().contains(&Event::Waiting(expected)));
    let shown = recorder
        .events()
        .iter()
        .filter(|event| matches!(event, Event::Waiting(_)))
        .count();
    assert_eq!(
        shown,
        1,
        "what does not change is not said again, and nothing before there is something to say: {:?}",
        recorder.events()
    );
}

#[tokio::test]
async fn reset_takes_back_everything_that_join_wrote_and_a_new_join_starts_from_nothing() {
    let cluster = Cluster::start().await;
    let settings = settings(&cluster);
    complete(run_with(&cluster, &settings, cluster.let_in()).await);
    let plan = reset::plan(&settings.layout).unwrap();
    assert_eq!(plan.keep, []);
    reset::execute(&settings.layout, &plan).unwrap();
    assert!(!cluster.folder.path().join("node").exists());
}

#[tokio::test]
async fn a_dry_run_discovers_and_touches_nothing() {
    let cluster = Cluster::start().await;
    let settings = settings(&cluster);
    let asked = Asked::one(ReadsClusterInfo::new(cluster.admin.clone()));
    let found = dry_run(&settings, asked.plugins(), &Silent).await.unwrap();
    assert_eq!(
        found.discovered.trust.endpoints(),
        cluster.settings.servers()
    );
    assert!(!cluster.folder.path().join("node").exists());
    assert_eq!(cluster.submitted_so_far().await, []);
}
