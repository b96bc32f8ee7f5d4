//! What can go wrong while the API is read and written.

use std::fmt;

use slipway_pki::ca::CaError;
use slipway_pki::decision::signing::SigningError;
use thiserror::Error;

use crate::decision_log::LogError;

/// Why something could not be done. Nothing was decided then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The API did not do what was asked.
    #[error("cannot {action} {object}: {source}")]
    Api {
        /// What was asked: `read`, `create`.
        action: &'static str,
        /// What it was asked for: `Secret bootstrap-token-abcdef`.
        object: String,
        /// What the API answered.
        source: ApiFailure,
    },
    /// Others changed the same object each time.
    #[error("cannot update {object}: others changed it at the same time, {attempts} times")]
    Contended {
        /// The object.
        object: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// An object of ours does not hold what it should.
    #[error("{object} is damaged: {reason}")]
    Damaged {
        /// The object.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A token's Secret is gone and nobody has found out yet whether it expired or was deleted.
    #[error("the token {0} is gone, and it is not known yet whether it expired or was deleted")]
    Unsettled(String),
    /// An intent could not be put on disk, so that what it announces was not done.
    #[error("the decision could not be written down: {0}")]
    Log(#[from] LogError),
    /// The certificate could not be signed.
    #[error(transparent)]
    Sign(#[from] CaError),
    /// No certificate can be signed now.
    #[error(transparent)]
    Validity(#[from] SigningError),
    /// What was signed could not be written as PEM.
    #[error("the certificate could not be written: {0}")]
    Certificate(#[from] slipway_pki::certificate::CertificateError),
    /// A controller ended that should run as long as the process.
    #[error("the controller {name} ended: {reason}")]
    Ended {
        /// Its name.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

/// What the API answered in place of what was asked for.
#[derive(Debug)]
pub struct ApiFailure(kube::Error);

impl Error {
    /// Whether somebody else was quicker: the object was changed in between, or was there already.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Api { source, .. } => source.is_conflict(),
            Self::Contended { .. } => true,
            _ => false,
        }
    }

    /// Whether the API knows no such object, or not the namespace that it should be in.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api { source, .. } if source.is_not_found())
    }
}

impl ApiFailure {
    /// The error as the client reports it.
    pub fn kube_error(&self) -> &kube::Error {
        &self.0
    }

    fn is_conflict(&self) -> bool {
        matches!(&self.0, kube::Error::Api(status) if status.is_conflict() || status.is_already_exists())
    }

    fn is_not_found(&self) -> bool {
        matches!(&self.0, kube::Error::Api(status) if status.is_not_found())
    }
}

impl fmt::Display for ApiFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // The client's own text repeats the whole status for programmers.
            kube::Error::Api(status) if !status.message.is_empty() => f.write_str(&status.message),
            other => other.fmt(f),
        }
    }
}

impl std::error::Error for ApiFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}

/// Says what was being done when the API failed.
pub(crate) trait During<T> {
    /// The result with what was asked for in its error.
    fn during(self, action: &'static str, object: impl fmt::Display) -> Result<T, Error>;
}

impl<T> During<T> for Result<T, kube::Error> {
    fn during(self, action: &'static str, object: impl fmt::Display) -> Result<T, Error> {
        self.map_err(|source| Error::Api {
            action,
            object: object.to_string(),
            source: ApiFailure(source),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_says_is_shown_without_its_wrapping() {
        let status =
            kube::core::Status::failure("secrets \"x\" not found", "NotFound").with_code(404);
        let failed: Result<(), _> = Err(kube::Error::Api(Box::new(status)));
        let error = failed.during("read", "Secret x").unwrap_err();
        insta::assert_snapshot!(error, @r#"cannot read Secret x: secrets "x" not found"#);
        assert!(error.is_not_found());
        assert!(!error.is_conflict());
        for reason in ["Conflict", "AlreadyExists"] {
            let status = kube::core::Status::failure("too late", reason).with_code(409);
            let failed: Result<(), _> = Err(kube::Error::Api(Box::new(status)));
            let error = failed.during("update", "Secret x").unwrap_err();
            assert!(error.is_conflict() && !error.is_not_found(), "{reason}");
        }
    }
}
