//! What a node refuses, and what it is refused.

use slipway_pki::decision::trust::Accepted;

use super::*;

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
    assert_eq!(cluster.submitted_so_far().await, []);
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
