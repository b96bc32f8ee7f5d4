//! Which objects a list or a watch is about: label and field selectors, and what the requester is shown.

mod field;
mod label;

pub(crate) use field::FieldSelector;
pub(crate) use label::LabelSelector;

use crate::request::ListOptions;
use crate::resource::{Definition, Object};
use crate::status::Status;
use crate::store::{Record, Scope};

/// What a request selects, with what the store can answer by itself taken out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    labels: LabelSelector,
    fields: FieldSelector,
    /// Whose certificate signing requests alone are selected.
    requester: Option<String>,
}

impl Selector {
    /// Reads a request's selectors. What they say about name and namespace narrows the scope.
    ///
    /// # Errors
    /// 400 for a selector that is malformed, or names a field that the kind does not offer.
    pub(crate) fn parse(
        options: &ListOptions,
        definition: &Definition,
        scope: &mut Scope,
    ) -> Result<Self, Status> {
        let refused = |why: String| {
            Status::bad_request(format!(
                "Unable to find {:?} that match label selector {:?}, field selector {:?}: {why}",
                definition.group_resource().to_string(),
                options.label_selector,
                options.field_selector
            ))
        };
        let labels = LabelSelector::parse(&options.label_selector).map_err(refused)?;
        let mut fields = FieldSelector::parse(&options.field_selector).map_err(refused)?;
        fields.check(definition).map_err(refused)?;
        fields.narrow(scope, definition.is_namespaced());
        Ok(Self {
            labels,
            fields,
            requester: None,
        })
    }

    /// The same, of certificate signing requests that this user created.
    #[must_use]
    pub(crate) fn requested_by(self, username: &str) -> Self {
        Self {
            requester: Some(username.to_owned()),
            ..self
        }
    }

    /// Whether it selects everything in its scope.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything() && self.requester.is_none()
    }

    /// Whether it selects an object.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.labels.matches(object)
            && self.fields.matches(object)
            && self
                .requester
                .as_ref()
                .is_none_or(|requester| object.text_at(&["spec", "username"]) == requester)
    }

    /// Whether it selects a stored object. Reads it only if there is something to look at.
    pub(crate) fn matches_record(&self, record: &Record) -> bool {
        self.is_everything() || record.object().is_ok_and(|object| self.matches(&object))
    }
}
