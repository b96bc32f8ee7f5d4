//! The query of a request.
//!
//! Source: `meta.k8s.io/v1` ListOptions, CreateOptions, UpdateOptions, PatchOptions, DeleteOptions.

use std::time::Duration;

use url::form_urlencoded;

use crate::resource::GroupKind;
use crate::status::Status;
use crate::strategy::Violation;

/// How long a manager's name may be.
const FIELD_MANAGER_BYTES: usize = 128;

/// The options of a list, a watch or a deletecollection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListOptions {
    /// `labelSelector`, unparsed.
    pub(crate) label_selector: String,
    /// `fieldSelector`, unparsed.
    pub(crate) field_selector: String,
    /// `resourceVersion`; none when absent or empty, which is not the same as 0.
    pub(crate) resource_version: Option<u64>,
    /// `resourceVersionMatch`.
    pub(crate) resource_version_match: Option<ResourceVersionMatch>,
    /// `limit`; none when absent or 0.
    pub(crate) limit: Option<usize>,
    /// `continue`; empty without one.
    pub(crate) continue_token: String,
    /// `allowWatchBookmarks`.
    pub(crate) allow_bookmarks: bool,
    /// `sendInitialEvents`.
    pub(crate) send_initial_events: Option<bool>,
    /// `timeoutSeconds`.
    pub(crate) timeout: Option<Duration>,
}

/// Which options a request has, as answers about wrong ones name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OptionsKind(&'static str);

impl OptionsKind {
    /// Of a list or a watch.
    pub(crate) const LIST: Self = Self("ListOptions");
    /// Of a create.
    pub(crate) const CREATE: Self = Self("CreateOptions");
    /// Of an update.
    pub(crate) const UPDATE: Self = Self("UpdateOptions");
    /// Of a patch.
    pub(crate) const PATCH: Self = Self("PatchOptions");
    /// Of a delete.
    pub(crate) const DELETE: Self = Self("DeleteOptions");

    /// 422 for options that exist and do not have this value, or do not fit together.
    pub(crate) fn invalid(self, violation: Violation) -> Status {
        let kind = GroupKind {
            group: "meta.k8s.io",
            kind: self.0,
        };
        Status::invalid(&kind, "", &[violation])
    }
}

/// How a list's `resourceVersion` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceVersionMatch {
    /// At that moment exactly.
    Exact,
    /// At that moment or any later one.
    NotOlderThan,
}

/// The options of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    /// `dryRun=All`: everything but the storing.
    pub(crate) dry_run: bool,
    /// What to do about unknown fields.
    pub(crate) field_validation: FieldValidation,
    /// `fieldManager`: as whom the client writes; empty when it does not say.
    pub(crate) field_manager: String,
    /// `force`: whether a configuration takes what others own.
    pub(crate) force: Option<bool>,
}

/// What to do about fields that the kind does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// Drop them silently.
    Ignore,
    /// Drop them and say so in a `Warning` header.
    #[default]
    Warn,
    /// Refuse the request.
    Strict,
}

impl ListOptions {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 for a value that is not of its option's type, 422 for one that its option does not have.
    pub(crate) fn parse(query: &str) -> Result<Self, Status> {
        let mut options = Self::default();
        for (key, value) in pairs(query) {
            match key.as_str() {
                "labelSelector" => options.label_selector = value,
                "fieldSelector" => options.field_selector = value,
                "resourceVersion" => options.resource_version = resource_version(&value)?,
                "resourceVersionMatch" => {
                    options.resource_version_match = version_match(&value)?;
                }
                "limit" => options.limit = limit(&value)?,
                "continue" => options.continue_token = value,
                "allowWatchBookmarks" => options.allow_bookmarks = flag(&value),
                "sendInitialEvents" if !value.is_empty() => {
                    options.send_initial_events = Some(flag(&value));
                }
                "timeoutSeconds" => options.timeout = timeout(&value)?,
                _ => {}
            }
        }
        Ok(options)
    }
}

impl WriteOptions {
    /// Reads a query.
    ///
    /// # Errors
    /// 422 for a value that its option does not have.
    pub(crate) fn parse(query: &str, kind: OptionsKind) -> Result<Self, Status> {
        let mut options = Self::default();
        for (key, value) in pairs(query) {
            match (key.as_str(), value.as_str()) {
                ("dryRun", "All") => options.dry_run = true,
                ("dryRun", "") => {}
                ("dryRun", other) => return Err(kind.invalid(wrong_dry_run(&[other]))),
                ("fieldValidation", "Ignore") => options.field_validation = FieldValidation::Ignore,
                ("fieldValidation", "Warn" | "") => {
                    options.field_validation = FieldValidation::Warn
                }
                ("fieldValidation", "Strict") => options.field_validation = FieldValidation::Strict,
                ("fieldValidation", other) => {
                    return Err(kind.invalid(Violation::not_supported(
                        "fieldValidation",
                        &other,
                        &["", "Ignore", "Strict", "Warn"],
                    )));
                }
                ("fieldManager", name) => {
                    options.field_manager =
                        field_manager(name).map_err(|wrong| kind.invalid(wrong))?;
                }
                ("force", "") => {}
                ("force", value) => options.force = Some(flag(value)),
                _ => {}
            }
        }
        Ok(options)
    }
}

/// A manager's name, which others will read.
fn field_manager(name: &str) -> Result<String, Violation> {
    if name.len() > FIELD_MANAGER_BYTES {
        return Err(Violation::too_long("fieldManager", FIELD_MANAGER_BYTES));
    }
    if name.chars().any(char::is_control) {
        return Err(Violation::invalid(
            "fieldManager",
            format!("{name:?}: may have no characters that cannot be printed"),
        ));
    }
    Ok(name.to_owned())
}

/// What is wrong with dry runs of another kind than `All`.
pub(crate) fn wrong_dry_run(values: &[&str]) -> Violation {
    Violation::not_supported("dryRun", &values, &["All"])
}

/// The value of a key; empty where there is none.
pub(crate) fn query_value(query: &str, key: &str) -> String {
    pairs(query)
        .find(|(found, _)| found == key)
        .map(|(_, value)| value)
        .unwrap_or_default()
}

/// The decoded pairs of a query.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(query.as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
}

/// Kubernetes reads any value but these as "yes".
pub(super) fn flag(value: &str) -> bool {
    !matches!(value, "0" | "false" | "False" | "FALSE" | "f" | "F")
}

fn resource_version(value: &str) -> Result<Option<u64>, Status> {
    if value.is_empty() {
        return Ok(None);
    }
    let version = value.parse().map_err(|_| {
        Status::bad_request(format!(
            "resourceVersion: expected a whole number that this server gave out, got {value:?}"
        ))
    })?;
    Ok(Some(version))
}

fn version_match(value: &str) -> Result<Option<ResourceVersionMatch>, Status> {
    match value {
        "" => Ok(None),
        "Exact" => Ok(Some(ResourceVersionMatch::Exact)),
        "NotOlderThan" => Ok(Some(ResourceVersionMatch::NotOlderThan)),
        other => Err(OptionsKind::LIST.invalid(Violation::not_supported(
            "resourceVersionMatch",
            &other,
            &["Exact", "NotOlderThan", ""],
        ))),
    }
}

fn limit(value: &str) -> Result<Option<usize>, Status> {
    if value.is_empty() {
        return Ok(None);
    }
    let limit: i64 = value.parse().map_err(|_| {
        Status::bad_request(format!("limit: expected a whole number, got {value:?}"))
    })?;
    Ok(usize::try_from(limit).ok().filter(|limit| *limit > 0))
}

fn timeout(value: &str) -> Result<Option<Duration>, Status> {
    if value.is_empty() {
        return Ok(None);
    }
    let seconds: i64 = value.parse().map_err(|_| {
        Status::bad_request(format!(
            "timeoutSeconds: expected a whole number of seconds, got {value:?}"
        ))
    })?;
    Ok(u64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs))
}
