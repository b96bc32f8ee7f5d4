//! Settings: what the operator wrote under a plugin's `settings`, as the plugin's own type.
//!
//! The host hands each top-level setting over as JSON text in `wasi:config/store`. An error names the
//! setting as the operator would look for it, and suggests the nearest valid spelling.

mod error;
mod value;

#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use error::{SettingError, SettingErrors, nearest};

use crate::{Plugin, host};

/// The settings of the present call. A plugin gets them in [`Plugin::configure`] and need not call this.
///
/// # Errors
/// They cannot be had, or are not what `T` expects.
pub fn load<T: DeserializeOwned>() -> Result<T, SettingError> {
    let mut settings = Map::new();
    for (key, text) in host::settings().map_err(SettingError::whole)? {
        let value = serde_json::from_str(&text)
            .map_err(|source| SettingError::new(&*key, format!("it is not JSON: {source}")))?;
        settings.insert(key, value);
    }
    parse(Value::Object(settings))
}

/// Reads settings from a value.
///
/// # Errors
/// They are not what `T` expects.
pub fn parse<T: DeserializeOwned>(settings: Value) -> Result<T, SettingError> {
    value::deserialize(settings)
}

/// The plugin, made from the settings of the present call.
pub(crate) fn configured<P: Plugin>() -> Result<P, SettingErrors> {
    P::configure(load()?)
}
