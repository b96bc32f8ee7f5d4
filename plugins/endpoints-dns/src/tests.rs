use std::time::Duration;

use serde_json::{Value, json};
use slipway_sdk::dns::Service;
use slipway_sdk::settings;
use slipway_sdk::testing::MockHost;

use super::*;

const NAME: &str = "_kubernetes._tcp.north.example";

fn plugin(settings: Value) -> Result<EndpointsDns, SettingErrors> {
    EndpointsDns::configure(settings::parse(settings)?)
}

fn endpoints(host: MockHost, settings: Value) -> Result<Vec<String>, EndpointError> {
    let _host = host.install();
    let endpoints = plugin(settings)
        .unwrap()
        .endpoints(&EndpointRequest::default())?;
    Ok(endpoints
        .into_iter()
        .map(|one| {
            format!(
                "{}:{} {} {}",
                one.address, one.port, one.priority, one.weight
            )
        })
        .collect())
}

fn service(target: &str, priority: u16, weight: u16) -> Service {
    Service {
        target: target.to_owned(),
        port: 6443,
        priority,
        weight,
        ttl: Duration::from_secs(30),
    }
}

#[test]
fn services_come_first_and_hosts_after_them() {
    let found = Ok(vec![
        service("b.example", 20, 5),
        service("a.example", 10, 60),
    ]);
    let settings = json!({"services": [NAME], "hosts": ["api.example:7443", "a.example"]});
    assert_eq!(
        endpoints(MockHost::new().services(NAME, found), settings).unwrap(),
        [
            "a.example:6443 10 60",
            "b.example:6443 20 5",
            "api.example:7443 21 1"
        ]
    );
}

#[test]
fn hosts_are_there_when_the_services_are_not() {
    let settings = json!({"services": [NAME], "hosts": ["api.example"]});
    let host = MockHost::new().dns().install();
    assert_eq!(
        plugin(settings)
            .unwrap()
            .endpoints(&EndpointRequest::default())
            .unwrap()
            .len(),
        1
    );
    assert_eq!(host.log().len(), 1);
}

#[test]
fn what_may_come_is_told_from_what_will_not() {
    let settings = json!({"services": [NAME]});
    for (error, may_come) in [
        (DnsError::NotFound(NAME.to_owned()), true),
        (DnsError::Unavailable(NAME.to_owned()), true),
        (DnsError::InvalidName(NAME.to_owned()), false),
    ] {
        let failed =
            endpoints(MockHost::new().services(NAME, Err(error)), settings.clone()).unwrap_err();
        assert_eq!(
            matches!(failed, EndpointError::Unavailable(_)),
            may_come,
            "{failed}"
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let paths = |settings: Value| -> Vec<String> {
        let errors = plugin(settings).unwrap_err();
        errors
            .as_slice()
            .iter()
            .map(|error| error.path.clone())
            .collect()
    };
    assert_eq!(paths(json!({})), [""]);
    assert_eq!(
        paths(
            json!({"services": [NAME, "north.example", "_a._tcp", "_a._tcp.b c"], "hosts": ["a", "a b"]})
        ),
        ["services[1]", "services[2]", "services[3]", "hosts[1]"]
    );
}
