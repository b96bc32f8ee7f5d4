//! What the program's texts, its plugins' and the documentation tell people to type has to exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _, Parser as _};
use serde_json::Value;
use slipway_config::document::DocumentKind;
use slipway_config::posture::PostureId;
use slipway_plugin::bundled;

use super::Command::{Init, Join};
use super::{Arguments, InitOptions, JoinOptions};

/// Where texts are, from the workspace's root.
const TEXTS: [&str; 9] = [
    "host",
    "plugins",
    "sdk",
    "wit",
    "examples",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
];

#[test]
fn the_arguments_fit_together() {
    Arguments::command().debug_assert();
}

/// The flags of every command stand where people write them; those of init and join belong to a phase that is named.
#[test]
fn a_phase_is_one_wherever_the_flags_of_every_command_stand() {
    let parse = |line: &str| Arguments::try_parse_from(line.split(' ')).unwrap().command;
    for line in [
        "slipway init phase certs --dir x",
        "slipway init --dir x -o json phase certs",
        "slipway --dir x init phase certs --key-algorithm ECDSA-P256",
    ] {
        let Init(init) = parse(line) else {
            panic!("{line}")
        };
        assert_eq!(init.options, InitOptions::default(), "{line}");
        assert!(init.command.is_some(), "{line}");
    }
    for line in [
        "slipway join --dir x phase key 10.0.0.1:6443",
        "slipway join phase key 10.0.0.1:6443 --node-name a",
    ] {
        let Join(join) = parse(line) else {
            panic!("{line}")
        };
        assert_eq!(join.options, JoinOptions::default(), "{line}");
        assert!(join.command.is_some(), "{line}");
    }
    let Init(misplaced) = parse("slipway init --auto-approve phase certs") else {
        panic!("not init")
    };
    assert_ne!(misplaced.options, InitOptions::default(), "to be refused");
}

#[test]
fn every_command_that_a_text_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seen = 0;
    let mut wrong = Vec::new();
    for file in TEXTS.iter().flat_map(|text| files(&root.join(text))) {
        let text = fs::read_to_string(&file).unwrap();
        for command in commands_in(&text) {
            seen += 1;
            if let Err(why) = check(&command) {
                wrong.push(format!("{}: `{command}`: {why}", file.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    for (command, is_there) in [
        ("slipway csr approve NAME --dir /x", true),
        ("slipway csr list -o json", true),
        ("slipway token create [--ttl 24h]", true),
        ("slipway help csr", true),
        ("slipway csr forget NAME", false),
        ("slipway csr approve --force NAME", false),
        ("slipway init --take-over-node", false),
        ("slipway init --take-over-node=now", false),
        ("slipway launch", false),
    ] {
        assert_eq!(check(command).is_ok(), is_there, "{command}");
    }
    let text =
        "Use `slipway csr\n  list`, \"`slipway reset \\\n      --force` first\", or `slipway`.";
    assert_eq!(
        commands_in(text),
        ["slipway csr list", "slipway reset --force", "slipway"]
    );
    assert_eq!(
        commands_in("format!(\"slipway csr approve {name}\")"),
        ["slipway csr approve {name}"]
    );
}

/// A trade-off's way out names flags, commands, settings and plugins that exist.
#[test]
fn whatever_closes_a_trade_off_exists() {
    let flags = all_flags(&Arguments::command());
    let settings = properties(&DocumentKind::PluginConfiguration.schema().to_value());
    for id in PostureId::ALL {
        let text = id.close();
        for flag in text.split_whitespace().filter_map(flag_in) {
            assert!(flags.contains(flag), "{id}: there is no {flag}");
        }
        for quoted in quoted(text) {
            let is_named = match quoted.split_whitespace().next() {
                Some("slipway") => check(&quoted).is_ok(),
                Some("kubectl") => true,
                _ => {
                    settings.contains(&quoted)
                        || bundled::list().iter().any(|plugin| plugin.name == quoted)
                }
            };
            assert!(is_named, "{id}: there is no `{quoted}`");
        }
    }
}

/// The texts below a path.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        let is_text = path.extension().is_some_and(|extension| {
            ["rs", "md", "wit", "yaml"]
                .iter()
                .any(|text| extension == *text)
        });
        // This file names what does not exist; the other has a string that only begins like a command.
        let is_other = ["arguments/tests.rs", "plugin/src/seal.rs"]
            .iter()
            .any(|other| path.ends_with(other));
        return Vec::from_iter((is_text && !is_other).then(|| path.to_owned()));
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("target"))
        .flat_map(|path| files(&path))
        .collect()
}

/// The commands between backticks, and those with which a string begins, each on one line.
fn commands_in(text: &str) -> Vec<String> {
    let in_backticks = text.split("\n\n").flat_map(quoted);
    let in_strings = text.split("\"slipway ").skip(1).map(|rest| {
        let end = rest.find(['"', ';', '`']).unwrap_or(rest.len());
        format!("slipway {}", one_line(&rest[..end]))
    });
    in_backticks
        .filter(|quoted| quoted == "slipway" || quoted.starts_with("slipway "))
        .chain(in_strings)
        .collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut pieces = text.split('`');
    pieces.next();
    while let (Some(inner), Some(_)) = (pieces.next(), pieces.next()) {
        found.push(one_line(inner));
    }
    found
}

/// A text without what breaks it into lines in a string or in a comment.
fn one_line(text: &str) -> String {
    let words = text.split_whitespace();
    let words: Vec<_> = words
        .filter(|word| !["\\", "//", "///", "//!"].contains(word))
        .collect();
    words.join(" ")
}

/// Whether the program would know these words as a command of its own.
fn check(line: &str) -> Result<(), String> {
    let mut root = Arguments::command();
    root.build();
    let mut command = &root;
    let mut flags = own_flags(command);
    let mut is_value = false;
    for word in line.split_whitespace().skip(1) {
        let word = word.trim_matches(['[', ']', '…']);
        // What follows a placeholder may be anything.
        if word.contains('{') || word == "COMMAND" {
            return Ok(());
        }
        if std::mem::take(&mut is_value) || word.is_empty() {
            continue;
        }
        if let Some(flag) = flag_in(word) {
            if !flags.contains(flag) {
                return Err(format!("there is no {flag}"));
            }
            is_value = !word.contains('=') && takes_value(command, flag);
        } else if word.starts_with('-') {
            is_value = word == "-o";
        } else if let Some(below) = command.find_subcommand(word) {
            command = below;
            flags.extend(own_flags(command));
        } else if command.has_subcommands() && command.get_positionals().next().is_none() {
            return Err(format!("there is no {word}"));
        }
    }
    Ok(())
}

/// The long flag that a word is, without its value and what punctuation follows.
fn flag_in(word: &str) -> Option<&str> {
    let start = word.find("--").filter(|start| {
        word.bytes()
            .take(*start)
            .all(|byte| !byte.is_ascii_alphanumeric())
    })?;
    let flag = &word[start..];
    let end = flag
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .unwrap_or(flag.len());
    Some(&flag[..end]).filter(|flag| flag.len() > 2)
}

fn own_flags(command: &Command) -> BTreeSet<String> {
    command
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .map(|long| format!("--{long}"))
        .collect()
}

fn all_flags(command: &Command) -> BTreeSet<String> {
    let below = command.get_subcommands().flat_map(all_flags);
    own_flags(command).into_iter().chain(below).collect()
}

fn takes_value(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|argument| {
        argument.get_long() == flag.strip_prefix("--") && argument.get_action().takes_values()
    })
}

/// The names of all properties in a schema.
fn properties(schema: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                names.extend(properties.keys().cloned());
            }
            names.extend(object.values().flat_map(self::properties));
        }
        Value::Array(items) => names.extend(items.iter().flat_map(properties)),
        _ => {}
    }
    names
}
