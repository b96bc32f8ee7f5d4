//! The real host: each function is one import.

mod files;
mod http;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::bindings::imports::slipway::plugin::{
    bootstrap_token, cluster, dns as dns_records, host_log, unverified_https,
};
use crate::bindings::imports::wasi::clocks::{
    monotonic_clock as wasi_monotonic, wall_clock as wasi_wall,
};
use crate::bindings::imports::wasi::config::store;
use crate::bindings::imports::wasi::random::random;
use crate::bindings::imports::wasi::sockets::network::{ErrorCode, IpAddress};
use crate::bindings::imports::wasi::sockets::{instance_network, ip_name_lookup};
use crate::cluster::{ClusterError, Kind};
use crate::dns::{DnsError, Service};
use crate::log::Level;
use crate::token::JwsError;
use crate::unverified_https::{FetchError, Limits, Response};

pub(crate) use files::Directory;
pub(crate) use http::http_get;

/// The allocator of the standard library, in a release that first uses what memory the linker left for it. Asking the host
/// for more in each call costs more than most calls do: the host changes its page tables, and changes them back after.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A panic aborts the guest without a word: what it would have said goes to the log first.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("without a message");
        log(
            Level::Error,
            &format!("the plugin panicked: {message}"),
            &[("place", &place)],
        );
    }));
}

pub(crate) fn log(level: Level, message: &str, fields: &[(&str, &str)]) {
    let level = match level {
        Level::Debug => host_log::Level::Debug,
        Level::Info => host_log::Level::Info,
        Level::Warn => host_log::Level::Warn,
        Level::Error => host_log::Level::Error,
    };
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| host_log::Field {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    host_log::log(level, message, &fields);
}

pub(crate) fn settings() -> Result<Vec<(String, String)>, String> {
    store::get_all().map_err(|error| match error {
        store::Error::Upstream(reason) | store::Error::Io(reason) => reason,
    })
}

pub(crate) fn grants() -> Result<String, String> {
    match store::get("slipway:grants") {
        Ok(Some(grants)) => Ok(grants),
        Ok(None) => Err("the host does not say what it granted".to_owned()),
        Err(store::Error::Upstream(reason) | store::Error::Io(reason)) => Err(reason),
    }
}

pub(crate) fn wall_clock() -> Duration {
    let now = wasi_wall::now();
    Duration::new(now.seconds, now.nanoseconds)
}

pub(crate) fn monotonic_clock() -> Duration {
    Duration::from_nanos(wasi_monotonic::now())
}

pub(crate) fn random_bytes(length: usize) -> Vec<u8> {
    random::get_random_bytes(length as u64)
}

pub(crate) fn resolve(name: &str) -> Result<Vec<IpAddr>, DnsError> {
    let failed = |code| match code {
        ErrorCode::InvalidArgument => DnsError::InvalidName(name.to_owned()),
        ErrorCode::NameUnresolvable => DnsError::NotFound(name.to_owned()),
        ErrorCode::TemporaryResolverFailure | ErrorCode::Timeout => {
            DnsError::Unavailable(name.to_owned())
        }
        ErrorCode::AccessDenied => DnsError::NotAllowed(name.to_owned()),
        code => DnsError::Other {
            name: name.to_owned(),
            reason: code.name().to_owned(),
        },
    };
    let network = instance_network::instance_network();
    let answers = ip_name_lookup::resolve_addresses(&network, name).map_err(failed)?;
    let mut addresses = Vec::new();
    loop {
        match answers.resolve_next_address() {
            Ok(Some(address)) => addresses.push(ip_address(address)),
            Ok(None) if addresses.is_empty() => return Err(DnsError::NotFound(name.to_owned())),
            Ok(None) => return Ok(addresses),
            Err(ErrorCode::WouldBlock) => answers.subscribe().block(),
            Err(code) => return Err(failed(code)),
        }
    }
}

pub(crate) fn services(name: &str) -> Result<Vec<Service>, DnsError> {
    use dns_records::DnsError as Wit;
    let records = dns_records::services(name).map_err(|error| match error {
        Wit::InvalidName(name) => DnsError::InvalidName(name),
        Wit::NotFound(name) => DnsError::NotFound(name),
        Wit::Unavailable(_) => DnsError::Unavailable(name.to_owned()),
        Wit::Other(reason) => DnsError::Other {
            name: name.to_owned(),
            reason,
        },
    })?;
    Ok(records
        .into_iter()
        .map(|record| Service {
            target: record.target,
            port: record.port,
            priority: record.priority,
            weight: record.weight,
            ttl: Duration::from_secs(record.ttl.into()),
        })
        .collect())
}

fn ip_address(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => Ipv6Addr::new(a, b, c, d, e, f, g, h).into(),
    }
}

pub(crate) fn cluster_get(
    kind: &Kind<'_>,
    namespace: &str,
    name: &str,
) -> Result<Option<String>, ClusterError> {
    cluster::get(&object_kind(kind), namespace, name).map_err(Into::into)
}

pub(crate) fn cluster_list(kind: &Kind<'_>, namespace: &str) -> Result<Vec<String>, ClusterError> {
    cluster::list(&object_kind(kind), namespace).map_err(Into::into)
}

fn object_kind(kind: &Kind<'_>) -> cluster::ObjectKind {
    cluster::ObjectKind {
        group: kind.group.to_owned(),
        version: kind.version.to_owned(),
        kind: kind.kind.to_owned(),
    }
}

impl From<cluster::ClusterError> for ClusterError {
    fn from(error: cluster::ClusterError) -> Self {
        match error {
            cluster::ClusterError::NotGranted(what) => Self::NotGranted(what),
            cluster::ClusterError::UnknownKind => Self::UnknownKind,
            cluster::ClusterError::Unavailable(reason) => Self::Unavailable(reason),
            cluster::ClusterError::Other(reason) => Self::Other(reason),
        }
    }
}

pub(crate) fn unverified_get(url: &str, limits: Limits) -> Result<Response, FetchError> {
    answer(unverified_https::get(url, limits.into()))
}

/// Several fetches that are under way.
pub(crate) struct Race(unverified_https::Race);

impl Race {
    pub(crate) fn begin(urls: &[String], limits: Limits) -> Self {
        Self(unverified_https::Race::new(urls, limits.into()))
    }

    pub(crate) fn next(&mut self) -> Option<(usize, Result<Response, FetchError>)> {
        let fetched = self.0.next()?;
        let index = usize::try_from(fetched.index).unwrap_or(usize::MAX);
        Some((index, answer(fetched.outcome)))
    }
}

fn answer(
    outcome: Result<unverified_https::Response, unverified_https::FetchError>,
) -> Result<Response, FetchError> {
    let response = outcome?;
    Ok(Response {
        status: response.status,
        content_type: response.content_type,
        body: response.body,
        peer_certificates: response.peer_certificates,
    })
}

impl From<Limits> for unverified_https::Limits {
    fn from(limits: Limits) -> Self {
        Self {
            body_bytes: limits.body_bytes,
            time_ms: limits.time.as_millis().try_into().unwrap_or(u32::MAX),
        }
    }
}

impl From<unverified_https::FetchError> for FetchError {
    fn from(error: unverified_https::FetchError) -> Self {
        use unverified_https::FetchError as Wit;
        match error {
            Wit::NotAllowed(reason) => Self::NotAllowed(reason),
            Wit::Dns(reason) => Self::Dns(reason),
            Wit::Connect(reason) => Self::Connect(reason),
            Wit::NotTls(reason) => Self::NotTls(reason),
            Wit::Tls(reason) => Self::Tls(reason),
            Wit::Timeout => Self::Timeout,
            Wit::TooLarge => Self::TooLarge,
            Wit::Protocol(reason) => Self::Protocol(reason),
            Wit::Other(reason) => Self::Other(reason),
        }
    }
}

/// A token of the present call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a>(&'a bootstrap_token::Token);

impl<'a> From<&'a bootstrap_token::Token> for Token<'a> {
    fn from(token: &'a bootstrap_token::Token) -> Self {
        Self(token)
    }
}

impl Token<'_> {
    pub(crate) fn id(&self) -> String {
        self.0.id()
    }

    pub(crate) fn verify_jws(&self, jws: &str, payload: &[u8]) -> Result<(), JwsError> {
        use bootstrap_token::JwsError as Wit;
        self.0
            .verify_jws(jws, payload)
            .map_err(|error| match error {
                Wit::Malformed(reason) => JwsError::Malformed(reason),
                Wit::UnexpectedHeader => JwsError::UnexpectedHeader,
                Wit::WrongKeyId => JwsError::WrongKeyId,
                Wit::SignatureMismatch => JwsError::SignatureMismatch,
                Wit::LimitExceeded => JwsError::LimitExceeded,
                Wit::Other(reason) => JwsError::Other(reason),
            })
    }
}
