//! `docs/attacks.md` names the tests that hold each case of the security model: they have to exist.

use std::fs;
use std::path::{Path, PathBuf};

/// How many cases the security model has.
const CASES: usize = 30;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source below a folder of the workspace.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = fs::read_to_string(root().join("docs/attacks.md")).expect("the page");
    let mut text = String::new();
    for folder in ["host", "plugins", "sdk", "tests"] {
        sources(&root().join(folder), &mut text);
    }
    let mut named = 0;
    for line in page.lines() {
        let Some(name) = line
            .strip_prefix("- `")
            .and_then(|rest| rest.split('`').next())
        else {
            continue;
        };
        // The page says what binaries there are in the same form.
        let Some((_, test)) = name.split_once(' ') else {
            continue;
        };
        let function = test.rsplit("::").next().unwrap_or(test);
        let is_there =
            text.contains(&format!("fn {function}(")) || text.contains(&format!("{function} => "));
        assert!(is_there, "no test {name}");
        named += 1;
    }
    assert!(named > 150, "{named} tests were found on the page");
}

#[test]
fn every_case_is_on_the_page_and_has_a_test() {
    let page = fs::read_to_string(root().join("docs/attacks.md")).expect("the page");
    for case in 1..=CASES {
        let title = format!("\n## {case}. ");
        let (_, rest) = page
            .split_once(&title)
            .unwrap_or_else(|| panic!("case {case} is not there"));
        let section = rest.split("\n## ").next().unwrap_or(rest);
        assert!(section.contains("\n- `"), "case {case} has no test");
    }
}
