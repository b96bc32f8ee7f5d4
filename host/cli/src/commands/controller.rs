//! `slipway controller`: the controllers against the API server of any cluster.

mod health;
mod manifest;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use slipway_apiserver::serve::bind;
use slipway_bootstrap::layout::Layout;
use slipway_config::plugin::PluginConfiguration;
use slipway_config::posture::PostureId;
use slipway_controller::foreign::ForeignApproval;
use slipway_controller::foreign_signer::ForeignSigners;
use slipway_controller::{
    ClusterSettings, Controllers, DecisionLog, LiveReader, Policy, PolicyInForce, Signing,
    leadership,
};
use slipway_pki::guardrail::LifetimePolicy;
use slipway_pki::key::PrivateKey;
use slipway_plugin::{PluginHost, TokenStore};
use tokio::sync::watch;

use self::health::Health;
use crate::arguments::{ControllerArguments, ControllerCommand, ControllerOptions};
use crate::output::Printer;
use crate::policy::PolicyFile;
use crate::{cluster, controllers, plugins, server};

pub(super) async fn run(
    arguments: ControllerArguments,
    layout: Layout,
    printer: Printer,
) -> Result<()> {
    match arguments.command {
        Some(ControllerCommand::Manifest(arguments)) => manifest::print(&arguments, printer),
        None => work(arguments.options, layout, printer).await,
    }
}

async fn work(options: ControllerOptions, layout: Layout, printer: Printer) -> Result<()> {
    let signing = signing(&options)?;
    let client = cluster::controller(&options.cluster, &layout).await?;
    cluster::check_version(&client).await?;
    let listener = bind(options.health_bind_address).await?;
    let metrics_listener = bind(options.metrics_bind_address).await?;
    let host =
        plugins::long_running(&layout)?.with_cluster(Arc::new(LiveReader::new(client.clone())));
    let lifetime = match signing {
        Some(_) => LifetimePolicy::Clamped,
        None => LifetimePolicy::ANOTHER_SIGNER,
    };
    let of_cluster = move |nodes| ClusterSettings { lifetime, ..nodes };
    let for_tokens = host.clone();
    let Followed {
        policy,
        configuration,
        file,
    } = policy(&options, host, of_cluster).await?;
    let mirrored = plugins::token_store(&for_tokens, &configuration, &layout).await?;
    let foreign_signers = ForeignSigners::default();
    let work = Work {
        client: client.clone(),
        policy: policy.clone(),
        log: controllers::decision_log(&layout, &configuration)?,
        log_key: Arc::new(controllers::log_key(&layout)?),
        mirrored,
        signing,
        foreign_signers: foreign_signers.clone(),
    };

    let mut posture = plugins::posture_of_policy(&configuration);
    if policy.enforces() {
        let foreign = ForeignApproval::find(&client).await?;
        let entry = |found: &ForeignApproval| PostureId::ForeignApprover.about(found.title());
        posture.extend(foreign.iter().map(entry));
    }
    printer.posture(&posture);
    let (leading, leads) = watch::channel(false);
    let health = Health {
        client: client.clone(),
        policy: policy.clone(),
        foreign_signers: foreign_signers.clone(),
        leads,
    };
    let shutdown = server::shutdown()?;
    printer.note(format!(
        "working on the cluster; http://{}/readyz, http://{}/metrics",
        listener.local_addr()?,
        metrics_listener.local_addr()?
    ));
    tokio::spawn(health::serve(listener, health.router(), shutdown.clone()));
    tokio::spawn(health::serve(
        metrics_listener,
        health::metrics(),
        shutdown.clone(),
    ));
    if let Some(file) = file {
        tokio::spawn(file.follow(policy.clone(), printer, shutdown.clone()));
    }
    let identity = options.identity.map_or_else(identity, Ok)?;
    let outcome = leadership::lead(client.clone(), &identity, &leading, &shutdown, |term| {
        work.controllers().run(term)
    })
    .await;
    shutdown.cancel();
    outcome.context("the controllers ended")
}

/// What the controllers work with, in every term of office.
struct Work {
    client: kube::Client,
    policy: PolicyInForce,
    log: DecisionLog,
    log_key: Arc<PrivateKey>,
    mirrored: Option<Arc<dyn TokenStore>>,
    signing: Option<Signing>,
    foreign_signers: ForeignSigners,
}

impl Work {
    fn controllers(&self) -> Controllers {
        let mut controllers = Controllers::builder(self.client.clone())
            .policy(self.policy.clone())
            .bootstrap_signer()
            .token_cleaner()
            .csr_cleaner()
            .approver(self.log.clone())
            .foreign_signers(self.foreign_signers.clone())
            .head_publisher(self.log.clone(), Arc::clone(&self.log_key));
        if let Some(store) = &self.mirrored {
            controllers = controllers.token_mirror(Arc::clone(store));
        }
        if let Some(signing) = &self.signing {
            controllers = controllers.csr_signer(signing.clone(), self.log.clone());
        }
        controllers.build()
    }
}

/// A policy, what it is made of, and its file where it has one.
struct Followed {
    policy: PolicyInForce,
    configuration: PluginConfiguration,
    file: Option<PolicyFile>,
}

/// The policy of the file that is named, else the default one.
async fn policy(
    options: &ControllerOptions,
    host: PluginHost,
    of_cluster: impl Fn(ClusterSettings) -> ClusterSettings + Send + 'static,
) -> Result<Followed> {
    if let Some(path) = options.config.clone() {
        let (file, policy) = PolicyFile::open(path, host, of_cluster).await?;
        return Ok(Followed {
            policy: policy.into(),
            configuration: file.configuration().clone(),
            file: Some(file),
        });
    }
    let configuration = PluginConfiguration::default();
    let policy = Policy {
        chain: controllers::chain(host.csr_approvers(&configuration).await?),
        cluster: of_cluster(ClusterSettings::default()),
    };
    Ok(Followed {
        policy: policy.into(),
        configuration,
        file: None,
    })
}

fn signing(options: &ControllerOptions) -> Result<Option<Signing>> {
    let (Some(certificate), Some(key)) = (&options.ca_cert_file, &options.ca_key_file) else {
        return Ok(None);
    };
    let mut signing = Signing::new(Arc::new(controllers::authority(certificate, key)?));
    if let Some(longest) = options.cluster_signing_duration {
        signing.longest = longest.into();
    }
    Ok(Some(signing))
}

/// Replicas run on hosts of different names, or as different processes of one.
fn identity() -> Result<String> {
    let host = hostname::get().context("this machine has no name; give --identity")?;
    Ok(format!("{}_{}", host.to_string_lossy(), std::process::id()))
}
