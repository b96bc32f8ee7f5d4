//! A cluster that runs already: what nodes need to join is put into it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::version::Info;
use slipway_config::kubeadm::TokenSpec;

use super::settings::Publication;
use super::{InitError, Phase, Phases, Published, publish};
use crate::progress::Progress;

/// The first minor version of Kubernetes 1 whose certificate signing requests have a duration, as Slipway's do.
pub(super) const OLDEST_MINOR: u32 = 22;

/// Runs the phases that make objects in the cluster, as often as one likes: where no token of a special kind is asked for,
/// one of an earlier run that still invites nodes does for this one, too.
///
/// # Errors
/// Those of [`publish()`](super::publish()).
pub async fn extend(
    client: &kube::Client,
    publication: &Publication,
    phases: &Phases,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Published, InitError> {
    let any_will_do = publication.tokens.iter().all(is_usual);
    let earlier = match phases.include(Phase::BootstrapToken) && any_will_do {
        true => publish::earlier_token(client, now).await?,
        false => None,
    };
    let Some(token) = earlier else {
        return super::publish(client, publication, phases, now, progress).await;
    };
    let mut phases = phases.clone();
    phases.skip.insert(Phase::BootstrapToken);
    let published = super::publish(client, publication, &phases, now, progress).await?;
    Ok(Published {
        invitation: Some(publication.invitation(token.token())),
        token_expires: token.expires,
        ..published
    })
}

/// Whether nothing but a description was asked for.
fn is_usual(wanted: &TokenSpec) -> bool {
    let usual = TokenSpec {
        description: wanted.description.clone(),
        ..TokenSpec::default()
    };
    *wanted == usual
}

/// Whether an API server of this version has what nodes need that Slipway lets in.
///
/// # Errors
/// [`InitError::TooOld`].
pub fn check_version(version: &Info) -> Result<(), InitError> {
    if is_new_enough(&version.major, &version.minor) {
        return Ok(());
    }
    Err(InitError::TooOld {
        version: version.git_version.clone(),
    })
}

/// Some distributions write `22+`.
fn is_new_enough(major: &str, minor: &str) -> bool {
    let minor = minor.trim_end_matches('+').parse();
    major == "1" && minor.is_ok_and(|minor: u32| minor >= OLDEST_MINOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_the_first_that_has_what_is_needed() {
        for (major, minor, enough) in [
            ("1", "22", true),
            ("1", "36+", true),
            ("1", "21", false),
            ("2", "0", false),
            ("1", "", false),
        ] {
            assert_eq!(is_new_enough(major, minor), enough, "{major}.{minor}");
        }
    }
}
