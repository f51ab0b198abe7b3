//! Holding a check against a capture.

use std::collections::BTreeMap;
use std::net::IpAddr;

use wire::capture::CaptureReader;
use wire::{Layers, LinkType, Timestamp};

use super::evaluate::{compare, is_among, literals, value};
use super::field::Frame;
use super::parse::{Against, Bound, Check, Expression, Kind, Statement};
use super::value::Names;
use super::value::Value;

/// Whether a check holds; what shows that it does not.
pub type Outcome = Result<(), String>;

/// A capture whose frames are at hand.
#[derive(Debug, Default)]
pub struct Capture {
    records: Vec<(Timestamp, LinkType, Vec<u8>)>,
}

impl Capture {
    /// Reads a capture.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Capture, String> {
        let mut reader = CaptureReader::new(bytes).map_err(|error| error.to_string())?;
        let mut records = Vec::new();
        while let Some(record) = reader.next().map_err(|error| error.to_string())? {
            records.push((record.time, record.link_type, record.bytes.to_vec()));
        }
        Ok(Capture { records })
    }

    /// The numbers of the frames, from 1, for which a filter holds.
    ///
    /// # Errors
    /// A name that the scenario does not have.
    pub fn matching(&self, filter: &Expression, names: &Names) -> Result<Vec<usize>, String> {
        Ok(self
            .select(filter, names)?
            .into_iter()
            .map(|n| n + 1)
            .collect())
    }

    /// How many frames there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn with<T>(&self, index: usize, look: impl FnOnce(&Frame<'_>) -> T) -> Option<T> {
        let (time, link_type, bytes) = self.records.get(index)?;
        let (first, ..) = self.records.first()?;
        let layers = Layers::decode(*link_type, bytes);
        let frame = Frame {
            number: index + 1,
            since: time.nanos_since(*first) as f64 / 1e9,
            layers: &layers,
        };
        Some(look(&frame))
    }

    fn select(&self, filter: &Expression, names: &Names) -> Result<Vec<usize>, String> {
        let mut selected = Vec::new();
        for index in 0..self.records.len() {
            let holds = self.with(index, |frame| value(filter, frame, names));
            if holds.transpose()?.is_some_and(|value| value.is_true()) {
                selected.push(index);
            }
        }
        Ok(selected)
    }

    fn value(&self, index: usize, of: &Expression, names: &Names) -> Result<Value, String> {
        let found = self
            .with(index, |frame| value(of, frame, names))
            .transpose()?;
        Ok(found.unwrap_or(Value::Missing))
    }

    fn seconds(&self, index: usize) -> f64 {
        self.with(index, |frame| frame.since).unwrap_or(0.0)
    }

    fn ends(&self, index: usize) -> Option<Ends> {
        self.with(index, |frame| {
            let addresses = frame.layers.addresses()?;
            Some((addresses, frame.layers.ports()))
        })
        .flatten()
    }
}

/// Addresses and ports of a frame.
type Ends = ((IpAddr, IpAddr), Option<(u16, u16)>);

/// Holds a check against a capture.
pub(super) fn hold(check: &Check, capture: &Capture, names: &Names) -> Outcome {
    match check {
        Check::And(parts) => parts.iter().try_for_each(|part| hold(part, capture, names)),
        Check::Or(parts) => {
            let mut reasons = Vec::new();
            for part in parts {
                match hold(part, capture, names) {
                    Ok(()) => return Ok(()),
                    Err(reason) => reasons.push(reason),
                }
            }
            Err(reasons.join("; and "))
        }
        Check::Not(part) => match hold(part, capture, names) {
            Ok(()) => Err("it holds, and should not".into()),
            Err(_) => Ok(()),
        },
        Check::Statement(statement) => state(statement, capture, names),
    }
}

fn state(statement: &Statement, capture: &Capture, names: &Names) -> Outcome {
    let frames = capture.select(&statement.filter, names)?;
    match statement.kind {
        Kind::None => match frames.first() {
            None => Ok(()),
            Some(first) => Err(format!("frame {} is one", first + 1)),
        },
        Kind::Some if frames.is_empty() => Err("there is none".into()),
        Kind::Some => Ok(()),
        Kind::All => all(statement, &frames, capture, names),
        Kind::Replied | Kind::Unreplied | Kind::Preceded | Kind::Quoted | Kind::Delay => {
            pairs(statement, &frames, capture, names)
        }
        _ => {
            if frames.is_empty() && statement.kind != Kind::Count {
                return Err("there are no such frames".into());
            }
            for (group, members) in groups(statement, &frames, capture, names)? {
                let outcome = group_state(statement, &members, capture, names);
                outcome.map_err(|reason| {
                    if group.is_empty() {
                        reason
                    } else {
                        format!("{group}: {reason}")
                    }
                })?;
            }
            Ok(())
        }
    }
}

fn all(statement: &Statement, frames: &[usize], capture: &Capture, names: &Names) -> Outcome {
    let Some(of) = &statement.of else {
        return Ok(());
    };
    if frames.is_empty() {
        return Err("there are no such frames".into());
    }
    for index in frames {
        if !capture.value(*index, of, names)?.is_true() {
            return Err(format!("not so in frame {}", index + 1));
        }
    }
    Ok(())
}

/// Frames by the values that make groups, with those values as text.
fn groups(
    statement: &Statement,
    frames: &[usize],
    capture: &Capture,
    names: &Names,
) -> Result<BTreeMap<String, Vec<usize>>, String> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    if statement.by.is_empty() {
        groups.insert(String::new(), frames.to_vec());
        return Ok(groups);
    }
    for index in frames {
        let mut key = Vec::new();
        for by in &statement.by {
            key.push(capture.value(*index, by, names)?.show());
        }
        groups.entry(key.join(", ")).or_default().push(*index);
    }
    Ok(groups)
}

fn group_state(
    statement: &Statement,
    frames: &[usize],
    capture: &Capture,
    names: &Names,
) -> Outcome {
    let values = || -> Result<Vec<Value>, String> {
        let of = statement.of.as_ref();
        let each =
            |index: &usize| of.map_or(Ok(Value::Missing), |of| capture.value(*index, of, names));
        frames.iter().map(each).collect()
    };
    let times: Vec<f64> = frames.iter().map(|index| capture.seconds(*index)).collect();
    let gaps: Vec<f64> = times
        .windows(2)
        .filter_map(|pair| Some(pair.get(1)? - pair.first()?))
        .collect();
    match statement.kind {
        Kind::Count => bounded(frames.len() as f64, &statement.against, "frames"),
        Kind::Distinct => bounded(
            distinct(&values()?).len() as f64,
            &statement.against,
            "values",
        ),
        Kind::Constant => match distinct(&values()?).as_slice() {
            [Value::Missing] | [] => Err("the frames lack it".into()),
            [_] => Ok(()),
            [first, second, ..] => Err(format!("it is {} and {}", first.show(), second.show())),
        },
        Kind::Rising | Kind::Falling => monotonic(statement, &numbers(&values()?)?, frames),
        Kind::Step => steps(statement, &numbers(&values()?)?, frames),
        Kind::Gap => each_gap(statement, &gaps, frames),
        Kind::MeanGap => match gaps.len() {
            0 => Err("a single frame has no gap".into()),
            many => bounded(
                gaps.iter().sum::<f64>() / many as f64,
                &statement.against,
                "s on average",
            ),
        },
        Kind::Gaps => gaps_as_listed(statement, &gaps, frames),
        Kind::Order => order(&distinct(&values()?), &statement.against, names),
        Kind::Set => set(&distinct(&values()?), &statement.against, names),
        _ => Ok(()),
    }
}

/// The number of a group's frame, from 1.
fn number(frames: &[usize], n: usize) -> usize {
    frames.get(n).map_or(0, |index| index + 1)
}

fn monotonic(statement: &Statement, values: &[f64], frames: &[usize]) -> Outcome {
    let up = statement.kind == Kind::Rising;
    for (n, pair) in values.windows(2).enumerate() {
        if let [a, b] = pair
            && (if up { a >= b } else { a <= b })
        {
            let frame = number(frames, n + 1);
            return Err(format!("{a} is followed by {b} in frame {frame}"));
        }
    }
    Ok(())
}

fn steps(statement: &Statement, values: &[f64], frames: &[usize]) -> Outcome {
    for (n, pair) in values.windows(2).enumerate() {
        let [a, b] = pair else { continue };
        let step = match statement.modulo {
            Some(modulo) => (b - a).rem_euclid(modulo as f64),
            None => b - a,
        };
        let what = format!("at frame {}", number(frames, n + 1));
        bounded(step, &statement.against, &what)?;
    }
    Ok(())
}

fn each_gap(statement: &Statement, gaps: &[f64], frames: &[usize]) -> Outcome {
    for (n, gap) in gaps.iter().enumerate() {
        let what = format!("s before frame {}", number(frames, n + 1));
        bounded(*gap, &statement.against, &what)?;
    }
    Ok(())
}

fn gaps_as_listed(statement: &Statement, gaps: &[f64], frames: &[usize]) -> Outcome {
    let Against::Series(wanted, tolerance) = &statement.against else {
        return Ok(());
    };
    for (n, (gap, wanted)) in gaps.iter().zip(wanted).enumerate() {
        if (gap - wanted).abs() > *tolerance {
            let frame = number(frames, n + 1);
            return Err(format!("{gap:.6} s before frame {frame}, not {wanted}"));
        }
    }
    Ok(())
}

fn order(found: &[Value], against: &Against, names: &Names) -> Outcome {
    let Against::List(wanted) = against else {
        return Ok(());
    };
    let wanted = literals(wanted, names)?;
    let mut pairs = found.iter().zip(&wanted);
    if found.len() == wanted.len() && pairs.all(|(a, b)| a.same(b) == Some(true)) {
        Ok(())
    } else {
        Err(format!("the order is {}", list(found)))
    }
}

fn set(found: &[Value], against: &Against, names: &Names) -> Outcome {
    let Against::Set(members, exact) = against else {
        return Ok(());
    };
    for value in found {
        if !is_among(value, members, names)? {
            return Err(format!("{} is among them", value.show()));
        }
    }
    for member in members.iter().filter(|_| *exact) {
        let mut met = false;
        for value in found {
            met |= is_among(value, std::slice::from_ref(member), names)?;
        }
        if !met {
            return Err(format!("a value is missing: there are {}", list(found)));
        }
    }
    Ok(())
}

/// Statements that hold frames against other frames.
fn pairs(statement: &Statement, frames: &[usize], capture: &Capture, names: &Names) -> Outcome {
    let Some(of) = &statement.of else {
        return Ok(());
    };
    let others = capture.select(of, names)?;
    if frames.is_empty() {
        return Err("there are no such frames".into());
    }
    for index in frames {
        let Some(ends) = capture.ends(*index) else {
            return Err(format!("frame {} is no IP packet", index + 1));
        };
        let reply = others.iter().filter(|other| *other > index).find(|other| {
            // An ICMP error answers what it quotes, whoever sends it.
            quoted_ends(capture, **other).map_or_else(
                || {
                    capture
                        .ends(**other)
                        .is_some_and(|theirs| goes_back(ends, theirs))
                },
                |quote| quote == ends,
            )
        });
        let holds = match statement.kind {
            Kind::Replied => reply.is_some(),
            Kind::Unreplied => reply.is_none(),
            Kind::Delay => {
                let Some(reply) = reply else {
                    return Err(format!("nothing answers frame {}", index + 1));
                };
                let delay = capture.seconds(*reply) - capture.seconds(*index);
                let what = format!("s from frame {} to frame {}", index + 1, reply + 1);
                bounded(delay, &statement.against, &what)?;
                true
            }
            Kind::Preceded => {
                let mut before = others.iter().filter(|other| *other < index);
                before.any(|other| {
                    capture
                        .ends(*other)
                        .is_some_and(|theirs| same_pair(ends, theirs))
                })
            }
            _ => {
                let quote = quoted_ends(capture, *index);
                let mut before = others.iter().filter(|other| *other < index);
                before.any(|other| quote.is_some() && capture.ends(*other) == quote)
            }
        };
        if !holds {
            return Err(format!("not so for frame {}", index + 1));
        }
    }
    Ok(())
}

fn quoted_ends(capture: &Capture, index: usize) -> Option<Ends> {
    capture
        .with(index, |frame| {
            let quote = frame.layers.quoted()?;
            Some(((quote.source, quote.destination), quote.ports))
        })
        .flatten()
}

/// Whether the second goes the other way: an ICMP error does when it comes from anywhere and quotes the first's ends.
fn goes_back(first: Ends, second: Ends) -> bool {
    let ((from, to), ports) = first;
    let ((back_from, back_to), back_ports) = second;
    if (from, to) != (back_to, back_from) {
        return false;
    }
    match (ports, back_ports) {
        (Some((a, b)), Some((c, d))) => (a, b) == (d, c),
        _ => true,
    }
}

fn same_pair(first: Ends, second: Ends) -> bool {
    let ((a, b), _) = first;
    let ((c, d), _) = second;
    (a, b) == (c, d) || (a, b) == (d, c)
}

/// The different values, in the order in which they first appear.
fn distinct(values: &[Value]) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    values
        .iter()
        .filter(|value| seen.insert(value.show()))
        .cloned()
        .collect()
}

fn numbers(values: &[Value]) -> Result<Vec<f64>, String> {
    let number = |value: &Value| {
        value
            .real()
            .ok_or_else(|| format!("{} is no number", value.show()))
    };
    values.iter().map(number).collect()
}

fn list(values: &[Value]) -> String {
    let mut texts: Vec<String> = values.iter().take(20).map(Value::show).collect();
    if values.len() > texts.len() {
        texts.push(format!("and {} more", values.len() - texts.len()));
    }
    texts.join(", ")
}

fn bounded(found: f64, against: &Against, what: &str) -> Outcome {
    let Against::Bound(bound) = against else {
        return Ok(());
    };
    let holds = match bound {
        Bound::Within(low, high) => (*low..=*high).contains(&found),
        Bound::Compared(operator, wanted) => compare(*operator, found, *wanted),
    };
    if holds {
        Ok(())
    } else {
        Err(format!("{found} {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::capture::CaptureWriter;
    use wire::{Flags, Ip, Ipv4, Link, Packet, Payload, Segment, Tcp};

    /// A capture of segments: microseconds, from A to B or back, ports, flags, sequence number.
    fn capture(segments: &[(u64, bool, u16, u16, Flags, u32)]) -> Capture {
        let mut writer = CaptureWriter::new(Vec::new());
        for (micros, there, source, destination, flags, sequence) in segments {
            let ends = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
            let (from, to) = if *there { ends } else { (ends.1, ends.0) };
            let packet = Packet {
                ip: Ip::V4(Ipv4::new(from, to)),
                segment: Segment::Tcp(Tcp {
                    sequence: *sequence,
                    ..Tcp::new(*source, *destination, *flags)
                }),
                payload: Payload::EMPTY,
            };
            let at = Timestamp::from_nanos(1_000_000_000 + micros * 1000);
            writer
                .record(at, |out| packet.emit_frame(&Link::default(), out))
                .unwrap();
        }
        Capture::read(&writer.finish().unwrap()).unwrap()
    }

    fn scan() -> Capture {
        capture(&[
            (0, true, 40000, 21, Flags::SYN, 100),
            (300, false, 21, 40000, Flags::RST | Flags::ACK, 0),
            (1_000_000, true, 40000, 22, Flags::SYN, 110),
            (2_000_000, true, 40000, 23, Flags::SYN, 120),
            (2_000_400, false, 23, 40000, Flags::SYN | Flags::ACK, 7),
        ])
    }

    fn outcome(text: &str) -> Outcome {
        let names = Names::from([("a".to_owned(), vec![[192, 0, 2, 1].into()])]);
        hold(&Check::parse(text).unwrap(), &scan(), &names)
    }

    #[test]
    fn what_holds_holds() {
        for text in [
            "all(ip.src == $a, tcp.flags == S and tcp.srcport == 40000)",
            "count(ip.src == $a) == 3",
            "none(tcp.fin == 1)",
            "constant(ip.src == $a, tcp.srcport)",
            "distinct(ip.src == $a, tcp.dstport) == 3",
            "rising(ip.src == $a, tcp.dstport) and step(ip.src == $a, tcp.seq) == 10",
            "gap(ip.src == $a) in 0.99..1.01",
            "gaps(ip.src == $a) ~ [1, 1, 5] 0.01",
            "order(ip.src == $a, tcp.dstport) == [21, 22, 23]",
            "set(ip.src == $a, tcp.dstport) == {21..22, 23}",
            "replied(tcp.dstport == 21, tcp.flags == RA) and unreplied(tcp.dstport == 22, tcp)",
            "delay(tcp.dstport == 23, tcp.flags == SA) < 0.001",
            "preceded(tcp.flags == SA, tcp.flags == S)",
            "step(ip.src == $a, tcp.seq) mod 7 == 3",
            "some(tcp.dstport == 22) or some(udp)",
            "all(ip.src in 192.0.2.0/24, ip.ttl == 64)",
        ] {
            assert_eq!(outcome(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_does_not_hold_is_shown() {
        for (text, shown) in [
            ("all(tcp, tcp.flags == S)", "frame 2"),
            ("none(tcp.flags == RA)", "frame 2"),
            ("count(ip.src == $a) == 4", "3 frames"),
            ("constant(ip.src == $a, tcp.dstport)", "21 and 22"),
            ("replied(tcp.dstport == 22, tcp)", "frame 3"),
            ("all(udp, tcp)", "no such frames"),
            ("some(ip.src == $nobody)", "$nobody"),
            (
                "order(ip.src == $a, tcp.dstport) == [23, 22, 21]",
                "21, 22, 23",
            ),
        ] {
            let reason = outcome(text).unwrap_err();
            assert!(reason.contains(shown), "{text}: {reason}");
        }
    }
}
