//! What a field or an expression comes to.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

/// The addresses of hosts and groups, by the name under which a check speaks of them.
pub type Names = BTreeMap<String, Vec<IpAddr>>;

/// A value.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Value {
    /// The frame lacks it.
    Missing,
    /// True or false.
    Truth(bool),
    /// A whole number.
    Number(i64),
    /// A number with a fraction, such as a time in seconds.
    Real(f64),
    /// A text.
    Text(String),
    /// An address.
    Address(IpAddr),
    /// The addresses of a host or group.
    Host(Vec<IpAddr>),
    /// A block of addresses.
    Block(IpNet),
}

impl Value {
    /// Whether it counts as true: a frame that lacks a field does not have it.
    pub fn is_true(&self) -> bool {
        match self {
            Value::Missing => false,
            Value::Truth(truth) => *truth,
            Value::Number(number) => *number != 0,
            Value::Real(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Address(_) | Value::Host(_) | Value::Block(_) => true,
        }
    }

    /// It as a number, where it is one.
    pub fn real(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number as f64),
            Value::Real(number) => Some(*number),
            Value::Truth(truth) => Some(f64::from(u8::from(*truth))),
            // An IPv4 address counts as a number, so that targets can rise.
            Value::Address(IpAddr::V4(address)) => Some(f64::from(u32::from(*address))),
            _ => None,
        }
    }

    /// Whether both are the same, where they can be compared.
    pub fn same(&self, other: &Value) -> Option<bool> {
        Some(match (self, other) {
            (Value::Missing, _) | (_, Value::Missing) => return None,
            (Value::Address(a), Value::Host(all)) | (Value::Host(all), Value::Address(a)) => {
                all.contains(a)
            }
            (Value::Address(a), Value::Block(block)) | (Value::Block(block), Value::Address(a)) => {
                block.contains(a)
            }
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Address(a), Value::Address(b)) => a == b,
            (Value::Host(a), Value::Host(b)) => a == b,
            (a, b) => match (a.real(), b.real()) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                _ => false,
            },
        })
    }

    /// How it is written in a report.
    pub fn show(&self) -> String {
        match self {
            Value::Missing => "nothing".into(),
            Value::Truth(truth) => truth.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Real(number) => format!("{number:.6}"),
            Value::Text(text) => format!("'{text}'"),
            Value::Address(address) => address.to_string(),
            Value::Host(all) => {
                let all: Vec<String> = all.iter().map(IpAddr::to_string).collect();
                all.join(" ")
            }
            Value::Block(block) => block.to_string(),
        }
    }
}
