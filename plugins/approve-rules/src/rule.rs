//! A rule: read once, evaluated for a request.

use cel::common::ast::IdedExpr;
use cel::parser::PrattParser;
use cel::{Context, Value};
use slipway_sdk::prelude::*;

use crate::check;
use crate::facts::Kind;
use crate::{RuleSetting, Then};

/// The longest expression, in bytes.
const EXPRESSION_BYTES: usize = 8 << 10;

/// The most that an expression nests.
const NESTING: u16 = 48;

/// A rule that was checked.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) then: Then,
    when: Expression,
    message: Message,
}

#[derive(Debug)]
enum Message {
    Text(String),
    Expression(Expression),
}

#[derive(Debug)]
struct Expression {
    text: String,
    parsed: IdedExpr,
}

impl Rule {
    /// Reads a rule that stands at `path` in the settings; all that is wrong with it.
    pub(crate) fn new(path: &str, setting: RuleSetting) -> Result<Self, Vec<SettingError>> {
        let RuleSetting {
            name,
            when,
            then,
            message,
            message_expression,
        } = setting;
        let mut errors = Vec::new();
        if !is_rule_name(&name) {
            errors.push(SettingError::new(
                format!("{path}.name"),
                format!(
                    "{name:?} is no name of a rule; expected lower-case letters, digits and '-'"
                ),
            ));
        }
        let mut read = |key: &str, text: String, kind: Kind| {
            Expression::new(&format!("{path}.{key}"), text, kind)
                .map_err(|error| errors.push(error))
                .ok()
        };
        let when = read("when", when, Kind::Bool);
        let expression = message_expression
            .as_ref()
            .and_then(|text| read("messageExpression", text.clone(), Kind::Text));
        if message.is_some() && message_expression.is_some() {
            errors.push(SettingError::new(
                format!("{path}.messageExpression"),
                "expected either message or messageExpression, found both",
            ));
        }
        let message = match (message, expression) {
            (_, Some(expression)) => Message::Expression(expression),
            (Some(text), None) => Message::Text(text),
            (None, None) => Message::Text(format!("the rule {name} applies")),
        };
        match when {
            Some(when) if errors.is_empty() => Ok(Self {
                name,
                then,
                when,
                message,
            }),
            _ => Err(errors),
        }
    }

    /// The condition, as the operator wrote it.
    pub(crate) fn condition(&self) -> &str {
        &self.when.text
    }

    /// Whether the condition holds.
    pub(crate) fn applies(&self, context: &Context<'_>) -> Result<bool, ReviewError> {
        match self.evaluate(&self.when, context)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(self.failed(&format!(
                "it is a {}, neither true nor false",
                other.type_of()
            ))),
        }
    }

    /// Why, for people.
    pub(crate) fn message(&self, context: &Context<'_>) -> Result<String, ReviewError> {
        match &self.message {
            Message::Text(text) => Ok(text.clone()),
            Message::Expression(expression) => match self.evaluate(expression, context)? {
                Value::String(text) => Ok(text.to_string()),
                other => Err(self.failed(&format!(
                    "its message is a {}, and no text",
                    other.type_of()
                ))),
            },
        }
    }

    fn evaluate(
        &self,
        expression: &Expression,
        context: &Context<'_>,
    ) -> Result<Value, ReviewError> {
        Value::resolve(&expression.parsed, context).map_err(|error| self.failed(&error.to_string()))
    }

    fn failed(&self, reason: &str) -> ReviewError {
        ReviewError::Other(format!(
            "the rule {} cannot be evaluated for this request: {reason}",
            self.name
        ))
    }
}

impl Expression {
    fn new(path: &str, text: String, kind: Kind) -> Result<Self, SettingError> {
        let wrong = |reason: String| SettingError::new(path, reason);
        if text.len() > EXPRESSION_BYTES {
            return Err(wrong(format!(
                "the expression has {} bytes; expected at most {EXPRESSION_BYTES}",
                text.len()
            )));
        }
        let parsed = PrattParser::new()
            .max_recursion_depth(NESTING)
            .parse(&text)
            .map_err(|errors| match errors.errors.first() {
                Some(error) => {
                    let (line, column) = error.pos;
                    wrong(format!(
                        "line {line}, column {column} of the expression: {}",
                        error.msg
                    ))
                }
                None => wrong("it is no CEL expression".to_owned()),
            })?;
        check::check(&parsed, kind).map_err(|fault| {
            let error = wrong(fault.message);
            match fault.suggestion {
                Some(suggestion) => error.suggestion(suggestion),
                None => error,
            }
        })?;
        Ok(Self { text, parsed })
    }
}

fn is_rule_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(is_allowed)
}
