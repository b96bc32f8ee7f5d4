use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use super::*;

fn rules(http: serde_json::Value) -> Result<Rules, LoadError> {
    let grants: Grants = serde_json::from_value(json!({ "http": http })).unwrap();
    Rules::check("p", &grants, true)
}

fn verdict(rules: &Rules, method: &str, url: &str) -> &'static str {
    let request = Request::builder().method(method).uri(url).body(()).unwrap();
    match rules.allowing(&request) {
        Ok(_) => "allowed",
        Err(Error::HttpRequestDenied) => "denied",
        Err(_) => "invalid",
    }
}

#[test]
fn a_request_goes_where_it_was_granted_and_nowhere_else() {
    let rules = rules(json!([
        {"host": "inventory.example"},
        {"scheme": "http", "host": "10.0.0.1", "port": 8080, "methods": ["POST"]},
        {"host": "[2001:db8::1]", "port": 8443},
    ]))
    .unwrap();
    for (method, url) in [
        ("GET", "https://inventory.example/nodes?name=a"),
        ("HEAD", "https://INVENTORY.example:443/"),
        ("POST", "http://10.0.0.1:8080/x"),
        ("GET", "https://[2001:db8:0::1]:8443/"),
    ] {
        assert_eq!(verdict(&rules, method, url), "allowed", "{method} {url}");
    }
    for (method, url) in [
        ("POST", "https://inventory.example/nodes"),
        ("GET", "http://inventory.example/nodes"),
        ("GET", "https://inventory.example:8443/nodes"),
        ("GET", "https://a.inventory.example/"),
        ("GET", "https://inventory.example.evil.example/"),
        ("GET", "http://10.0.0.1:8080/x"),
        ("POST", "http://10.0.0.1/x"),
        ("POST", "http://10.0.0.2:8080/x"),
        ("CONNECT", "https://inventory.example/"),
    ] {
        assert_eq!(verdict(&rules, method, url), "denied", "{method} {url}");
    }
    for url in ["https://user@inventory.example/", "/nodes"] {
        assert_eq!(verdict(&rules, "GET", url), "invalid", "{url}");
    }
}

#[tokio::test]
async fn a_credential_is_read_from_its_file_for_its_header() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "Bearer abc").unwrap();
    let rules = rules(json!([
        {"host": "a.example", "credentialFile": file.path()},
        {"host": "b.example", "credentialFile": file.path(), "header": "X-Api-Key"},
        {"host": "c.example"},
    ]))
    .unwrap();
    let credential = rules.0[0].credential().await.unwrap().unwrap();
    assert_eq!(credential.0, header::AUTHORIZATION);
    let credential = rules.0[1].credential().await.unwrap().unwrap();
    assert_eq!(credential.0.as_str(), "x-api-key");
    assert_eq!(credential.1, "Bearer abc");
    assert!(credential.1.is_sensitive());
    assert!(rules.0[2].credential().await.unwrap().is_none());
}

#[test]
fn a_credential_that_cannot_be_used_keeps_the_plugin_from_loading() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credential");
    let refused = || {
        rules(json!([{"host": "a.example", "credentialFile": &file}]))
            .err()
            .unwrap()
            .to_string()
            .replace(&*file.to_string_lossy(), "FILE")
    };
    insta::assert_snapshot!(refused(), @"plugin p: grants.http[0]: cannot read FILE: No such file or directory (os error 2)");
    std::fs::write(&file, "\n").unwrap();
    insta::assert_snapshot!(refused(), @"plugin p: grants.http[0]: FILE is empty");
    std::fs::write(&file, "secret\nsecond line").unwrap();
    insta::assert_snapshot!(refused(), @"plugin p: grants.http[0]: FILE does not hold one line of text");
    std::fs::write(&file, "x".repeat(17 * 1024)).unwrap();
    insta::assert_snapshot!(refused(), @"plugin p: grants.http[0]: FILE is larger than 16384 bytes");
    std::fs::remove_file(&file).unwrap();
    make_pipe(&file);
    insta::assert_snapshot!(refused(), @"plugin p: grants.http[0]: cannot read FILE: it is not a regular file");
}

#[tokio::test]
async fn a_credential_that_became_a_pipe_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credential");
    std::fs::write(&file, "Bearer abc").unwrap();
    let rules = rules(json!([{"host": "a.example", "credentialFile": &file}])).unwrap();
    std::fs::remove_file(&file).unwrap();
    make_pipe(&file);
    let read = tokio::time::timeout(Duration::from_secs(5), rules.0[0].credential()).await;
    assert!(matches!(read.unwrap(), Err(Error::ConfigurationError)));
}

fn make_pipe(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}
