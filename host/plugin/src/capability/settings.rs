//! The plugin's own settings, as `wasi:config/store`: one key for each top-level setting, its value as JSON.
//!
//! Not wasmtime-wasi-config, which answers `get-all` in another order each time: the same call has to see
//! the same things.

use std::sync::Arc;

use serde_json::{Map, Value};
use slipway_config::digest::Sha256Digest;
use slipway_config::plugin::Grants;
use wasmtime::component::{HasSelf, Linker};

use super::{Access, Capability};
use crate::ExtensionPoint;
use crate::bindings::wasi::config::store;
use crate::call::CallState;

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
}

impl SettingsView {
    pub(crate) fn new(settings: &Map<String, Value>) -> Self {
        let mut entries: Vec<_> = settings
            .iter()
            .map(|(key, value)| (key.clone(), value.to_string()))
            .collect();
        entries.sort();
        Self {
            entries: entries.into(),
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

impl store::Host for SettingsView {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
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
        SettingsView::new(value.as_object().unwrap())
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
