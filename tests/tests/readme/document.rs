//! What a document has its reader type: the commands of its `console` blocks, and the files that it shows.

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Type a command: a line that begins with `$ `, with those that it is continued on.
    Run(String),
    /// Write a file: a block whose fence names one after its language.
    Write {
        /// The file's name.
        file: String,
        /// What is in it.
        text: String,
    },
}

/// The steps of a document in Markdown, in their order.
///
/// # Panics
/// A console block holds a line that is no command: nobody would notice when it is wrong.
pub(crate) fn steps(markdown: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match fence.split_once(' ') {
            Some((_, file)) => steps.push(Step::Write {
                file: file.to_owned(),
                text: format!("{}\n", block.join("\n")),
            }),
            None if fence == "console" => steps.extend(commands(&block)),
            None => {}
        }
    }
    steps
}

fn commands(block: &[&str]) -> Vec<Step> {
    let mut commands: Vec<String> = Vec::new();
    for line in block {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push(without_comment(command).to_owned()),
            (None, Some(last)) if last.ends_with('\\') => {
                last.pop();
                last.push_str(line.trim_start());
            }
            (None, _) => panic!("{line:?} is no command, and is printed by none that is checked"),
        }
    }
    commands.into_iter().map(Step::Run).collect()
}

fn without_comment(command: &str) -> &str {
    command
        .split_once(" # ")
        .map_or(command, |(command, _)| command)
        .trim_end()
}

#[test]
fn a_document_is_read_in_its_order() {
    let markdown = "# T\n```console\n$ a b     # why\n$ c \\\n    d\n```\ntext\n```yaml x.yaml\nk: v\n```\n```rust\nno\n```\n";
    assert_eq!(
        steps(markdown),
        [
            Step::Run("a b".to_owned()),
            Step::Run("c d".to_owned()),
            Step::Write {
                file: "x.yaml".to_owned(),
                text: "k: v\n".to_owned()
            },
        ]
    );
}
