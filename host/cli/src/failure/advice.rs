//! For each error that a user can meet: the exit code, and the next command.

mod administrator;
mod machine;
mod rights;

use slipway_bootstrap::connect::{
    CertificateFailure, ConnectFailure, NoConnection, RequestFailure,
};
use slipway_bootstrap::discovery::{DiscoveryFailure, FetchError, NoEndpoints};
use slipway_bootstrap::init::InitError;
use slipway_bootstrap::init::objects::ObjectError;
use slipway_bootstrap::join::{CertificateRefusal, JoinError};
use slipway_bootstrap::progress::Waiting;
use slipway_controller::Standing;
use slipway_controller::requests::RequestError;
use slipway_controller::tokens::TokenAdminError;
use slipway_plugin::LoadError;
use slipway_plugin::extension::endpoint_provider::EndpointError;
use slipway_plugin::extension::token_store::TokenStoreError;
use slipway_plugin::extension::trust_source::DiscoveryError;

pub(super) use self::administrator::RefusedCertificate;
use super::{Code, Usage};

const TOKENS: &str = "on the control plane, `slipway token list` shows the tokens, `slipway token create --print-join-command` makes one";
const PINS: &str = "compare with what `slipway certs ca-hash` prints on the control plane; if they differ, do not join";
const INDEPENDENT: &str = "give sources that share neither a host nor a file, or have fewer of them agree: --trust N-of …";
const CLOCK: &str =
    "compare the clocks of both machines (`date -u`), set the wrong one, and try again";
const EXPIRED: &str = "compare the clocks of both machines (`date -u`) and set the wrong one; if both are right, renew the \
                       certificates on the control plane: `slipway init phase certs` and `slipway init phase kubeconfig`, \
                       each with the arguments that init was given, then start `slipway serve` again";
/// For a store that is not what was written.
pub(crate) const NEW_STORE: &str = "put the file back from a backup and start `slipway serve` again; without a backup, move \
                                    what is there away: `slipway serve --new-store` begins an empty store, and \
                                    `slipway init phase` fills it (namespaces, bootstrap-token, cluster-info, rbac)";
/// For another file of a cluster that is not what was written.
pub(crate) const BACKUP: &str = "put the file back from a backup and start `slipway serve` again; without a backup, \
                                 `slipway reset` and `slipway init` make a new cluster, which every node joins anew";
const ROOM: &str = "make room on that disk (`df -h` and `df -i` show how much there is), and run the same command again";
const WEB: &str = "open the URL on this machine (`curl -v`): it has to answer the cluster's kubeconfig, over https";
const LISTS: &str = "see that what the endpoint provider asks answers this machine: the DNS, or the web server that lists the API \
                     servers; if a CA of your own signed the web server's certificate, name that CA in SSL_CERT_FILE";
const ADDRESS: &str = "check address and port; on the control plane, `slipway serve` has to run, and no firewall may be between";

/// What to do next, and what scripts are told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(super) code: Code,
    pub(super) hint: Option<String>,
}

impl Advice {
    /// The advice of the outermost error that has one.
    pub(super) fn for_error(error: &anyhow::Error) -> Self {
        error.chain().find_map(known).unwrap_or(Self {
            code: Code::General,
            hint: None,
        })
    }

    fn new(code: Code, hint: impl Into<String>) -> Self {
        Self {
            code,
            hint: Some(hint.into()),
        }
    }

    fn bare(code: Code) -> Self {
        Self { code, hint: None }
    }
}

fn known(cause: &(dyn std::error::Error + 'static)) -> Option<Advice> {
    if let Some(usage) = cause.downcast_ref::<Usage>() {
        return Some(Advice {
            code: Code::Usage,
            hint: usage.hint().map(str::to_owned),
        });
    }
    if let Some(coded) = cause.downcast_ref::<super::Coded>() {
        return Some(Advice {
            code: coded.code,
            hint: coded.hint.clone(),
        });
    }
    if cause.is::<LoadError>() {
        return Some(Advice::bare(Code::Usage));
    }
    if let Some(error) = cause.downcast_ref::<TokenStoreError>() {
        return token_store(error);
    }
    if let Some(error) = cause.downcast_ref::<InitError>() {
        return init(error);
    }
    if let Some(error) = cause.downcast_ref::<JoinError>() {
        return join(error);
    }
    if let Some(error) = cause.downcast_ref::<TokenAdminError>() {
        return tokens(error);
    }
    if let Some(error) = cause.downcast_ref::<RequestError>() {
        return requests(error);
    }
    if let Some(failure) = cause.downcast_ref::<DiscoveryFailure>() {
        return discovery(failure);
    }
    if let Some(failure) = cause.downcast_ref::<RequestFailure>() {
        return Some(request(failure));
    }
    if let Some(failure) = cause.downcast_ref::<NoConnection>() {
        return Some(connection(failure));
    }
    administrator::known(cause).or_else(|| machine::known(cause))
}

fn init(error: &InitError) -> Option<Advice> {
    match error {
        InitError::AlreadyInitialised { .. } => Some(Advice::new(
            Code::Exists,
            "`slipway serve` starts its API again; `slipway reset` removes it; --dir makes another one elsewhere",
        )),
        InitError::OtherCluster { .. } => Some(Advice::new(
            Code::Exists,
            "run init with the arguments that it was begun with, or start over with `slipway reset`",
        )),
        InitError::TokenExpired { .. } | InitError::SameToken(_) => Some(Advice::bare(Code::Usage)),
        InitError::TooOld { .. } => Some(Advice::new(Code::General, "upgrade the cluster first")),
        InitError::Damaged { .. } => Some(Advice::new(Code::General, BACKUP)),
        InitError::Object(ObjectError::Request {
            source: RequestFailure::Forbidden(message),
            ..
        }) => Some(Advice::new(Code::Unauthorized, rights::advice(message))),
        InitError::File(error) => machine::known(error),
        _ => None,
    }
}

fn join(error: &JoinError) -> Option<Advice> {
    match error {
        JoinError::Denied { .. } | JoinError::NotSigned { .. } => Some(Advice::new(
            Code::Denied,
            "once the reason is out of the way, ask anew: `slipway join --new-key` with the same arguments, or with a new token",
        )),
        JoinError::NotDecided { waiting, .. } => {
            Some(Advice::new(Code::TimedOut, waiting_for(waiting)))
        }
        JoinError::TokenRefused { .. } => Some(Advice::new(Code::Unauthorized, TOKENS)),
        JoinError::NoCredentials => Some(Advice::new(
            Code::Usage,
            "give a token with --tls-bootstrap-token-file",
        )),
        JoinError::ForeignKubeconfig { .. } => Some(Advice::new(
            Code::Exists,
            "if this machine should leave its old cluster, remove the file and join again",
        )),
        JoinError::JoinedAs { .. }
        | JoinError::OtherNode { .. }
        | JoinError::CertificateOver { .. } => Some(Advice::new(
            Code::Exists,
            "`slipway reset` makes this machine forget its cluster; then join again",
        )),
        JoinError::Damaged { .. } => Some(Advice::new(
            Code::General,
            "`slipway reset` makes this machine forget what an earlier join left; then join again",
        )),
        JoinError::File(error) => machine::known(error),
        JoinError::BadCertificate {
            source: CertificateRefusal::Dates(_),
            ..
        } => Some(Advice::new(Code::Untrusted, CLOCK)),
        JoinError::Discovery(failure) => discovery(failure),
        JoinError::Request { source, .. } | JoinError::NotProved { source } => {
            Some(request(source))
        }
        _ => None,
    }
}

fn tokens(error: &TokenAdminError) -> Option<Advice> {
    match error {
        TokenAdminError::Exists(id) => Some(Advice::new(
            Code::Exists,
            format!(
                "leave the token out to get a random one, or `slipway token delete {id}` first"
            ),
        )),
        TokenAdminError::NotFound(_) => Some(Advice::new(
            Code::NotFound,
            "`slipway token list` shows what there is",
        )),
        TokenAdminError::Cluster(_) => None,
        _ => Some(Advice::bare(Code::Usage)),
    }
}

fn requests(error: &RequestError) -> Option<Advice> {
    match error {
        RequestError::NotFound(_) => Some(Advice::new(
            Code::NotFound,
            "`slipway csr list` shows what there is",
        )),
        RequestError::Decided {
            standing: Standing::Denied | Standing::Failed,
            ..
        } => Some(Advice::new(
            Code::Exists,
            "the node has to ask anew: `slipway join --new-key` with the same arguments",
        )),
        RequestError::Decided { name, .. } => Some(Advice::new(
            Code::Exists,
            format!("`slipway csr show {name}` says who decided, and why"),
        )),
        RequestError::Guardrails { name, .. } | RequestError::NameClaimed { name, .. } => {
            Some(Advice::new(
                Code::Denied,
                format!("`slipway csr show {name}` has everything that was found"),
            ))
        }
        _ => None,
    }
}

fn token_store(error: &TokenStoreError) -> Option<Advice> {
    match error {
        TokenStoreError::Unsealable { id } => Some(Advice::new(
            Code::Untrusted,
            format!(
                "take the record of {id} out of the store by hand, which revokes the token; where no record opens, the store \
                 goes with another `token-sealing.key` than the one below --dir"
            ),
        )),
        TokenStoreError::Corrupt(_) => Some(Advice::new(
            Code::Untrusted,
            "take what is damaged out of the store by hand, which revokes the token",
        )),
        _ => None,
    }
}

fn waiting_for(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Approval { command, .. } => {
            format!("an administrator lets this node in with `{command}`; `slipway join` with the same arguments goes on waiting")
        }
        Waiting::Name { request, .. } => {
            format!("join under another name with --node-name, or have an administrator look at `slipway csr show {request}`")
        }
        _ => "the request is safe in the cluster: `slipway join` with the same arguments goes on waiting".to_owned(),
    }
}

fn discovery(failure: &DiscoveryFailure) -> Option<Advice> {
    match failure {
        DiscoveryFailure::TimedOut { last, .. } => discovery(last),
        DiscoveryFailure::Sources(failed) => {
            let telling = failed.refusal().or_else(|| failed.all().first())?;
            discovery(&telling.failure)
        }
        DiscoveryFailure::Quorum(failure) if failure.groups.len() > 1 => {
            Some(Advice::new(Code::Untrusted, PINS))
        }
        DiscoveryFailure::Quorum(failure) => match failure.telling() {
            Some(failed) => discovery(&failed.failure),
            None => Some(Advice::new(Code::Untrusted, INDEPENDENT)),
        },
        DiscoveryFailure::FillIn { .. }
        | DiscoveryFailure::NoClusterInfo { .. }
        | DiscoveryFailure::BadClusterInfo { .. } => Some(Advice::new(
            Code::Untrusted,
            "put the cluster's CA into the document, or bring it to this machine and give --ca-file",
        )),
        DiscoveryFailure::Trust(_) | DiscoveryFailure::ClusterInfoGone => {
            Some(Advice::new(Code::Untrusted, PINS))
        }
        DiscoveryFailure::Source(error) => source(error),
        DiscoveryFailure::Confirmation(failure) => Some(request(failure)),
        DiscoveryFailure::Fetch(error) => Some(fetch(error)),
        DiscoveryFailure::NoAnswer { .. } => Some(Advice::new(Code::Unreachable, ADDRESS)),
        DiscoveryFailure::Endpoints(failed) => endpoints(failed),
        DiscoveryFailure::BadDialAddress { .. } => Some(Advice::bare(Code::Usage)),
        DiscoveryFailure::File(_)
        | DiscoveryFailure::Document { .. }
        | DiscoveryFailure::CredentialsElsewhere { .. } => Some(Advice::new(
            Code::Usage,
            "give a kubeconfig with one cluster and its CA, such as admin.conf without its user",
        )),
        _ => None,
    }
}

fn endpoints(failed: &NoEndpoints) -> Option<Advice> {
    let is_unusable = |failure: &EndpointError| matches!(failure, EndpointError::InvalidRequest(_));
    if failed
        .failures
        .iter()
        .all(|(_, failure)| is_unusable(failure))
    {
        return Some(Advice::bare(Code::Usage));
    }
    failed
        .is_retryable()
        .then(|| Advice::new(Code::Unreachable, LISTS))
}

fn source(error: &DiscoveryError) -> Option<Advice> {
    match error {
        DiscoveryError::Unavailable(_) => Some(Advice::new(Code::Unreachable, ADDRESS)),
        DiscoveryError::NotSigned(_) => Some(Advice::new(Code::Unauthorized, TOKENS)),
        DiscoveryError::Untrusted(_) => Some(Advice::new(Code::Untrusted, TOKENS)),
        DiscoveryError::Other(_) => Some(Advice::new(Code::Unreachable, "check address and port")),
        DiscoveryError::InvalidRequest(_) => Some(Advice::bare(Code::Usage)),
        _ => None,
    }
}

fn request(failure: &RequestFailure) -> Advice {
    match failure {
        RequestFailure::NoConnection(failure) => connection(failure),
        RequestFailure::TimedOut(_) => Advice::bare(Code::TimedOut),
        RequestFailure::Unauthorized(_) => Advice::new(Code::Unauthorized, TOKENS),
        RequestFailure::Forbidden(message) => {
            Advice::new(Code::Unauthorized, rights::advice(message))
        }
        RequestFailure::NotFound(_) => Advice::bare(Code::NotFound),
        RequestFailure::Status { code: 507, .. } => Advice::new(Code::General, ROOM),
        _ => Advice::bare(Code::General),
    }
}

fn connection(failure: &NoConnection) -> Advice {
    let certificate = failure
        .attempts
        .iter()
        .find_map(|(_, failure)| match failure {
            ConnectFailure::Certificate(failure) => Some(failure),
            _ => None,
        });
    match certificate {
        Some(CertificateFailure::Expired { .. }) => Advice::new(Code::Untrusted, EXPIRED),
        Some(CertificateFailure::NotYetValid { .. }) => Advice::new(Code::Untrusted, CLOCK),
        Some(_) => Advice::new(Code::Untrusted, PINS),
        None => Advice::new(Code::Unreachable, ADDRESS),
    }
}

/// A document on a web server.
fn fetch(error: &FetchError) -> Advice {
    let FetchError::Connect { source, .. } = error else {
        return match error {
            FetchError::Timeout { .. } => Advice::new(Code::Unreachable, WEB),
            _ if error.is_refusal() => Advice::new(Code::Untrusted, WEB),
            _ => Advice::new(Code::Usage, WEB),
        };
    };
    match source {
        ConnectFailure::Certificate(
            CertificateFailure::Expired { .. } | CertificateFailure::NotYetValid { .. },
        ) => Advice::new(Code::Untrusted, CLOCK),
        ConnectFailure::Certificate(_) => Advice::new(
            Code::Untrusted,
            "the web server needs a certificate that this machine trusts; if a CA of your own signed it, name that CA in SSL_CERT_FILE",
        ),
        _ => Advice::new(Code::Unreachable, WEB),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use slipway_bootstrap::discovery::NoQuorum;

    use super::*;

    #[test]
    fn sources_that_agree_and_are_one_need_others_beside_them() {
        let failure = DiscoveryFailure::Quorum(NoQuorum {
            needed: NonZeroUsize::MIN.saturating_add(1),
            groups: vec![(
                Vec::new(),
                vec![vec!["trust-jws".to_owned(), "trust-https".to_owned()]],
            )],
            failed: Vec::new(),
        });
        let advice = Advice::for_error(&failure.into());
        assert_eq!(advice.hint.as_deref(), Some(INDEPENDENT));
        assert_eq!(advice.code, Code::Untrusted);
    }
}
