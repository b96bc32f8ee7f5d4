//! Records of the DNS beyond addresses: where services are.

use std::io;

use domain::base::iana::Rcode;
use domain::base::wire::ParseError;
use domain::base::{Message, Name, Rtype};
use domain::rdata::Srv;
use domain::resolv::StubResolver;
use serde::{Deserialize, Serialize};
use slipway_config::plugin::Grants;
use wasmtime::component::{HasSelf, Linker};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::bindings::import::dns::{self, DnsError, Service};
use crate::call::CallState;
use crate::outside::{Outside, Question};
use crate::text::one_line;

/// Look-ups of one call.
const LOOKUPS: u32 = 16;

/// Records of one answer that are passed on.
const RECORDS: usize = 256;

/// Records of the DNS.
pub(crate) struct DnsRecords;

impl Capability for DnsRecords {
    fn interfaces(&self) -> &'static [&'static str] {
        &["slipway:plugin/dns"]
    }

    fn access(&self, grants: &Grants, _: ExtensionPoint) -> Access {
        if grants.dns {
            Access::Open
        } else {
            Access::NeedsGrant {
                grant: "grants: {dns: true}",
                inert: Inert::WhenOptional,
            }
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        dns::add_to_linker::<CallState, HasSelf<RecordSession>>(linker, |state| &mut state.records)
    }
}

/// What one call may look up.
pub(crate) struct RecordSession {
    left: u32,
    outside: Outside,
}

impl RecordSession {
    pub(crate) fn begin(granted: bool, outside: Outside) -> Self {
        Self {
            left: if granted { LOOKUPS } else { 0 },
            outside,
        }
    }
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    target: String,
    port: u16,
    priority: u16,
    weight: u16,
    ttl: u32,
}

/// Why a name has no services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LookupFailure {
    InvalidName,
    NotFound,
    Unavailable(String),
}

impl dns::Host for RecordSession {
    async fn services(&mut self, name: String) -> wasmtime::Result<Result<Vec<Service>, DnsError>> {
        if self.left == 0 {
            let refused = "no more look-ups are granted in this call; the grant is `dns: true`";
            return Ok(Err(DnsError::Other(refused.to_owned())));
        }
        self.left -= 1;
        let question = || Question::Services { name: name.clone() };
        let answer = self.outside.ask(question, places(&name)).await;
        Ok(match answer {
            Ok(Ok(places)) => Ok(places.into_iter().map(Service::from).collect()),
            Ok(Err(LookupFailure::InvalidName)) => Err(DnsError::InvalidName(one_line(&name))),
            Ok(Err(LookupFailure::NotFound)) => Err(DnsError::NotFound(one_line(&name))),
            Ok(Err(LookupFailure::Unavailable(text))) => Err(DnsError::Unavailable(text)),
            Err(unrecorded) => Err(DnsError::Unavailable(unrecorded.to_string())),
        })
    }
}

impl From<Place> for Service {
    fn from(place: Place) -> Self {
        Self {
            target: place.target,
            port: place.port,
            priority: place.priority,
            weight: place.weight,
            ttl: place.ttl,
        }
    }
}

/// The system's configuration is read each time: a laptop's changes, and a look-up costs more.
async fn places(name: &str) -> Result<Vec<Place>, LookupFailure> {
    let complete: Name<Vec<u8>> = name.parse().map_err(|_| LookupFailure::InvalidName)?;
    let resolver = StubResolver::new();
    let answer = resolver
        .query((complete, Rtype::SRV))
        .await
        .map_err(|error| unavailable(&error))?
        .into_message();
    match answer.header().rcode() {
        Rcode::NOERROR => {}
        Rcode::NXDOMAIN => return Err(LookupFailure::NotFound),
        rcode => {
            return Err(unavailable(&io::Error::other(format!(
                "the server says {rcode}"
            ))));
        }
    }
    let places = records(&answer).map_err(|error| unavailable(&io::Error::other(error)))?;
    match places.is_empty() {
        true => Err(LookupFailure::NotFound),
        false => Ok(places),
    }
}

fn records<Octets: AsRef<[u8]>>(answer: &Message<Octets>) -> Result<Vec<Place>, ParseError> {
    let answer = answer.for_slice();
    let mut places = Vec::new();
    for record in answer.answer()?.limit_to::<Srv<_>>().take(RECORDS) {
        let record = record?;
        let found = record.data();
        let target = found.target().to_string();
        // A root for a target says that the service is not there (RFC 2782).
        let target = target.trim_end_matches('.');
        if !target.is_empty() {
            places.push(Place {
                target: target.to_owned(),
                port: found.port(),
                priority: found.priority(),
                weight: found.weight(),
                ttl: record.ttl().as_secs(),
            });
        }
    }
    Ok(places)
}

fn unavailable(error: &io::Error) -> LookupFailure {
    LookupFailure::Unavailable(one_line(&error.to_string()))
}
