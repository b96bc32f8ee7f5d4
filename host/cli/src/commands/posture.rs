//! `slipway posture`: what is in force on this machine and in its cluster. On a node: what was accepted when it joined.

use anyhow::{Result, bail};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use slipway_bootstrap::init::rbac::KUBELET_COMPATIBLE;
use slipway_bootstrap::init::settings::PublishedCa;
use slipway_bootstrap::join;
use slipway_bootstrap::layout::Layout;
use slipway_config::posture::{PostureEntry, PostureId};
use slipway_controller::foreign::ForeignApproval;
use slipway_controller::tokens::TokenAdmin;

use crate::arguments::PostureArguments;
use crate::cluster;
use crate::failure::{Code, Coded};
use crate::output::{Printer, posture_line};
use crate::{plugins, policy};

pub(super) async fn run(
    arguments: PostureArguments,
    layout: Layout,
    printer: Printer,
) -> Result<()> {
    let mut entries = of_this_machine(&layout).await?;
    let accepted = join::accepted(&layout)?;
    // A node knows nothing of its cluster's administration, and has no need to.
    let client = match cluster::find(&arguments.cluster, &layout).await? {
        None if accepted.is_some() => None,
        None => Some(cluster::administrator(&layout).await?),
        client => client,
    };
    entries.extend(accepted.into_iter().flatten());
    if let Some(client) = client {
        entries.extend(of_cluster_info(&client, &layout).await?);
        if !cluster::is_here(&arguments.cluster, &layout) {
            entries.extend(of_bindings(&client).await?);
        }
        entries.extend(of_tokens(&TokenAdmin::new(client)).await?);
    }
    entries.sort_by(|one, other| {
        other
            .severity
            .cmp(&one.severity)
            .then(one.id.cmp(&other.id))
    });
    printer.answer(&entries, |entries| match entries.is_empty() {
        true => "nothing was opted into\n".to_owned(),
        false => entries
            .iter()
            .map(|entry| format!("{}\n", posture_line(entry)))
            .collect(),
    })?;
    let worst = entries.iter().map(|entry| entry.severity).max();
    match (arguments.fail_on, worst) {
        (Some(limit), Some(worst)) if worst >= limit => bail!(Coded::new(
            Code::Posture,
            format!("trade-offs of severity {worst} are in force, and --fail-on says {limit}"),
            "close them as shown, or raise the limit"
        )),
        _ => Ok(()),
    }
}

async fn of_this_machine(layout: &Layout) -> Result<Vec<PostureEntry>> {
    let mut entries = Vec::new();
    if layout.ca_key().exists() {
        entries.push(PostureId::CaKeyOnThisMachine.about(layout.ca_key().display().to_string()));
    }
    if let Some(configuration) = policy::in_force(layout).await? {
        entries.extend(plugins::posture_of_policy(&configuration));
    }
    Ok(entries)
}

async fn of_cluster_info(client: &kube::Client, layout: &Layout) -> Result<Vec<PostureEntry>> {
    let described = cluster::described(client, layout).await?;
    Ok(match described.published_ca {
        PublishedCa::Included => Vec::new(),
        PublishedCa::Omitted => vec![PostureId::CaOmittedFromClusterInfo.entry()],
    })
}

/// What bindings of the cluster let others do, past the policy or beyond what `slipway join` needs. In a cluster of our own
/// there are no others.
async fn of_bindings(client: &kube::Client) -> Result<Vec<PostureEntry>> {
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let compatible = bindings.get_opt(KUBELET_COMPATIBLE).await?;
    let compatible = compatible.map(|_| PostureId::KubeletCompatibleBootstrap.entry());
    let foreign = ForeignApproval::find(client).await?;
    let foreign = foreign
        .iter()
        .map(|found| PostureId::ForeignApprover.about(found.title()));
    Ok(compatible.into_iter().chain(foreign).collect())
}

async fn of_tokens(admin: &TokenAdmin) -> Result<Vec<PostureEntry>> {
    let mut entries = Vec::new();
    for token in admin.list().await? {
        if token.problem.is_some() || token.revoked {
            continue;
        }
        if token.expires.is_none() {
            entries.push(PostureId::TokenNeverExpires.about(&token.id));
        }
        if token.weak && !token.expired {
            entries.push(PostureId::WeakTokenSecret.about(&token.id));
        }
    }
    Ok(entries)
}
