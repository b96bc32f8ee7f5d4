//! How another command is called so that it reaches the same cluster as this one: what is printed can be pasted.

use std::fmt::Display;
use std::path::Path;

use slipway_bootstrap::layout::Layout;

use crate::arguments::ClusterArguments;

/// The flags that say which cluster is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach(String);

impl Reach {
    /// Of the cluster that init made, or makes, in these folders.
    pub(crate) fn of_layout(layout: &Layout) -> Self {
        Self(
            layout
                .folder()
                .map(|dir| flag("--dir", dir))
                .unwrap_or_default(),
        )
    }

    /// Of the cluster that a command talks to.
    pub(crate) fn of(arguments: &ClusterArguments, layout: &Layout) -> Self {
        match &arguments.kubeconfig {
            Some(file) => Self::of_kubeconfig(file),
            None => Self::of_layout(layout),
        }
    }

    /// Of the cluster of a kubeconfig.
    pub(crate) fn of_kubeconfig(file: &Path) -> Self {
        // A path that cannot be made absolute is right where the command is pasted into the same shell.
        let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Self(flag("--kubeconfig", &path))
    }

    /// A command of slipway's, to be pasted into a shell.
    pub(crate) fn command(&self, arguments: impl Display) -> String {
        format!("slipway {arguments}{}", self.0)
    }
}

fn flag(name: &str, path: &Path) -> String {
    format!(" {name} {}", shell_word(&path.display().to_string()))
}

/// The text as one word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(kubeconfig: Option<&str>) -> ClusterArguments {
        ClusterArguments {
            kubeconfig: kubeconfig.map(Into::into),
        }
    }

    #[test]
    fn a_command_names_what_this_one_was_told() {
        let lab = Layout::under(Path::new("/srv/my lab"));
        assert_eq!(
            Reach::of(&arguments(None), &lab).command("csr approve r1"),
            "slipway csr approve r1 --dir '/srv/my lab'"
        );
        assert_eq!(
            Reach::of(&arguments(Some("/a.conf")), &lab).command("csr list"),
            "slipway csr list --kubeconfig /a.conf"
        );
        assert_eq!(
            Reach::of(&arguments(None), &Layout::system()).command("csr list"),
            "slipway csr list"
        );
    }

    #[test]
    fn a_word_survives_the_shell() {
        for text in ["", "plain", "two words", "it's", "$(x)", "ä;b"] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", shell_word(text))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
