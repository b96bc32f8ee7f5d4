//! Where everything lives on this machine.
//!
//! Three roots: the cluster's files as Kubernetes names them (`/etc/kubernetes`), Slipway's own state
//! (`/var/lib/slipway`) and the kubelet's certificates (`/var/lib/kubelet/pki`). `--dir` moves all three below
//! one folder; a user who is not root gets the XDG folders.

use std::path::{Path, PathBuf};

/// The folders of one installation. Paths only: nothing is touched by making one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    kubernetes: PathBuf,
    state: PathBuf,
    kubelet: PathBuf,
    certificates: PathBuf,
    system: bool,
    folder: Option<PathBuf>,
}

/// The parts of the environment that decide about folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Whether the process runs as root.
    pub root: bool,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
}

/// There is no folder to use.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LayoutError {
    /// An ordinary user without `HOME`, and nothing else given.
    #[error("no folder to work in: HOME is not set, and no folder was named")]
    NoHome,
    /// A folder was given that is not absolute once joined with the current one.
    #[error("the folder {0:?} cannot be made absolute")]
    NotAbsolute(PathBuf),
}

impl Layout {
    /// The machine's own folders, for root.
    pub fn system() -> Self {
        let kubernetes = PathBuf::from("/etc/kubernetes");
        Self {
            certificates: kubernetes.join("pki"),
            kubernetes,
            state: PathBuf::from("/var/lib/slipway"),
            kubelet: PathBuf::from("/var/lib/kubelet/pki"),
            system: true,
            folder: None,
        }
    }

    /// Everything below one folder: `D/kubernetes`, `D/state` and `D/kubelet`.
    pub fn under(folder: &Path) -> Self {
        let kubernetes = folder.join("kubernetes");
        Self {
            certificates: kubernetes.join("pki"),
            kubernetes,
            state: folder.join("state"),
            kubelet: folder.join("kubelet"),
            system: false,
            folder: Some(folder.to_owned()),
        }
    }

    /// The folder that was named, else the machine's for root, else the user's XDG folders.
    pub fn resolve(folder: Option<&Path>, environment: &Environment) -> Result<Self, LayoutError> {
        if let Some(folder) = folder {
            let absolute = std::path::absolute(folder)
                .map_err(|_| LayoutError::NotAbsolute(folder.to_owned()))?;
            return Ok(Self::under(&absolute));
        }
        if environment.root {
            return Ok(Self::system());
        }
        let below_home = |given: &Option<PathBuf>, default: &str| {
            // The XDG specification: a value that is not absolute is to be ignored.
            given
                .clone()
                .filter(|path| path.is_absolute())
                .or_else(|| environment.home.as_ref().map(|home| home.join(default)))
                .ok_or(LayoutError::NoHome)
        };
        let kubernetes =
            below_home(&environment.config_home, ".config")?.join("slipway/kubernetes");
        let state = below_home(&environment.state_home, ".local/state")?.join("slipway");
        Ok(Self {
            certificates: kubernetes.join("pki"),
            kubernetes,
            kubelet: state.join("kubelet"),
            state,
            system: false,
            folder: None,
        })
    }

    /// The same, with the cluster's certificates in another folder (`--cert-dir`).
    #[must_use]
    pub fn with_certificates(mut self, folder: PathBuf) -> Self {
        self.certificates = folder;
        self
    }

    /// The one folder that everything is below, where one was named.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether these are the machine's own folders, which the machine's kubelet reads.
    pub(crate) fn is_system(&self) -> bool {
        self.system
    }

    /// Folder of kubeconfigs.
    pub fn kubernetes(&self) -> &Path {
        &self.kubernetes
    }

    /// Folder of Slipway's own state.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Folder of the cluster's certificates and keys.
    pub fn certificates(&self) -> &Path {
        &self.certificates
    }

    /// Folder of the kubelet's certificates.
    pub fn kubelet(&self) -> &Path {
        &self.kubelet
    }

    /// The cluster's CA certificate, PEM.
    pub fn ca_certificate(&self) -> PathBuf {
        self.certificates.join("ca.crt")
    }

    /// The cluster's CA key, PEM.
    pub fn ca_key(&self) -> PathBuf {
        self.certificates.join("ca.key")
    }

    /// The API server's certificate, PEM.
    pub fn apiserver_certificate(&self) -> PathBuf {
        self.certificates.join("apiserver.crt")
    }

    /// The API server's key, PEM.
    pub fn apiserver_key(&self) -> PathBuf {
        self.certificates.join("apiserver.key")
    }

    /// The administrator's kubeconfig.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.kubernetes.join("admin.conf")
    }

    /// The kubelet's kubeconfig.
    pub fn kubelet_kubeconfig(&self) -> PathBuf {
        self.kubernetes.join("kubelet.conf")
    }

    /// The kubelet's client certificate and key in one PEM file, as the kubelet rotates it: a symbolic link to
    /// the newest dated file beside it.
    pub fn kubelet_client_current(&self) -> PathBuf {
        self.kubelet.join("kubelet-client-current.pem")
    }

    /// The embedded API's database.
    pub fn store(&self) -> PathBuf {
        self.state.join("store.redb")
    }

    /// Folder of the decision log.
    pub fn decision_log(&self) -> PathBuf {
        self.state.join("decisions")
    }

    /// Key (Ed25519, PEM) that signs the heads of the decision log.
    pub fn decision_log_key(&self) -> PathBuf {
        self.state.join("decision-log.key")
    }

    /// Key (32 bytes) under which records of a token store plugin are sealed.
    pub fn sealing_key(&self) -> PathBuf {
        self.state.join("token-sealing.key")
    }

    /// Folder of compiled plugins.
    pub fn plugin_cache(&self) -> PathBuf {
        self.state.join("plugins")
    }

    /// How far `init` came, and with what.
    pub fn cluster_state(&self) -> PathBuf {
        self.state.join("cluster.json")
    }

    /// How far `join` came, and what a later run goes on with: the key, while the node has not joined.
    pub fn join_record(&self) -> PathBuf {
        self.state.join("join.json")
    }

    /// What was written on this machine, for `reset`.
    pub fn manifest(&self) -> PathBuf {
        self.state.join("manifest.json")
    }

    /// Held by the one process that changes these folders.
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_holds_everything() {
        let layout = Layout::resolve(Some(Path::new("/srv/lab")), &Environment::default()).unwrap();
        assert_eq!(layout.ca_key(), Path::new("/srv/lab/kubernetes/pki/ca.key"));
        assert_eq!(layout.manifest(), Path::new("/srv/lab/state/manifest.json"));
        assert!(
            layout
                .kubelet_client_current()
                .starts_with("/srv/lab/kubelet")
        );
        assert!(!layout.is_system());
    }

    #[test]
    fn root_uses_the_folders_of_the_machine() {
        let environment = Environment {
            root: true,
            ..Environment::default()
        };
        let layout = Layout::resolve(None, &environment).unwrap();
        assert_eq!(
            layout.admin_kubeconfig(),
            Path::new("/etc/kubernetes/admin.conf")
        );
        assert_eq!(layout.state(), Path::new("/var/lib/slipway"));
        assert!(layout.is_system());
    }

    #[test]
    fn a_user_gets_the_xdg_folders_and_relative_ones_are_ignored() {
        let environment = Environment {
            home: Some("/home/ada".into()),
            config_home: Some("relative".into()),
            state_home: Some("/data/state".into()),
            root: false,
        };
        let layout = Layout::resolve(None, &environment).unwrap();
        assert_eq!(
            layout.kubernetes(),
            Path::new("/home/ada/.config/slipway/kubernetes")
        );
        assert_eq!(layout.state(), Path::new("/data/state/slipway"));
    }

    #[test]
    fn without_a_home_there_is_an_error() {
        assert_eq!(
            Layout::resolve(None, &Environment::default()),
            Err(LayoutError::NoHome)
        );
    }

    #[test]
    fn certificates_can_live_elsewhere() {
        let layout = Layout::system().with_certificates("/srv/pki".into());
        assert_eq!(layout.ca_certificate(), Path::new("/srv/pki/ca.crt"));
        assert_eq!(
            layout.admin_kubeconfig(),
            Path::new("/etc/kubernetes/admin.conf")
        );
    }
}
