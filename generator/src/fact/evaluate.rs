//! What expressions come to, in a frame and without one.

use super::field::Frame;
use super::parse::{Expression, Member, Operator};
use super::value::Names;
use super::value::Value;

/// What an expression comes to in a frame.
pub(super) fn value(
    expression: &Expression,
    frame: &Frame<'_>,
    names: &Names,
) -> Result<Value, String> {
    Ok(match expression {
        Expression::Literal(value) => value.clone(),
        Expression::Field(name) => frame.field(name),
        Expression::Host(name) => host(name, names)?,
        Expression::Not(inner) => Value::Truth(!value(inner, frame, names)?.is_true()),
        Expression::Both(Operator::And, left, right) => Value::Truth(
            value(left, frame, names)?.is_true() && value(right, frame, names)?.is_true(),
        ),
        Expression::Both(Operator::Or, left, right) => Value::Truth(
            value(left, frame, names)?.is_true() || value(right, frame, names)?.is_true(),
        ),
        Expression::Both(operator, left, right) => apply(
            *operator,
            &value(left, frame, names)?,
            &value(right, frame, names)?,
        ),
        Expression::In(inner, members) => {
            let found = value(inner, frame, names)?;
            Value::Truth(found != Value::Missing && is_among(&found, members, names)?)
        }
        Expression::Slice(inner, from, length) => match value(inner, frame, names)? {
            Value::Text(text) => {
                let end = (2 * (from + length)).min(text.len());
                Value::Text(text.get(2 * from..end).unwrap_or_default().to_owned())
            }
            _ => Value::Missing,
        },
        Expression::Length(inner) => match value(inner, frame, names)? {
            Value::Text(text) => Value::Number(i64::try_from(text.len() / 2).unwrap_or(i64::MAX)),
            _ => Value::Missing,
        },
        Expression::ByteSwap(inner) => match value(inner, frame, names)? {
            Value::Number(number) => Value::Number(
                u16::try_from(number & 0xffff).map_or(0, |n| i64::from(n.swap_bytes())),
            ),
            _ => Value::Missing,
        },
    })
}

/// Whether a value is one of these.
pub(super) fn is_among(found: &Value, members: &[Member], names: &Names) -> Result<bool, String> {
    for member in members {
        let met = match member {
            Member::One(one) => found.same(&constant(one, names)?) == Some(true),
            Member::Range(low, high) => {
                let (low, high) = (constant(low, names)?, constant(high, names)?);
                match (found.real(), low.real(), high.real()) {
                    (Some(found), Some(low), Some(high)) => (low..=high).contains(&found),
                    _ => false,
                }
            }
        };
        if met {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Two values under an operator; what cannot be compared compares as false, what cannot be reckoned is missing.
fn apply(operator: Operator, left: &Value, right: &Value) -> Value {
    let truth = |holds: Option<bool>| Value::Truth(holds.unwrap_or(false));
    match (operator, left, right) {
        (Operator::Equal, ..) => truth(left.same(right)),
        (Operator::Unequal, ..) => truth(left.same(right).map(|same| !same)),
        (Operator::Contains, Value::Text(a), Value::Text(b)) => {
            Value::Truth(a.contains(b.as_str()))
        }
        (Operator::Begins, Value::Text(a), Value::Text(b)) => {
            Value::Truth(a.starts_with(b.as_str()))
        }
        (Operator::Contains | Operator::Begins, ..) => Value::Truth(false),
        (
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual,
            Value::Address(a),
            Value::Address(b),
        ) => {
            let order = a.cmp(b);
            Value::Truth(match operator {
                Operator::Less => order.is_lt(),
                Operator::LessEqual => order.is_le(),
                Operator::Greater => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        (Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual, ..) => {
            match (left.real(), right.real()) {
                (Some(a), Some(b)) => Value::Truth(compare(operator, a, b)),
                _ => Value::Truth(false),
            }
        }
        (Operator::And, ..) => Value::Truth(left.is_true() && right.is_true()),
        (Operator::Or, ..) => Value::Truth(left.is_true() || right.is_true()),
        (_, Value::Number(a), Value::Number(b)) => match operator {
            Operator::Plus => Value::Number(a.wrapping_add(*b)),
            Operator::Minus => Value::Number(a.wrapping_sub(*b)),
            Operator::Times => Value::Number(a.wrapping_mul(*b)),
            Operator::Bits => Value::Number(a & b),
            _ => a
                .checked_rem_euclid(*b)
                .map_or(Value::Missing, Value::Number),
        },
        _ => match (left.real(), right.real(), operator) {
            (Some(a), Some(b), Operator::Plus) => Value::Real(a + b),
            (Some(a), Some(b), Operator::Minus) => Value::Real(a - b),
            (Some(a), Some(b), Operator::Times) => Value::Real(a * b),
            _ => Value::Missing,
        },
    }
}

/// Values of a list.
pub(super) fn literals(expressions: &[Expression], names: &Names) -> Result<Vec<Value>, String> {
    expressions
        .iter()
        .map(|expression| constant(expression, names))
        .collect()
}

fn constant(expression: &Expression, names: &Names) -> Result<Value, String> {
    match expression {
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Host(name) => host(name, names),
        Expression::Both(operator, left, right) => Ok(apply(
            *operator,
            &constant(left, names)?,
            &constant(right, names)?,
        )),
        _ => Err("a list holds values, not fields".into()),
    }
}

fn host(name: &str, names: &Names) -> Result<Value, String> {
    names
        .get(name)
        .map(|all| Value::Host(all.clone()))
        .ok_or_else(|| {
            let known: Vec<&str> = names.keys().map(String::as_str).collect();
            format!(
                "no host or group is called '${name}'; there are: {}",
                known.join(", ")
            )
        })
}

/// Whether two numbers stand so to each other.
pub(super) fn compare(operator: Operator, a: f64, b: f64) -> bool {
    match operator {
        Operator::Equal => (a - b).abs() < 1e-9,
        Operator::Unequal => (a - b).abs() >= 1e-9,
        Operator::Less => a < b,
        Operator::LessEqual => a <= b,
        Operator::Greater => a > b,
        Operator::GreaterEqual => a >= b,
        _ => false,
    }
}
