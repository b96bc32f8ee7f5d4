use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use slipway_config::duration::GoDuration;
use slipway_config::kubeadm::{Lifetime, TokenSpec};
use slipway_config::token::TokenGroup;
use slipway_pki::kubeconfig::{ClusterInfoKubeconfig, Kubeconfig};

use super::settings::tests::settings;
use super::settings::{PublishedCa, Settings};
use super::*;
use crate::progress::Silent;
use crate::reset;
use crate::testing::cluster::Cluster;
use crate::testing::progress::{CrashAt, Recorder};

fn given(token: &str) -> TokenSpec {
    TokenSpec {
        token: Some(token.parse().unwrap()),
        ..TokenSpec::default()
    }
}

fn layout() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::under(&folder.path().join("lab"));
    (folder, layout)
}

fn prepare_with(layout: &Layout, settings: &Settings) -> Result<Prepared, InitError> {
    prepare(
        layout,
        settings,
        &Phases::default(),
        Timestamp::now(),
        &Silent,
    )
}

#[tokio::test]
async fn a_cluster_is_published_and_publishing_again_changes_nothing() {
    let cluster = Cluster::start().await;
    let config_maps: Api<ConfigMap> = Api::namespaced(cluster.admin.clone(), "kube-public");
    let data = config_maps.get("cluster-info").await.unwrap().data.unwrap();
    let described = ClusterInfoKubeconfig::parse(data["kubeconfig"].as_bytes()).unwrap();
    assert_eq!(described.endpoints(), cluster.settings.servers());
    assert_eq!(
        described.ca().unwrap(),
        &cluster.prepared.certificates.authority.bundle()
    );

    let secrets: Api<Secret> = Api::namespaced(cluster.admin.clone(), "kube-system");
    let secret = secrets.get(&cluster.token.id.secret_name()).await.unwrap();
    let data: BTreeMap<String, Vec<u8>> = secret
        .data
        .unwrap()
        .into_iter()
        .map(|(k, v)| (k, v.0))
        .collect();
    let record = TokenRecord::from_secret_data(&data, &cluster.token.id.secret_name()).unwrap();
    assert_eq!(record.token(), cluster.token);
    assert!(record.usages.signing && record.usages.authentication);

    let mut settings = cluster.settings.clone();
    settings.tokens = vec![TokenSpec {
        token: Some(cluster.token.clone()),
        lifetime: Lifetime::Ttl(GoDuration::ZERO),
        ..TokenSpec::default()
    }];
    let phases = Phases {
        skip: [Phase::BootstrapToken].into(),
        ..Phases::default()
    };
    let again = publish(
        &cluster.admin,
        &settings.publication(cluster.prepared.ca()),
        &phases,
        Timestamp::now(),
        &Silent,
    )
    .await
    .unwrap();
    let changed: Vec<_> = again
        .objects
        .iter()
        .filter(|(_, applied)| *applied != Applied::Unchanged)
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert!(again.invitation.is_none());
    let data = config_maps.get("cluster-info").await.unwrap().data.unwrap();
    assert!(
        data.contains_key(&format!("jws-kubeconfig-{}", cluster.token.id)),
        "signatures stay"
    );
}

#[tokio::test]
async fn a_binding_that_somebody_emptied_is_made_whole() {
    let cluster = Cluster::start().await;
    let bindings: Api<RoleBinding> = Api::namespaced(cluster.admin.clone(), "kube-public");
    let name = "kubeadm:bootstrap-signer-clusterinfo";
    let mut binding = bindings.get(name).await.unwrap();
    binding.subjects = Some(Vec::new());
    bindings
        .replace(name, &kube::api::PostParams::default(), &binding)
        .await
        .unwrap();
    let phases = Phases {
        only: Some(Phase::Rbac),
        ..Phases::default()
    };
    let again = publish(
        &cluster.admin,
        &cluster.settings.publication(cluster.prepared.ca()),
        &phases,
        Timestamp::now(),
        &Silent,
    )
    .await
    .unwrap();
    let updated: Vec<_> = again
        .objects
        .iter()
        .filter(|(_, applied)| *applied == Applied::Updated)
        .map(|(title, _)| title.clone())
        .collect();
    assert_eq!(updated, [format!("RoleBinding kube-public/{name}")]);
    assert_eq!(bindings.get(name).await.unwrap().subjects.unwrap().len(), 1);
}

#[tokio::test]
async fn the_ca_can_be_left_out_of_cluster_info() {
    let cluster =
        Cluster::start_with(|settings| settings.published_ca = PublishedCa::Omitted).await;
    let config_maps: Api<ConfigMap> = Api::namespaced(cluster.admin.clone(), "kube-public");
    let data = config_maps.get("cluster-info").await.unwrap().data.unwrap();
    assert!(
        ClusterInfoKubeconfig::parse(data["kubeconfig"].as_bytes())
            .unwrap()
            .ca()
            .is_none()
    );
}

#[tokio::test]
async fn a_complete_cluster_is_not_made_again() {
    let cluster = Cluster::start().await;
    let error = prepare_with(&cluster.prepared.layout, &cluster.settings).unwrap_err();
    assert!(
        matches!(error, InitError::AlreadyInitialised { .. }),
        "{error}"
    );
}

#[test]
fn an_interrupted_run_is_taken_up_with_the_same_ca() {
    let wanted = settings("10.0.0.1:6443");
    for phase in [Phase::Preflight, Phase::Certs, Phase::Kubeconfig] {
        for finished in [false, true] {
            let (_folder, layout) = layout();
            let crash = CrashAt(move |event: &Event| match event {
                Event::Started { phase: name } => !finished && *name == phase.name(),
                Event::Finished { phase: name, .. } => finished && *name == phase.name(),
                _ => false,
            });
            let run = std::panic::AssertUnwindSafe(|| {
                prepare(
                    &layout,
                    &wanted,
                    &Phases::default(),
                    Timestamp::now(),
                    &crash,
                )
            });
            assert!(std::panic::catch_unwind(run).is_err(), "{phase} {finished}");
            let before = std::fs::read(layout.ca_certificate()).ok();
            let prepared = prepare_with(&layout, &wanted).unwrap();
            let after = std::fs::read(layout.ca_certificate()).unwrap();
            assert!(
                before.is_none_or(|before| before == after),
                "{phase} {finished}"
            );
            let admin =
                Kubeconfig::parse(&std::fs::read(layout.admin_kubeconfig()).unwrap()).unwrap();
            assert_eq!(admin.ca.unwrap(), prepared.certificates.authority.bundle());
        }
    }
}

#[test]
fn an_admin_conf_that_is_about_to_end_is_made_anew() {
    let (_folder, layout) = layout();
    let wanted = settings("10.0.0.1:6443");
    let again = |days: i64| {
        let now = Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        let only = Phases {
            only: Some(Phase::Kubeconfig),
            ..Phases::default()
        };
        prepare(&layout, &wanted, &only, now, &Silent).unwrap();
        std::fs::read(layout.admin_kubeconfig()).unwrap()
    };
    prepare_with(&layout, &wanted).unwrap();
    let first = std::fs::read(layout.admin_kubeconfig()).unwrap();
    assert_eq!(again(300), first);
    assert_ne!(again(350), first);
}

#[test]
fn an_interrupted_run_for_another_server_is_not_mixed_up() {
    let (_folder, layout) = layout();
    prepare_with(&layout, &settings("10.0.0.1:6443")).unwrap();
    let error = prepare_with(&layout, &settings("10.0.0.2:6443")).unwrap_err();
    assert!(matches!(error, InitError::OtherCluster { .. }), "{error}");
}

#[test]
fn somebody_elses_admin_conf_stops_it_before_anything_is_made() {
    let (_folder, layout) = layout();
    std::fs::create_dir_all(layout.kubernetes()).unwrap();
    std::fs::write(layout.admin_kubeconfig(), "theirs").unwrap();
    let error = prepare_with(&layout, &settings("10.0.0.1:6443")).unwrap_err();
    assert!(
        matches!(error, InitError::File(FileError::Foreign { .. })),
        "{error}"
    );
    assert!(!layout.ca_key().exists());
}

/// What `init` would write into the Secrets of these tokens.
fn planned(tokens: Vec<TokenSpec>, now: Timestamp) -> Result<Vec<TokenRecord>, InitError> {
    publish::tokens(&tokens, now)
}

#[test]
fn every_token_is_made_as_it_was_asked_for() {
    let now: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
    let signing: TokenSpec = serde_json::from_str(
        r#"{"token": "abcdef.0123456789abcdef", "description": "ours", "ttl": "1h", "usages": ["signing"],
            "groups": ["system:bootstrappers:ours"]}"#,
    )
    .unwrap();
    let made = planned(vec![signing, TokenSpec::default()], now).unwrap();
    assert_eq!(made[0].description, "ours");
    assert_eq!(
        made[0].expires,
        Some("2026-12-01T11:00:00Z".parse().unwrap())
    );
    assert_eq!(made[0].usages.names(), ["signing"]);
    assert_eq!(
        made[0].groups,
        ["system:bootstrappers:ours".parse().unwrap()]
    );
    assert_eq!(
        made[1].expires,
        Some("2026-12-02T10:00:00Z".parse().unwrap())
    );
    assert_eq!(made[1].groups, [TokenGroup::default_node_token()]);
}

#[test]
fn tokens_that_cannot_be_are_refused() {
    let now: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
    let over = TokenSpec {
        lifetime: Lifetime::Until(now),
        ..given("abcdef.0123456789abcdef")
    };
    insta::assert_snapshot!(planned(vec![over], now).unwrap_err(), @"the token abcdef would expire at 2026-12-01T10:00:00Z, and it is 2026-12-01T10:00:00Z now");
    let same = vec![
        given("abcdef.0123456789abcdef"),
        given("abcdef.fedcba9876543210"),
    ];
    insta::assert_snapshot!(planned(same, now).unwrap_err(), @"two of the tokens to make have the ID abcdef; each needs an ID of its own");
}

#[test]
fn a_dry_run_shows_every_object_and_no_secret() {
    let mut wanted = settings("10.0.0.1:6443");
    wanted.tokens = vec![given("abcdef.0123456789abcdef")];
    let now = Timestamp::now();
    let ca = throwaway_ca(&wanted, now).unwrap();
    let plan = dry_run(&wanted.publication(ca), now).unwrap();
    let titles: Vec<String> = plan
        .iter()
        .flat_map(|(_, objects)| objects.iter().map(Wanted::title))
        .collect();
    insta::assert_snapshot!(titles.join("\n"), @r"
    Namespace kube-system
    Namespace kube-public
    Namespace kube-node-lease
    Namespace slipway-system
    Secret kube-system/bootstrap-token-abcdef
    ConfigMap kube-public/cluster-info
    ClusterRole slipway:node-bootstrapper
    ClusterRoleBinding slipway:node-bootstrap
    ClusterRole system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
    ClusterRoleBinding kubeadm:node-autoapprove-certificate-rotation
    Role kube-public/kubeadm:bootstrap-signer-clusterinfo
    RoleBinding kube-public/kubeadm:bootstrap-signer-clusterinfo
    ");
    let shown: String = plan
        .iter()
        .flat_map(|(_, objects)| objects.iter().map(|o| o.redacted().to_string()))
        .collect();
    // base64 of the secret, as it would stand in the Secret's data
    assert!(!shown.contains("MDEyMzQ1Njc4OWFiY2RlZg"), "{shown}");
}

#[test]
fn a_phase_that_is_left_out_makes_nothing() {
    let (_folder, layout) = layout();
    let wanted = settings("10.0.0.1:6443");
    let phases = Phases {
        only: Some(Phase::Kubeconfig),
        ..Phases::default()
    };
    let error = prepare(&layout, &wanted, &phases, Timestamp::now(), &Silent).unwrap_err();
    assert!(
        matches!(error, InitError::Certs(CertsError::Missing { .. })),
        "{error}"
    );
    assert!(!layout.ca_key().exists());
}

#[test]
fn phases_say_what_they_did() {
    let (_folder, layout) = layout();
    let recorder = Recorder::default();
    prepare(
        &layout,
        &settings("10.0.0.1:6443"),
        &Phases::default(),
        Timestamp::now(),
        &recorder,
    )
    .unwrap();
    let again = Recorder::default();
    prepare(
        &layout,
        &settings("10.0.0.1:6443"),
        &Phases::default(),
        Timestamp::now(),
        &again,
    )
    .unwrap();
    let kept = |event: &Event| {
        matches!(
            event,
            Event::Finished {
                outcome: Outcome::Kept(_),
                ..
            }
        )
    };
    assert_eq!(
        recorder.events().iter().filter(|event| kept(event)).count(),
        0
    );
    assert_eq!(again.events().iter().filter(|event| kept(event)).count(), 2);
}

#[test]
fn reset_takes_back_everything_that_init_wrote() {
    let (folder, layout) = layout();
    prepare_with(&layout, &settings("10.0.0.1:6443")).unwrap();
    let plan = reset::plan(&layout).unwrap();
    assert_eq!(plan.keep, []);
    reset::execute(&layout, &plan).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
