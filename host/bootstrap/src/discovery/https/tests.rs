use std::io::Write as _;

use slipway_pki::ca::CertificateAuthority;

use super::*;
use crate::testing::{Answer, authority, hours_from_now, say, serve, server_config};

const LIMITS: FetchLimits = FetchLimits {
    time: Duration::from_secs(2),
    body: 64 * 1024,
};
const YAML: (&str, &str) = ("content-type", "application/yaml");

fn roots(authority: &CertificateAuthority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots
        .add(authority.certificate().der().to_vec().into())
        .unwrap();
    roots
}

async fn answered(answer: Answer) -> Result<Fetched, FetchError> {
    let authority = authority();
    let address = serve(server_config(&authority, hours_from_now(-1, 1)), answer).await;
    let url = format!("https://{address}/discovery.yaml?secret=hunter2")
        .parse()
        .unwrap();
    fetch(&url, roots(&authority), LIMITS).await
}

#[tokio::test]
async fn a_document_is_fetched_with_the_pins_of_who_served_it() {
    let fetched = answered(Answer::http("200 OK", &[YAML], b"kind: Config"))
        .await
        .unwrap();
    assert_eq!(fetched.body, b"kind: Config");
    assert_eq!(fetched.peer_pins.len(), 2, "its own and its CA's");
}

#[tokio::test]
async fn only_https_without_credentials_is_fetched() {
    for url in [
        "http://localhost/x",
        "https://user:hunter2@localhost/x",
        "file:///etc/passwd",
    ] {
        let error = fetch(&url.parse().unwrap(), roots(&authority()), LIMITS)
            .await
            .unwrap_err();
        assert!(matches!(error, FetchError::BadUrl { .. }), "{url}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_to_http_is_refused_and_one_to_https_followed() {
    let error = answered(Answer::http(
        "302 Found",
        &[("location", "http://127.0.0.1/x")],
        b"",
    ))
    .await
    .unwrap_err();
    assert!(matches!(error, FetchError::Redirect { .. }), "{error}");
    assert!(error.to_string().contains("not https"), "{error}");

    let authority = authority();
    let config = server_config(&authority, hours_from_now(-1, 1));
    let target = serve(
        config.clone(),
        Answer::http("200 OK", &[YAML], b"kind: Config"),
    )
    .await;
    let location = format!("https://{target}/moved");
    let address = serve(
        config,
        Answer::http("301 Moved", &[("location", &location)], b""),
    )
    .await;
    let url = format!("https://{address}/").parse().unwrap();
    assert_eq!(
        fetch(&url, roots(&authority), LIMITS).await.unwrap().body,
        b"kind: Config"
    );
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let error = answered(Answer::http("302 Found", &[("location", "/again")], b""))
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Redirect { .. }), "{error}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_announced_or_not() {
    let error = answered(Answer::http(
        "200 OK",
        &[YAML],
        &vec![b'x'; LIMITS.body + 1],
    ))
    .await
    .unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n".to_owned();
    let error = answered(Answer::Endless {
        head,
        chunk: vec![b'x'; 4096],
    })
    .await
    .unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
    let fetched = answered(Answer::http("200 OK", &[YAML], &vec![b'x'; LIMITS.body]))
        .await
        .unwrap();
    assert_eq!(fetched.body.len(), LIMITS.body);
}

#[tokio::test]
async fn a_body_that_never_comes_ends_with_the_time() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\n".to_owned();
    let error = answered(Answer::Silence { head }).await.unwrap_err();
    assert!(matches!(error, FetchError::Timeout { .. }), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_gzip_bomb_is_refused_unopened() {
    // 20 KiB of gzip are not decompressed, whatever they would become.
    let mut bomb = Vec::new();
    bomb.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
        .unwrap();
    bomb.resize(20 * 1024, 0);
    let headers = [YAML, ("content-encoding", "gzip")];
    let error = answered(Answer::http("200 OK", &headers, &bomb))
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::NotADocument { .. }), "{error}");
    assert!(error.to_string().contains("gzip"), "{error}");
}

#[tokio::test]
async fn a_page_for_people_is_no_document() {
    let error = answered(Answer::http(
        "200 OK",
        &[("content-type", "text/html; charset=utf-8")],
        b"<html>",
    ))
    .await
    .unwrap_err();
    assert!(error.to_string().contains("text/html"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn an_error_status_is_an_error() {
    let error = answered(Answer::http("404 Not Found", &[YAML], b"kind: Config"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            FetchError::Status {
                status: StatusCode::NOT_FOUND,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.is_transient());
    assert!(
        answered(Answer::http("503 Busy", &[YAML], b""))
            .await
            .unwrap_err()
            .is_transient()
    );
}

#[tokio::test]
async fn a_server_that_this_machine_does_not_trust_is_refused() {
    let (ours, theirs) = (authority(), authority());
    let address = serve(
        server_config(&theirs, hours_from_now(-1, 1)),
        Answer::http("200 OK", &[YAML], b"x"),
    )
    .await;
    let url = format!("https://{address}/").parse().unwrap();
    let error = fetch(&url, roots(&ours), LIMITS).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a CA that this machine does not trust"),
        "{error}"
    );
    assert!(!error.is_transient());
}

#[tokio::test]
async fn what_is_not_tls_is_called_so() {
    let address = say(b"HTTP/1.0 400 Bad Request\r\n\r\n").await;
    let url = format!("https://{address}/").parse().unwrap();
    let error = fetch(&url, roots(&authority()), LIMITS).await.unwrap_err();
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}
