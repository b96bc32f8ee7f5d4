//! The object in the body of a write.

use axum::body::Body;

use super::call::Call;
use crate::codec::{Decoded, decode};
use crate::request::WriteOptions;
use crate::resource::Object;
use crate::status::Status;

/// Reads it as the options of the write say, which hold for the call from then on, and puts it into the namespace of the
/// path.
///
/// # Errors
/// 400 for a body or a namespace that cannot be used, 415 for a media type that is not read.
pub(super) async fn object(
    call: &mut Call,
    options: &WriteOptions,
    body: Body,
) -> Result<Decoded, Status> {
    call.context.dry_run = options.dry_run;
    let mut decoded = decode(
        call.headers(),
        body,
        call.definition,
        options.field_validation,
    )
    .await?;
    set_namespace(&mut decoded.object, call)?;
    Ok(decoded)
}

/// The body's namespace is the path's.
fn set_namespace(object: &mut Object, call: &Call) -> Result<(), Status> {
    let wanted = &call.context.namespace;
    if !object.namespace().is_empty() && object.namespace() != wanted {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    object.set_metadata_text("namespace", wanted);
    Ok(())
}
