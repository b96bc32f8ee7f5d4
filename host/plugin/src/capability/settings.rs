//! The plugin's own settings, as `wasi:config/store`: one key for each top-level setting, its value as JSON. The key
//! `slipway:grants` is the host's: what the plugin was granted, so that it can say at once which grant its settings lack.
//!
//! Not wasmtime-wasi-config, which answers `get-all` in another order each time: the same call has to see
//! the same things.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use slipway_config::digest::Sha256Digest;
use slipway_config::plugin::Grants;
use wasmtime::component::{HasSelf, Linker};

use super::{Access, Capability};
use crate::ExtensionPoint;
use crate::bindings::wasi::config::store;
use crate::call::CallState;

/// The key that holds the grants; no setting has a colon in its name.
const GRANTS: &str = "slipway:grants";

/// The settings.
pub(crate) struct Settings;

impl Capability for Settings {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:config/store"]
    }

    fn access(&self, _: &Grants, _: ExtensionPoint) -> Access {
        Access::Open
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        store::add_to_linker::<CallState, HasSelf<SettingsView>>(linker, |state| {
            &mut state.settings
        })
    }
}

/// The settings of one plugin, encoded once.
#[derive(Clone)]
pub(crate) struct SettingsView {
    entries: Arc<[(String, String)]>,
    grants: Arc<str>,
}

impl SettingsView {
    pub(crate) fn new(settings: &Map<String, Value>, grants: &Grants) -> Self {
        let mut entries: Vec<_> = settings
            .iter()
            .map(|(key, value)| (key.clone(), value.to_string()))
            .collect();
        entries.sort();
        Self {
            entries: entries.into(),
            grants: described(grants).to_string().into(),
        }
    }

    /// The digest that stands for these settings, whatever the order in which they were written.
    pub(crate) fn digest(&self) -> Sha256Digest {
        let mut text = String::new();
        for (key, value) in &*self.entries {
            text.push_str(&Value::from(key.as_str()).to_string());
            text.push(':');
            text.push_str(value);
            text.push('\n');
        }
        Sha256Digest::of(text.as_bytes())
    }
}

/// The grants as a plugin may know them: without paths of this machine and without what carries a credential.
fn described(grants: &Grants) -> Value {
    let http = grants.http.iter().map(|grant| {
        json!({
            "scheme": grant.scheme.as_str(),
            "host": grant.host.to_string(),
            "port": grant.effective_port(),
        })
    });
    let folders = grants.filesystem.iter();
    let writable = folders.clone().filter(|grant| grant.writable);
    json!({
        "dns": grants.dns,
        "clocks": grants.clocks,
        "random": grants.random,
        "folders": folders.map(|grant| grant.name.as_str()).collect::<Vec<_>>(),
        "writableFolders": writable.map(|grant| grant.name.as_str()).collect::<Vec<_>>(),
        "http": http.collect::<Vec<_>>(),
        "cluster": grants.cluster,
    })
}

impl store::Host for SettingsView {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
        if key == GRANTS {
            return Ok(Ok(Some(self.grants.to_string())));
        }
        Ok(Ok(self
            .entries
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.clone())))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, store::Error>> {
        Ok(Ok(self.entries.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn view(value: Value) -> SettingsView {
        SettingsView::new(value.as_object().unwrap(), &Grants::default())
    }

    #[test]
    fn a_plugin_learns_what_it_may_and_nothing_of_this_machine() {
        let grants: Grants = serde_json::from_value(json!({
            "dns": true,
            "http": [{"host": "inventory.example", "credentialFile": "/etc/secret"}],
            "filesystem": [{"name": "inventory", "path": "/srv/inventory"}],
            "cluster": [{"version": "v1", "kind": "Node"}],
        }))
        .unwrap();
        let mut view = SettingsView::new(&Map::new(), &grants);
        let told = store::Host::get(&mut view, GRANTS.to_owned())
            .unwrap()
            .unwrap();
        insta::assert_snapshot!(told.unwrap(), @r#"{"dns":true,"clocks":false,"random":false,"folders":["inventory"],"writableFolders":[],"http":[{"scheme":"https","host":"inventory.example","port":443}],"cluster":[{"group":"","version":"v1","kind":"Node"}]}"#);
        assert_eq!(store::Host::get_all(&mut view).unwrap().unwrap(), []);
    }

    #[test]
    fn values_are_json_texts() {
        let mut view = view(json!({"names": ["a"], "strict": true, "text": "x"}));
        let mut get = |key: &str| {
            store::Host::get(&mut view, key.to_owned())
                .unwrap()
                .unwrap()
        };
        assert_eq!(get("names").as_deref(), Some(r#"["a"]"#));
        assert_eq!(get("strict").as_deref(), Some("true"));
        assert_eq!(get("text").as_deref(), Some(r#""x""#));
        assert_eq!(get("absent"), None);
    }

    #[test]
    fn the_digest_tells_settings_apart_and_not_their_order() {
        let digest = |value| view(value).digest();
        assert_eq!(
            digest(json!({"a": 1, "b": 2})),
            digest(json!({"b": 2, "a": 1}))
        );
        assert_ne!(digest(json!({"a": 1})), digest(json!({"a": "1"})));
        assert_ne!(digest(json!({})), digest(json!({"a": null})));
    }
}
