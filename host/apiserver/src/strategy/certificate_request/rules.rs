//! The rules of certificate signing requests at their place in a write.

use std::time::Instant;

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::authentication::MASTERS;
use crate::authorization::UnionAuthorizer;
use crate::authorization::permissions::Permissions;
use crate::resource::{Context, Object, Subresource};
use crate::status::Status;
use crate::store::Store;
use crate::strategy::fairness::{Fairness, RequestLimits};
use crate::strategy::pending::PendingRequests;
use crate::strategy::{forbidden, typed, valid};

/// What the server does about certificate signing requests.
pub(crate) struct CertificateRequests {
    authorizer: UnionAuthorizer,
    fairness: Fairness,
    pending: PendingRequests,
}

impl CertificateRequests {
    pub(crate) fn new(store: Store, authorizer: UnionAuthorizer, limits: RequestLimits) -> Self {
        Self {
            authorizer,
            fairness: Fairness::new(limits),
            pending: PendingRequests::new(store, limits.pending_per_token),
        }
    }

    /// From the request as the client wants it to the request as it is stored.
    pub(crate) fn admit(
        &self,
        old: Option<&Object>,
        new: Object,
        context: &Context,
    ) -> Result<Object, Status> {
        typed(old, &new, |old, new| match old {
            None => self.create(new, context),
            Some(old) => self.update(old, new, context),
        })
    }

    fn create(&self, new: &mut CertificateSigningRequest, context: &Context) -> Result<(), Status> {
        if let Some(refusal) = super::refusal(new, &context.user) {
            return Err(forbidden(context, new.metadata.name.as_deref(), &refusal));
        }
        super::prepare_create(new, &context.user);
        valid(
            &super::validate_create(new),
            new.metadata.name.as_deref(),
            context,
        )?;
        self.within_limits(context)
    }

    /// Whether the requester has a share left.
    fn within_limits(&self, context: &Context) -> Result<(), Status> {
        if context.user.in_group(MASTERS) || context.dry_run {
            return Ok(());
        }
        let requester = &context.user.username;
        self.fairness
            .take(requester, Instant::now())
            .map_err(|wait| {
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
                Status::too_many_requests(
                    format!("{requester:?} creates certificate signing requests too fast"),
                    seconds.saturating_add(1),
                )
            })?;
        if context.user.is_bootstrap() {
            self.pending.check(requester)?;
        }
        Ok(())
    }

    fn update(
        &self,
        old: &CertificateSigningRequest,
        new: &mut CertificateSigningRequest,
        context: &Context,
    ) -> Result<(), Status> {
        match context.subresource {
            None => {
                super::prepare_update(old, new);
                return Ok(());
            }
            Some(Subresource::Approval) => {
                keep_metadata(old, new);
                super::prepare_approval(old, new, &context.user, context.now);
                self.act_for_signer("approve", old, context)?;
            }
            Some(Subresource::Status) => {
                keep_metadata(old, new);
                super::prepare_status(old, new, context.now);
                if super::is_signing(old, new) {
                    self.act_for_signer("sign", old, context)?;
                }
            }
        }
        valid(
            &super::validate_status(old, new),
            old.metadata.name.as_deref(),
            context,
        )
    }

    fn act_for_signer(
        &self,
        verb: &str,
        request: &CertificateSigningRequest,
        context: &Context,
    ) -> Result<(), Status> {
        let policy = self.authorizer.policy()?;
        let permissions = Permissions {
            user: &context.user,
            policy: &policy,
        };
        permissions
            .act_for_signer(verb, &request.spec.signer_name)
            .map_err(|why| forbidden(context, request.metadata.name.as_deref(), &why))
    }
}

/// A decision changes no metadata; the version that it was made from is the client's.
fn keep_metadata(old: &CertificateSigningRequest, new: &mut CertificateSigningRequest) {
    new.metadata = ObjectMeta {
        resource_version: new.metadata.resource_version.take(),
        ..old.metadata.clone()
    };
}
