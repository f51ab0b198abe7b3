//! Rewriting on the way to a network, and the maps of the command line.

use rewrite::{AddressMap, Checksums, Cut, Oversize, PortMap, Rewrite, Rewriter, Vlan};
use wire::MacAddress;
use wire::capture::CaptureReader;

/// Reads maps, a line each.
pub fn map(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        let addresses = line.parse::<AddressMap>().into_iter().collect();
        let ports = line.parse::<PortMap>().into_iter().collect();
        let plan = Rewrite {
            addresses,
            ports,
            ..Rewrite::default()
        };
        let _ = Rewriter::new(plan);
    }
}

/// Rewrites the frames of a capture in each of a few ways.
pub fn rewriting(bytes: &[u8]) {
    for plan in plans() {
        let (Ok(mut rewriter), Ok(mut reader)) = (Rewriter::new(plan), CaptureReader::new(bytes))
        else {
            continue;
        };
        for pass in 0.. {
            let Ok(Some(record)) = reader.next() else {
                break;
            };
            if let Ok(rewritten) = rewriter.rewrite(&record, pass) {
                for frame in rewritten.frames() {
                    assert!(frame.len() <= 65_700, "a frame of {} bytes", frame.len());
                }
            }
        }
    }
}

fn plans() -> Vec<Rewrite> {
    let maps = |texts: &[&str]| texts.iter().filter_map(|text| text.parse().ok()).collect();
    let addresses: Vec<AddressMap> = maps(&[
        "192.0.2.0/24=10.1.2.0/24",
        "2001:db8::/32=fd00::/32",
        "0.0.0.0/0=10.0.0.0/8",
    ]);
    let ports = "1-1024=2001-3024".parse().into_iter().collect();
    vec![
        Rewrite {
            addresses: addresses.clone(),
            ports,
            checksums: Checksums::Fix,
            vlan: Vlan::Set(7),
            ..Rewrite::default()
        },
        Rewrite {
            addresses,
            mtu: 576,
            oversize: Oversize::Fragment,
            cut: Cut::Pad,
            vlan: Vlan::Remove,
            unique: true,
            passes: 3,
            ..Rewrite::default()
        },
        Rewrite {
            mtu: 68,
            oversize: Oversize::Truncate,
            cut: Cut::Send,
            source_mac: Some(MacAddress([2, 0, 0, 0, 0, 9])),
            ..Rewrite::default()
        },
    ]
}
