mod shared;

use std::net::SocketAddr;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use super::*;
use crate::testing::{
    Answer, authority, hours_from_now, say, serve, serve_in_turn, server_config, tls,
};

fn route(address: SocketAddr, name: &str) -> Route {
    Route {
        dial: address.to_string().parse().unwrap(),
        names: vec![name.to_owned()],
    }
}

async fn get(routes: &[Route], ca: &CaBundle) -> Result<ConfigMap, RequestFailure> {
    let client = client(routes, ca, &Credentials::Anonymous).unwrap();
    let api: Api<ConfigMap> = Api::namespaced(client, "kube-public");
    api.get("cluster-info").await.map_err(RequestFailure::from)
}

fn failure(result: Result<ConfigMap, RequestFailure>) -> ConnectFailure {
    match result {
        Err(RequestFailure::NoConnection(NoConnection { attempts })) => attempts[0].1.clone(),
        other => panic!("expected no connection, got {other:?}"),
    }
}

fn config_map() -> Answer {
    let body = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cluster-info"},"data":{"a":"b"}}"#;
    Answer::http("200 OK", &[("content-type", "application/json")], body)
}

fn status(code: u16, reason: &str) -> Answer {
    let body = format!(
        r#"{{"apiVersion":"v1","kind":"Status","status":"Failure","message":"{reason} here","reason":"{reason}","code":{code}}}"#
    );
    Answer::http(
        &format!("{code} {reason}"),
        &[("content-type", "application/json")],
        body.as_bytes(),
    )
}

#[tokio::test]
async fn a_verified_server_answers() {
    let authority = authority();
    let address = serve(
        server_config(&authority, hours_from_now(-1, 1)),
        config_map(),
    )
    .await;
    let found = get(&[route(address, "localhost")], &authority.bundle())
        .await
        .unwrap();
    assert_eq!(found.data.unwrap()["a"], "b");
}

#[tokio::test]
async fn what_is_dialled_and_what_is_verified_are_two_things() {
    let authority = authority();
    let address = serve(
        server_config(&authority, hours_from_now(-1, 1)),
        config_map(),
    )
    .await;
    let found = failure(get(&[route(address, "api.example")], &authority.bundle()).await);
    let ConnectFailure::Certificate(CertificateFailure::WrongName {
        expected,
        presented,
    }) = &found
    else {
        panic!("{found}")
    };
    assert_eq!(expected, &["api.example"]);
    assert_eq!(presented, &["localhost", "127.0.0.1"]);

    let mut either = route(address, "api.example");
    either.names.push("localhost".to_owned());
    get(&[either], &authority.bundle()).await.unwrap();
}

#[tokio::test]
async fn another_ca_is_told_with_both_pins() {
    let (ours, theirs) = (authority(), authority());
    let address = serve(server_config(&theirs, hours_from_now(-1, 1)), config_map()).await;
    let found = failure(get(&[route(address, "localhost")], &ours.bundle()).await);
    let ConnectFailure::Certificate(CertificateFailure::UnknownAuthority {
        expected,
        presented,
        ..
    }) = &found
    else {
        panic!("{found}")
    };
    assert_eq!(expected, &ours.bundle().pins());
    assert_eq!(presented, &theirs.bundle().pins());
    let text = found.to_string();
    assert!(
        text.contains(&expected[0].to_string()) && text.contains(&presented[0].to_string()),
        "{text}"
    );
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_with_both_times() {
    let authority = authority();
    let expired = serve(
        server_config(&authority, hours_from_now(-3, -2)),
        config_map(),
    )
    .await;
    let found = failure(get(&[route(expired, "localhost")], &authority.bundle()).await);
    assert!(
        matches!(
            found,
            ConnectFailure::Certificate(CertificateFailure::Expired { .. })
        ),
        "{found}"
    );
    assert!(found.to_string().contains("the clock is fast"), "{found}");

    let future = serve(
        server_config(&authority, hours_from_now(2, 3)),
        config_map(),
    )
    .await;
    let found = failure(get(&[route(future, "localhost")], &authority.bundle()).await);
    assert!(
        matches!(
            found,
            ConnectFailure::Certificate(CertificateFailure::NotYetValid { .. })
        ),
        "{found}"
    );
}

#[tokio::test]
async fn a_kubelets_certificate_is_no_api_servers() {
    let authority = authority();
    let ca_key = KeyPair::from_pem(&authority.key_pem().unwrap()).unwrap();
    let issuer =
        Issuer::from_ca_cert_der(&authority.certificate().der().to_vec().into(), ca_key).unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "system:nodes");
    params
        .distinguished_name
        .push(DnType::CommonName, "system:node:worker-1");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let config = tls(vec![certificate.der().clone()], key.serialize_der());
    let address = serve(config, config_map()).await;
    let found = failure(get(&[route(address, "localhost")], &authority.bundle()).await);
    assert!(
        matches!(
            found,
            ConnectFailure::Certificate(CertificateFailure::Node { .. })
        ),
        "{found}"
    );
    assert!(found.to_string().contains("worker-1"), "{found}");
}

#[tokio::test]
async fn what_is_not_tls_is_called_so() {
    let authority = authority();
    for words in [
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
            .as_slice(),
        b"SSH-2.0-OpenSSH_9.2\r\n".as_slice(),
        &[0xff; 64],
    ] {
        let address = say(words).await;
        let found = failure(get(&[route(address, "localhost")], &authority.bundle()).await);
        assert!(
            matches!(found, ConnectFailure::NotTls { .. }),
            "{words:?}: {found}"
        );
    }
    let found = failure(get(&[route(say(b"").await, "localhost")], &authority.bundle()).await);
    assert!(matches!(found, ConnectFailure::Closed), "{found}");
}

#[tokio::test]
async fn nothing_there_and_no_such_name() {
    let authority = authority();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let found = failure(get(&[route(address, "localhost")], &authority.bundle()).await);
    assert_eq!(found, ConnectFailure::Refused);

    let unknown = Route {
        dial: "no-such-host.invalid:6443".parse().unwrap(),
        names: vec!["localhost".to_owned()],
    };
    let found = failure(get(&[unknown], &authority.bundle()).await);
    assert!(matches!(found, ConnectFailure::Dns { .. }), "{found}");
}

#[tokio::test]
async fn the_next_endpoint_is_tried_and_each_ones_reason_kept() {
    let (authority, other) = (authority(), authority());
    let not_tls = route(say(b"hello\r\n").await, "localhost");
    let wrong = route(
        serve(server_config(&other, hours_from_now(-1, 1)), config_map()).await,
        "localhost",
    );
    let good = route(
        serve(
            server_config(&authority, hours_from_now(-1, 1)),
            config_map(),
        )
        .await,
        "localhost",
    );
    get(&[not_tls.clone(), wrong.clone(), good], &authority.bundle())
        .await
        .unwrap();

    let error = get(&[not_tls.clone(), wrong.clone()], &authority.bundle())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&format!(
            "{}: what answers there does not speak TLS",
            not_tls.dial
        )),
        "{text}"
    );
    assert!(
        text.contains(&format!("{}: its certificate is refused", wrong.dial)),
        "{text}"
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_silent_endpoint_does_not_hold_up_the_others() {
    let authority = authority();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = route(silent.local_addr().unwrap(), "localhost");
    let good = route(
        serve(
            server_config(&authority, hours_from_now(-1, 1)),
            config_map(),
        )
        .await,
        "localhost",
    );
    let started = std::time::Instant::now();
    get(&[silent, good], &authority.bundle()).await.unwrap();
    assert!(
        started.elapsed() < std::time::Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn what_the_api_refuses_is_told_apart() {
    let authority = authority();
    let mut found = Vec::new();
    for (code, reason) in [
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (409, "Conflict"),
        (503, "Busy"),
    ] {
        let address = serve(
            server_config(&authority, hours_from_now(-1, 1)),
            status(code, reason),
        )
        .await;
        let failure = get(&[route(address, "localhost")], &authority.bundle())
            .await
            .unwrap_err();
        found.push(format!("{failure} / transient: {}", failure.is_transient()));
    }
    insta::assert_snapshot!(found.join("\n"), @r"
    the API server does not accept these credentials (401): Unauthorized here / transient: false
    the API server does not allow this (403): Forbidden here / transient: false
    not found (404): NotFound here / transient: false
    conflict (409): Conflict here / transient: false
    the API server answered 503: Busy here / transient: true
    ");
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let authority = authority();
    let busy = Answer::http("429 Too Many Requests", &[("retry-after", "1")], b"later");
    let answers = vec![busy.clone(), busy, config_map()];
    let config = server_config(&authority, hours_from_now(-1, 1));
    let address = serve_in_turn(config, answers).await;
    let started = std::time::Instant::now();
    let found = get(&[route(address, "localhost")], &authority.bundle()).await;
    assert_eq!(found.unwrap().data.unwrap()["a"], "b");
    let took = started.elapsed();
    assert!(took >= std::time::Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn garbage_in_place_of_json_is_a_bad_answer_and_too_much_of_it_breaks_off() {
    let authority = authority();
    let garbage = Answer::http(
        "200 OK",
        &[("content-type", "application/json")],
        b"{ not json",
    );
    let address = serve(server_config(&authority, hours_from_now(-1, 1)), garbage).await;
    let found = get(&[route(address, "localhost")], &authority.bundle())
        .await
        .unwrap_err();
    assert!(matches!(found, RequestFailure::BadAnswer(_)), "{found}");

    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n".to_owned();
    let endless = Answer::Endless {
        head,
        chunk: vec![b' '; 1 << 20],
    };
    let address = serve(server_config(&authority, hours_from_now(-1, 1)), endless).await;
    let found = get(&[route(address, "localhost")], &authority.bundle())
        .await
        .unwrap_err();
    assert!(matches!(found, RequestFailure::Broken(_)), "{found}");
}

#[tokio::test]
async fn a_client_certificate_that_the_server_refuses_is_told_as_such() {
    let cluster = crate::testing::cluster::Cluster::start().await;
    let key = PrivateKey::generate(slipway_pki::key::KeyAlgorithm::EcdsaP256).unwrap();
    let client_of_another = slipway_pki::ca::ClientCertificate {
        user: "system:node:worker-1",
        group: Some("system:nodes"),
    };
    let certificate = authority()
        .issue_client(&client_of_another, key.public_key(), hours_from_now(-1, 1))
        .unwrap();
    let credentials = Credentials::ClientCertificate {
        chain: vec![certificate],
        key: Box::new(key),
    };
    let route = Route {
        dial: cluster.settings.advertise.clone(),
        names: vec!["127.0.0.1".to_owned()],
    };
    let ca = cluster.prepared.certificates.authority.bundle();
    let client = client(&[route], &ca, &credentials).unwrap();
    let api: Api<ConfigMap> = Api::namespaced(client, "kube-public");
    let failure = RequestFailure::from(api.get("cluster-info").await.unwrap_err());
    assert!(
        matches!(failure, RequestFailure::CertificateRefused(_)),
        "{failure}"
    );
    assert!(!failure.is_transient());
}

#[test]
fn credentials_do_not_show_themselves() {
    let token: BootstrapToken = "abcdef.0123456789abcdef".parse().unwrap();
    let shown = format!("{:?}", Credentials::BootstrapToken(token.clone()));
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
    let header = authorization(&Credentials::BootstrapToken(token))
        .unwrap()
        .unwrap();
    assert!(header.is_sensitive());
    assert_eq!(header.as_bytes(), b"Bearer abcdef.0123456789abcdef");
}
