//! Records of the DNS beyond addresses: where services are.

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use slipway_config::plugin::Grants;
use wasmtime::component::{HasSelf, Linker};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::bindings::import::dns::{self, DnsError, Service};
use crate::call::CallState;
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
}

impl RecordSession {
    pub(crate) fn begin(granted: bool) -> Self {
        Self {
            left: if granted { LOOKUPS } else { 0 },
        }
    }
}

impl dns::Host for RecordSession {
    async fn services(&mut self, name: String) -> wasmtime::Result<Result<Vec<Service>, DnsError>> {
        if self.left == 0 {
            let refused = "no more look-ups are granted in this call; the grant is `dns: true`";
            return Ok(Err(DnsError::Other(refused.to_owned())));
        }
        self.left -= 1;
        Ok(services(&name).await)
    }
}

/// The system's configuration is read each time: a laptop's changes, and a look-up costs more.
async fn services(name: &str) -> Result<Vec<Service>, DnsError> {
    let mut complete = Name::from_utf8(name).map_err(|_| DnsError::InvalidName(one_line(name)))?;
    complete.set_fqdn(true);
    let resolver = TokioResolver::builder_tokio()
        .and_then(|builder| builder.build())
        .map_err(|error| {
            DnsError::Other(format!("the system's resolver cannot be used: {error}"))
        })?;
    let answer = resolver
        .lookup(complete, RecordType::SRV)
        .await
        .map_err(|error| failure(name, &error))?;
    let services: Vec<Service> = answer
        .answers()
        .iter()
        .filter_map(service)
        .take(RECORDS)
        .collect();
    match services.is_empty() {
        true => Err(DnsError::NotFound(one_line(name))),
        false => Ok(services),
    }
}

/// A target of `.` says that the service is not there (RFC 2782).
fn service(record: &Record) -> Option<Service> {
    let RData::SRV(found) = &record.data else {
        return None;
    };
    let target = found.target.to_ascii();
    let target = target.trim_end_matches('.');
    (!target.is_empty()).then(|| Service {
        target: target.to_owned(),
        port: found.port,
        priority: found.priority,
        weight: found.weight,
        ttl: record.ttl,
    })
}

fn failure(name: &str, error: &NetError) -> DnsError {
    match error.is_no_records_found() {
        true => DnsError::NotFound(one_line(name)),
        false => DnsError::Unavailable(one_line(&error.to_string())),
    }
}
