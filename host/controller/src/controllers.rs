//! The controllers, put together and run.

mod queues;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::Api;
use kube::runtime::watcher;
use slipway_config::token::TokenId;
use slipway_pki::ca::CertificateAuthority;
use slipway_pki::decision::signing::DEFAULT_MAXIMUM;
use slipway_pki::key::PrivateKey;
use slipway_plugin::TokenStore;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use self::queues::{RequestQueues, look_again, look_at_all_again};
use self::tasks::{Tasks, or_stop};
use crate::announcer::{self, Announcer};
use crate::approval_recorder::ApprovalRecorder;
use crate::approver::Approver;
use crate::bootstrap_signer::{BootstrapSigner, CLUSTER_INFO, CLUSTER_INFO_NAMESPACE};
use crate::claims::Claims;
use crate::cluster::Guard;
use crate::context::Context;
use crate::csr_cleaner::CsrCleaner;
use crate::csr_signer::CsrSigner;
use crate::decision_log::DecisionLog;
use crate::error::Error;
use crate::foreign_signer::ForeignSigners;
use crate::head_publisher::HeadPublisher;
use crate::ledger::Ledgers;
use crate::policy::{Policy, PolicyInForce};
use crate::system::{self, Clock, system_clock};
use crate::token_cleaner::TokenCleaner;
use crate::token_keeper::{TokenEvent, TokenKeeper};
use crate::token_mirror::TokenMirror;
use crate::tokens::{SELECTOR, TokenSecret, TokenSecrets};
use crate::watch::{Cache, Seen, cache, follow};

/// How often claims that are over are cleared.
const CLAIM_SWEEP: Duration = Duration::from_secs(30);

/// Controllers that are ready to run.
pub struct Controllers {
    client: kube::Client,
    clock: Clock,
    policy: PolicyInForce,
    bootstrap_signer: bool,
    token_cleaner: bool,
    csr_cleaner: bool,
    approver: Option<DecisionLog>,
    signer: Option<(Signing, DecisionLog)>,
    foreign_signers: ForeignSigners,
    published: Option<(DecisionLog, Arc<PrivateKey>)>,
    mirrored: Option<Arc<dyn TokenStore>>,
}

/// Chooses which controllers run; none do unless they are named.
#[must_use]
pub struct ControllersBuilder(Controllers);

/// What the signer signs with.
#[derive(Clone)]
pub struct Signing {
    /// The CA of the clients, or of the kubelets' servers as well.
    pub authority: Arc<CertificateAuthority>,
    /// The longest that a certificate holds.
    pub longest: Duration,
}

impl Signing {
    /// With this CA, for up to a year.
    pub fn new(authority: Arc<CertificateAuthority>) -> Self {
        Self {
            authority,
            longest: DEFAULT_MAXIMUM,
        }
    }
}

impl Controllers {
    /// Controllers over this client, which may do everything that they need.
    pub fn builder(client: kube::Client) -> ControllersBuilder {
        ControllersBuilder(Self {
            client,
            clock: system_clock(),
            policy: Policy::default().into(),
            bootstrap_signer: false,
            token_cleaner: false,
            csr_cleaner: false,
            approver: None,
            signer: None,
            foreign_signers: ForeignSigners::default(),
            published: None,
            mirrored: None,
        })
    }

    /// Runs them until `shutdown`. What was begun is finished, or left so that the next run finishes it.
    ///
    /// # Errors
    /// When the API refuses the namespace of our own records, or a controller ended by a defect.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        system::ensure_namespace(&self.client).await?;
        let stop = shutdown.child_token();
        let mut tasks = Tasks::new(stop.clone());
        let ledgers = Ledgers::new(self.client.clone(), Arc::clone(&self.clock));
        let ended = self.watch_tokens(&mut tasks, &ledgers);
        self.watch_requests(&mut tasks, &ledgers, ended);
        if let Some(store) = self.mirrored {
            let mirror = TokenMirror {
                store,
                client: self.client.clone(),
                ledgers,
                clock: Arc::clone(&self.clock),
            };
            tasks.start("token-mirror", |stop| mirror.run(stop));
        }
        if let Some((log, key)) = self.published {
            let publisher = HeadPublisher {
                client: self.client,
                clock: self.clock,
                log,
                key,
            };
            tasks.start("head-publisher", |stop| publisher.run(stop));
        }
        let result = tasks.wait().await;
        stop.cancel();
        result
    }

    /// Starts what follows the tokens. Returns where the ends of tokens are told.
    fn watch_tokens(
        &self,
        tasks: &mut Tasks,
        ledgers: &Ledgers,
    ) -> mpsc::UnboundedReceiver<TokenId> {
        let (tell_ended, ended) = mpsc::unbounded_channel();
        let keeps_ledgers = self.token_cleaner || self.approver.is_some() || self.signer.is_some();
        if !keeps_ledgers && !self.bootstrap_signer {
            return ended;
        }
        let secrets = TokenSecrets::new(self.client.clone());
        let (cache, writer) = cache();
        let (events, keeper_events) = mpsc::unbounded_channel();
        let for_signer = Arc::new(Notify::new());
        let for_cleaner = Arc::new(Notify::new());
        if keeps_ledgers {
            let keeper = TokenKeeper {
                secrets: secrets.clone(),
                ledgers: ledgers.clone(),
                clock: Arc::clone(&self.clock),
                events: keeper_events,
                ended: tell_ended,
            };
            tasks.start("token-keeper", |stop| keeper.run(stop));
        }
        if self.token_cleaner {
            let cleaner = TokenCleaner {
                secrets: secrets.clone(),
                ledgers: ledgers.clone(),
                clock: Arc::clone(&self.clock),
                cache: cache.clone(),
                changed: Arc::clone(&for_cleaner),
            };
            tasks.start("token-cleaner", |stop| cleaner.run(stop));
        }
        if self.bootstrap_signer {
            self.start_bootstrap_signer(tasks, cache, Arc::clone(&for_signer));
        }
        let api = secrets.api().clone();
        tasks.start("token-watch", |stop| {
            follow(
                api,
                watcher::Config::default().fields(SELECTOR),
                writer,
                stop,
                move |seen: Seen<'_, Secret>| {
                    for_signer.notify_one();
                    for_cleaner.notify_one();
                    let event = match seen {
                        Seen::Changed(secret) => TokenSecret::read(secret).map(TokenEvent::Changed),
                        Seen::Gone(secret) => {
                            TokenSecret::read_deleted(secret).map(TokenEvent::Gone)
                        }
                        Seen::Listed => Some(TokenEvent::Listed),
                    };
                    if let Some(event) = event {
                        // Nobody listens where no ledgers are kept.
                        let _ = events.send(event);
                    }
                },
            )
        });
        ended
    }

    fn start_bootstrap_signer(
        &self,
        tasks: &mut Tasks,
        secrets: Cache<Secret>,
        changed: Arc<Notify>,
    ) {
        let signer = BootstrapSigner {
            client: self.client.clone(),
            clock: Arc::clone(&self.clock),
            secrets,
            changed: Arc::clone(&changed),
        };
        tasks.start("bootstrap-signer", |stop| signer.run(stop));
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), CLUSTER_INFO_NAMESPACE);
        let only = watcher::Config::default().fields(&format!("metadata.name={CLUSTER_INFO}"));
        let (_, writer) = cache();
        tasks.start("cluster-info-watch", |stop| {
            follow(maps, only, writer, stop, move |_: Seen<'_, ConfigMap>| {
                changed.notify_one()
            })
        });
    }

    /// Starts what follows the requests.
    fn watch_requests(
        &self,
        tasks: &mut Tasks,
        ledgers: &Ledgers,
        mut ended: mpsc::UnboundedReceiver<TokenId>,
    ) {
        let api: Api<CertificateSigningRequest> = Api::all(self.client.clone());
        let claims = Claims::new(
            self.client.clone(),
            ledgers.clone(),
            Arc::clone(&self.clock),
        );
        let guard = Guard::new(
            self.client.clone(),
            ledgers.clone(),
            Arc::clone(&self.clock),
        );
        let (announcer, told) = Announcer::new();
        let client = self.client.clone();
        tasks.start("announcer", |stop| announcer::write(client, told, stop));
        let requests = RequestQueues::default();
        let (cache, writer) = cache();
        let context = |log: &DecisionLog| Context {
            requests: api.clone(),
            cache: cache.clone(),
            guard: guard.clone(),
            policy: self.policy.clone(),
            claims: claims.clone(),
            ledgers: ledgers.clone(),
            log: log.clone(),
            announcer: announcer.clone(),
            clock: Arc::clone(&self.clock),
        };
        if let Some(log) = &self.approver {
            let approver = Approver {
                context: context(log),
                signed_elsewhere: self.signer.is_none(),
            };
            tasks.start_work("approver", &requests.approver, move |name| {
                let approver = approver.clone();
                async move { approver.handle(&name).await }
            });
            let mut policies = self.policy.changes();
            let (all, queue) = (cache.clone(), Arc::clone(&requests.approver));
            tasks.start("new-policy", |stop| async move {
                while let Some(Ok(())) = or_stop(&stop, policies.changed().map(Some)).await {
                    look_at_all_again(&all, &queue);
                }
                stop.cancelled().await;
            });
            let (cache, queue) = (cache.clone(), Arc::clone(&requests.approver));
            tasks.start("revocation", |stop| async move {
                while let Some(id) = or_stop(&stop, ended.recv()).await {
                    look_again(&cache, &queue, &id);
                }
                stop.cancelled().await;
            });
        }
        if let Some((signing, log)) = &self.signer {
            let signer = CsrSigner {
                context: context(log),
                authority: Arc::clone(&signing.authority),
                longest: signing.longest,
                foreign: self.foreign_signers.clone(),
            };
            self.foreign_signers.begin();
            tasks.start_work("csr-signer", &requests.approved, move |name| {
                let signer = signer.clone();
                async move { signer.handle(&name).await }
            });
        }
        if let (Some(log), None) = (&self.approver, &self.signer) {
            let recorder = ApprovalRecorder {
                context: context(log),
                began: (self.clock)(),
            };
            tasks.start_work("approval-recorder", &requests.approved, move |name| {
                let recorder = recorder.clone();
                async move { recorder.handle(&name).await }
            });
        }
        if self.approver.is_some() || self.signer.is_some() {
            tasks.start("node-watch", |stop| guard.clone().follow_nodes(stop));
            let cache = cache.clone();
            tasks.start("claim-sweep", |stop| sweep(claims, cache, stop));
        }
        if self.csr_cleaner {
            let cleaner = CsrCleaner {
                client: self.client.clone(),
                policy: self.policy.clone(),
                clock: Arc::clone(&self.clock),
                cache,
            };
            tasks.start("csr-cleaner", |stop| cleaner.run(stop));
        }
        if self.approver.is_some() || self.signer.is_some() || self.csr_cleaner {
            let foreign = self.signer.is_some().then(|| self.foreign_signers.clone());
            tasks.start("request-watch", |stop| {
                follow(api, watcher::Config::default(), writer, stop, move |seen| {
                    if let Some(foreign) = &foreign {
                        foreign.see(&seen);
                    }
                    requests.see(seen)
                })
            });
        }
    }
}

impl ControllersBuilder {
    /// What decides about requests; whoever holds a clone can exchange it while the controllers run.
    pub fn policy(mut self, policy: impl Into<PolicyInForce>) -> Self {
        self.0.policy = policy.into();
        self
    }

    /// Another clock than the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.0.clock = clock;
        self
    }

    /// Keeps the signatures in cluster-info.
    pub fn bootstrap_signer(mut self) -> Self {
        self.0.bootstrap_signer = true;
        self
    }

    /// Deletes expired tokens.
    pub fn token_cleaner(mut self) -> Self {
        self.0.token_cleaner = true;
        self
    }

    /// Deletes certificate signing requests that are over.
    pub fn csr_cleaner(mut self) -> Self {
        self.0.csr_cleaner = true;
        self
    }

    /// Decides certificate signing requests, writing each decision down.
    pub fn approver(mut self, log: DecisionLog) -> Self {
        self.0.approver = Some(log);
        self
    }

    /// Signs approved certificate signing requests, writing each certificate down.
    pub fn csr_signer(mut self, signing: Signing, log: DecisionLog) -> Self {
        self.0.signer = Some((signing, log));
        self
    }

    /// Mirrors a token store into Secrets. The embedded API, which asks the store itself, needs none.
    pub fn token_mirror(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.0.mirrored = Some(store);
        self
    }

    /// Publishes where a log ends, signed with the key that is the log's own.
    pub fn head_publisher(mut self, log: DecisionLog, key: Arc<PrivateKey>) -> Self {
        self.0.published = Some((log, key));
        self
    }

    /// Where the signer tells of others who sign what it is there for.
    pub fn foreign_signers(mut self, seen: ForeignSigners) -> Self {
        self.0.foreign_signers = seen;
        self
    }

    /// Ready to run.
    pub fn build(self) -> Controllers {
        self.0
    }
}

/// Clears claims whose node has come, or whose time is over.
async fn sweep(
    claims: Claims,
    requests: Cache<CertificateSigningRequest>,
    stop: CancellationToken,
) {
    if !requests.is_filled(&stop).await {
        return;
    }
    let mut ticks = tokio::time::interval(CLAIM_SWEEP);
    while or_stop(&stop, ticks.tick().map(Some)).await.is_some() {
        if let Err(error) = claims.sweep(&requests).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "claims on node names could not be cleared"
            );
        }
    }
}
