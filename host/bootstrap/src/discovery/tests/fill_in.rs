//! A document without a CA, which cluster-info fills in.

use k8s_openapi::api::rbac::v1::RoleBinding;

use super::*;

/// The cluster's description without its CA, and with somebody's credentials.
fn without_ca(cluster: &Cluster, user: &str) -> std::path::PathBuf {
    let described = ClusterInfoKubeconfig::new(cluster.settings.servers(), None).unwrap();
    let text = described.to_yaml().unwrap();
    let users = match user {
        "" => String::new(),
        user => format!("\nusers:\n- name: u\n  user:\n    {user}\n"),
    };
    let text = text.replace("users: []\n", "").replace("users: null\n", "");
    file(cluster, &format!("{text}{users}"))
}

/// A request of a machine that trusts the cluster's CA as it trusts those of web servers.
fn trusting(cluster: &Cluster, path: std::path::PathBuf) -> Request {
    let mut wanted = request(Source::File(path));
    wanted.https_roots = Some(cluster.prepared.certificates.authority.bundle());
    wanted.accepted.insert(Accepted::HttpsWithoutPin);
    wanted
}

/// A source that has nothing to add.
fn quiet() -> Arc<Proposes> {
    Proposes::new(|_| Ok((nothing(), Vec::new())))
}

/// Strangers may not read cluster-info any more.
async fn hide_cluster_info(cluster: &Cluster) {
    let bindings: Api<RoleBinding> = Api::namespaced(cluster.admin.clone(), "kube-public");
    let name = "kubeadm:bootstrap-signer-clusterinfo";
    let mut binding = bindings.get(name).await.unwrap();
    binding.subjects = Some(Vec::new());
    bindings
        .replace(name, &PostParams::default(), &binding)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_ca_comes_from_cluster_info_and_proves_as_much_as_a_web_server() {
    let cluster = Cluster::start().await;
    let wanted = trusting(&cluster, without_ca(&cluster, ""));
    let found = run(&wanted, &quiet()).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::HttpsDocument);
    assert_eq!(
        found.trust.ca(),
        &cluster.prepared.certificates.authority.bundle()
    );
    assert_eq!(found.posture.len(), 1, "it is announced");

    let mut without_opt_in = wanted.clone();
    without_opt_in.accepted.clear();
    let failure = run(&without_opt_in, &quiet()).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Trust(TrustError::NoProof { .. })),
        "{failure}"
    );

    let mut pinned = wanted.clone();
    pinned.pins = cluster.prepared.certificates.authority.bundle().pins();
    assert_eq!(
        run(&pinned, &quiet()).await.unwrap().trust.proof(),
        Proof::Pinned
    );
    pinned.pins = authority().bundle().pins();
    let failure = run(&pinned, &quiet()).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::Trust(TrustError::Pins(_))),
        "{failure}"
    );
}

#[tokio::test]
async fn an_api_server_that_the_machine_does_not_know_fills_in_nothing() {
    let cluster = Cluster::start().await;
    let mut wanted = trusting(&cluster, without_ca(&cluster, ""));
    wanted.https_roots = Some(authority().bundle());
    let failure = run(&wanted, &quiet()).await.unwrap_err();
    let DiscoveryFailure::FillIn { .. } = failure else {
        panic!("{failure}")
    };
    assert!(
        failure
            .to_string()
            .contains("which this machine does not trust"),
        "{failure}"
    );
    assert!(
        failure.is_refusal(),
        "no other source is asked after an impostor"
    );

    // The operator's own CA leaves nothing to fill in.
    wanted.ca = Some(cluster.prepared.certificates.authority.bundle());
    let found = run(&wanted, &quiet()).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::OutOfBand);
}

#[tokio::test]
async fn a_cluster_that_hides_cluster_info_shows_it_to_the_documents_credentials() {
    let cluster = Cluster::start().await;
    hide_cluster_info(&cluster).await;
    let anonymous = trusting(&cluster, without_ca(&cluster, ""));
    let failure = run(&anonymous, &quiet()).await.unwrap_err();
    assert!(
        matches!(failure, DiscoveryFailure::FillIn { .. }),
        "{failure}"
    );

    let admin = std::fs::read_to_string(cluster.prepared.layout.admin_kubeconfig()).unwrap();
    let is_ca = |line: &&str| line.contains("certificate-authority-data");
    let admin: Vec<&str> = admin.lines().filter(|line| !is_ca(line)).collect();
    let wanted = trusting(&cluster, file(&cluster, &admin.join("\n")));
    let found = run(&wanted, &quiet()).await.unwrap();
    assert_eq!(found.trust.proof(), Proof::HttpsDocument);
    assert_eq!(
        found.trust.ca(),
        &cluster.prepared.certificates.authority.bundle()
    );
}

/// As whom a request for cluster-info was refused.
async fn refused_as(wanted: &Request) -> String {
    match run(wanted, &quiet()).await.unwrap_err() {
        DiscoveryFailure::FillIn {
            source: RequestFailure::Forbidden(message),
            ..
        } => message,
        failure => panic!("{failure}"),
    }
}

#[tokio::test]
async fn a_secret_is_not_shown_to_a_server_that_has_yet_to_pass_the_pin() {
    let cluster = Cluster::start().await;
    hide_cluster_info(&cluster).await;
    let token = cluster.token.expose();
    let with_token = without_ca(&cluster, &format!("token: {}", token.as_str()));
    let mut wanted = trusting(&cluster, with_token);
    let user = cluster.token.user_name();
    let message = refused_as(&wanted).await;
    assert!(
        message.contains(&user),
        "with the opt-in it is shown: {message}"
    );
    wanted.pins = cluster.prepared.certificates.authority.bundle().pins();
    let message = refused_as(&wanted).await;
    assert!(message.contains("system:anonymous"), "{message}");
}
