//! Each bundled component has a page in `docs/plugins`. What can be read of the component (what it is, what it asks for, its
//! settings) is not written by hand: these tests compare it, and write it with `SLIPWAY_UPDATE_DOCS=1`.

mod settings;

use std::fs;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value;
use slipway_tests::Sandbox;

/// Between these two lines nothing is written by hand.
const BEGIN: &str = "<!-- read from the component; `SLIPWAY_UPDATE_DOCS=1 cargo nextest run --test plugin_pages` writes it -->";
const END: &str = "<!-- until here -->";

/// The settings of each component that has any.
fn settings_of(plugin: &str) -> Option<Schema> {
    fn schema<T: JsonSchema>() -> Option<Schema> {
        Some(schema_for!(T))
    }
    match plugin {
        "approve-node-client" => schema::<approve_node_client::Settings>(),
        "approve-node-serving" => schema::<approve_node_serving::Settings>(),
        "approve-rules" => schema::<approve_rules::Settings>(),
        "endpoints-dns" => schema::<endpoints_dns::Settings>(),
        "endpoints-https" => schema::<endpoints_https::Settings>(),
        "endpoints-static" => schema::<endpoints_static::Settings>(),
        _ => None,
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plugins")
}

#[test]
fn every_component_has_a_page_that_says_what_it_is() {
    let mut stale = Vec::new();
    for bundled in slipway_plugin::bundled::list() {
        let page = folder().join(format!("{}.md", bundled.name));
        let text =
            fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        let (before, rest) = text
            .split_once(BEGIN)
            .unwrap_or_else(|| panic!("{} has no line {BEGIN}", page.display()));
        let (_, after) = rest
            .split_once(END)
            .unwrap_or_else(|| panic!("{} has no line {END}", page.display()));
        let read = format!("{before}{BEGIN}\n\n{}\n{END}{after}", read(bundled.name));
        if read == text {
            continue;
        }
        match std::env::var_os("SLIPWAY_UPDATE_DOCS") {
            Some(_) => fs::write(&page, read).expect("the page can be written"),
            None => stale.push(bundled.name),
        }
    }
    assert!(
        stale.is_empty(),
        "these pages are not what the components are: {stale:?}; SLIPWAY_UPDATE_DOCS=1 writes them"
    );
}

#[test]
fn there_is_no_page_without_a_component() {
    for entry in fs::read_dir(folder()).expect("docs/plugins") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("UTF-8").trim_end_matches(".md");
        let is_bundled = slipway_plugin::bundled::list()
            .iter()
            .any(|bundled| bundled.name == name);
        assert!(is_bundled, "{name} is no bundled component");
    }
}

/// Folders that the examples speak of.
const FOLDERS: [&str; 2] = ["/etc/slipway/inventory", "/var/lib/tokens"];

#[test]
fn the_examples_are_valid() {
    let sandbox = Sandbox::new();
    let stand_in = sandbox.path().display().to_string();
    let mut examples = 0;
    for bundled in slipway_plugin::bundled::list() {
        let page = folder().join(format!("{}.md", bundled.name));
        let text = fs::read_to_string(&page).expect("a page");
        for block in text.split("```yaml\n").skip(1) {
            let (yaml, _) = block.split_once("```").expect("the end of a block");
            let yaml = FOLDERS.iter().fold(yaml.to_owned(), |yaml, folder| {
                yaml.replace(folder, &stand_in)
            });
            let document =
                format!("apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\n{yaml}");
            let file = sandbox.write("example.yaml", &document);
            let file = file.to_str().expect("UTF-8");
            let _ = sandbox.slipway(&["config", "validate", file]).success();
            examples += 1;
        }
    }
    assert!(examples >= 6, "{examples} examples were found");
}

/// What can be read of a component, in Markdown.
fn read(name: &str) -> String {
    let inspected = Sandbox::new()
        .slipway(&["plugin", "inspect", name, "--output=json"])
        .json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut page = format!(
        "{}.\n\n- kind: `{}`, interface {}\n",
        text(&inspected["metadata"]["description"]),
        text(&inspected["kinds"][0]),
        text(&inspected["interfaceVersion"]),
    );
    let mut lines = Vec::new();
    for import in inspected["imports"].as_array().expect("a list") {
        let need = &import["need"];
        let detail = text(&need["detail"]);
        let line = match need["kind"].as_str() {
            Some("grant") => format!("- needs `{detail}`\n"),
            Some("optional") => format!("- can use `{detail}`\n"),
            _ => continue,
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.sort_by_key(|line| !line.starts_with("- needs"));
    match lines.is_empty() {
        true => page.push_str("- needs no grant\n"),
        false => page.extend(lines),
    }
    page.push_str("\n## Settings\n\n");
    match settings_of(name) {
        None => page.push_str("None.\n"),
        Some(schema) => page.push_str(&settings::listed(schema.as_value())),
    }
    page
}
