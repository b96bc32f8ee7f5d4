//! Requests to servers that the operator granted, by scheme, host and port. The host makes the connection: it
//! checks the resolved address again, verifies the server with its own trust roots, and adds the credentials that the
//! operator named, which the plugin never sees.

mod client;
mod exchange;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use http_body_util::{BodyExt as _, Full};
use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::http as wasi_http;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpHooks, WasiHttpView as _,
};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::call::CallState;
use crate::outside::Outside;
use client::Budget;
use exchange::{Answer, Failure};
pub(crate) use rules::Rules;

/// Requests of one call.
const REQUESTS: u32 = 32;

/// Bytes of one call's bodies together, sent and received.
const BODIES: usize = 16 * 1024 * 1024;

/// The longest that a plugin takes for a piece of a request's body; the deadline of its call is tighter.
const WRITING: Duration = Duration::from_secs(30);

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
    budget: Budget,
    outside: Outside,
}

impl HttpSession {
    pub(crate) fn begin(rules: Arc<Rules>, outside: Outside) -> Self {
        Self {
            rules,
            made: 0,
            budget: Budget::new(BODIES),
            outside,
        }
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
        let budget = self.budget.clone();
        let outside = self.outside.clone();
        Box::new(async move {
            let rule = rules.allowing(&request)?;
            let (head, body) = request.into_parts();
            let body = client::whole(body, &budget, WRITING).await?;
            let request = http::Request::from_parts(head, body);
            let question = exchange::question(&request);
            let send = async {
                let request = request.map(Full::new);
                let options = options.unwrap_or_default();
                let answer = client::send(rule, request, options, &budget).await;
                answer.map(Answer::from).map_err(Failure::from)
            };
            let answer = outside.ask(|| question, send).await;
            let answer = answer.map_err(|_| Error::DestinationUnavailable)?;
            let response = answer?.into_response().ok_or(Error::HttpProtocolError)?;
            let response = response.map(|body| {
                let body = Full::new(body).map_err(|never| match never {});
                body.boxed_unsync()
            });
            let connection: Connection = Box::new(async { Ok(()) });
            Ok((response, connection))
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;

    use super::*;

    #[tokio::test]
    async fn a_call_requests_no_more_often_than_it_may() {
        let rules = Rules::check("p", &Grants::default(), true).unwrap();
        let mut session = HttpSession::begin(Arc::new(rules), Outside::live());
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
