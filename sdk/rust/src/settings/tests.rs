use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::testing::MockHost;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Example {
    names: Vec<String>,
    #[serde(default)]
    max_nodes: Option<u8>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    inner: Vec<Inner>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    Strict,
    AtMost(u32),
    Between {
        low: u32,
        high: u32,
    },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    port: u16,
}

fn error(settings: Value) -> String {
    parse::<Example>(settings).unwrap_err().to_string()
}

#[test]
fn settings_become_the_plugins_type() {
    let settings =
        json!({"names": ["a"], "maxNodes": 3, "mode": {"at-most": 5}, "inner": [{"port": 1}]});
    let expected = Example {
        names: vec!["a".into()],
        max_nodes: Some(3),
        mode: Mode::AtMost(5),
        inner: vec![Inner { port: 1 }],
    };
    assert_eq!(parse::<Example>(settings), Ok(expected));
    let settings = json!({"names": [], "maxNodes": null, "mode": "strict"});
    assert_eq!(parse::<Example>(settings).unwrap().mode, Mode::Strict);
    let settings = json!({"names": [], "mode": {"between": {"low": 1, "high": 2}}});
    assert_eq!(
        parse::<Example>(settings).unwrap().mode,
        Mode::Between { low: 1, high: 2 }
    );
}

#[test]
fn a_misspelt_setting_is_named_with_a_suggestion() {
    assert_eq!(
        error(json!({"names": [], "maxnodes": 3})),
        "maxnodes: there is no setting \"maxnodes\"; expected names, maxNodes, mode, inner; did you mean \"maxNodes\"?"
    );
    assert_eq!(
        error(json!({"names": [], "inner": [{"port": 1}, {"prot": 2}]})),
        "inner[1].prot: there is no setting \"prot\"; expected port; did you mean \"port\"?"
    );
    assert_eq!(
        error(json!({"names": [], "zzz": 3})),
        "zzz: there is no setting \"zzz\"; expected names, maxNodes, mode, inner"
    );
}

#[test]
fn a_wrong_type_is_named_with_what_was_expected() {
    assert_eq!(
        error(json!({"names": ["a", 7]})),
        "names[1]: expected a string, found integer `7`"
    );
    assert_eq!(
        error(json!({"names": [], "maxNodes": 300})),
        "maxNodes: expected u8, found integer `300`"
    );
    assert_eq!(
        error(json!({"names": [], "mode": {"at-most": "five"}})),
        "mode.at-most: expected u32, found string \"five\""
    );
    assert_eq!(
        error(json!({"names": [], "mode": "strickt"})),
        "mode: there is no choice \"strickt\"; expected strict, at-most, between; did you mean \"strict\"?"
    );
    assert_eq!(
        error(json!({"names": [], "mode": {"strict": 1}})),
        "mode.strict: this choice has no settings"
    );
    assert_eq!(error(json!({})), "the setting \"names\" is missing");
    assert_eq!(
        error(json!({"names": [], "inner": [{}]})),
        "inner[0]: the setting \"port\" is missing"
    );
}

#[test]
fn settings_are_read_from_the_host() {
    let _host = MockHost::new()
        .settings(json!({"names": ["a", "b"]}))
        .install();
    assert_eq!(load::<Example>().unwrap().names, ["a", "b"]);
}

#[test]
fn a_setting_that_is_not_json_is_named() {
    let _host = MockHost::new().raw_setting("names", "[\"a\"").install();
    let error = load::<Example>().unwrap_err();
    assert_eq!(error.path, "names");
    assert!(error.message.starts_with("it is not JSON: "), "{error}");
}
