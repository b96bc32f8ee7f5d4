//! The functions of expressions: CEL's own, and from Kubernetes' libraries those about addresses
//! (`k8s.io/apiserver/pkg/cel/library/cidr.go`).

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use cel::common::types::{CelBool, CelString, STRING_TYPE};
use cel::common::value::Val;
use cel::{Context, Env, ExecutionError};
use ipnet::IpNet;
use regex_lite::RegexBuilder;
use slipway_sdk::prelude::*;

use crate::facts::{Facts, Kind, REQUEST};

/// The largest program that a regular expression may become, in bytes.
const REGEX_BYTES: usize = 64 << 10;

/// The functions that an expression may call, and what they return, where that is known.
pub(crate) const FUNCTIONS: &[(&str, Option<Kind>)] = &[
    ("cidr", Some(Kind::Text)),
    ("contains", Some(Kind::Bool)),
    ("containsIP", Some(Kind::Bool)),
    ("double", None),
    ("dyn", None),
    ("endsWith", Some(Kind::Bool)),
    ("int", Some(Kind::Int)),
    ("matches", Some(Kind::Bool)),
    ("size", Some(Kind::Int)),
    ("startsWith", Some(Kind::Bool)),
    ("string", Some(Kind::Text)),
    ("type", None),
    ("uint", None),
];

/// What expressions are evaluated in.
pub(crate) fn context(facts: &Facts<'_>) -> Result<Context<'static>, ReviewError> {
    let failed =
        |reason: String| ReviewError::Other(format!("rules cannot be evaluated: {reason}"));
    let env = environment().ok_or_else(|| failed("a function is declared twice".to_owned()))?;
    let mut context = Context::with_env(Arc::new(env));
    context
        .add_variable(REQUEST, facts)
        .map_err(|error| failed(error.to_string()))?;
    Ok(context)
}

fn environment() -> Option<Env> {
    let mut env = Env::stdlib();
    let text = || vec![STRING_TYPE];
    env.add_member_overload("matches", "matches_string", STRING_TYPE, text(), matches)
        .ok()?;
    env.add_overload("cidr", "string_to_cidr", text(), cidr)
        .ok()?;
    env.add_member_overload(
        "containsIP",
        "cidr_contains_ip",
        STRING_TYPE,
        text(),
        contains_ip,
    )
    .ok()?;
    Some(env)
}

/// A regular expression, as it may stand in an expression.
pub(crate) fn regex(pattern: &str) -> Result<regex_lite::Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|error| format!("{pattern:?} is no regular expression: {error}"))
}

/// A network, as it may stand in an expression.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is no network; expected one such as 10.0.0.0/16 or 2001:db8::/32")
    })
}

type Arguments<'a> = Vec<Cow<'a, dyn Val>>;
type Answer<'a> = Result<Cow<'a, dyn Val>, ExecutionError>;

fn matches(arguments: Arguments<'_>) -> Answer<'_> {
    let [text, pattern] = texts(&arguments)?;
    let regex = regex(pattern).map_err(|error| ExecutionError::function_error("matches", error))?;
    Ok(truth(regex.is_match(text)))
}

fn cidr(arguments: Arguments<'_>) -> Answer<'_> {
    let [text] = texts(&arguments)?;
    let network = network(text).map_err(|error| ExecutionError::function_error("cidr", error))?;
    Ok(value(CelString::from(network.to_string())))
}

fn contains_ip(arguments: Arguments<'_>) -> Answer<'_> {
    let failed = |error| ExecutionError::function_error("containsIP", error);
    let [text, address] = texts(&arguments)?;
    let network = network(text).map_err(failed)?;
    let address: IpAddr = address
        .parse()
        .map_err(|_| failed(format!("{address:?} is no IP address")))?;
    Ok(truth(network.contains(&address.to_canonical())))
}

fn texts<'a, const N: usize>(arguments: &'a Arguments<'_>) -> Result<[&'a str; N], ExecutionError> {
    let texts: Option<Vec<&str>> = arguments
        .iter()
        .map(|argument| argument.downcast_ref::<CelString>().map(CelString::inner))
        .collect();
    texts
        .and_then(|texts| texts.try_into().ok())
        .ok_or(ExecutionError::NoSuchOverload)
}

fn truth(holds: bool) -> Cow<'static, dyn Val> {
    value(CelBool::from(holds))
}

fn value(value: impl Val) -> Cow<'static, dyn Val> {
    let boxed: Box<dyn Val> = Box::new(value);
    Cow::Owned(boxed)
}
