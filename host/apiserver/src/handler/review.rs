//! `create` on a virtual resource: a question and its answer.

use axum::body::Body;
use http::{Response, StatusCode};

use super::body;
use super::call::{Call, with_warnings};
use crate::request::{OptionsKind, WriteOptions};
use crate::resource::Review;
use crate::status::Status;

/// Answers the question in the body.
pub(super) async fn answer(
    mut call: Call,
    body: Body,
    review: &dyn Review,
) -> Result<Response<Body>, Status> {
    if !call.target.name.is_empty() {
        return Err(Status::path_not_found());
    }
    let options = WriteOptions::parse(call.query(), OptionsKind::CREATE)?;
    let decoded = body::object(&mut call, &options, body).await?;
    let answer = review.review(decoded.object, &call.context).await?;
    let response = call.respond_object(StatusCode::CREATED, &answer)?;
    Ok(with_warnings(response, &decoded.warnings))
}
