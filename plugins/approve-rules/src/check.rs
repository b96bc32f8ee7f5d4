//! What can be said of an expression before there is a request: whether the names in it exist, whether types fit where they
//! are known, and what it may cost at most.

use cel::common::ast::operators::{
    ADD, CONDITIONAL, DIVIDE, EQUALS, GREATER, GREATER_EQUALS, IN, INDEX, LESS, LESS_EQUALS,
    LOGICAL_AND, LOGICAL_NOT, LOGICAL_OR, MODULO, MULTIPLY, NEGATE, NOT_EQUALS, NOT_STRICTLY_FALSE,
    SUBSTRACT,
};
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr,
};

use crate::facts::{FIELDS, Kind, REQUEST};
use crate::functions::{self, FUNCTIONS};

/// How many elements a list is taken to have, where an expression goes through one. A certificate has at most as many names.
const ELEMENTS: u64 = 64;

/// The most that an expression may cost, in steps of the evaluation.
const BUDGET: u64 = 100_000;

/// Names of types, which are values, too.
const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/// What is wrong with an expression.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
}

/// What is known of an expression.
struct Known {
    /// Its type, if that is known.
    kind: Option<Kind>,
    /// The steps that an evaluation takes at most.
    cost: u64,
}

/// Checks an expression that is to be of this kind.
pub(crate) fn check(expression: &IdedExpr, expected: Kind) -> Result<(), Fault> {
    let known = look_at(expression, &mut Vec::new())?;
    if let Some(found) = known.kind
        && found != expected
    {
        return Err(fault(format!(
            "it is {}; expected {}",
            name(found),
            name(expected)
        )));
    }
    if known.cost > BUDGET {
        return Err(fault(format!(
            "it may take {} steps, with lists of {ELEMENTS}; expected at most {BUDGET}: nest fewer loops over lists",
            known.cost
        )));
    }
    Ok(())
}

/// `scope` holds the variables of the loops around the expression.
fn look_at<'a>(expression: &'a IdedExpr, scope: &mut Vec<&'a str>) -> Result<Known, Fault> {
    match &expression.expr {
        Expr::Unspecified => Ok(known(None, 1)),
        Expr::Literal(literal) => Ok(known(kind_of(literal), 1)),
        Expr::Ident(ident) => look_at_name(ident, scope),
        Expr::Select(select) => look_at_field(select, scope),
        Expr::Call(call) => look_at_call(call, scope),
        Expr::Comprehension(comprehension) => look_at_loop(comprehension, scope),
        Expr::List(list) => Ok(known(Some(Kind::List), cost_of(&list.elements, scope)?)),
        Expr::Map(map) => {
            let mut cost = 1_u64;
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    cost = cost
                        .saturating_add(look_at(&entry.key, scope)?.cost)
                        .saturating_add(look_at(&entry.value, scope)?.cost);
                }
            }
            Ok(known(Some(Kind::Map), cost))
        }
        Expr::Struct(structure) => Err(fault(format!("there is no type {}", structure.type_name))),
    }
}

fn look_at_name(ident: &str, scope: &[&str]) -> Result<Known, Fault> {
    if ident == REQUEST {
        return Ok(known(Some(Kind::Object(FIELDS)), 1));
    }
    if scope.contains(&ident) || TYPES.contains(&ident) {
        return Ok(known(None, 1));
    }
    Err(Fault {
        message: format!("there is no {ident:?}; expected `{REQUEST}`, as in {REQUEST}.nodeName"),
        suggestion: FIELDS
            .iter()
            .find(|(field, _)| *field == ident)
            .map(|(field, _)| format!("{REQUEST}.{field}"))
            .or_else(|| nearest(ident, [REQUEST])),
    })
}

fn look_at_field<'a>(select: &'a SelectExpr, scope: &mut Vec<&'a str>) -> Result<Known, Fault> {
    let operand = look_at(&select.operand, scope)?;
    let kind = match operand.kind {
        Some(Kind::Object(fields)) => {
            let field = fields.iter().find(|(field, _)| *field == select.field);
            let names = || fields.iter().map(|(field, _)| *field);
            let Some((_, kind)) = field else {
                return Err(Fault {
                    message: format!(
                        "there is no field {:?}; expected {}",
                        select.field,
                        names().collect::<Vec<_>>().join(", ")
                    ),
                    suggestion: nearest(&select.field, names()),
                });
            };
            Some(*kind)
        }
        Some(Kind::Map) | None => None,
        Some(kind) => {
            return Err(fault(format!(
                "{} has no field {:?}",
                name(kind),
                select.field
            )));
        }
    };
    let kind = if select.test { Some(Kind::Bool) } else { kind };
    Ok(known(kind, operand.cost.saturating_add(1)))
}

fn look_at_call<'a>(call: &'a CallExpr, scope: &mut Vec<&'a str>) -> Result<Known, Fault> {
    let mut cost = 1_u64;
    let mut kinds = Vec::new();
    for operand in call.target.as_deref().into_iter().chain(&call.args) {
        let operand = look_at(operand, scope)?;
        cost = cost.saturating_add(operand.cost);
        kinds.push(operand.kind);
    }
    let function = call.func_name.as_str();
    let kind = match (function, kinds.as_slice()) {
        (LOGICAL_AND | LOGICAL_OR | LOGICAL_NOT | NOT_STRICTLY_FALSE, operands) => {
            for operand in operands.iter().flatten() {
                fits(*operand, Kind::Bool, function)?;
            }
            Some(Kind::Bool)
        }
        (EQUALS | NOT_EQUALS, [Some(one), Some(other)]) => {
            fits(*one, *other, function)?;
            Some(Kind::Bool)
        }
        (GREATER | GREATER_EQUALS | LESS | LESS_EQUALS, [Some(one), Some(other)]) => {
            fits(*one, *other, function)?;
            Some(Kind::Bool)
        }
        (EQUALS | NOT_EQUALS | GREATER | GREATER_EQUALS | LESS | LESS_EQUALS | IN, _) => {
            Some(Kind::Bool)
        }
        (CONDITIONAL, [condition, one, other]) => {
            if let Some(condition) = condition {
                fits(*condition, Kind::Bool, function)?;
            }
            one.filter(|kind| Some(*kind) == *other)
        }
        (ADD, [Some(one), Some(other)]) => {
            fits(*one, *other, function)?;
            Some(*one)
        }
        (ADD | SUBSTRACT | MULTIPLY | DIVIDE | MODULO | NEGATE | INDEX, _) => None,
        _ => look_at_function(call, function)?,
    };
    Ok(known(kind, cost))
}

fn look_at_function(call: &CallExpr, function: &str) -> Result<Option<Kind>, Fault> {
    let Some((_, kind)) = FUNCTIONS.iter().find(|(name, _)| *name == function) else {
        let names = || FUNCTIONS.iter().map(|(name, _)| *name);
        return Err(Fault {
            message: format!(
                "there is no function {function:?}; expected {}, has, all, exists, exists_one, map or filter",
                names().collect::<Vec<_>>().join(", ")
            ),
            suggestion: nearest(function, names()),
        });
    };
    // What stands there as it is can be read at once.
    let literal = call.args.last().and_then(|argument| match &argument.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    });
    let readable = match (function, literal) {
        ("matches", Some(pattern)) => functions::regex(pattern).map(drop),
        ("cidr", Some(network)) => functions::network(network).map(drop),
        _ => Ok(()),
    };
    readable.map_err(fault)?;
    Ok(*kind)
}

fn look_at_loop<'a>(
    comprehension: &'a ComprehensionExpr,
    scope: &mut Vec<&'a str>,
) -> Result<Known, Fault> {
    let range = look_at(&comprehension.iter_range, scope)?;
    if let Some(kind @ (Kind::Bool | Kind::Int | Kind::Text)) = range.kind {
        return Err(fault(format!(
            "{} cannot be gone through; expected a list",
            name(kind)
        )));
    }
    let start = look_at(&comprehension.accu_init, scope)?;
    let depth = scope.len();
    scope.push(&comprehension.iter_var);
    scope.extend(comprehension.iter_var2.as_deref());
    scope.push(&comprehension.accu_var);
    let each = look_at(&comprehension.loop_cond, scope)?
        .cost
        .saturating_add(look_at(&comprehension.loop_step, scope)?.cost);
    let result = look_at(&comprehension.result, scope)?;
    scope.truncate(depth);
    // `all` and `exists` begin with true and false, `map` and `filter` with a list.
    let kind = result.kind.or(start.kind);
    let cost = range
        .cost
        .saturating_add(start.cost)
        .saturating_add(each.saturating_mul(ELEMENTS))
        .saturating_add(result.cost);
    Ok(known(kind, cost))
}

fn cost_of<'a>(elements: &'a [IdedExpr], scope: &mut Vec<&'a str>) -> Result<u64, Fault> {
    let mut cost = 1_u64;
    for element in elements {
        cost = cost.saturating_add(look_at(element, scope)?.cost);
    }
    Ok(cost)
}

fn fits(found: Kind, expected: Kind, operator: &str) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    let operator = operator.replace('_', " ");
    Err(fault(format!(
        "{} and {} do not fit on both sides of {}",
        name(found),
        name(expected),
        operator.trim()
    )))
}

fn kind_of(literal: &LiteralValue) -> Option<Kind> {
    match literal {
        LiteralValue::Boolean(_) => Some(Kind::Bool),
        LiteralValue::Int(_) => Some(Kind::Int),
        LiteralValue::String(_) => Some(Kind::Text),
        LiteralValue::Bytes(_)
        | LiteralValue::Double(_)
        | LiteralValue::Null
        | LiteralValue::UInt(_) => None,
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "a condition",
        Kind::Int => "a number",
        Kind::Text => "a text",
        Kind::List => "a list",
        Kind::Object(_) | Kind::Map => "an object",
    }
}

fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    slipway_sdk::settings::nearest(word, candidates).map(str::to_owned)
}

fn known(kind: Option<Kind>, cost: u64) -> Known {
    Known { kind, cost }
}

fn fault(message: String) -> Fault {
    Fault {
        message,
        suggestion: None,
    }
}
