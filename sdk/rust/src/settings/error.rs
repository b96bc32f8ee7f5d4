//! What is wrong with settings.

use std::error::Error;
use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// A setting that the plugin cannot work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// Where in the settings, as dotted keys and indices: `names[2]`; empty for the whole.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// The nearest valid spelling, where there is one.
    pub suggestion: Option<String>,
}

impl SettingError {
    /// An error about the setting at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            suggestion: None,
        }
    }

    /// An error about the settings as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Self::new("", message)
    }

    /// Adds the spelling that was probably meant.
    #[must_use]
    pub fn suggestion(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Places an error from further inside, unless it has found its place already.
    pub(super) fn at(mut self, path: &str) -> Self {
        if self.path.is_empty() {
            path.clone_into(&mut self.path);
        }
        self
    }

    fn misspelt(word: &str, kind: &str, valid: &[&str]) -> Self {
        let message = match valid {
            [] => format!("there is no {kind} {word:?}; none is expected here"),
            valid => format!("there is no {kind} {word:?}; expected {}", valid.join(", ")),
        };
        Self {
            suggestion: nearest(word, valid.iter().copied()).map(str::to_owned),
            ..Self::whole(message)
        }
    }
}

/// The candidate that was probably meant with a word, if one is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3 + 1)
        .map(|(_, candidate)| candidate)
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion:?}?"),
            None => Ok(()),
        }
    }
}

impl Error for SettingError {}

impl de::Error for SettingError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::whole(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::whole(format!("expected {expected}, found {unexpected}"))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::whole(format!("expected {expected}, found {unexpected}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::misspelt(field, "setting", expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::misspelt(variant, "choice", expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::whole(format!("the setting {field:?} is missing"))
    }
}

/// What is wrong with the settings; at least one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingErrors(Vec<SettingError>);

impl SettingErrors {
    /// `value`, if nothing is wrong: for a plugin that looks at all its settings before it complains.
    ///
    /// # Errors
    /// There are errors.
    pub fn unless_empty<T>(errors: Vec<SettingError>, value: T) -> Result<T, Self> {
        if errors.is_empty() {
            Ok(value)
        } else {
            Err(Self(errors))
        }
    }

    /// The errors.
    pub fn as_slice(&self) -> &[SettingError] {
        &self.0
    }

    /// The errors.
    pub fn into_vec(self) -> Vec<SettingError> {
        self.0
    }
}

impl From<SettingError> for SettingErrors {
    fn from(error: SettingError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for SettingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used: ")?;
        for (number, error) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl Error for SettingErrors {}
