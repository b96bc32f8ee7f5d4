//! Runs that ended early, by a crash or on purpose, and the runs after them.

use std::collections::BTreeMap;

use slipway_config::kubeadm::TokenSpec;
use slipway_config::token::BootstrapToken;

use super::*;
use crate::testing::progress::CrashAt;

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
    settings.discovery.sources = vec![Source::File(cluster.prepared.layout.admin_kubeconfig())];
    complete(run(&cluster, &settings, &Silent).await);
    assert_eq!(cluster.submitted().await.len(), 1);
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
    cluster_settings.tokens = vec![TokenSpec {
        token: Some(other.clone()),
        ..TokenSpec::default()
    }];
    let only = crate::init::Phases {
        only: Some(crate::init::Phase::BootstrapToken),
        ..Default::default()
    };
    crate::init::publish(
        &cluster.admin,
        &cluster_settings.publication(cluster.prepared.ca()),
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
