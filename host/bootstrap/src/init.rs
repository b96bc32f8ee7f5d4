//! Making a cluster's trust: files on this machine, then objects in the cluster.
//!
//! [`prepare`] runs the phases `preflight`, `certs` and `kubeconfig` and gives a [`Prepared`]. The caller starts the API
//! server with it, and hands a client to [`extend`], which runs `namespaces`, `bootstrap-token`, `cluster-info` and `rbac`
//! with the token of an earlier run, where there is one ([`publish()`] makes another); [`complete`] notes that all was done.
//! In a cluster that runs already, [`extend`] is all that is needed. Each phase does its work as often as it is run; a run
//! that was interrupted is taken up by the next, and only a complete one is refused.

pub mod certs;
mod existing;
mod invitation;
mod kubeconfigs;
pub mod namespaces;
pub mod objects;
mod phase;
mod publish;
pub mod rbac;
pub mod settings;

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::endpoint::ApiServerUrl;
use slipway_config::posture::PostureEntry;
use slipway_config::token::{TokenId, TokenRecord, TokenUsages};
use slipway_pki::ca::CaBundle;

use self::certs::{Certificates, CertsError, Origin};
use self::objects::{Applied, ObjectError, Wanted};
use self::settings::{Publication, Settings};
use crate::files::{FileError, Files, exists, read_optional};
use crate::layout::Layout;
use crate::posture;
use crate::progress::{Event, Outcome, Progress};

pub use existing::{check_version, extend};
pub use invitation::Invitation;
pub use phase::{Phase, Phases, UnknownPhase};

const VERSION: u32 = 1;

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A cluster was made here before.
    #[error("a cluster was made here at {created}, with the API server {server}; its files are in {}", folder.display())]
    AlreadyInitialised {
        /// When.
        created: Timestamp,
        /// Its API server.
        server: ApiServerUrl,
        /// Its files.
        folder: PathBuf,
    },
    /// An earlier run was for another API server.
    #[error("an init for {started} was begun here, and this one is for {asked}")]
    OtherCluster {
        /// What was begun.
        started: ApiServerUrl,
        /// What was asked for now.
        asked: ApiServerUrl,
    },
    /// The record of an earlier run cannot be read.
    #[error("{} cannot be used: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Keys and certificates.
    #[error(transparent)]
    Certs(#[from] CertsError),
    /// A kubeconfig could not be put together.
    #[error("cannot write a kubeconfig: {0}")]
    Kubeconfig(String),
    /// There is no token.
    #[error("cannot make a bootstrap token: {0}")]
    Token(String),
    /// A token would be over at once.
    #[error("the token {id} would expire at {expires}, and it is {now} now")]
    TokenExpired {
        /// The token.
        id: TokenId,
        /// When it would end.
        expires: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// Two tokens have the same ID.
    #[error("two of the tokens to make have the ID {0}; each needs an ID of its own")]
    SameToken(TokenId),
    /// The cluster that runs already is of another age.
    #[error("the API server has the version {version}; nodes are let in from 1.{OLDEST_MINOR} on", OLDEST_MINOR = existing::OLDEST_MINOR)]
    TooOld {
        /// Its version.
        version: String,
    },
    /// An object of the cluster.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// The machine's half of a cluster.
#[derive(Debug)]
pub struct Prepared {
    /// Where its files are.
    pub layout: Layout,
    /// Its keys and certificates.
    pub certificates: Certificates,
    /// Which trade-offs are in force.
    pub posture: Vec<PostureEntry>,
}

impl Prepared {
    /// The CA as nodes know it.
    pub fn ca(&self) -> CaBundle {
        self.certificates.authority.bundle()
    }
}

/// A cluster that nodes can join.
#[derive(Debug)]
pub struct Published {
    /// What a node is invited with; none where no token was made that signs and authenticates.
    pub invitation: Option<Invitation>,
    /// When the token ends; none: never, or none was made.
    pub token_expires: Option<Timestamp>,
    /// Every object, and what was done about it.
    pub objects: Vec<(String, Applied)>,
}

/// How far `init` came on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterRecord {
    version: u32,
    /// The API server that nodes are told of first.
    pub server: ApiServerUrl,
    /// When it was begun.
    pub created: Timestamp,
    /// Whether all phases were run.
    pub complete: bool,
}

/// Runs the phases that work on this machine's files.
pub fn prepare(
    layout: &Layout,
    settings: &Settings,
    phases: &Phases,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Prepared, InitError> {
    check(settings, now)?;
    let mut files = Files::open(layout)?;
    if phases.include(Phase::Preflight) {
        begin(progress, Phase::Preflight);
        preflight(&files)?;
        end(progress, Phase::Preflight, Outcome::Done);
    }
    note_start(&mut files, settings, now)?;

    // What was made before is taken up even where the phase itself is left out: the later ones need it.
    if !phases.include(Phase::Certs) {
        certs::require(layout)?;
    }
    begin(progress, Phase::Certs);
    let certificates = certs::create(&mut files, settings, now)?;
    end(
        progress,
        Phase::Certs,
        match certificates.ca {
            Origin::Made => Outcome::Done,
            Origin::Kept => Outcome::Kept("the CA of an earlier run".to_owned()),
            Origin::Given => Outcome::Kept("the operator's own CA".to_owned()),
        },
    );

    if phases.include(Phase::Kubeconfig) {
        begin(progress, Phase::Kubeconfig);
        let outcome = if kubeconfigs::is_good(&files, settings, &certificates, now)? {
            Outcome::Kept("admin.conf of an earlier run".to_owned())
        } else {
            kubeconfigs::write(&mut files, settings, &certificates)?;
            Outcome::Done
        };
        end(progress, Phase::Kubeconfig, outcome);
    }
    let posture = posture::of_init(settings, certificates.ca);
    Ok(Prepared {
        layout: layout.clone(),
        certificates,
        posture,
    })
}

/// Finds out what can be found out with nothing made: tokens that cannot be.
///
/// # Errors
/// What [`prepare`] would fail with at once.
pub fn check(settings: &Settings, now: Timestamp) -> Result<(), InitError> {
    publish::tokens(&settings.tokens, now).map(drop)
}

/// Runs the phases that make objects in the cluster.
///
/// # Errors
/// What the API refused first; what was made before stays, and is found again by the next run.
pub async fn publish(
    client: &kube::Client,
    publication: &Publication,
    phases: &Phases,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Published, InitError> {
    let tokens = publish::tokens(&publication.tokens, now)?;
    let mut applied = Vec::new();
    for (phase, objects) in plan(publication, &tokens)? {
        if !phases.include(phase) {
            continue;
        }
        begin(progress, phase);
        for object in objects {
            applied.push((object.title(), object.apply(client).await?));
        }
        end(progress, phase, Outcome::Done);
    }
    let invites = tokens
        .iter()
        .find(|token| token.usages == TokenUsages::ALL)
        .filter(|_| phases.include(Phase::BootstrapToken));
    Ok(Published {
        invitation: invites.map(|token| publication.invitation(token.token())),
        token_expires: invites.and_then(|token| token.expires),
        objects: applied,
    })
}

/// Notes that the cluster of these files is complete, where all phases were run.
///
/// # Errors
/// When the record of the cluster cannot be read or written.
pub fn complete(layout: &Layout, phases: &Phases) -> Result<(), InitError> {
    if !phases.are_all() {
        return Ok(());
    }
    let mut files = Files::open(layout)?;
    match record(layout)? {
        Some(record) => save(
            &mut files,
            &ClusterRecord {
                complete: true,
                ..record
            },
        ),
        None => Ok(()),
    }
}

/// A CA for `--dry-run`, made for this purpose and thrown away.
///
/// # Errors
/// When no CA can be made with these settings.
pub fn throwaway_ca(settings: &Settings, now: Timestamp) -> Result<CaBundle, InitError> {
    Ok(certs::new_authority(settings, now)?.bundle())
}

/// Every object that [`publish()`] would make, phase by phase, for `--dry-run`.
///
/// # Errors
/// What [`publish()`] would fail with before it talks to the API.
pub fn dry_run(
    publication: &Publication,
    now: Timestamp,
) -> Result<Vec<(Phase, Vec<Wanted>)>, InitError> {
    plan(publication, &publish::tokens(&publication.tokens, now)?)
}

/// How far an earlier run came, if there was one.
pub fn record(layout: &Layout) -> Result<Option<ClusterRecord>, InitError> {
    let path = layout.cluster_state();
    let Some(text) = read_optional(&path)? else {
        return Ok(None);
    };
    let damaged = |reason: String| InitError::Damaged {
        path: path.clone(),
        reason,
    };
    let record: ClusterRecord =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    match record.version {
        VERSION => Ok(Some(record)),
        other => Err(damaged(format!(
            "it has version {other}, expected {VERSION}"
        ))),
    }
}

fn plan(
    publication: &Publication,
    tokens: &[TokenRecord],
) -> Result<Vec<(Phase, Vec<Wanted>)>, InitError> {
    Ok(vec![
        (Phase::Namespaces, namespaces::objects()?),
        (
            Phase::BootstrapToken,
            tokens
                .iter()
                .map(publish::token_secret)
                .collect::<Result<_, _>>()?,
        ),
        (
            Phase::ClusterInfo,
            vec![publish::cluster_info(publication)?],
        ),
        (Phase::Rbac, rbac::objects(publication.access)?),
    ])
}

fn preflight(files: &Files) -> Result<(), InitError> {
    let layout = files.layout();
    if let Some(ClusterRecord {
        complete: true,
        created,
        server,
        ..
    }) = record(layout)?
    {
        return Err(InitError::AlreadyInitialised {
            created,
            server,
            folder: layout.kubernetes().to_owned(),
        });
    }
    let path = layout.admin_kubeconfig();
    if exists(&path)? && files.manifest().entry(&path).is_none() {
        return Err(FileError::Foreign { path }.into());
    }
    Ok(())
}

/// Notes what is begun here. What was begun before has to be for the same API server: a single phase, too, would put
/// the names of another one where nodes and administrators look for this one's.
fn note_start(files: &mut Files, settings: &Settings, now: Timestamp) -> Result<(), InitError> {
    if let Some(ClusterRecord { server, .. }) = record(files.layout())? {
        return match server == settings.server() {
            true => Ok(()),
            false => Err(InitError::OtherCluster {
                started: server,
                asked: settings.server(),
            }),
        };
    }
    save(
        files,
        &ClusterRecord {
            version: VERSION,
            server: settings.server(),
            created: now,
            complete: false,
        },
    )
}

fn save(files: &mut Files, record: &ClusterRecord) -> Result<(), InitError> {
    let path = files.layout().cluster_state();
    let text = serde_json::to_vec_pretty(record).map_err(|error| InitError::Damaged {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    Ok(files.write(&path, &text)?)
}

fn begin(progress: &dyn Progress, phase: Phase) {
    progress.event(Event::Started {
        phase: phase.name(),
    });
}

fn end(progress: &dyn Progress, phase: Phase, outcome: Outcome) {
    progress.event(Event::Finished {
        phase: phase.name(),
        outcome,
    });
}

#[cfg(test)]
mod tests;
