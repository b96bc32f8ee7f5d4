use std::os::unix::fs::PermissionsExt;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use slipway_pki::alpha_discovery::AlphaClusterInfo;
use slipway_pki::ca::CertificateAuthority;
use slipway_pki::decision::trust::{Proof, Proposed, TrustError};
use slipway_pki::jws;
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;
use slipway_plugin::extension::trust_source::DiscoveryError;

use super::*;
use crate::connect::RequestFailure;
use crate::progress::Silent;
use crate::testing::authority;
use crate::testing::cluster::Cluster;
use crate::testing::plugins::{Asked, NoEndpointsHere, Proposes, ReadsClusterInfo};
use crate::testing::progress::Recorder;

mod fill_in;
mod in_turn;

fn nothing() -> Proposed {
    Proposed {
        endpoints: Vec::new(),
        ca: None,
        evidence: Vec::new(),
    }
}

fn request(source: Source) -> Request {
    Request {
        sources: vec![source],
        pins: Vec::new(),
        ca: None,
        https_roots: None,
        accepted: BTreeSet::new(),
        quorum: None,
        timing: Timing {
            timeout: Duration::from_millis(400),
            retry: Duration::from_millis(50),
            ..Timing::default()
        },
    }
}

fn by_token(cluster: &Cluster) -> Request {
    let locations = vec![cluster.settings.advertise.to_string()];
    let pins = cluster.prepared.certificates.authority.bundle().pins();
    Request {
        pins,
        ..request(Source::Token {
            locations,
            token: cluster.token.clone(),
        })
    }
}

async fn run<T: TrustSource + 'static>(
    request: &Request,
    trust: &Arc<T>,
) -> Result<Discovered, DiscoveryFailure> {
    let asked = Asked::one(trust.clone());
    discover(request, asked.plugins(), &Silent).await
}

async fn replace_cluster_info(cluster: &Cluster, change: impl FnOnce(&mut ConfigMap)) {
    let api: Api<ConfigMap> = Api::namespaced(cluster.admin.clone(), "kube-public");
    let mut found = api.get("cluster-info").await.unwrap();
    change(&mut found);
    api.replace("cluster-info", &PostParams::default(), &found)
        .await
        .unwrap();
}

fn kubeconfig(cluster: &Cluster, ca: &CertificateAuthority) -> String {
    let described = ClusterInfoKubeconfig::new(cluster.settings.servers(), Some(ca.bundle()));
    described.unwrap().to_yaml().unwrap()
}

fn file(cluster: &Cluster, text: &str) -> std::path::PathBuf {
    let path = cluster.folder.path().join("discovery.conf");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[tokio::test]
async fn a_pinned_cluster_is_discovered_and_confirmed() {
    let cluster = Cluster::start().await;
    let source = ReadsClusterInfo::new(cluster.admin.clone());
    let found = run(&by_token(&cluster), &source).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::Pinned);
    assert_eq!(found.trust.endpoints(), cluster.settings.servers());
    assert_eq!(found.connections.routes().len(), 1);
    assert!(found.credentials.is_none());
}

#[tokio::test]
async fn a_signed_document_that_is_not_the_clusters_fails_at_the_second_fetch() {
    let cluster = Cluster::start().await;
    let mut altered = kubeconfig(&cluster, &cluster.prepared.certificates.authority);
    altered.push_str("# another document\n");
    let token = cluster.token.clone();
    let source = Proposes::new(move |_| {
        let signature = jws::sign(&token, altered.as_bytes()).unwrap();
        Ok((
            nothing(),
            vec![jws::verify(&token, &signature, altered.as_bytes()).unwrap()],
        ))
    });
    let failure = run(&by_token(&cluster), &source).await.unwrap_err();
    assert!(
        matches!(
            failure,
            DiscoveryFailure::Trust(TrustError::SecondDocumentDiffers)
        ),
        "{failure}"
    );
}

#[tokio::test]
async fn a_signed_document_that_the_cluster_does_not_show_is_not_confirmed() {
    let cluster = Cluster::start().await;
    let document = kubeconfig(&cluster, &cluster.prepared.certificates.authority);
    let token = cluster.token.clone();
    let source = Proposes::new(move |_| {
        let signature = jws::sign(&token, document.as_bytes()).unwrap();
        let signed = jws::verify(&token, &signature, document.as_bytes()).unwrap();
        Ok((nothing(), vec![signed]))
    });
    replace_cluster_info(&cluster, |info| info.data = None).await;
    let failure = run(&by_token(&cluster), &source).await.unwrap_err();
    let last = match failure {
        DiscoveryFailure::TimedOut { last, .. } => *last,
        other => other,
    };
    assert!(matches!(last, DiscoveryFailure::ClusterInfoGone), "{last}");
}

#[tokio::test]
async fn whoever_knows_the_token_still_cannot_pass_the_pin() {
    let cluster = Cluster::start().await;
    let forged = kubeconfig(&cluster, &authority());
    let token = cluster.token.clone();
    let source = Proposes::new(move |_| {
        let signature = jws::sign(&token, forged.as_bytes()).unwrap();
        Ok((
            nothing(),
            vec![jws::verify(&token, &signature, forged.as_bytes()).unwrap()],
        ))
    });
    let failure = run(&by_token(&cluster), &source).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Trust(TrustError::Pins(_))),
        "{failure}"
    );
    let pin = cluster
        .prepared
        .certificates
        .authority
        .certificate()
        .pin()
        .to_string();
    assert!(failure.to_string().contains(&pin), "{failure}");

    // Without a pin, and with the opt-in, the server itself gives the forgery away.
    let mut unpinned = by_token(&cluster);
    unpinned.pins.clear();
    unpinned.accepted.insert(Accepted::TokenWithoutPin);
    let failure = run(&unpinned, &source).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Confirmation(_)),
        "{failure}"
    );
    assert!(
        failure.to_string().contains("not the expected CA"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_plugins_word_proves_nothing_without_the_operators_opt_in() {
    let cluster = Cluster::start().await;
    let (ca, endpoints) = (
        cluster.prepared.certificates.authority.bundle(),
        cluster.settings.servers(),
    );
    let source = Proposes::new(move |_| {
        Ok((
            Proposed {
                endpoints: endpoints.clone(),
                ca: Some(ca.clone()),
                evidence: Vec::new(),
            },
            Vec::new(),
        ))
    });
    let mut wanted = by_token(&cluster);
    wanted.pins.clear();
    let failure = run(&wanted, &source).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Trust(TrustError::NoProof { .. })),
        "{failure}"
    );
    let asked = Asked::one(source).believed();
    let found = discover(&wanted, asked.plugins(), &Silent).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::Unverified);
    let announced = &found.posture;
    assert_eq!(announced[0].detail.as_deref(), Some("proposes"));
}

#[tokio::test]
async fn what_is_not_signed_yet_is_tried_again_and_the_reason_shown() {
    let cluster = Cluster::start().await;
    replace_cluster_info(&cluster, |found| {
        found
            .data
            .as_mut()
            .unwrap()
            .retain(|key, _| !key.starts_with("jws-"));
    })
    .await;
    let source = ReadsClusterInfo::new(cluster.admin.clone());
    let recorder = Recorder::default();
    let wanted = Request {
        timing: Timing {
            timeout: Duration::from_secs(10),
            ..by_token(&cluster).timing
        },
        ..by_token(&cluster)
    };
    let asked = Asked::one(source);
    let sign_later = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cluster.sign_cluster_info(&cluster.token).await;
    };
    let (found, ()) = tokio::join!(discover(&wanted, asked.plugins(), &recorder), sign_later);
    found.unwrap();
    let reasons = recorder.events();
    let shown = |event: &Event| matches!(event, Event::Waiting(Waiting::Discovery { reason, .. }) if reason.contains("is missing"));
    assert!(reasons.iter().any(shown), "{reasons:?}");
}

#[tokio::test]
async fn trying_ends_with_the_time_and_with_the_last_reason() {
    let cluster = Cluster::start().await;
    let source = Proposes::new(|_| Err(DiscoveryError::Unavailable("nobody answers".to_owned())));
    let failure = run(&by_token(&cluster), &source).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::TimedOut { .. }),
        "{failure}"
    );
    assert!(failure.to_string().contains("nobody answers"), "{failure}");

    let source = Proposes::new(|_| Err(DiscoveryError::Untrusted("wrong signature".to_owned())));
    let failure = run(&by_token(&cluster), &source).await.unwrap_err();
    assert!(
        matches!(
            failure,
            DiscoveryFailure::Source(DiscoveryError::Untrusted(_))
        ),
        "{failure}"
    );
}

#[tokio::test]
async fn a_file_brings_its_ca_and_keeps_its_credentials_from_the_plugin() {
    let cluster = Cluster::start().await;
    let admin = std::fs::read_to_string(cluster.prepared.layout.admin_kubeconfig()).unwrap();
    let path = file(&cluster, &admin);
    let source = Proposes::new(|request| {
        let document = String::from_utf8(request.document.clone().unwrap()).unwrap();
        assert!(
            document.contains("certificate-authority-data"),
            "{document}"
        );
        for secret in ["client-key-data", "client-certificate-data", "PRIVATE KEY"] {
            assert!(!document.contains(secret), "{document}");
        }
        Ok((nothing(), Vec::new()))
    });
    let found = run(&request(Source::File(path)), &source).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::OutOfBand);
    assert!(found.trust.posture().is_empty());
    let credentials = found.credentials.unwrap();
    let client = found.connections.client(&credentials).unwrap();
    let api: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(client, "kube-system");
    api.get(&cluster.token.id.secret_name()).await.unwrap();
}

#[tokio::test]
async fn files_that_would_run_something_or_give_up_verification_are_refused_unseen_by_the_plugin() {
    let cluster = Cluster::start().await;
    let source = Proposes::new(|_| panic!("the plugin is not asked"));
    let good = kubeconfig(&cluster, &cluster.prepared.certificates.authority);
    let with_user = |user: &str| {
        format!("{good}\nusers:\n- name: u\n  user:\n    {user}\n")
            .replace("users: []\n", "")
            .replace("users: null\n", "")
    };
    let cases = [
        with_user("exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/true}"),
        with_user("auth-provider: {name: gcp}"),
        with_user("client-certificate: /etc/shadow\n    client-key: /etc/shadow"),
        good.replace("server:", "insecure-skip-tls-verify: true\n    server:"),
        "not: [a kubeconfig".to_owned(),
    ];
    for text in cases {
        let failure = run(&request(Source::File(file(&cluster, &text))), &source)
            .await
            .unwrap_err();
        let refused = matches!(
            failure,
            DiscoveryFailure::Document { .. } | DiscoveryFailure::CredentialsElsewhere { .. }
        );
        assert!(refused, "{text}: {failure}");
    }
}

#[tokio::test]
async fn without_a_ca_in_cluster_info_it_comes_from_the_operator() {
    let cluster = Cluster::start_with(|settings| {
        settings.published_ca = crate::init::settings::PublishedCa::Omitted
    })
    .await;
    let source = ReadsClusterInfo::new(cluster.admin.clone());
    let mut wanted = by_token(&cluster);
    wanted.pins.clear();
    let failure = run(&wanted, &source).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Trust(TrustError::NoCa)),
        "{failure}"
    );
    wanted.ca = Some(cluster.prepared.certificates.authority.bundle());
    let found = run(&wanted, &source).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::OutOfBand);
    assert_eq!(
        found.trust.ca(),
        &cluster.prepared.certificates.authority.bundle()
    );
}

#[tokio::test]
async fn the_whole_ca_bundle_is_taken_over_once_the_pinned_one_has_proved_the_server() {
    let cluster = Cluster::start().await;
    let (ours, next) = (
        cluster.prepared.certificates.authority.bundle(),
        authority().bundle(),
    );
    let pem = format!("{}{}", ours.to_pem().unwrap(), next.to_pem().unwrap());
    let both = CaBundle::from_pem(pem.as_bytes()).unwrap();
    let text = ClusterInfoKubeconfig::new(cluster.settings.servers(), Some(both.clone()))
        .unwrap()
        .to_yaml()
        .unwrap();
    replace_cluster_info(&cluster, |found| {
        found
            .data
            .as_mut()
            .unwrap()
            .insert("kubeconfig".to_owned(), text);
    })
    .await;
    cluster.sign_cluster_info(&cluster.token).await;
    let source = ReadsClusterInfo::new(cluster.admin.clone());
    let found = run(&by_token(&cluster), &source).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::Pinned);
    assert_eq!(found.trust.ca(), &both);
}

#[tokio::test]
async fn a_discovery_service_is_asked_as_such_and_is_no_api_server() {
    let cluster = Cluster::start().await;
    let payload = AlphaClusterInfo {
        ca: cluster.prepared.certificates.authority.bundle(),
        endpoints: cluster.settings.servers(),
    };
    let (json, token) = (payload.to_json().unwrap(), cluster.token.clone());
    let source = Proposes::new(move |request| {
        assert_eq!(request.locations, ["discovery://127.0.0.1:9898"]);
        let compact = jws::sign_compact(&token, &json).unwrap();
        Ok((
            nothing(),
            vec![jws::verify_compact(&token, &compact).unwrap()],
        ))
    });
    let locations = vec!["discovery://127.0.0.1:9898".to_owned()];
    let mut wanted = request(Source::Token {
        locations,
        token: cluster.token.clone(),
    });
    wanted.pins = cluster.prepared.certificates.authority.bundle().pins();
    let found = run(&wanted, &source).await.unwrap();
    assert_eq!(found.trust.endpoints(), cluster.settings.servers());
    assert_eq!(
        found.connections.routes()[0].dial,
        cluster.settings.advertise
    );
}
