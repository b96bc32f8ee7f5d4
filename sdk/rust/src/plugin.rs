//! What all plugins have in common.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::settings::SettingErrors;

/// A plugin: something that is made from its settings and then answers one call.
///
/// The host makes a fresh instance for every call, so nothing that a plugin keeps in memory reaches the next one.
pub trait Plugin: Sized {
    /// The settings, as the operator writes them. Derive `Deserialize` with `deny_unknown_fields`, so that a
    /// misspelt setting is an error with a suggestion; use [`NoSettings`] if there are none.
    type Settings: DeserializeOwned;

    /// Makes the plugin from its settings.
    ///
    /// The host calls this once when it loads the plugin, and refuses to use it if this fails; and then for
    /// each call.
    ///
    /// # Errors
    /// The settings are well-formed but make no sense; each error names the setting.
    fn configure(settings: Self::Settings) -> Result<Self, SettingErrors>;
}

/// The settings of a plugin that has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}
