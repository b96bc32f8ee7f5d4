//! What a component exports and imports.

use std::collections::BTreeSet;
use std::fmt;

use slipway_config::plugin::Grants;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::capability::{self, Access, Capability, Inert};
use crate::{ExtensionPoint, LoadError};

/// The version of the interfaces that this host serves.
pub const INTERFACE_VERSION: &str = "0.1.0";

/// The package of the interfaces.
const PACKAGE: &str = "slipway:plugin/";

/// The name of an interface: `wasi:io/error@0.2.12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InterfaceName {
    text: String,
    /// Bytes before the version.
    unversioned: usize,
    /// Whether nothing in it can be called: another interface's functions speak of its types.
    types_only: bool,
}

impl InterfaceName {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            unversioned: text.find('@').unwrap_or(text.len()),
            types_only: false,
        }
    }

    /// An import, as the component's type has it.
    fn imported(text: &str, item: &ComponentItem, engine: &wasmtime::Engine) -> Self {
        let is_callable = |item: &ComponentItem| {
            !matches!(item, ComponentItem::Type(_) | ComponentItem::Resource(_))
        };
        let types_only = match item {
            ComponentItem::ComponentInstance(instance) => !instance
                .exports(engine)
                .any(|(_, export)| is_callable(&export.ty)),
            item => !is_callable(item),
        };
        Self {
            types_only,
            ..Self::new(text)
        }
    }

    /// The name as the component has it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Without the version: `wasi:io/error`.
    pub(crate) fn unversioned(&self) -> &str {
        self.text.get(..self.unversioned).unwrap_or(&self.text)
    }

    /// The version, if it has one: `0.2.12`.
    pub(crate) fn version(&self) -> Option<&str> {
        self.text.get(self.unversioned + 1..)
    }

    /// Whether what the component has of an interface of ours is in a version that fits: before 1.0 the second number
    /// has to be the same.
    fn is_served(&self) -> bool {
        let served = INTERFACE_VERSION.rsplit_once('.').map(|(minor, _)| minor);
        let found = self
            .version()
            .and_then(|version| version.rsplit_once('.'))
            .map(|(minor, _)| minor);
        found == served
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The interfaces that a component exports and imports.
pub(crate) struct Surface {
    imports: Vec<InterfaceName>,
    exports: Vec<InterfaceName>,
    optional: BTreeSet<String>,
}

impl Surface {
    /// Reads them from the component's type. `optional` are the interfaces, without versions, that it says it can do without.
    pub(crate) fn of(
        component: &Component,
        engine: &wasmtime::Engine,
        optional: BTreeSet<String>,
    ) -> Self {
        let component = component.component_type();
        Self {
            optional,
            imports: component
                .imports(engine)
                .map(|(name, item)| InterfaceName::imported(name, &item.ty, engine))
                .collect(),
            exports: component
                .exports(engine)
                .map(|(name, _)| InterfaceName::new(name))
                .collect(),
        }
    }

    /// What it imports, in its own order.
    pub(crate) fn imports(&self) -> &[InterfaceName] {
        &self.imports
    }

    /// The extension points that it fills, in a version that is served.
    pub(crate) fn points(&self) -> Vec<ExtensionPoint> {
        ExtensionPoint::ALL
            .into_iter()
            .filter(|point| {
                self.export(point.as_str())
                    .is_some_and(InterfaceName::is_served)
            })
            .collect()
    }

    fn export(&self, interface: &str) -> Option<&InterfaceName> {
        self.exports
            .iter()
            .find(|name| name.unversioned().strip_prefix(PACKAGE) == Some(interface))
    }

    /// Checks that the component can fill an extension point.
    pub(crate) fn check_exports(
        &self,
        plugin: &str,
        point: ExtensionPoint,
    ) -> Result<(), LoadError> {
        let wrong = |reason: String| LoadError::WrongKind {
            plugin: plugin.to_owned(),
            expected: point,
            reason,
        };
        for interface in [point.as_str(), "plugin-info"] {
            match self.export(interface) {
                Some(name) if name.is_served() => {}
                Some(name) => {
                    return Err(wrong(format!(
                        "it exports {name}, and this host serves version {INTERFACE_VERSION}"
                    )));
                }
                None => return Err(wrong(self.described(point, interface))),
            }
        }
        Ok(())
    }

    fn described(&self, point: ExtensionPoint, missing: &str) -> String {
        let others: Vec<_> = self.points().iter().map(|point| point.as_str()).collect();
        match others.as_slice() {
            [] => format!("it is not a plugin of Slipway: it does not export {PACKAGE}{missing}"),
            _ if others.contains(&point.as_str()) => {
                format!("it does not export {PACKAGE}{missing}, which every plugin has to")
            }
            others => format!(
                "it is a {}, and stands under {}, which takes a {point}",
                others.join(" and a "),
                point.configuration_list()
            ),
        }
    }

    /// The capabilities to link, each once.
    ///
    /// # Errors
    /// Something is imported that the plugin does not get; the sentence says what to do.
    pub(crate) fn capabilities(
        &self,
        plugin: &str,
        grants: &Grants,
        point: ExtensionPoint,
    ) -> Result<Vec<&'static dyn Capability>, LoadError> {
        let mut capabilities: Vec<&'static dyn Capability> = Vec::new();
        for import in &self.imports {
            match self.need(import, grants, point) {
                Need::Nothing(capability) | Need::Optional { capability, .. } => {
                    let interfaces = capability.interfaces();
                    if !capabilities
                        .iter()
                        .any(|known| known.interfaces() == interfaces)
                    {
                        capabilities.push(capability);
                    }
                }
                Need::Grant(grant) => {
                    return Err(LoadError::MissingGrant {
                        plugin: plugin.to_owned(),
                        import: import.to_string(),
                        grant: grant.to_owned(),
                        list: point.configuration_list(),
                    });
                }
                Need::Never(reason) => {
                    return Err(LoadError::Forbidden {
                        plugin: plugin.to_owned(),
                        import: import.to_string(),
                        reason,
                    });
                }
            }
        }
        Ok(capabilities)
    }

    /// What an import needs of the operator.
    pub(crate) fn need(
        &self,
        import: &InterfaceName,
        grants: &Grants,
        point: ExtensionPoint,
    ) -> Need {
        let Some(capability) = capability::of(import.unversioned()) else {
            return Need::Never("which this version of Slipway does not have");
        };
        if import.types_only {
            return Need::Nothing(capability);
        }
        let (inert, need) = match capability.access(grants, point) {
            Access::Open => return Need::Nothing(capability),
            Access::NeedsGrant { grant, inert } => (inert, Need::Grant(grant)),
            Access::Never { reason, inert } => (inert, Need::Never(reason)),
        };
        let does_without = match inert {
            Inert::Never => false,
            Inert::WhenOptional => self.can_do_without(capability),
            Inert::Always => self.can_do_without(capability) || self.carries_a_language_runtime(),
        };
        match need {
            Need::Grant(grant) if does_without => Need::Optional {
                capability,
                grant: Some(grant),
            },
            Need::Never(_) if does_without => Need::Optional {
                capability,
                grant: None,
            },
            need => need,
        }
    }

    fn can_do_without(&self, capability: &dyn Capability) -> bool {
        capability
            .interfaces()
            .iter()
            .any(|interface| self.optional.contains(*interface))
    }

    fn carries_a_language_runtime(&self) -> bool {
        self.imports
            .iter()
            .any(|name| capability::is_of_a_language_runtime(name.unversioned()))
    }
}

/// What an import needs of the operator.
pub(crate) enum Need {
    /// Nothing, or it was granted.
    Nothing(&'static dyn Capability),
    /// Nothing for the plugin to load; without the grant the interface does nothing.
    Optional {
        /// To link the inert form.
        capability: &'static dyn Capability,
        /// The line that makes it do something, where there is one.
        grant: Option<&'static str>,
    },
    /// This line of configuration.
    Grant(&'static str),
    /// It cannot be had, as the rest of a sentence.
    Never(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(exports: &[&str], imports: &[&str]) -> Surface {
        Surface {
            imports: imports
                .iter()
                .map(|name| InterfaceName::new(name))
                .collect(),
            exports: exports
                .iter()
                .map(|name| InterfaceName::new(name))
                .collect(),
            optional: BTreeSet::new(),
        }
    }

    fn exports(exports: &[&str]) -> String {
        match surface(exports, &[]).check_exports("p", ExtensionPoint::CsrApprover) {
            Ok(()) => "fits".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn imports(imports: &[&str], grants: &Grants) -> String {
        match surface(&[], imports).capabilities("p", grants, ExtensionPoint::CsrApprover) {
            Ok(capabilities) => format!("{} linked", capabilities.len()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_plugin_exports_its_extension_point_in_a_served_version() {
        let info = "slipway:plugin/plugin-info@0.1.0";
        insta::assert_snapshot!(exports(&["slipway:plugin/csr-approver@0.1.0", info]), @"fits");
        insta::assert_snapshot!(exports(&["slipway:plugin/csr-approver@0.1.7", info]), @"fits");
        insta::assert_snapshot!(exports(&["slipway:plugin/csr-approver@0.2.0", info]), @"plugin p: it exports slipway:plugin/csr-approver@0.2.0, and this host serves version 0.1.0");
        insta::assert_snapshot!(exports(&["slipway:plugin/csr-approver@0.1.0"]), @"plugin p: it does not export slipway:plugin/plugin-info, which every plugin has to");
        insta::assert_snapshot!(exports(&["slipway:plugin/trust-source@0.1.0", info]), @"plugin p: it is a trust-source, and stands under csrApprovers, which takes a csr-approver");
        insta::assert_snapshot!(exports(&["wasi:cli/run@0.2.0"]), @"plugin p: it is not a plugin of Slipway: it does not export slipway:plugin/csr-approver");
    }

    #[test]
    fn an_import_without_its_grant_is_a_sentence() {
        let none = Grants::default();
        let sentences = [
            "wasi:clocks/wall-clock@0.2.12",
            "wasi:random/random@0.2.0",
            "wasi:filesystem/preopens@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:sockets/ip-name-lookup@0.2.0",
            "wasi:sockets/tcp@0.2.0",
            "wasi:keyvalue/store@0.2.0",
            "slipway:plugin/cluster@0.1.0",
            "slipway:plugin/unverified-https@0.1.0",
            "slipway:plugin/bootstrap-token@0.1.0",
        ]
        .map(|import| imports(&[import], &none))
        .join("\n");
        insta::assert_snapshot!(sentences, @r"
        plugin p imports wasi:clocks/wall-clock@0.2.12, which needs a grant: add `grants: {clocks: true}` to its entry under csrApprovers
        plugin p imports wasi:random/random@0.2.0, which needs a grant: add `grants: {random: true}` to its entry under csrApprovers
        plugin p imports wasi:filesystem/preopens@0.2.0, which needs a grant: add `grants: {filesystem: [{name: NAME, path: /a/folder}]}` to its entry under csrApprovers
        plugin p imports wasi:http/outgoing-handler@0.2.0, which needs a grant: add `grants: {http: [{scheme: https, host: a.server, port: 443}]}` to its entry under csrApprovers
        plugin p imports wasi:sockets/ip-name-lookup@0.2.0, which needs a grant: add `grants: {dns: true}` to its entry under csrApprovers
        plugin p imports wasi:sockets/tcp@0.2.0, which no plugin gets: use wasi:http/outgoing-handler with a grant for the server
        plugin p imports wasi:keyvalue/store@0.2.0, which this version of Slipway does not have
        plugin p imports slipway:plugin/cluster@0.1.0, which needs a grant: add `grants: {cluster: [{version: v1, kind: Node}]}` to its entry under csrApprovers
        plugin p imports slipway:plugin/unverified-https@0.1.0, which only a trust source can have
        plugin p imports slipway:plugin/bootstrap-token@0.1.0, which only a trust source can have
        ");
    }

    #[test]
    fn a_granted_import_is_linked() {
        let grants = Grants {
            clocks: true,
            ..Grants::default()
        };
        assert_eq!(
            imports(
                &[
                    "wasi:clocks/wall-clock@0.2.12",
                    "wasi:clocks/monotonic-clock@0.2.12",
                    "wasi:io/poll@0.2.12"
                ],
                &grants
            ),
            "2 linked"
        );
    }

    #[test]
    fn what_a_component_can_do_without_needs_no_grant() {
        let needs = |interface: &str, optional: &str| {
            let surface = Surface {
                optional: BTreeSet::from([optional.to_owned()]),
                ..surface(&[], &[])
            };
            let import = InterfaceName::new(interface);
            matches!(
                surface.need(&import, &Grants::default(), ExtensionPoint::CsrApprover),
                Need::Grant(_) | Need::Never(_)
            )
        };
        // Naming one interface of a capability is enough.
        assert!(!needs(
            "wasi:http/types@0.2.12",
            "wasi:http/outgoing-handler"
        ));
        assert!(needs(
            "wasi:http/types@0.2.12",
            "wasi:sockets/ip-name-lookup"
        ));
        assert!(!needs(
            "wasi:clocks/wall-clock@0.2.12",
            "wasi:clocks/wall-clock"
        ));
        assert!(!needs(
            "slipway:plugin/cluster@0.1.0",
            "slipway:plugin/cluster"
        ));
        // Randomness that is none would be worse than none.
        assert!(needs("wasi:random/random@0.2.12", "wasi:random/random"));
        assert!(needs(
            "slipway:plugin/bootstrap-token@0.1.0",
            "slipway:plugin/bootstrap-token"
        ));
    }

    #[test]
    fn the_runtime_of_a_language_loads_without_what_it_does_not_use() {
        let runtime = [
            "wasi:cli/environment@0.2.0",
            "wasi:filesystem/types@0.2.0",
            "wasi:filesystem/preopens@0.2.0",
            "wasi:sockets/tcp@0.2.0",
            "wasi:random/insecure-seed@0.2.0",
        ];
        assert_eq!(imports(&runtime, &Grants::default()), "4 linked");
        let with_clock = [runtime.as_slice(), &["wasi:clocks/wall-clock@0.2.0"]].concat();
        insta::assert_snapshot!(imports(&with_clock, &Grants::default()), @"plugin p imports wasi:clocks/wall-clock@0.2.0, which needs a grant: add `grants: {clocks: true}` to its entry under csrApprovers");
        let with_cluster = [runtime.as_slice(), &["slipway:plugin/cluster@0.1.0"]].concat();
        assert!(imports(&with_cluster, &Grants::default()).contains("needs a grant"));
    }
}
