//! A filter in the words of tshark's display filters, where it has them: a second opinion on what our own decoder reads.

use std::net::IpAddr;

use super::parse::{Expression, Kind, Member, Operator, Statement};
use super::value::Names;
use super::value::Value;

/// Our name of a field and tshark's.
const FIELDS: [(&str, &str); 41] = [
    ("frame.number", "frame.number"),
    ("t", "frame.time_relative"),
    ("ip.id", "ip.id"),
    ("ip.tos", "ip.dsfield"),
    ("ip.df", "ip.flags.df"),
    ("ip.mf", "ip.flags.mf"),
    ("tcp", "tcp"),
    ("udp", "udp"),
    ("icmp", "icmp"),
    ("icmpv6", "icmpv6"),
    ("arp", "arp"),
    ("tcp.srcport", "tcp.srcport"),
    ("tcp.dstport", "tcp.dstport"),
    ("udp.srcport", "udp.srcport"),
    ("udp.dstport", "udp.dstport"),
    ("tcp.seq", "tcp.seq_raw"),
    ("tcp.ack", "tcp.ack_raw"),
    ("tcp.window", "tcp.window_size_value"),
    ("tcp.urgent", "tcp.urgent_pointer"),
    ("tcp.len", "tcp.len"),
    ("tcp.hdr_len", "tcp.hdr_len"),
    ("tcp.syn", "tcp.flags.syn"),
    ("tcp.ack_flag", "tcp.flags.ack"),
    ("tcp.fin", "tcp.flags.fin"),
    ("tcp.rst", "tcp.flags.reset"),
    ("tcp.psh", "tcp.flags.push"),
    ("tcp.urg", "tcp.flags.urg"),
    ("tcp.ece", "tcp.flags.ece"),
    ("tcp.cwr", "tcp.flags.cwr"),
    ("tcp.mss", "tcp.options.mss_val"),
    ("tcp.tsval", "tcp.options.timestamp.tsval"),
    ("tcp.tsecr", "tcp.options.timestamp.tsecr"),
    ("tcp.wscale", "tcp.options.wscale.shift"),
    ("udp.length", "udp.length"),
    ("arp.opcode", "arp.opcode"),
    ("arp.src", "arp.src.proto_ipv4"),
    ("arp.dst", "arp.dst.proto_ipv4"),
    ("eth.src", "eth.src"),
    ("eth.dst", "eth.dst"),
    ("ip.len", "ip.len"),
    ("ip.ttl", "ip.ttl"),
];

/// Filters whose frames a statement counts, each with tshark's words for it.
///
/// ICMP errors are left out: tshark's fields of a frame are also those of the packet that it quotes.
pub fn filters(statement: &Statement, names: &Names) -> Vec<(Expression, String)> {
    let mut wanted = vec![statement.filter.clone()];
    if let (Kind::All, Some(of)) = (statement.kind, &statement.of) {
        let both = Expression::Both(
            Operator::And,
            Box::new(statement.filter.clone()),
            Box::new(of.clone()),
        );
        wanted.push(both);
    }
    wanted
        .into_iter()
        .filter_map(|filter| {
            let text = text(&filter, names)?;
            Some((filter, text))
        })
        .collect()
}

fn text(expression: &Expression, names: &Names) -> Option<String> {
    let join = |a: String, word: &str, b: String| Some(format!("({a}) {word} ({b})"));
    match expression {
        Expression::Field(name) => field(name).map(str::to_owned),
        Expression::Not(inner) => Some(format!("not ({})", text(inner, names)?)),
        Expression::Both(Operator::And, a, b) => join(text(a, names)?, "and", text(b, names)?),
        Expression::Both(Operator::Or, a, b) => join(text(a, names)?, "or", text(b, names)?),
        Expression::Both(operator, a, b) => comparison(*operator, a, b, names),
        Expression::In(inner, members) => {
            let Expression::Field(name) = inner.as_ref() else {
                return None;
            };
            let field = field(name)?;
            let members: Option<Vec<String>> = members
                .iter()
                .map(|member| match member {
                    Member::One(Expression::Literal(Value::Number(n))) => Some(n.to_string()),
                    Member::Range(
                        Expression::Literal(Value::Number(low)),
                        Expression::Literal(Value::Number(high)),
                    ) => Some(format!("{low} .. {high}")),
                    _ => None,
                })
                .collect();
            Some(format!("{field} in {{{}}}", members?.join(", ")))
        }
        _ => None,
    }
}

fn field(name: &str) -> Option<&'static str> {
    FIELDS
        .iter()
        .find(|(ours, _)| *ours == name)
        .map(|(_, theirs)| *theirs)
}

fn comparison(
    operator: Operator,
    left: &Expression,
    right: &Expression,
    names: &Names,
) -> Option<String> {
    let sign = match operator {
        Operator::Equal => "==",
        Operator::Unequal => "!=",
        Operator::Less => "<",
        Operator::LessEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterEqual => ">=",
        _ => return None,
    };
    let Expression::Field(name) = left else {
        return None;
    };
    if name == "ip.src" || name == "ip.dst" {
        return address(name, sign, right, names);
    }
    if name == "tcp.flags" {
        // Ours are the low eight bits.
        let Expression::Literal(Value::Number(flags)) = right else {
            return None;
        };
        return Some(format!("tcp.flags & 0xff {sign} {flags}"))
            .filter(|_| sign == "==" && *flags > 0);
    }
    let Expression::Literal(Value::Number(number)) = right else {
        return None;
    };
    Some(format!("{} {sign} {number}", field(name)?))
}

fn address(name: &str, sign: &str, right: &Expression, names: &Names) -> Option<String> {
    let side = name.strip_prefix("ip.")?;
    let one = |address: &IpAddr| {
        let version = if address.is_ipv4() { "ip" } else { "ipv6" };
        format!("{version}.{side} == {address}")
    };
    let text = match right {
        Expression::Literal(Value::Address(address)) => one(address),
        Expression::Literal(Value::Block(block)) => {
            let version = if block.addr().is_ipv4() { "ip" } else { "ipv6" };
            format!("{version}.{side} == {block}")
        }
        Expression::Host(host) => {
            let all: Vec<String> = names.get(host)?.iter().map(one).collect();
            // Long lists of a group's members take tshark long.
            if all.is_empty() || all.len() > 16 {
                return None;
            }
            all.join(" or ")
        }
        _ => return None,
    };
    match sign {
        "==" => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Check;
    use super::*;

    #[test]
    fn a_filter_is_said_in_tsharks_words() {
        let check =
            Check::parse("all(tcp and ip.src == $a, tcp.syn == 1 and tcp.dstport in {21, 80..90})")
                .unwrap();
        let names = Names::from([("a".to_owned(), vec![[192, 0, 2, 1].into()])]);
        let statement = *check.statements().first().unwrap();
        let texts: Vec<String> = filters(statement, &names)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert_eq!(
            texts,
            [
                "(tcp) and (ip.src == 192.0.2.1)",
                "((tcp) and (ip.src == 192.0.2.1)) and ((tcp.flags.syn == 1) and (tcp.dstport in {21, 80 .. 90}))",
            ]
        );
    }

    #[test]
    fn what_tshark_cannot_say_is_left_out() {
        let check = Check::parse("some(tcp.srcport - ip.id == 376)").unwrap();
        assert!(
            check
                .statements()
                .iter()
                .all(|s| filters(s, &Names::new()).is_empty())
        );
    }
}
