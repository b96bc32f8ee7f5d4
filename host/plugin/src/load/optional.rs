//! Which of its imports a component can do without, in its own words: the custom section `slipway:optional-imports` of one
//! of its modules names interfaces, one a line. The build script reads it of the bundled plugins, the host of others.

use std::collections::BTreeSet;

use wasmparser::{Parser, Payload};

/// The section's name.
const SECTION: &str = "slipway:optional-imports";

/// Interfaces without versions: `wasi:http/outgoing-handler`. What cannot be read names none, and the component needs all
/// that it imports.
pub(crate) fn optional_imports(component: &[u8]) -> BTreeSet<String> {
    Parser::new(0)
        .parse_all(component)
        .map_while(Result::ok)
        .filter_map(|payload| match payload {
            Payload::CustomSection(section) if section.name() == SECTION => {
                std::str::from_utf8(section.data()).ok()
            }
            _ => None,
        })
        .flat_map(str::lines)
        .map(str::to_owned)
        .collect()
}
