use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use slipway_config::token::BootstrapToken;
use slipway_pki::decision::trust::Accepted;
use slipway_pki::key::KeyAlgorithm;
use slipway_pki::kubeconfig::Kubeconfig;

use super::*;
use crate::layout::Layout;
use crate::progress::{Silent, Waiting};
use crate::reset;
use crate::testing::cluster::Cluster;
use crate::testing::plugins::{Locations, ReadsClusterInfo};
use crate::testing::progress::{CrashAt, Recorder};

fn settings(cluster: &Cluster) -> Settings {
    Settings {
        layout: Layout::under(&cluster.folder.path().join("node")),
        node: "worker-1".parse().unwrap(),
        discovery: discovery::Request {
            source: Source::Token {
                locations: vec![cluster.settings.advertise.to_string()],
                token: cluster.token.clone(),
            },
            pins: cluster.prepared.certificates.authority.bundle().pins(),
            ca: None,
            https_roots: None,
            accepted: BTreeSet::new(),
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
    let (endpoints, trust) = (
        Locations::new(),
        ReadsClusterInfo::new(cluster.admin.clone()),
    );
    join(
        settings,
        Plugins {
            endpoints: &endpoints,
            trust: &trust,
        },
        progress,
    )
    .await
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

async fn stopped_after(cluster: &Cluster, phase: Phase) -> Settings {
    let mut settings = settings(cluster);
    settings.phases.last = Some(phase);
    let joined = run(cluster, &settings, &Silent).await.unwrap();
    assert!(
        matches!(joined, Joined::Stopped(stopped) if stopped == phase),
        "{joined:?}"
    );
    settings.phases.last = None;
    settings
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
    let left: Vec<_> = std::fs::read_dir(settings.layout.join_state())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["join.json"], "the key is in one place only");

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
async fn a_crash_at_any_event_is_made_good_by_the_next_run_with_the_same_request() {
    for phase in Phase::ALL {
        for finished in [false, true] {
            let cluster = Cluster::start().await;
            let settings = settings(&cluster);
            let crash = CrashAt(move |event: &Event| match event {
                Event::Started { phase: name } => !finished && *name == phase.name(),
                Event::Finished { phase: name, .. } => finished && *name == phase.name(),
                _ => false,
            });
            let crashed = std::panic::AssertUnwindSafe(run(&cluster, &settings, &crash));
            // From `prove` on there has to be a certificate to crash after.
            let administrator = async {
                if phase >= Phase::Wait {
                    cluster.let_in().await;
                }
            };
            let (ended, ()) =
                tokio::join!(futures::FutureExt::catch_unwind(crashed), administrator);
            // Before the wait is over nothing else can end the run.
            assert!(ended.is_err(), "{phase} finished: {finished}");

            let already_in = phase >= Phase::Wait;
            let administrator = async {
                if !already_in {
                    cluster.let_in().await;
                }
            };
            let joined = run_with(&cluster, &settings, administrator).await;
            match joined.unwrap() {
                Joined::Complete(_) => {}
                Joined::Already(_)
                    if phase == Phase::KubeletStart
                        || (phase, finished) == (Phase::KubeletConf, true) => {}
                other => panic!("{phase} finished: {finished}: {other:?}"),
            }
            installed(&settings);
            assert_eq!(
                cluster.submitted().await.len(),
                1,
                "{phase} finished: {finished}"
            );
        }
    }
}

#[tokio::test]
async fn an_approval_that_comes_between_two_runs_completes_the_second() {
    let cluster = Cluster::start().await;
    let settings = stopped_after(&cluster, Phase::Submit).await;
    cluster.let_in().await;
    let recorder = Recorder::default();
    complete(run(&cluster, &settings, &recorder).await);
    let kept = recorder.events().iter().any(|event| {
        matches!(
            event,
            Event::Finished {
                phase: "submit",
                outcome: Outcome::Kept(_)
            }
        )
    });
    assert!(kept, "{:?}", recorder.events());
    assert_eq!(cluster.submitted().await.len(), 1);
}

#[tokio::test]
async fn another_identity_that_may_read_the_request_goes_on_with_it() {
    let cluster = Cluster::start().await;
    let mut settings = stopped_after(&cluster, Phase::Submit).await;
    cluster.let_in().await;
    settings.discovery.source = Source::File(cluster.prepared.layout.admin_kubeconfig());
    complete(run(&cluster, &settings, &Silent).await);
    assert_eq!(cluster.submitted().await.len(), 1);
}

#[tokio::test]
async fn a_denial_is_told_stays_and_can_be_left_behind_with_a_new_key() {
    let cluster = Cluster::start().await;
    let mut settings = settings(&cluster);
    let deny = async {
        let name = only_request(&cluster).await;
        cluster
            .condition(&name, "Denied", "Guardrail", "the node exists")
            .await;
    };
    let error = run_with(&cluster, &settings, deny).await.unwrap_err();
    let denied = |error: &JoinError| matches!(error, JoinError::Denied { message, .. } if message == "the node exists");
    assert!(denied(&error), "{error}");
    assert!(!settings.layout.kubelet_kubeconfig().exists());

    let again = run(&cluster, &settings, &Silent).await.unwrap_err();
    assert!(denied(&again), "{again}");

    settings.start = Start::Anew;
    let let_in = async {
        let pending = loop {
            let requests = cluster.submitted().await;
            if let Some(request) = requests.iter().find(|request| {
                request
                    .status
                    .as_ref()
                    .is_none_or(|s| s.conditions.is_none())
            }) {
                break request.metadata.name.clone().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        cluster
            .condition(&pending, "Approved", "Test", "welcome")
            .await;
        cluster.sign(&pending).await;
    };
    complete(run_with(&cluster, &settings, let_in).await);
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
    let expected = Waiting::Approval {
        request: request.clone(),
        findings: Some("a person must decide".to_owned()),
        command: format!("slipway csr approve {request}"),
    };
    assert_eq!(waiting, &expected);
    assert!(recorder.events().contains(&Event::Waiting(expected)));
    let shown = recorder
        .events()
        .iter()
        .filter(|event| matches!(event, Event::Waiting(_)))
        .count();
    assert!(
        shown <= 2,
        "what does not change is not said again: {:?}",
        recorder.events()
    );
}

#[tokio::test]
async fn a_request_that_was_cleaned_up_is_submitted_again() {
    let cluster = Cluster::start().await;
    let settings = settings(&cluster);
    let administrator = async {
        let name = only_request(&cluster).await;
        cluster
            .requests()
            .delete(&name, &kube::api::DeleteParams::default())
            .await
            .unwrap();
        cluster.let_in().await;
    };
    complete(run_with(&cluster, &settings, administrator).await);
}

#[tokio::test]
async fn a_token_that_is_gone_is_told_as_such_and_another_one_goes_on_with_the_same_key() {
    let cluster = Cluster::start().await;
    let mut settings = stopped_after(&cluster, Phase::Submit).await;
    let first = only_request(&cluster).await;

    settings.tls_bootstrap_token = Some("unknwn.0123456789abcdef".parse().unwrap());
    let error = run(&cluster, &settings, &Silent).await.unwrap_err();
    assert!(matches!(error, JoinError::TokenRefused { .. }), "{error}");
    assert!(!error.to_string().contains("0123456789abcdef"));

    // Another token cannot read the request of the first one, so it makes one of its own, for the same key.
    let other: BootstrapToken = BootstrapToken::generate().unwrap();
    let mut cluster_settings = cluster.settings.clone();
    cluster_settings.token.given = Some(other.clone());
    let only = crate::init::Phases {
        only: Some(crate::init::Phase::BootstrapToken),
        ..Default::default()
    };
    crate::init::publish(
        &cluster.admin,
        &cluster.prepared,
        &cluster_settings,
        &only,
        Timestamp::now(),
        &Silent,
    )
    .await
    .unwrap();
    settings.tls_bootstrap_token = Some(other);
    let administrator = async {
        let second = loop {
            let found = cluster.submitted().await;
            if let Some(request) = found
                .iter()
                .find(|request| request.metadata.name.as_ref() != Some(&first))
            {
                break request.metadata.name.clone().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        cluster
            .condition(&second, "Approved", "Test", "welcome")
            .await;
        cluster.sign(&second).await;
    };
    complete(run_with(&cluster, &settings, administrator).await);
    let requests: BTreeMap<_, _> = cluster
        .submitted()
        .await
        .into_iter()
        .map(|r| (r.metadata.name.unwrap(), r.spec.request.0))
        .collect();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        requests.values().collect::<BTreeSet<_>>().len(),
        1,
        "one key, one PKCS#10 request"
    );
}

#[tokio::test]
async fn a_certificate_for_somebody_else_is_refused() {
    for (user, group) in [
        ("system:node:worker-2", "system:nodes"),
        ("system:node:worker-1", "system:masters"),
    ] {
        let cluster = Cluster::start().await;
        let settings = settings(&cluster);
        let administrator = async {
            let name = only_request(&cluster).await;
            cluster
                .condition(&name, "Approved", "Test", "welcome")
                .await;
            cluster.sign_as(&name, user, group).await;
        };
        let error = run_with(&cluster, &settings, administrator)
            .await
            .unwrap_err();
        assert!(matches!(error, JoinError::BadCertificate { .. }), "{error}");
        assert!(error.to_string().contains(user), "{error}");
        assert!(!settings.layout.kubelet_kubeconfig().exists());
    }
}

#[tokio::test]
async fn a_machine_that_belongs_to_somebody_else_is_left_alone() {
    let cluster = Cluster::start().await;
    let settings = settings(&cluster);
    std::fs::create_dir_all(settings.layout.kubernetes()).unwrap();
    std::fs::write(settings.layout.kubelet_kubeconfig(), "theirs").unwrap();
    let error = run(&cluster, &settings, &Silent).await.unwrap_err();
    assert!(
        matches!(error, JoinError::ForeignKubeconfig { .. }),
        "{error}"
    );
    assert_eq!(
        cluster
            .requests()
            .list(&kube::api::ListParams::default())
            .await
            .unwrap()
            .items
            .len(),
        0
    );
}

#[tokio::test]
async fn without_a_pin_it_needs_the_opt_in_and_says_what_that_costs() {
    let cluster = Cluster::start().await;
    let mut settings = settings(&cluster);
    settings.discovery.pins.clear();
    let error = run(&cluster, &settings, &Silent).await.unwrap_err();
    assert!(
        matches!(
            error,
            JoinError::Discovery(discovery::DiscoveryFailure::Trust(_))
        ),
        "{error}"
    );

    settings
        .discovery
        .accepted
        .insert(Accepted::TokenWithoutPin);
    let recorder = Recorder::default();
    let (joined, ()) = tokio::join!(run(&cluster, &settings, &recorder), cluster.let_in());
    complete(joined);
    let warned = recorder.events().iter().any(|event| {
        matches!(event, Event::Warning(entry) if entry.id == slipway_config::posture::PostureId::TokenWithoutPin)
    });
    assert!(warned, "{:?}", recorder.events());
}

#[tokio::test]
async fn two_joins_on_one_machine_do_not_mix() {
    let cluster = Cluster::start().await;
    let settings = settings(&cluster);
    let _first = Files::open(&settings.layout).unwrap();
    let error = run(&cluster, &settings, &Silent).await.unwrap_err();
    assert!(
        matches!(error, JoinError::File(crate::files::FileError::Busy { .. })),
        "{error}"
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
    let (endpoints, trust) = (
        Locations::new(),
        ReadsClusterInfo::new(cluster.admin.clone()),
    );
    let plugins = Plugins {
        endpoints: &endpoints,
        trust: &trust,
    };
    let found = dry_run(&settings, plugins, &Silent).await.unwrap();
    assert_eq!(
        found.discovered.trust.endpoints(),
        cluster.settings.servers()
    );
    assert!(!cluster.folder.path().join("node").exists());
    assert!(
        cluster
            .requests()
            .list(&kube::api::ListParams::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}
