//! What the export macros put between a plugin and the host.

use std::marker::PhantomData;

use crate::bindings::imports::slipway::plugin::types as wit_types;
use crate::bindings::plugin_info::exports::slipway::plugin::plugin_info as wit;
use crate::settings::{self, SettingError, SettingErrors};
use crate::{Plugin, host};

/// The component's exports, made of a plugin.
pub struct Exported<P>(PhantomData<P>);

/// What `Cargo.toml` says about the plugin; the export macros implement it.
pub trait Described {
    /// The package's name.
    const NAME: &'static str;
    /// The package's version.
    const VERSION: &'static str;
    /// The package's description.
    const DESCRIPTION: &'static str;
    /// The package's homepage; empty if there is none.
    const HOMEPAGE: &'static str;
}

/// Starts a call: makes the plugin from its settings.
pub(crate) fn enter<P: Plugin>() -> Result<P, SettingErrors> {
    host::report_panics();
    settings::configured()
}

impl<P: Plugin + Described> wit::Guest for Exported<P> {
    fn info() -> wit::PluginMetadata {
        wit::PluginMetadata {
            name: P::NAME.to_owned(),
            version: P::VERSION.to_owned(),
            description: P::DESCRIPTION.to_owned(),
            homepage: Some(P::HOMEPAGE.to_owned()).filter(|homepage| !homepage.is_empty()),
        }
    }

    fn validate_settings() -> Result<(), Vec<wit::SettingError>> {
        match enter::<P>() {
            Ok(_) => Ok(()),
            Err(errors) => Err(errors.into_vec().into_iter().map(Into::into).collect()),
        }
    }
}

impl From<SettingError> for wit_types::SettingError {
    fn from(error: SettingError) -> Self {
        Self {
            path: error.path,
            message: error.message,
            suggestion: error.suggestion,
        }
    }
}

/// Exports `plugin-info` and the interface of one extension point.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($plugin:ty, $trait:path, $module:ident) => {
        impl $crate::export::Described for $plugin {
            const NAME: &'static str = ::core::env!("CARGO_PKG_NAME");
            const VERSION: &'static str = ::core::env!("CARGO_PKG_VERSION");
            const DESCRIPTION: &'static str = ::core::env!("CARGO_PKG_DESCRIPTION");
            const HOMEPAGE: &'static str = ::core::env!("CARGO_PKG_HOMEPAGE");
        }

        const _: () = {
            const fn implements<T: $trait>() {}
            implements::<$plugin>();
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::export::Exported<$plugin>;
            $crate::bindings::plugin_info::export!(
                Exported with_types_in $crate::bindings::plugin_info
            );
    $crate::bindings::$module::export!(Exported with_types_in $crate::bindings::$module);
        };
    };
}
