//! What is wrong with one field of an object.

use std::fmt;

/// One thing wrong with an object; together they make the causes of a 422 answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The field's path, such as `spec.usages[1]`.
    pub(crate) field: String,
    /// The kind of problem.
    pub(crate) problem: Problem,
    /// What was seen and what is expected, in words, where the problem alone does not say it. Never a secret value.
    pub(crate) detail: String,
}

/// Kubernetes' kinds of field errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Required,
    Invalid,
    NotSupported,
    Duplicate,
    Forbidden,
    TooLong,
}

impl Violation {
    /// A value that has to be there, and nothing more to say about it.
    pub(crate) fn missing(field: impl Into<String>) -> Self {
        Self::required(field, "")
    }

    pub(crate) fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Problem::Required, field, detail)
    }

    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Problem::Invalid, field, detail)
    }

    /// One for each fault of a text.
    pub(crate) fn each(
        field: &str,
        value: &str,
        faults: Vec<String>,
    ) -> impl Iterator<Item = Self> {
        let faults = faults.into_iter();
        faults.map(move |fault| Self::invalid(field, format!("{value:?}: {fault}")))
    }

    /// A value that is none of those that there are.
    pub(crate) fn not_supported(
        field: impl Into<String>,
        value: &impl fmt::Debug,
        supported: &[&str],
    ) -> Self {
        let supported: Vec<_> = supported.iter().map(|one| format!("{one:?}")).collect();
        let detail = format!("{value:?}: supported values: {}", supported.join(", "));
        Self::new(Problem::NotSupported, field, detail)
    }

    pub(crate) fn duplicate(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Problem::Duplicate, field, detail)
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Problem::Forbidden, field, detail)
    }

    /// A text of more than `limit` bytes.
    pub(crate) fn too_long(field: impl Into<String>, limit: usize) -> Self {
        let detail = format!("may not be more than {limit} bytes");
        Self::new(Problem::TooLong, field, detail)
    }

    fn new(problem: Problem, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem,
            detail: detail.into(),
        }
    }
}

impl Problem {
    /// The `reason` of a StatusCause.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Duplicate => "Duplicate value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem.words())?;
        match self.detail.as_str() {
            "" => Ok(()),
            detail => write!(f, ": {detail}"),
        }
    }
}
