use serde_json::json;
use slipway_sdk::settings;

use super::*;

fn plugin(settings: serde_json::Value) -> Result<EndpointsStatic, SettingErrors> {
    EndpointsStatic::configure(settings::parse(settings)?)
}

fn endpoints(
    settings: serde_json::Value,
    locations: &[&str],
) -> Result<Vec<(String, u16, u16)>, EndpointError> {
    let request = EndpointRequest {
        locations: locations.iter().map(|text| (*text).to_owned()).collect(),
        zone: None,
    };
    let endpoints = plugin(settings).unwrap().endpoints(&request)?;
    Ok(endpoints
        .into_iter()
        .map(|endpoint| (endpoint.address, endpoint.port, endpoint.priority))
        .collect())
}

#[test]
fn locations_come_first_and_in_order() {
    let settings = json!({"endpoints": [{"address": "c.example"}, {"address": "d.example:1"}]});
    let locations = ["b.example", "https://a.example/", "[2001:db8::1]:7443"];
    assert_eq!(
        endpoints(settings, &locations),
        Ok(vec![
            ("b.example".into(), 6443, 0),
            ("a.example".into(), 443, 1),
            ("2001:db8::1".into(), 7443, 2),
            ("c.example".into(), 6443, 3),
            ("d.example".into(), 1, 4),
        ])
    );
}

#[test]
fn a_priority_of_the_settings_overrides_the_order() {
    let settings = json!({"endpoints": [
        {"address": "late", "priority": 9},
        {"address": "first", "priority": 0},
        {"address": "last"},
    ]});
    assert_eq!(
        endpoints(settings, &["location"]),
        Ok(vec![
            ("location".into(), 6443, 0),
            ("first".into(), 6443, 0),
            ("late".into(), 6443, 9),
            ("last".into(), 6443, 10),
        ])
    );
}

#[test]
fn weight_and_zone_are_handed_on() {
    let plugin =
        plugin(json!({"endpoints": [{"address": "a", "weight": 7, "zone": "b"}]})).unwrap();
    let endpoints = plugin.endpoints(&EndpointRequest::default()).unwrap();
    let [endpoint] = endpoints.as_slice() else {
        panic!("{endpoints:?}");
    };
    assert_eq!((endpoint.weight, endpoint.zone.as_deref()), (7, Some("b")));
}

#[test]
fn an_endpoint_is_listed_once() {
    let settings = json!({"endpoints": [{"address": "a:6443", "priority": 5}]});
    assert_eq!(
        endpoints(settings, &["a", "a:6443", "a:1"]),
        Ok(vec![("a".into(), 6443, 0), ("a".into(), 1, 1)])
    );
}

#[test]
fn discovery_services_are_no_api_servers() {
    let locations = ["discovery://10.0.0.1:9898", "10.0.0.1"];
    assert_eq!(
        endpoints(json!({}), &locations),
        Ok(vec![("10.0.0.1".into(), 6443, 0)])
    );
    assert!(matches!(
        endpoints(json!({}), &["discovery://10.0.0.1"]),
        Err(EndpointError::InvalidRequest(_))
    ));
}

#[test]
fn what_is_no_address_is_refused() {
    let error = endpoints(json!({}), &["http://a"]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("\"http://a\" is not a host name"),
        "{error}"
    );
    let error = plugin(json!({"endpoints": [{"address": "a"}, {"address": "a:b"}]})).unwrap_err();
    assert_eq!(error.as_slice()[0].path, "endpoints[1].address");
    let error = plugin(json!({"endpoints": [{"adress": "a"}]})).unwrap_err();
    assert_eq!(error.as_slice()[0].path, "endpoints[0].adress");
    assert_eq!(error.as_slice()[0].suggestion.as_deref(), Some("address"));
}
