//! What must draw no alert: sessions, failures that happen to everybody, callbacks, route traces.

use std::slice::from_ref;

use labels::Class;

use super::capture::record;
use super::network::{Lab, Place};
use super::{HOME_AND_WAN, Misses, download, words};

/// Names looked up, and echoes asked for, over UDP.
const LOOK_UP: &str = "import socket, sys
for n in range(40):
    s = socket.socket(type=socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect((sys.argv[1], 53))
    s.send(bytes([1, n, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3]) + b'www\\0\\0\\x01\\0\\x01')
    assert s.recv(512)
    s.connect((sys.argv[1], 7))
    s.send(b'echo')
    assert s.recv(512)";

/// A shell session in both directions, then an orderly end.
const SSH: &str = "import socket, sys
for n in range(3):
    s = socket.create_connection((sys.argv[1], 22), 5)
    assert s.recv(100).startswith(b'SSH')
    for line in (b'SSH-2.0-client\\r\\n', bytes(600), bytes(48)):
        s.sendall(line)
        assert s.recv(2000)
    s.close()";

#[test]
fn ordinary_sessions_draw_no_alert() {
    let Some(mut lab) = Lab::build() else { return };
    let services = ["web", "ssh", "dns", "echo"];
    lab.serve(Place::Web, &services);
    lab.serve(Place::Server, &services);
    lab.filter("5000-5999", "blackhole");
    lab.filter("6000-6999", "prohibit");
    let mut misses = Misses::default();
    for (from, to) in [(Place::Desk, Place::Server), (Place::Server, Place::Web)] {
        let way = format!("{from:?}").to_lowercase();
        let address = to.address();
        let python = |script| {
            let output = lab.run(from, &[&lab.python, "-c", script, address]);
            assert!(output.status.success(), "{output:?}");
        };
        let fail = |url: &str| {
            let output = lab.run(from, &words(&format!("curl -s -m 2 -o /dev/null {url}")));
            assert!(!output.status.success(), "{url} answers");
        };
        type Act<'a> = &'a dyn Fn();
        let cases: [(&str, Act); 7] = [
            ("downloads", &|| download(&lab, from, to, 60)),
            ("names", &|| python(LOOK_UP)),
            ("shell", &|| python(SSH)),
            ("pings", &|| {
                let ping = format!("hping3 -q -n --icmp -c 5 -i u100000 {address}");
                let output = lab.run(from, &words(&ping));
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(said.contains("5 packets received"), "{said}");
            }),
            ("refused", &|| {
                for _ in 0..4 {
                    fail(&format!("http://{address}:8080/"));
                }
            }),
            ("filtered", &|| {
                fail(&format!("http://{address}:6443/"));
                fail(&format!("http://{address}:6443/"));
                fail(&format!("http://{address}:5443/"));
            }),
            ("absent", &|| {
                let block = address.rsplit_once('.').map_or("", |(block, _)| block);
                fail(&format!("http://{block}.99/"));
                download(&lab, from, to, 1);
            }),
        ];
        for (name, act) in cases {
            let captures = record(
                &lab,
                &format!("ordinary-{name}-of-{way}"),
                HOME_AND_WAN,
                act,
            );
            misses.expect_silence(&captures, None);
        }
        let captures = record(
            &lab,
            &format!("ordinary-all-of-{way}"),
            HOME_AND_WAN,
            || {
                cases.iter().for_each(|(_, act)| act());
            },
        );
        misses.expect_silence(&captures, None);
    }
}

#[test]
fn transfers_draw_no_alert_and_ident_callbacks_are_explained() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Server, &["ftp-asking-ident"]);
    lab.serve(Place::Web, &["ftp"]);
    lab.serve(Place::Spare, &["ident"]);
    let mut misses = Misses::default();
    let callback = Some((Class::IdentCallback, Place::Server.address()));
    let cases = [
        ("plain", Place::Stranger, Place::Web, None),
        ("ident-refused", Place::Desk, Place::Server, callback),
        ("ident-answered", Place::Spare, Place::Server, callback),
    ];
    for (name, from, to, explanation) in cases {
        for (mode, option) in [("passive", "-p"), ("active", "-A")] {
            let name = format!("ftp-{name}-{mode}");
            let captures = record(&lab, &name, HOME_AND_WAN, || {
                let session = "user anonymous guest@example.org\nls\nget file /dev/null\nls\nbye\n";
                let ftp = words("ftp -n -v");
                let words = [&ftp[..], &[option, to.address()]].concat();
                let output = lab.run_with_input(from, &words, session);
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert_eq!(said.matches("226 done").count(), 3, "{said}");
            });
            misses.expect_silence(&captures, explanation);
        }
    }
}

#[test]
fn an_ident_callback_into_a_filter_is_explained() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Server, &["ftp-asking-ident"]);
    lab.filter("113", "blackhole");
    let captures = record(&lab, "ftp-ident-filtered", HOME_AND_WAN, || {
        let address = Place::Server.address();
        let session = "user anonymous guest@example.org\nls\nbye\n";
        let ftp = ["ftp", "-n", "-v", "-p", address];
        let output = lab.run_with_input(Place::Desk, &ftp, session);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("226 done"), "{said}");
    });
    let [home, wan] = &captures[..] else {
        panic!("one capture a point")
    };
    let mut misses = Misses::default();
    // The query ends at the router.
    misses.expect_silence(from_ref(home), None);
    let callback = (Class::IdentCallback, Place::Server.address());
    misses.expect_silence(from_ref(wan), Some(callback));
}

#[test]
fn traces_are_explained() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web"]);
    lab.serve(Place::Server, &["web"]);
    let mut misses = Misses::default();
    for (from, to) in [(Place::Desk, Place::Server), (Place::Stranger, Place::Web)] {
        let way = format!("{from:?}").to_lowercase();
        for (name, option) in [
            ("default", ""),
            ("udp", "-U"),
            ("icmp", "-I"),
            ("tcp", "-T"),
        ] {
            let captures = record(
                &lab,
                &format!("trace-{name}-of-{way}"),
                HOME_AND_WAN,
                || {
                    let trace = format!("traceroute -n -w 1 {option} {}", to.address());
                    let output = lab.run(from, &words(&trace));
                    assert!(output.status.success(), "{output:?}");
                },
            );
            misses.expect_silence(&captures, Some((Class::Traceroute, from.address())));
        }
    }
}
