//! Which trade-offs a flow found in force. What a command line opted into by a flag of its own is known there.

use slipway_config::posture::{PostureEntry, PostureId};
use slipway_pki::decision::trust::VerifiedTrust;

use crate::init::certs::Origin;
use crate::init::settings::{PublishedCa, Settings};

/// What the operator accepted to trust a cluster.
pub fn of_trust(trust: &VerifiedTrust) -> Vec<PostureEntry> {
    trust.posture().iter().map(|id| id.entry()).collect()
}

/// What an `init` with these settings leaves in force.
pub fn of_init(settings: &Settings, ca: Origin) -> Vec<PostureEntry> {
    let token = &settings.token;
    let entry = |in_force: bool, id: PostureId| in_force.then(|| id.entry());
    let given = token
        .given
        .as_ref()
        .map(|token| PostureId::WeakTokenSecret.about(token.id.to_string()));
    [
        entry(
            settings.access.automatic_approval,
            PostureId::AutomaticApproval,
        ),
        entry(
            settings.access.kubelet_compatible,
            PostureId::KubeletCompatibleBootstrap,
        ),
        given,
        entry(token.ttl.is_none(), PostureId::TokenNeverExpires),
        Some(PostureId::CaKeyOnThisMachine.about(match ca {
            Origin::Made | Origin::Kept => "made by slipway",
            Origin::Given => "put there by the operator",
        })),
        entry(
            settings.published_ca == PublishedCa::Omitted,
            PostureId::CaOmittedFromClusterInfo,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::settings::tests::settings;

    fn ids(settings: &Settings) -> Vec<PostureId> {
        of_init(settings, Origin::Made)
            .iter()
            .map(|entry| entry.id)
            .collect()
    }

    #[test]
    fn the_default_keeps_the_cas_key_here_and_nothing_else() {
        assert_eq!(
            ids(&settings("10.0.0.1:6443")),
            [PostureId::CaKeyOnThisMachine]
        );
    }

    #[test]
    fn every_opt_in_is_named() {
        let mut wide = settings("10.0.0.1:6443");
        wide.access.automatic_approval = true;
        wide.access.kubelet_compatible = true;
        wide.token.given = Some("abcdef.0123456789abcdef".parse().unwrap());
        wide.token.ttl = None;
        wide.published_ca = PublishedCa::Omitted;
        assert_eq!(
            ids(&wide),
            [
                PostureId::AutomaticApproval,
                PostureId::KubeletCompatibleBootstrap,
                PostureId::WeakTokenSecret,
                PostureId::TokenNeverExpires,
                PostureId::CaKeyOnThisMachine,
                PostureId::CaOmittedFromClusterInfo,
            ]
        );
        let shown = format!("{:?}", of_init(&wide, Origin::Made));
        assert!(!shown.contains("0123456789abcdef"));
    }
}
