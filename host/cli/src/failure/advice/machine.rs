//! What to do about what this machine refuses: its files, its disk, its ports, its clock.

use std::error::Error;
use std::io;

use slipway_apiserver::OpenError;
use slipway_apiserver::serve::{ServeError, TlsError};
use slipway_bootstrap::files::FileError;
use slipway_controller::decision_log::LogError;
use slipway_pki::ca::CaError;
use slipway_pki::certificate::DateError;

use super::{Advice, Code, NEW_STORE, ROOM};

const ADDRESSES: &str = "`ip address` shows the addresses that this machine has; give one of them with --apiserver-advertise-address";

/// The advice for a cause that this machine has, where there is any.
pub(super) fn known(cause: &(dyn Error + 'static)) -> Option<Advice> {
    if let Some(error) = cause.downcast_ref::<OpenError>() {
        return store(error);
    }
    if let Some(error) = cause.downcast_ref::<ServeError>() {
        return port(error);
    }
    if let Some(error) = cause.downcast_ref::<FileError>() {
        return file(error);
    }
    if cause.is::<TlsError>() {
        return Some(general(
            "move apiserver.crt and apiserver.key away, and `slipway init phase certs` makes them anew",
        ));
    }
    if let Some(LogError::Malformed { .. } | LogError::Broken { .. }) = cause.downcast_ref() {
        return Some(general(
            "find out who changed it, and keep it as evidence: move the folder away, and start `slipway serve` again",
        ));
    }
    if let Some(error) = cause.downcast_ref::<CaError>() {
        return authority(error);
    }
    if cause.is::<DateError>() {
        return Some(Advice::new(
            Code::Untrusted,
            "compare this machine's clock with another one's (`date -u`), and set it if it is wrong; if it is right, the \
             certificate has to be replaced",
        ));
    }
    cause.downcast_ref::<io::Error>().and_then(system)
}

fn general(hint: impl Into<String>) -> Advice {
    Advice::new(Code::General, hint)
}

fn store(error: &OpenError) -> Option<Advice> {
    match error {
        OpenError::NotAFile { .. } | OpenError::Foreign { .. } | OpenError::Damaged { .. } => {
            Some(general(NEW_STORE))
        }
        OpenError::Format { .. } => Some(general(
            "start it with the version of Slipway that wrote it; `slipway version` says which this is",
        )),
        OpenError::Locked { .. } => Some(general(
            "stop the other `slipway serve`, or give this one another folder with --dir",
        )),
        OpenError::Io { .. } | OpenError::Database { .. } => None,
    }
}

fn port(error: &ServeError) -> Option<Advice> {
    match error {
        ServeError::AddressInUse { address } => Some(general(format!(
            "`ss -ltnp sport = :{}` shows which; stop it, or choose another port: `slipway init --apiserver-bind-port`, \
             `slipway serve --listen`",
            address.port()
        ))),
        ServeError::PermissionDenied { .. } => Some(general(
            "low ports are for root: run it as root, or choose a higher one with --apiserver-bind-port",
        )),
        ServeError::AddressNotAvailable { .. } => Some(general(ADDRESSES)),
        _ => None,
    }
}

fn file(error: &FileError) -> Option<Advice> {
    match error {
        FileError::Foreign { .. } => Some(Advice::new(
            Code::Exists,
            "move the file away if nobody needs it, or give another folder with --dir",
        )),
        FileError::Changed { .. } => Some(Advice::new(
            Code::Exists,
            "put back what was there, or move the file away so that it is made anew",
        )),
        FileError::Busy { .. } => Some(general("wait until it has ended, and try again")),
        FileError::UnsafeFolder { .. } => Some(general(
            "give the folder to this user alone (`chown`, `chmod go-w`), or give another one with --dir",
        )),
        FileError::BadManifest { .. } => Some(general(
            "put the file back from a backup: it says which files are Slipway's, and `slipway reset` removes no others",
        )),
        FileError::Io { source, .. } => system(source),
    }
}

fn authority(error: &CaError) -> Option<Advice> {
    match error {
        // The dates have their own advice.
        CaError::Dates(_) => None,
        _ => Some(general(
            "ca.crt and ca.key have to be a CA's certificate and its key, in PEM: put them back from a backup; without one, \
             `slipway reset` and `slipway init` make a new cluster, which every node joins anew",
        )),
    }
}

/// What the operating system says.
fn system(error: &io::Error) -> Option<Advice> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(general(ROOM)),
        io::ErrorKind::AddrNotAvailable => Some(general(ADDRESSES)),
        io::ErrorKind::PermissionDenied => Some(general(
            "run it as a user who may, or give another folder with --dir",
        )),
        io::ErrorKind::ReadOnlyFilesystem => Some(general(
            "that disk is mounted read-only: mount it writable, or give another folder with --dir",
        )),
        _ => None,
    }
}
