//! What init leaves in a cluster, so that two runs can be compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Value, json};
use slipway_tests::Finished;

/// What init makes or could make twice.
const KINDS: &str =
    "namespaces,secrets,configmaps,roles,rolebindings,clusterroles,clusterrolebindings";

/// Every object of those kinds, in order. The token of this answer of init is called so, and its addresses, too.
#[track_caller]
pub(super) fn of(
    init: &Value,
    address: &str,
    kubectl: impl Fn(&[&str]) -> Finished,
) -> Vec<String> {
    let token = init["token"].as_str().expect("a token");
    let (id, secret) = token.split_once('.').expect("a token");
    let changing = [
        (STANDARD.encode(id), "THE-ID"),
        (STANDARD.encode(secret), "THE-SECRET"),
        (format!("bootstrap-token-{id}"), "bootstrap-token-THE-ID"),
        (address.to_owned(), "THE-ADDRESS"),
    ];
    let get = ["get", KINDS, "--all-namespaces", "--output=json"];
    let listed = kubectl(&get).json();
    let objects = listed["items"].as_array().expect("a list").iter();
    let mut shown: Vec<_> = objects
        .filter(|object| is_of_init(object))
        .map(|object| {
            let text = lasting(object).to_string();
            changing
                .iter()
                .fold(text, |text, (value, name)| text.replace(value, name))
        })
        .collect();
    shown.sort();
    shown
}

/// Other ConfigMaps are the API server's and the controllers'.
fn is_of_init(object: &Value) -> bool {
    object["kind"] != "ConfigMap" || object["metadata"]["name"] == "cluster-info"
}

/// An object without what is another's or differs from run to run.
fn lasting(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = &object["metadata"];
    object["metadata"] = json!({
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "labels": metadata["labels"],
    });
    if let Some(expiration) = object.pointer_mut("/data/expiration") {
        *expiration = json!("THE-TIME");
    }
    if let Some(Value::Object(data)) = object.get_mut("data") {
        // The bootstrap signer's, which follow at their own time.
        data.retain(|key, _| !key.starts_with("jws-kubeconfig-"));
    }
    if let Some(Value::String(text)) = object.pointer_mut("/data/kubeconfig") {
        *text = without_what_is_made_anew(text);
    }
    object
}

/// A kubeconfig without the CA, which a node that joins compares, and without the API server's own address.
fn without_what_is_made_anew(kubeconfig: &str) -> String {
    let ca = Regex::new("certificate-authority-data: [^\n]+").expect("a pattern");
    let own = Regex::new(r"127\.1\.0\.\d+").expect("a pattern");
    let text = ca.replace_all(kubeconfig, "certificate-authority-data: THE-CA");
    own.replace_all(&text, "OWN").into_owned()
}
