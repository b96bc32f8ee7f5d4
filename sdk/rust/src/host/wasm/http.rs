//! HTTP through `wasi:http`.

use crate::bindings::imports::wasi::http::outgoing_handler;
use crate::bindings::imports::wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingRequest, RequestOptions,
    Scheme,
};
use crate::bindings::imports::wasi::io::streams::StreamError;
use crate::http::{Get, HttpError, Response};

/// How much one host call reads.
const CHUNK: u64 = 64 * 1024;

pub(crate) fn http_get(get: &Get) -> Result<Response, HttpError> {
    let other = |reason: &str| HttpError::Other {
        url: get.url.text.clone(),
        reason: reason.to_owned(),
    };
    let pending = outgoing_handler::handle(request(get)?, Some(options(get)))
        .map_err(|code| classify(get, &code))?;
    let answer = loop {
        match pending.get() {
            Some(Ok(answer)) => break answer.map_err(|code| classify(get, &code))?,
            Some(Err(())) => return Err(other("the host took the answer back")),
            None => pending.subscribe().block(),
        }
    };
    Ok(Response {
        status: answer.status(),
        headers: answer.headers().entries(),
        body: body(get, &answer)?,
    })
}

fn request(get: &Get) -> Result<OutgoingRequest, HttpError> {
    let refused = |what: &str| HttpError::Other {
        url: get.url.text.clone(),
        reason: format!("the host does not accept the {what}"),
    };
    let headers = Fields::new();
    for (name, value) in &get.headers {
        headers
            .append(name, value.as_bytes())
            .map_err(|_| refused(&format!("header {name:?}")))?;
    }
    let scheme = if get.url.https {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let request = OutgoingRequest::new(headers);
    request
        .set_method(&Method::Get)
        .map_err(|()| refused("method"))?;
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| refused("scheme"))?;
    request
        .set_authority(Some(&get.url.authority))
        .map_err(|()| refused("host"))?;
    request
        .set_path_with_query(Some(&get.url.path_and_query))
        .map_err(|()| refused("path"))?;
    Ok(request)
}

/// A host that does not bound one of the steps bounds the whole call all the same.
fn options(get: &Get) -> RequestOptions {
    let timeout = get.timeout.as_nanos().try_into().unwrap_or(u64::MAX);
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(Some(timeout));
    let _ = options.set_first_byte_timeout(Some(timeout));
    let _ = options.set_between_bytes_timeout(Some(timeout));
    options
}

fn body(get: &Get, answer: &IncomingResponse) -> Result<Vec<u8>, HttpError> {
    let lost = |reason: &str| HttpError::Other {
        url: get.url.text.clone(),
        reason: reason.to_owned(),
    };
    let body: IncomingBody = answer
        .consume()
        .map_err(|()| lost("the host has no body for it"))?;
    let stream = body
        .stream()
        .map_err(|()| lost("the host has no body for it"))?;
    let mut content = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => content.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(content),
            Err(StreamError::LastOperationFailed(_)) => {
                return Err(lost("the connection broke off within the answer"));
            }
        }
        if content.len() > get.body_bytes {
            return Err(HttpError::TooLarge(get.url.text.clone()));
        }
    }
}

fn classify(get: &Get, code: &ErrorCode) -> HttpError {
    let authority = get.url.authority.clone();
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => {
            HttpError::NotAllowed(authority)
        }
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => {
            HttpError::Dns(authority)
        }
        ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTerminated
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionLimitReached => HttpError::Connect(authority),
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => HttpError::Tls(authority),
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => HttpError::Timeout(authority),
        ErrorCode::HttpResponseBodySize(_) => HttpError::TooLarge(authority),
        ErrorCode::InternalError(Some(reason)) => HttpError::Other {
            url: get.url.text.clone(),
            reason: reason.clone(),
        },
        code => HttpError::Other {
            url: get.url.text.clone(),
            reason: format!("{code:?}"),
        },
    }
}
