//! Which plugins decide, and what each of them may do: the kind `PluginConfiguration` of `slipway.dev/v1alpha1`.

mod configuration;
mod entry;
mod grants;
mod limits;
mod source;

pub use configuration::{PluginConfiguration, bundled};
pub use entry::{EntryError, Mode, PluginEntry, PluginName, PluginNameError};
pub use grants::{
    ClusterGrant, FilesystemGrant, GrantError, Grants, HttpGrant, HttpMethod, HttpScheme,
};
pub use limits::{LimitError, Limits};
pub use source::{PluginSource, SourceError};
