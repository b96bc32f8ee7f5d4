use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::ca::tests::authority;
use crate::ca::{CertificateAuthority, ClientCertificate};
use crate::decision::signing::{DEFAULT_MAXIMUM, validity};
use crate::key::{KeyAlgorithm, PrivateKey};
use slipway_config::endpoint::ApiServerUrl;

/// What kubeadm writes into cluster-info.
const KUBEADM: &str = "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: CA
    server: https://10.0.0.1:6443
  name: \"\"
contexts: null
current-context: \"\"
kind: Config
preferences: {}
users: null
";

fn ca_data(authority: &CertificateAuthority) -> String {
    base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        authority.bundle().to_pem().unwrap(),
    )
}

fn kubeadm() -> String {
    KUBEADM.replace("CA", &ca_data(&authority()))
}

fn urls(list: &[&str]) -> Vec<ApiServerUrl> {
    list.iter().map(|url| url.parse().unwrap()).collect()
}

fn client(authority: &CertificateAuthority) -> Credentials {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let validity = validity(
        Timestamp::now(),
        None,
        DEFAULT_MAXIMUM,
        authority.validity(),
    )
    .unwrap();
    let identity = ClientCertificate {
        user: "kubernetes-admin",
        group: Some("system:masters"),
    };
    let certificate = authority
        .issue_client(&identity, key.public_key(), validity)
        .unwrap();
    Credentials::ClientCertificate {
        chain: vec![certificate],
        key: Box::new(key),
    }
}

fn with_credentials(credentials: Option<Credentials>) -> Kubeconfig {
    Kubeconfig {
        cluster_name: "kubernetes".to_owned(),
        endpoints: urls(&["https://10.0.0.1:6443", "https://10.0.0.2:6443"]),
        ca: Some(authority().bundle()),
        tls_server_name: None,
        identity: credentials.map(|credentials| ("kubernetes-admin".to_owned(), credentials)),
        namespace: None,
    }
}

#[test]
fn cluster_info_is_written_as_the_contract_says() {
    let authority = authority();
    let info = ClusterInfoKubeconfig::new(
        urls(&[
            "https://10.0.0.1:6443",
            "https://10.0.0.2:6443",
            "https://[fd00::3]:6443",
        ]),
        Some(authority.bundle()),
    )
    .unwrap();
    let yaml = info.to_yaml().unwrap();
    insta::assert_snapshot!(yaml.replace(&ca_data(&authority), "CA"), @r#"
    apiVersion: v1
    clusters:
    - cluster:
        certificate-authority-data: CA
        extensions:
        - extension:
            endpoints:
            - https://10.0.0.2:6443
            - https://[fd00::3]:6443
          name: slipway.dev/endpoints
        server: https://10.0.0.1:6443
      name: ""
    contexts: []
    current-context: ""
    kind: Config
    preferences: {}
    users: []
    "#);
    assert_eq!(ClusterInfoKubeconfig::parse(yaml.as_bytes()).unwrap(), info);
    assert_eq!(
        info.to_yaml().unwrap(),
        yaml,
        "a signature needs the same bytes each time"
    );
    let without = ClusterInfoKubeconfig::new(urls(&["https://a.example:6443"]), None).unwrap();
    let yaml = without.to_yaml().unwrap();
    assert!(!yaml.contains("certificate-authority"));
    assert_eq!(
        ClusterInfoKubeconfig::parse(yaml.as_bytes()).unwrap(),
        without
    );
    assert!(matches!(
        ClusterInfoKubeconfig::new(Vec::new(), None),
        Err(KubeconfigError::NoServer)
    ));
}

#[test]
fn what_kubeadm_writes_is_read() {
    let info = ClusterInfoKubeconfig::parse(kubeadm().as_bytes()).unwrap();
    assert_eq!(info.endpoints(), urls(&["https://10.0.0.1:6443"]));
    assert!(info.ca().is_some());
}

#[test]
fn cluster_info_with_anything_unexpected_is_refused() {
    let refused = |from: &str, to: &str| {
        let text = kubeadm();
        assert!(text.contains(from), "{from}");
        ClusterInfoKubeconfig::parse(text.replacen(from, to, 1).as_bytes()).expect_err(to)
    };
    let cluster = "    server: https://10.0.0.1:6443\n";
    let with = |line: &str| refused(cluster, &format!("{cluster}    {line}\n"));
    insta::assert_snapshot!(with("insecure-skip-tls-verify: true"), @"the kubeconfig has insecure-skip-tls-verify, which is refused: a server that is not verified can be anybody");
    insta::assert_snapshot!(with("certificate-authority: /etc/ca.crt"), @"the kubeconfig has certificate-authority, which is refused: it names another file; put the certificates themselves into certificate-authority-data");
    insta::assert_snapshot!(with("proxy-url: http://evil"), @"the kubeconfig has proxy-url, which is refused: Slipway connects without a proxy");
    insta::assert_snapshot!(with("tls-server-name: evil"), @"the kubeconfig has tls-server-name, which is refused: the server's name is the one in its URL");
    assert!(matches!(with("more: true"), KubeconfigError::Form { .. }));
    assert!(
        matches!(
            with("server: https://evil:6443"),
            KubeconfigError::Form { .. }
        ),
        "a key twice"
    );
    assert!(matches!(
        with("<<: {insecure-skip-tls-verify: true}"),
        KubeconfigError::Form { .. }
    ));
    let entry = "- cluster: {server: \"https://b:1\"}\n  name: b\ncontexts: null\n";
    assert!(matches!(
        refused("contexts: null\n", entry),
        KubeconfigError::Count {
            what: "clusters",
            count: 2,
            ..
        }
    ));
    let user = "users: [{name: a, user: {token: abc}}]\n";
    assert!(matches!(
        refused("users: null\n", user),
        KubeconfigError::Count {
            what: "users",
            count: 1,
            ..
        }
    ));
    assert!(matches!(
        refused("kind: Config", "kind: ConfigMap"),
        KubeconfigError::Kind { .. }
    ));
    assert!(matches!(
        refused("apiVersion: v1", "apiVersion: v2"),
        KubeconfigError::Kind { .. }
    ));
    assert!(matches!(
        refused("https://10", "http://10"),
        KubeconfigError::Server(_)
    ));
    assert!(matches!(
        refused("https://10.0.0.1", "https://user:secret@10.0.0.1"),
        KubeconfigError::Server(_)
    ));
    assert!(matches!(
        refused(
            "certificate-authority-data: ",
            "certificate-authority-data: '!' # "
        ),
        KubeconfigError::Base64(_)
    ));
    assert!(matches!(
        refused("users: null\n", "users: null\n---\nkind: Config\n"),
        KubeconfigError::Form { .. }
    ));
    let endpoints = |value: &str| {
        with(&format!(
            "extensions: [{{name: slipway.dev/endpoints, extension: {value}}}]"
        ))
    };
    assert!(matches!(
        endpoints("{endpoints: ['http://a:1']}"),
        KubeconfigError::Form { .. }
    ));
    assert!(matches!(
        endpoints("{endpoints: [], more: 1}"),
        KubeconfigError::Form { .. }
    ));
    assert!(matches!(
        ClusterInfoKubeconfig::parse(&vec![b'#'; LIMIT + 1]),
        Err(KubeconfigError::TooLarge(_))
    ));
    assert!(matches!(
        ClusterInfoKubeconfig::parse(b""),
        Err(KubeconfigError::Form { .. })
    ));
    assert!(matches!(
        ClusterInfoKubeconfig::parse(&[0xff, 0xfe]),
        Err(KubeconfigError::Form { .. })
    ));
}

#[test]
fn a_bundle_with_a_certificate_that_is_no_cas_is_refused() {
    let authority = authority();
    let Credentials::ClientCertificate { chain, .. } = client(&authority) else {
        panic!()
    };
    let data = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        chain[0].to_pem().unwrap(),
    );
    let error = ClusterInfoKubeconfig::parse(KUBEADM.replace("CA", &data).as_bytes()).unwrap_err();
    assert!(
        matches!(error, KubeconfigError::Ca(BundleError::NotACa { .. })),
        "{error}"
    );
}

#[test]
fn an_identity_survives_the_file() {
    let authority = authority();
    let token = Credentials::Token("abcdef.0123456789abcdef".to_owned().into());
    let files = Credentials::ClientCertificateFiles(ClientCertificateFiles {
        certificate: "/var/lib/kubelet/pki/kubelet-client-current.pem".to_owned(),
        key: "/var/lib/kubelet/pki/kubelet-client-current.pem".to_owned(),
    });
    for credentials in [client(&authority), token, files] {
        let written = with_credentials(Some(credentials));
        let yaml = written.to_yaml().unwrap();
        let read = Kubeconfig::parse(yaml.as_bytes()).unwrap();
        assert_eq!(read.endpoints, written.endpoints);
        assert_eq!(read.ca, written.ca);
        assert_eq!(read.to_yaml().unwrap(), yaml);
        assert!(read.identity.is_some());
    }
    assert!(
        Kubeconfig::parse(with_credentials(None).to_yaml().unwrap().as_bytes())
            .unwrap()
            .identity
            .is_none()
    );
}

#[test]
fn the_file_of_a_kubelet_looks_as_kubectl_knows_it() {
    let kubeconfig = Kubeconfig {
        cluster_name: "kubernetes".to_owned(),
        endpoints: urls(&["https://api.example:6443"]),
        ca: None,
        tls_server_name: None,
        identity: Some((
            "system:node:worker-1".to_owned(),
            Credentials::ClientCertificateFiles(ClientCertificateFiles {
                certificate: "/pki/current.pem".to_owned(),
                key: "/pki/current.pem".to_owned(),
            }),
        )),
        namespace: Some("kube-system".to_owned()),
    };
    insta::assert_snapshot!(kubeconfig.to_yaml().unwrap().as_str(), @"
    apiVersion: v1
    clusters:
    - cluster:
        server: https://api.example:6443
      name: kubernetes
    contexts:
    - context:
        cluster: kubernetes
        namespace: kube-system
        user: system:node:worker-1
      name: system:node:worker-1@kubernetes
    current-context: system:node:worker-1@kubernetes
    kind: Config
    preferences: {}
    users:
    - name: system:node:worker-1
      user:
        client-certificate: /pki/current.pem
        client-key: /pki/current.pem
    ");
}

#[test]
fn credentials_are_parted_from_the_rest() {
    let authority = authority();
    let written = with_credentials(Some(client(&authority)));
    let Some((_, Credentials::ClientCertificate { key, .. })) = &written.identity else {
        panic!()
    };
    let yaml = written.to_yaml().unwrap();
    let redacted = Kubeconfig::redact(yaml.as_bytes()).unwrap();
    let document = String::from_utf8(redacted.document).unwrap();
    for secret in [
        "client-key",
        "client-certificate",
        "kubernetes-admin",
        "users:\n-",
    ] {
        assert!(
            yaml.contains(secret) && !document.contains(secret),
            "{secret}"
        );
    }
    assert!(!document.contains(&key.to_pem().unwrap().lines().nth(1).unwrap()[..40]));
    let rest = Kubeconfig::parse(document.as_bytes()).unwrap();
    assert_eq!((rest.endpoints, rest.ca), (written.endpoints, written.ca));
    assert!(matches!(
        redacted.credentials,
        Some(Credentials::ClientCertificate { .. })
    ));
    let public = kubeadm();
    let untouched = Kubeconfig::redact(public.as_bytes()).unwrap();
    assert_eq!(untouched.document, public.as_bytes(), "as it was found");
    assert!(untouched.credentials.is_none());
}

/// A kubeconfig with this text for its only user.
fn with_user(user: &str) -> Result<Kubeconfig, KubeconfigError> {
    let text = kubeadm().replace(
        "users: null\n",
        &format!("users:\n- name: jane\n  user: {user}\n"),
    );
    Kubeconfig::parse(text.as_bytes())
}

#[test]
fn what_would_run_programs_or_give_up_verification_is_refused_by_name() {
    let refused = |user: &str| with_user(user).unwrap_err();
    insta::assert_snapshot!(refused("{exec: {command: /bin/sh}}"), @"the kubeconfig has exec, which is refused: it would run a program of the file's choice");
    insta::assert_snapshot!(refused("{auth-provider: {name: gcp}}"), @"the kubeconfig has auth-provider, which is refused: it would run a program of the file's choice");
    insta::assert_snapshot!(refused("{username: jane, password: topsecret}"), @"the kubeconfig has username and password, which is refused: Kubernetes does not take them any more");
    insta::assert_snapshot!(refused("{tokenFile: /run/token}"), @"the kubeconfig has tokenFile, which is refused: it names another file; put the token itself into token");
    insta::assert_snapshot!(refused("{token: topsecret, as: admin}"), @"the kubeconfig has as, which is refused: Slipway acts as itself");
    insta::assert_snapshot!(refused("{token: topsecret, client-key: /a}"), @"the kubeconfig has 2 different kinds of credentials for one user; expected a whole one or none");
    insta::assert_snapshot!(refused("{client-certificate: /a}"), @"the kubeconfig has 1 halves of a client certificate with its key; expected a whole one or none");
    let insecure = kubeadm().replace(
        "    server:",
        "    insecure-skip-tls-verify: true\n    server:",
    );
    assert!(matches!(
        Kubeconfig::parse(insecure.as_bytes()),
        Err(KubeconfigError::Refused {
            what: "insecure-skip-tls-verify",
            ..
        })
    ));
    assert!(matches!(
        Kubeconfig::redact(insecure.as_bytes()),
        Err(KubeconfigError::Refused { .. })
    ));
    let two = kubeadm().replace(
        "users: null",
        "users: [{name: a, user: {}}, {name: b, user: {}}]",
    );
    assert!(matches!(
        Kubeconfig::parse(two.as_bytes()),
        Err(KubeconfigError::Count { what: "users", .. })
    ));
    let context = kubeadm().replace("current-context: \"\"", "current-context: other");
    assert!(matches!(
        Kubeconfig::parse(context.as_bytes()),
        Err(KubeconfigError::Context(_))
    ));
    assert!(with_user("{}").unwrap().identity.is_none());
}

#[test]
fn no_error_and_no_debug_form_repeats_a_secret() {
    const SECRET: &str = "topsecret-0123456789";
    for user in [
        format!("{{token: [{SECRET}]}}"),
        format!("{{token: {{a: {SECRET}}}}}"),
        SECRET.to_owned(),
        format!("{{client-key-data: {SECRET}, client-certificate-data: {SECRET}}}"),
        format!("{{client-key: 1, token: {SECRET}, exec: {SECRET}}}"),
        format!("{{password: {SECRET}}}"),
        format!("{{token: *{SECRET}}}"),
        format!("{{token: !!int {SECRET}}}"),
        format!("{{token: \"{SECRET}}}"),
        format!("{{token {SECRET}}}"),
        format!("{{{SECRET}}}"),
    ] {
        let error = with_user(&user).expect_err(&user);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(SECRET), "{user}: {shown}");
    }
    let read = with_user(&format!("{{token: {SECRET}}}")).unwrap();
    assert!(!format!("{read:?}").contains(SECRET));
    insta::assert_snapshot!(with_user("{tokn: a}").unwrap_err(), @r#"the kubeconfig cannot be read at line 13, column 10: unknown field "tokn""#);
}

#[test]
fn certificate_and_key_of_an_identity_belong_together() {
    let authority = authority();
    let mut kubeconfig = with_credentials(Some(client(&authority)));
    if let Some((_, Credentials::ClientCertificate { key, .. })) = &mut kubeconfig.identity {
        **key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    }
    let error = Kubeconfig::parse(kubeconfig.to_yaml().unwrap().as_bytes()).unwrap_err();
    assert!(matches!(error, KubeconfigError::KeyMismatch));
}

#[test]
fn a_bomb_of_aliases_is_refused_quickly() {
    let mut bomb = "preferences:\n  a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(",");
        bomb.push_str(&format!("  a{level}: &a{level} [{aliases}]\n"));
    }
    let text = kubeadm().replace("preferences: {}\n", &bomb);
    let start = std::time::Instant::now();
    assert!(matches!(
        ClusterInfoKubeconfig::parse(text.as_bytes()),
        Err(KubeconfigError::Form { .. })
    ));
    assert!(start.elapsed() < Duration::from_secs(10));
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in "(apiVersion|kind|clusters|users|name|: |- |\n|  |\\{|\\}|\\[|\\]|v1|Config|&a|\\*a|!!|\"){0,40}") {
        let _ = ClusterInfoKubeconfig::parse(text.as_bytes());
        let _ = Kubeconfig::redact(text.as_bytes());
    }

    #[test]
    fn one_changed_byte_never_changes_the_meaning_unnoticed_by_the_signature(position in 0usize..400, byte: u8) {
        let token: slipway_config::token::BootstrapToken = "abcdef.0123456789abcdef".parse().unwrap();
        let document = kubeadm().into_bytes();
        let signature = crate::jws::sign(&token, &document).unwrap();
        let mut altered = document.clone();
        let position = position % document.len();
        altered[position] = byte;
        prop_assume!(altered != document);
        prop_assert!(crate::jws::verify(&token, &signature, &altered).is_err());
    }
}
