//! The documents are followed to the letter: every command that they have a reader type is typed, and works.

mod document;
mod reader;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use document::{Step, steps};
use reader::Reader;

/// Commands that are not typed here, and why.
const CHORES: [(&str, &str); 3] = [
    (
        "cargo xtask setup",
        "downloads tools; `cargo xtask test`, of which this is a part, begins with it",
    ),
    (
        "cargo xtask demo",
        "a release build of ten minutes; the demo itself is tests/demo.rs, with the binary of this build",
    ),
    ("cargo xtask test", "it is what runs this"),
];

#[test]
fn every_command_of_the_documents_works() {
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        let steps = steps(&text);
        if steps.iter().all(is_chore) {
            continue;
        }
        eprintln!("== {}", file.display());
        let mut reader = Reader::new();
        for step in steps.iter().filter(|step| !is_chore(step)) {
            reader.follow(step);
        }
        reader.finish();
    }
}

#[test]
fn the_documents_name_every_chore_that_is_left_out() {
    let typed: BTreeSet<String> = documents()
        .iter()
        .flat_map(|file| steps(&fs::read_to_string(file).expect("a document")))
        .filter_map(|step| match step {
            Step::Run(command) => Some(command),
            Step::Write { .. } => None,
        })
        .collect();
    for (chore, _) in CHORES {
        assert!(typed.contains(chore), "no document has {chore} any more");
    }
    assert!(
        typed
            .iter()
            .any(|command| command.starts_with("slipway join")),
        "the documents were found: {typed:?}"
    );
}

fn is_chore(step: &Step) -> bool {
    match step {
        Step::Run(command) => CHORES.iter().any(|(chore, _)| chore == command),
        Step::Write { .. } => false,
    }
}

/// The documents that speak to a reader who types.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    let entries = fs::read_dir(root.join("docs")).expect("docs");
    let pages = entries.map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<_> = pages
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    documents.append(&mut pages);
    documents
}
