//! The one published trace that is a list of flow records, as argus keeps them: our capture, seen as flows, has the same
//! flows, each with its packets and bytes in both directions, its state letters and its second.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::tools::{crywolf_ok, has, tshark};

const TRACE: &str = "sscan-argus";
const FIELDS: [&str; 7] = [
    "frame.time_epoch",
    "ip.src",
    "tcp.srcport",
    "ip.dst",
    "tcp.dstport",
    "tcp.flags",
    "tcp.len",
];
const FIN: u64 = 1;
const SYN: u64 = 2;
const RST: u64 = 4;
const ACK: u64 = 16;

/// Address and port.
type End = (String, u16);

/// What passed between two ends: first the direction of the first packet, then the other.
#[derive(Default)]
struct Flow {
    second: i64,
    packets: [u64; 2],
    bytes: [u64; 2],
    /// Direction and flags of each.
    flags: Vec<(usize, u64)>,
}

impl Flow {
    /// The state: `s` SYN seen, `S` SYN-ACK seen, `E` established, `R` reset, `F` a FIN, `C` closed by both after both
    /// have said something. A flow that begins with a FIN is no connection; one without any SYN began before.
    fn letters(&self) -> String {
        let any = |wanted: &dyn Fn(usize, u64) -> bool| {
            self.flags.iter().any(|(side, flags)| wanted(*side, *flags))
        };
        let reset = any(&|_, flags| flags & RST > 0);
        if self.flags[0].1 & FIN > 0 {
            return if reset { "FR" } else { "F" }.into();
        }
        let asked = any(&|_, flags| flags & (SYN | ACK | FIN) == SYN);
        let accepted = any(&|_, flags| flags & (SYN | ACK) == SYN | ACK);
        let confirmed = any(&|side, flags| side == 0 && flags & (SYN | ACK) == ACK);
        let ended = [0, 1].map(|wanted| any(&|side, flags| side == wanted && flags & FIN > 0));
        let letters = [
            (asked, 's'),
            (accepted, 'S'),
            (asked == accepted && (confirmed || !asked), 'E'),
            (reset, 'R'),
            (ended.contains(&true), 'F'),
            (ended == [true; 2] && self.bytes.iter().all(|b| *b > 0), 'C'),
        ];
        letters
            .iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, letter)| letter)
            .collect()
    }

    /// The same with the other end first.
    fn turned(mut self) -> Flow {
        self.packets.reverse();
        self.bytes.reverse();
        self
    }
}

fn flows(capture: &Path) -> BTreeMap<(End, End), Flow> {
    let mut flows: BTreeMap<(End, End), Flow> = BTreeMap::new();
    // What an error quotes of a segment ends before its flags.
    let is_segment = |row: &Vec<String>| !row[5].is_empty();
    for row in tshark(capture, &FIELDS).into_iter().filter(is_segment) {
        let port = |text: &str| text.parse().unwrap();
        let from = (row[1].clone(), port(&row[2]));
        let to = (row[3].clone(), port(&row[4]));
        let answers = flows.contains_key(&(to.clone(), from.clone()));
        let side = usize::from(answers);
        let ends = if answers { (to, from) } else { (from, to) };
        let flow = flows.entry(ends).or_default();
        if flow.flags.is_empty() {
            flow.second = row[0].split('.').next().unwrap().parse().unwrap();
        }
        flow.packets[side] += 1;
        flow.bytes[side] += row[6].parse::<u64>().unwrap();
        let flags = u64::from_str_radix(row[5].trim_start_matches("0x"), 16).unwrap();
        flow.flags.push((side, flags));
    }
    flows
}

#[test]
fn the_published_flow_records_are_those_of_our_capture() {
    if !has("tshark") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    crywolf_ok(&["generate", "sscan", "--as-published", "--out", out]);
    let mut flows = flows(&folder.path().join(format!("{TRACE}.published.pcap")));
    let path = format!(
        "{}/golden/published/{TRACE}.jsonl",
        env!("CARGO_MANIFEST_DIR")
    );
    let records: Vec<Value> = fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The same name is the same address throughout.
    let ours = BTreeMap::from([
        ("133.74.6.1", "198.51.100.61"),
        ("130.216.1.1", "192.0.2.1"),
        ("130.216.1.4", "192.0.2.4"),
    ]);
    let mut differences = Vec::new();
    for record in &records {
        let end = |address: &str, port: &str| {
            let address = ours[record[address].as_str().unwrap()].to_owned();
            (
                address,
                u16::try_from(record[port].as_u64().unwrap()).unwrap(),
            )
        };
        let (from, to) = (end("src", "sport"), end("dst", "dport"));
        let flow = flows
            .remove(&(from.clone(), to.clone()))
            .or_else(|| flows.remove(&(to, from)).map(Flow::turned));
        let Some(flow) = flow else {
            differences.push(format!("no such flow: {record}"));
            continue;
        };
        let printed = |key: &str| record[key].as_u64().unwrap();
        let clock = record["t"].as_str().unwrap().split(':');
        let second = clock.fold(0, |time, part| time * 60 + part.parse::<i64>().unwrap());
        let wanted = (
            [printed("pkts_to"), printed("pkts_from")],
            [printed("bytes_to"), printed("bytes_from")],
            record["status"].as_str().unwrap().to_owned(),
            second,
        );
        let found = (
            flow.packets,
            flow.bytes,
            flow.letters(),
            flow.second % 86_400,
        );
        if found != wanted {
            differences.push(format!("{found:?} instead of {wanted:?}: {record}"));
        }
    }
    differences.extend(flows.keys().map(|ends| format!("not printed: {ends:?}")));
    println!("{} published fields reproduced", records.len() * 6);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
