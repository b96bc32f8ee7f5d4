//! Requests to servers that the operator granted, by scheme, host and port. The host makes the connection: it
//! checks the resolved address again, verifies the server with its own trust roots, and adds the credentials that the
//! operator named, which the plugin never sees.

mod client;
mod rules;

use std::sync::Arc;

use http::uri::Scheme;
use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::http as wasi_http;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpHooks, WasiHttpView as _,
};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::call::CallState;
pub(crate) use rules::Rules;

/// Requests of one call.
const REQUESTS: u32 = 32;

/// HTTP.
pub(crate) struct Http;

impl Capability for Http {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:http/types", "wasi:http/outgoing-handler"]
    }

    fn access(&self, grants: &Grants, _: ExtensionPoint) -> Access {
        if grants.http.is_empty() {
            Access::NeedsGrant {
                grant: "grants: {http: [{scheme: https, host: a.server, port: 443}]}",
                inert: Inert::Always,
            }
        } else {
            Access::Open
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        let options = wasi_http::types::LinkOptions::default();
        wasi_http::types::add_to_linker::<CallState, WasiHttp>(linker, &options, CallState::http)?;
        wasi_http::outgoing_handler::add_to_linker::<CallState, WasiHttp>(linker, CallState::http)
    }
}

/// What one call may request.
pub(crate) struct HttpSession {
    rules: Arc<Rules>,
    made: u32,
}

impl HttpSession {
    pub(crate) fn begin(rules: Arc<Rules>) -> Self {
        Self { rules, made: 0 }
    }
}

type Connection = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending =
    Box<dyn Future<Output = Result<(http::Response<WasiBody>, Connection), Error>> + Send>;

impl WasiHttpHooks for HttpSession {
    fn is_supported_scheme(&mut self, scheme: &Scheme) -> bool {
        *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Connection,
    ) -> Sending {
        if self.made >= REQUESTS {
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        }
        self.made += 1;
        let rules = Arc::clone(&self.rules);
        Box::new(async move {
            let rule = rules.allowing(&request)?;
            client::send(rule, request, options.unwrap_or_default()).await
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Empty};

    use super::*;

    #[tokio::test]
    async fn a_call_requests_no_more_often_than_it_may() {
        let rules = Rules::check("p", &Grants::default()).unwrap();
        let mut session = HttpSession::begin(Arc::new(rules));
        for number in 0..=REQUESTS {
            let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
            let request = http::Request::get("https://a.example/").body(body);
            let connection = Box::new(async { Ok(()) });
            let sent =
                Box::into_pin(session.send_request(request.unwrap(), None, connection)).await;
            let refused = sent.err().unwrap();
            let is_limit = matches!(refused, Error::ConnectionLimitReached);
            assert_eq!(is_limit, number == REQUESTS, "{number}: {refused}");
        }
    }
}
