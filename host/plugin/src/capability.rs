//! What a plugin may be allowed to do, one module each.
//!
//! A plugin has no ambient authority: it can call what it imports, and an import is linked only as its
//! [`Capability`] says for the grants of its entry. Three cases:
//!
//! - An interface that conveys no authority is always linked: `wasi:io`, the log, the settings, an empty environment,
//!   standard streams that end in the log.
//! - An interface that conveys authority is linked when it was granted. Otherwise the plugin does not load, with a
//!   sentence that names the plugin, the import and the line of configuration that would grant it.
//! - A component made for wasip2 (or from Python or JavaScript) carries the runtime of its language, which imports
//!   files and sockets whether the plugin uses them or not; its imports are no wishes of the author. Such a
//!   component is known by its `wasi:cli` imports. For it, interfaces that are *inert* without a grant (every function
//!   needs a handle that an empty context does not give, or refuses) are linked to an empty context. Clocks and
//!   secure randomness have no empty form, and have to be granted here, too.
//! - A component can say of imports that it does without them (`load::optional`). They are linked to an empty context, too, in
//!   which clocks stand still.
//!
//! Adding a capability is adding a module and a line in [`ALL`].

pub(crate) mod bootstrap_token;
pub(crate) mod clocks;
pub(crate) mod cluster;
pub(crate) mod dns;
pub(crate) mod dns_records;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod network;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod settings;
pub(crate) mod sockets;
pub(crate) mod unverified_https;

use slipway_config::plugin::Grants;
use wasmtime::component::Linker;

use crate::ExtensionPoint;
use crate::call::CallState;

/// One capability: some interfaces and when they are linked.
pub(crate) trait Capability: Sync {
    /// The interfaces, without versions: `wasi:clocks/wall-clock`.
    fn interfaces(&self) -> &'static [&'static str];

    /// What a plugin of this kind with these grants gets.
    fn access(&self, grants: &Grants, point: ExtensionPoint) -> Access;

    /// Adds the interfaces to the linker.
    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()>;
}

/// What a plugin gets of a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It is linked, because it was granted or because there is no authority in it.
    Open,
    /// It needs this line of configuration under `grants`.
    NeedsGrant {
        /// The line.
        grant: &'static str,
        /// Whether it may be linked without the grant, to do nothing.
        inert: Inert,
    },
    /// It cannot be had.
    Never {
        /// Why, as the rest of a sentence: "which …".
        reason: &'static str,
        /// As above.
        inert: Inert,
    },
}

/// When something that was not granted is linked nevertheless, to do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Inert {
    /// Never.
    Never,
    /// Where the component says that it can do without.
    WhenOptional,
    /// There, and where only the runtime of a language imports it.
    Always,
}

/// All capabilities.
pub(crate) const ALL: &[&dyn Capability] = &[
    &process::Process,
    &log::Log,
    &settings::Settings,
    &bootstrap_token::BootstrapTokens,
    &unverified_https::UnverifiedHttps,
    &cluster::Cluster,
    &clocks::Clocks,
    &random::InsecureSeed,
    &random::Random,
    &files::Files,
    &dns::Dns,
    &dns_records::DnsRecords,
    &sockets::Sockets,
    &http::Http,
];

/// The version of WASI's interfaces, as wasmtime-wasi links them: those of our own have to be found beside its own.
pub(crate) const WASI: &str = "0.2.12";

/// The capability that an interface belongs to.
pub(crate) fn of(interface: &str) -> Option<&'static dyn Capability> {
    ALL.iter()
        .copied()
        .find(|capability| capability.interfaces().contains(&interface))
}

/// Whether an import shows that a component carries the runtime of a language.
pub(crate) fn is_of_a_language_runtime(interface: &str) -> bool {
    interface.starts_with("wasi:cli/")
}
