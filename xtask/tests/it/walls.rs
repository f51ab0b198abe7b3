//! What is reached from inside a lab: nothing. A detector looks around, in each of its namespaces.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::programs::{Ended, can_enclose, can_tap, crywolf, has_python, output, xtask};

/// The place itself; then documentation and benchmark networks, a private one, the Internet's, and groups; the last of each family is far from
/// all else.
const ADDRESSES: &str = "127.0.0.1 192.0.2.1 198.51.100.7 198.18.0.1 10.0.0.1 192.168.0.1 172.17.0.1 169.254.169.254 \
    203.0.113.255 2001:db8::1 fe80::1 2001:4860::1";

/// Sends a datagram to each address and prints what comes of it, else the name of the error.
const SEND: &str = "import errno, socket, sys
for address in sys.argv[1:]:
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    try:
        socket.socket(family, socket.SOCK_DGRAM).sendto(b'', (address, 9))
        print(address, 'sent')
    except OSError as error:
        print(address, errno.errorcode[error.errno])";

/// What there is in a namespace.
struct Place {
    /// Interfaces by name.
    links: BTreeMap<String, Value>,
    routes: String,
    sent: String,
}

impl Place {
    fn read(folder: &Path, name: &str) -> Place {
        let text = |what: &str| fs::read_to_string(folder.join(format!("{name}.{what}"))).unwrap();
        let links: Value = serde_json::from_str(&text("links")).unwrap();
        let links = links.as_array().unwrap().iter();
        Place {
            links: links
                .map(|link| (link["ifname"].as_str().unwrap().to_owned(), link.clone()))
                .collect(),
            routes: text("routes"),
            sent: text("sent"),
        }
    }

    /// No interface but the loopback and these, no address on them, no route to anywhere.
    fn is_closed(&self, wires: &[&str]) {
        let names: Vec<&str> = self.links.keys().map(String::as_str).collect();
        let mut wanted = [&["lo"], wires].concat();
        wanted.sort_unstable();
        assert_eq!(names, wanted);
        for wire in wires {
            let addresses = &self.links[*wire]["addr_info"];
            assert_eq!(
                addresses.as_array().map(Vec::len),
                Some(0),
                "{wire}: {addresses}"
            );
        }
        for route in self.routes.lines() {
            assert!(route.contains(" dev lo "), "{route}");
        }
        let mut lines = self.sent.lines();
        if !wires.is_empty() {
            // A control: what can be reached is.
            assert_eq!(lines.next(), Some("127.0.0.1 sent"));
        }
        for line in lines {
            let (address, error) = line.split_once(' ').unwrap();
            // Without IPv6 the kernel has no address to send from.
            let v6 = address.contains(':') && error == "EADDRNOTAVAIL";
            assert!(error == "ENETUNREACH" || v6, "{line}");
        }
        assert_eq!(
            self.sent.lines().count(),
            ADDRESSES.split(' ').filter(|word| !word.is_empty()).count()
        );
    }
}

/// Runs a lab over a wire, whose detector looks around in these namespaces and in that of the enclosure itself.
fn look_around(wire: &str, places: &[&str]) -> BTreeMap<String, Place> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("send.py"), SEND).unwrap();
    let line = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("lab/line-0");
    let mut script = "set -e\n".to_owned();
    let mut look = |name: &str, enter: &str| {
        let out = folder.path().join(name);
        let (out, folder) = (out.display(), folder.path().display());
        script += &format!(
            "{enter} ip -json -details address > {out}.links
            {{ {enter} ip -4 route show table all; {enter} ip -6 route show table all; }} > {out}.routes
            {enter} python3 {folder}/send.py {ADDRESSES} > {out}.sent\n"
        );
    };
    for place in places {
        look(
            place,
            &format!("nsenter --net='{}/{place}'", line.display()),
        );
    }
    look("enclosure", "nsenter --target 1 --net");
    let crywolf = crywolf().display();
    script += &format!("exec '{crywolf}' detect --quiet --interface {{interface}} --format jsonl");
    let mut lab = xtask("lab");
    lab.args([
        "nntp-reset",
        "--sensor",
        "client",
        "--linger",
        "0",
        "--wire",
        wire,
    ]);
    Ended::of(lab.args(["--detector", &script])).expect(0);
    let names = places.iter().chain(&["enclosure"]);
    names
        .map(|name| ((*name).to_owned(), Place::read(folder.path(), name)))
        .collect()
}

#[test]
fn the_lab_has_no_way_out_over_a_pair() {
    if !can_enclose() || !has_python() {
        return;
    }
    let places = look_around("veth", &["near", "far"]);
    let end = |place: &str| places[place].links[place].clone();
    let (near, far) = (end("near"), end("far"));
    // Each is the other's other end, so that neither is outside.
    assert_eq!(near["link_index"], far["ifindex"]);
    assert_eq!(far["link_index"], near["ifindex"]);
    places["near"].is_closed(&["near"]);
    places["far"].is_closed(&["far"]);
    places["enclosure"].is_closed(&[]);
    let outside = output(&["ip", "-json", "link", "show"]);
    assert!(!outside.contains("\"far\"") && !outside.contains("\"near\""));
}

#[test]
fn the_lab_has_no_way_out_over_a_tap() {
    if !can_enclose() || !can_tap() || !has_python() {
        return;
    }
    let places = look_around("tap", &["near"]);
    places["near"].is_closed(&["tap"]);
    places["enclosure"].is_closed(&[]);
}
