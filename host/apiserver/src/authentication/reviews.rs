//! SelfSubjectReview ("who am I?") and TokenReview ("whose token is this?").

use std::sync::Arc;

use async_trait::async_trait;
use k8s_openapi::api::authentication::v1::{
    SelfSubjectReview, SelfSubjectReviewStatus, TokenReview, TokenReviewStatus, UserInfo,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Credentials;
use crate::resource::{Context, Object, Review};
use crate::status::Status;

/// Answers who the requester is.
pub(crate) struct SelfSubjectReviews;

/// Answers whose token it is. Who may ask is for RBAC to say: administrators, unless a role is bound.
pub(crate) struct TokenReviews(pub(crate) Arc<Credentials>);

#[async_trait]
impl Review for SelfSubjectReviews {
    async fn review(&self, question: Object, context: &Context) -> Result<Object, Status> {
        let mut review: SelfSubjectReview = question.to_typed().map_err(Status::internal)?;
        review.metadata.creation_timestamp = Some(Time(context.now));
        review.status = Some(SelfSubjectReviewStatus {
            user_info: Some(context.user.to_api()),
        });
        Object::from_typed(&review).map_err(Status::internal)
    }
}

#[async_trait]
impl Review for TokenReviews {
    async fn review(&self, question: Object, _: &Context) -> Result<Object, Status> {
        let mut review: TokenReview = question
            .to_typed()
            // The parser's words would repeat the token.
            .map_err(|_| Status::bad_request("the TokenReview is malformed"))?;
        if review.spec.token.is_empty() {
            return Err(Status::bad_request(
                "token is required for TokenReview in authentication",
            ));
        }
        // The address of whoever presented the token is not known here, so that a token which is bound
        // to addresses is not accepted.
        let user = self.0.bearer(&review.spec.token, None).await?;
        // The answer repeats no secret.
        review.spec.token = String::new();
        review.status = Some(match user {
            Some(user) => TokenReviewStatus {
                authenticated: Some(true),
                user: Some(user.to_api()),
                ..TokenReviewStatus::default()
            },
            // As Kubernetes writes that it is nobody's.
            None => TokenReviewStatus {
                user: Some(UserInfo::default()),
                error: Some("the token is not valid".to_owned()),
                ..TokenReviewStatus::default()
            },
        });
        Object::from_typed(&review).map_err(Status::internal)
    }
}
