use serde_json::json;
use slipway_sdk::http::HttpError;
use slipway_sdk::settings;
use slipway_sdk::testing::MockHost;

use super::*;

const URL: &str = "https://inventory.example/endpoints.json";

fn plugin(url: &str) -> Result<EndpointsHttps, SettingErrors> {
    EndpointsHttps::configure(settings::parse(json!({"url": url}))?)
}

fn endpoints(host: MockHost) -> Result<Vec<String>, EndpointError> {
    let _host = host.http("https://inventory.example/", 200, "").install();
    let endpoints = plugin(URL)
        .unwrap()
        .endpoints(&EndpointRequest::default())?;
    Ok(endpoints
        .into_iter()
        .map(|one| format!("{} {} {}", one.address, one.port, one.priority))
        .collect())
}

#[test]
fn what_the_document_lists_is_listed_by_priority() {
    let document = json!({"endpoints": [
        {"address": "10.0.0.2:7443"},
        {"address": "[2001:db8::1]"},
        {"address": "api.example", "priority": 0, "weight": 10, "zone": "b"},
        {"address": "10.0.0.2:7443", "priority": 9},
    ]});
    assert_eq!(
        endpoints(MockHost::new().http(URL, 200, document.to_string())).unwrap(),
        [
            "10.0.0.2 7443 0",
            "api.example 6443 0",
            "2001:db8::1 6443 1"
        ]
    );
}

#[test]
fn an_outage_is_told_from_a_document_that_is_wrong() {
    let timeout = HttpError::Timeout("inventory.example".to_owned());
    for (host, is_outage) in [
        (MockHost::new().http(URL, 503, ""), true),
        (MockHost::new().http(URL, 302, ""), true),
        (MockHost::new().http_error(URL, timeout), true),
        (MockHost::new().http(URL, 200, r#"{"endpoints": []}"#), true),
        (MockHost::new().http(URL, 200, "<html>"), false),
        (
            MockHost::new().http(URL, 200, r#"{"endpoints": [{"adress": "a"}]}"#),
            false,
        ),
        (
            MockHost::new().http(URL, 200, r#"{"endpoints": [{"address": "a b"}]}"#),
            false,
        ),
        (MockHost::new().http(URL, 200, vec![b' '; LIMIT + 1]), false),
    ] {
        let error = endpoints(host).unwrap_err();
        assert_eq!(
            matches!(error, EndpointError::Unavailable(_)),
            is_outage,
            "{error}"
        );
    }
}

#[test]
fn the_server_has_to_be_granted() {
    let _host = MockHost::new().install();
    let error = plugin(URL).unwrap_err().to_string();
    assert!(
        error.contains("http: [{scheme: https, host: \"inventory.example\", port: 443}]"),
        "{error}"
    );
}
