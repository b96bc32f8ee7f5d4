//! Questions about permissions, asked as objects.

use async_trait::async_trait;
use k8s_openapi::api::authorization::v1::{
    LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview,
    SelfSubjectRulesReviewSpec, SubjectAccessReview, SubjectAccessReviewSpec,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Attributes, UnionAuthorizer, review, rules_for};
use crate::authentication::UserInfo;
use crate::resource::{Context, Object, Review};
use crate::server::Authorizer as _;
use crate::status::Status;
use crate::strategy::Violation;

/// What somebody may do.
pub(crate) struct SubjectAccessReviews(pub(crate) UnionAuthorizer);

/// What somebody may do in one namespace.
pub(crate) struct LocalSubjectAccessReviews(pub(crate) UnionAuthorizer);

/// What the requester may do.
pub(crate) struct SelfSubjectAccessReviews(pub(crate) UnionAuthorizer);

/// Everything that the requester may do in one namespace.
pub(crate) struct SelfSubjectRulesReviews(pub(crate) UnionAuthorizer);

#[async_trait]
impl Review for SubjectAccessReviews {
    async fn review(&self, question: Object, context: &Context) -> Result<Object, Status> {
        let mut asked: SubjectAccessReview = read(&question)?;
        let (user, attributes) = spec(&asked.spec, context)?;
        let decision = self.0.authorize(&user, &attributes).await?;
        asked.status = Some(review::status(decision));
        write(&asked)
    }
}

#[async_trait]
impl Review for LocalSubjectAccessReviews {
    async fn review(&self, question: Object, context: &Context) -> Result<Object, Status> {
        let mut asked: LocalSubjectAccessReview = read(&question)?;
        let (user, attributes) = spec(&asked.spec, context)?;
        review::is_local(&attributes, &context.namespace)
            .map_err(|violation| invalid(context, violation))?;
        let decision = self.0.authorize(&user, &attributes).await?;
        asked.status = Some(review::status(decision));
        write(&asked)
    }
}

#[async_trait]
impl Review for SelfSubjectAccessReviews {
    async fn review(&self, question: Object, context: &Context) -> Result<Object, Status> {
        let mut asked: SelfSubjectAccessReview = read(&question)?;
        let attributes = review::attributes(
            asked.spec.resource_attributes.as_ref(),
            asked.spec.non_resource_attributes.as_ref(),
        )
        .map_err(|violation| invalid(context, violation))?;
        let decision = self.0.authorize(&context.user, &attributes).await?;
        asked.status = Some(review::status(decision));
        write(&asked)
    }
}

#[async_trait]
impl Review for SelfSubjectRulesReviews {
    async fn review(&self, question: Object, context: &Context) -> Result<Object, Status> {
        let mut asked: SelfSubjectRulesReview = read(&question)?;
        let namespace = asked.spec.namespace.clone().unwrap_or_default();
        if namespace.is_empty() {
            let violation = Violation::required("spec.namespace", "must be given");
            return Err(invalid(context, violation));
        }
        let policy = self.0.policy()?;
        let rules = rules_for(&policy, &context.user, &namespace);
        asked.status = Some(review::rules_status(&context.user, rules));
        // As Kubernetes answers: without the question.
        asked.spec = SelfSubjectRulesReviewSpec::default();
        write(&asked)
    }
}

fn spec(
    spec: &SubjectAccessReviewSpec,
    context: &Context,
) -> Result<(UserInfo, Attributes), Status> {
    let user = review::subject(spec).map_err(|violation| invalid(context, violation))?;
    let attributes = review::attributes(
        spec.resource_attributes.as_ref(),
        spec.non_resource_attributes.as_ref(),
    )
    .map_err(|violation| invalid(context, violation))?;
    Ok((user, attributes))
}

fn read<T: DeserializeOwned>(question: &Object) -> Result<T, Status> {
    question
        .to_typed()
        .map_err(|error| Status::bad_request(format!("the review is malformed: {error}")))
}

fn write<T: Serialize>(answer: &T) -> Result<Object, Status> {
    Object::from_typed(answer).map_err(Status::internal)
}

fn invalid(context: &Context, violation: Violation) -> Status {
    Status::invalid(&context.resource.group_kind(), "", &[violation])
}
