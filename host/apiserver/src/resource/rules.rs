//! What kinds do beyond being stored, seen from the handlers.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Definition, Object, Subresource};
use crate::authentication::UserInfo;
use crate::status::Status;

/// Who asks for a write, when, and through which door.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The authenticated identity.
    pub(crate) user: UserInfo,
    /// The time of the request; every timestamp that the write sets is this one.
    pub(crate) now: Timestamp,
    /// The resource.
    pub(crate) resource: &'static Definition,
    /// The door; none for the object itself.
    pub(crate) subresource: Option<Subresource>,
    /// The namespace of the request; empty for cluster-wide resources.
    pub(crate) namespace: String,
    /// Whether nothing may be stored.
    pub(crate) dry_run: bool,
}

/// A write that is about to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    /// A new object, as it will be stored.
    Create(&'a Object),
    /// An object as it is stored, and as it will be.
    Update(&'a Object, &'a Object),
    /// An object that goes, as it is stored.
    Delete(&'a Object),
}

/// The rules of all kinds. For one write: `admit`, then (not on a dry run) `before_commit`, then the
/// store; all of it again when somebody else wrote the object meanwhile.
#[async_trait]
pub(crate) trait Rules: Send + Sync {
    /// From the object as the client wants it to the object as it is stored: sets what the server says,
    /// takes back what may not change through this door, validates, checks permissions beyond the
    /// verb. Name, namespace and the rest of `metadata` are already checked. The default keeps
    /// `status` and the rest of the object apart and allows everything.
    ///
    /// # Errors
    /// A refusal, as it is to be answered.
    async fn admit(
        &self,
        old: Option<&Object>,
        mut new: Object,
        context: &Context,
    ) -> Result<Object, Status> {
        if let Some(old) = old {
            keep_other_half(old, &mut new, context);
        }
        Ok(new)
    }

    /// Whether this identity may delete this object, beyond the permission for the verb.
    ///
    /// # Errors
    /// A refusal, as it is to be answered.
    async fn admit_delete(&self, old: &Object, context: &Context) -> Result<(), Status> {
        let _ = (old, context);
        Ok(())
    }

    /// Writes through to where the kind is really kept, if that is not the store. It must bear being
    /// called again for the same change.
    ///
    /// # Errors
    /// The write fails with this, and nothing is stored.
    async fn before_commit(&self, change: Change<'_>, context: &Context) -> Result<(), Status> {
        let _ = (change, context);
        Ok(())
    }
}

/// Keeps what does not belong to the door: `status` on a write to the object, everything else on a
/// write to a part of it.
pub(crate) fn keep_other_half(old: &Object, new: &mut Object, context: &Context) {
    let has_status = context.resource.subresources.contains(&Subresource::Status);
    match context.subresource {
        None if has_status => new.copy_field_from(old, "status"),
        None => {}
        Some(_) => {
            let mut kept = old.clone();
            kept.copy_field_from(new, "status");
            kept.set_metadata_text("resourceVersion", new.resource_version());
            *new = kept;
        }
    }
}

/// A virtual resource: a question in the form of an object, answered in its `status` and not stored.
#[async_trait]
pub(crate) trait Review: Send + Sync {
    /// Answers the question.
    ///
    /// # Errors
    /// When the question is not understood, or cannot be answered.
    async fn review(&self, question: Object, context: &Context) -> Result<Object, Status>;
}
