//! `slipway serve`: the embedded API and the controllers in one process. This is where the house is put together.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use slipway_apiserver::authentication::{TokenBackend, UserInfo};
use slipway_apiserver::serve::{ConnectionLimits, TlsIdentity, bind};
use slipway_apiserver::{ApiServer, HistoryLimits, Metrics, Store};
use slipway_bootstrap::init;
use slipway_bootstrap::layout::Layout;
use slipway_config::plugin::PluginConfiguration;
use slipway_controller::{Controllers, LiveReader, PolicyInForce, Signing, measures};
use slipway_plugin::PluginHost;
use tokio_util::sync::CancellationToken;

use crate::arguments::ServeArguments;
use crate::controllers;
use crate::documents;
use crate::failure::{Code, Coded, NEW_STORE};
use crate::output::Printer;
use crate::plugins;
use crate::policy::PolicyFile;
use crate::server::{self, Running, ServerSettings, plugins_path};

/// The name under which the controllers are known to the API.
const CONTROLLERS: &str = "slipway";

pub(super) async fn run(arguments: ServeArguments, layout: Layout, printer: Printer) -> Result<()> {
    let settings = ServerSettings::load(&layout)?;
    let layout = layout.with_certificates(settings.certificates.clone());
    let running = Running::claim(&layout)?;
    let configuration = ServerSettings::plugins(&layout)?;
    let host = plugins::long_running(&layout)?;

    let listener = match &arguments.listen {
        Some(listen) => server::listen(listen).await?,
        None => bind(settings.listen).await?,
    };
    let api = ApiServer::builder(store(&layout, &arguments)?)
        .tokens(tokens(&host, &configuration, &layout).await?)
        .metrics(Metrics {
            media_type: measures::MEDIA_TYPE,
            text: measures::text,
        })
        .build()
        .await?;
    let shutdown = server::shutdown()?;
    let controllers = controllers_of(&api, &host, &settings, &layout, printer, &shutdown).await?;
    printer.note(format!("serving on {}", listener.local_addr()?));
    // There is no other.
    measures::leads(true);
    let work = controllers.run(shutdown.clone());
    let serve = api.serve(
        listener,
        identity(&layout)?,
        ConnectionLimits::default(),
        shutdown.clone(),
    );
    let outcome = together(work, serve, &shutdown).await;
    drop(running);
    outcome
}

/// The store, made where the cluster is being made. One that was complete has a store, and an empty one in its place forgets
/// its nodes, tokens and requests: somebody has to want that.
fn store(layout: &Layout, arguments: &ServeArguments) -> Result<Store> {
    let path = layout.store();
    let is_complete = init::record(layout)?.is_some_and(|record| record.complete);
    if is_complete && !arguments.new_store && !path.exists() {
        bail!(Coded::new(
            Code::NotFound,
            format!(
                "the store {} is missing, and the cluster that was made here has one",
                path.display()
            ),
            NEW_STORE
        ));
    }
    Ok(Store::open(&path, HistoryLimits::default())?)
}

/// Runs both until the first ends, then ends the other.
async fn together(
    work: impl Future<Output = Result<(), slipway_controller::Error>>,
    serve: impl Future<Output = Result<(), slipway_apiserver::serve::ServeError>>,
    shutdown: &CancellationToken,
) -> Result<()> {
    let work = async {
        let ended = work.await;
        shutdown.cancel();
        ended.context("the controllers ended")
    };
    let serve = async {
        let ended = serve.await;
        shutdown.cancel();
        ended.context("the API ended")
    };
    let (worked, served) = tokio::join!(work, serve);
    served.and(worked)
}

fn identity(layout: &Layout) -> Result<TlsIdentity> {
    let read = |file: std::path::PathBuf| {
        std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
    };
    let (chain, key) = (
        read(layout.apiserver_certificate())?,
        read(layout.apiserver_key())?,
    );
    TlsIdentity::from_pem(&chain, &key, &read(layout.ca_certificate())?).with_context(|| {
        format!(
            "the API server's certificate and key in {} cannot be used",
            layout.certificates().display()
        )
    })
}

/// The store of bootstrap tokens: a plugin where one is configured, else the API's own.
async fn tokens(
    host: &PluginHost,
    configuration: &PluginConfiguration,
    layout: &Layout,
) -> Result<TokenBackend> {
    let store = plugins::token_store(host, configuration, layout).await;
    let store = store.map_err(|error| documents::placed(error, Some(&plugins_path(layout))))?;
    Ok(store.map_or(TokenBackend::Native, TokenBackend::Plugin))
}

async fn controllers_of(
    api: &ApiServer,
    host: &PluginHost,
    settings: &ServerSettings,
    layout: &Layout,
    printer: Printer,
    shutdown: &CancellationToken,
) -> Result<Controllers> {
    let authority = controllers::authority(&layout.ca_certificate(), &layout.ca_key())?;
    let client = api.client(UserInfo::controller(CONTROLLERS));
    let host = host
        .clone()
        .with_cluster(Arc::new(LiveReader::new(client.clone())));
    let of_cluster = {
        let settings = settings.clone();
        move |nodes| settings.cluster(nodes)
    };
    let (file, policy) = PolicyFile::open(server::plugins_path(layout), host, of_cluster).await?;
    let log = controllers::decision_log(layout, file.configuration())?;
    let log_key = Arc::new(controllers::log_key(layout)?);
    let policy = PolicyInForce::from(policy);
    tokio::spawn(file.follow(policy.clone(), printer, shutdown.clone()));
    let mut signing = Signing::new(Arc::new(authority));
    if let Some(longest) = settings.cluster_signing_duration {
        signing.longest = longest.into();
    }
    Ok(Controllers::builder(client)
        .policy(policy)
        .bootstrap_signer()
        .token_cleaner()
        .csr_cleaner()
        .approver(log.clone())
        .csr_signer(signing, log.clone())
        .head_publisher(log, log_key)
        .build())
}
