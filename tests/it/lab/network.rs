//! The lab's network: namespaces, the links between them, and what runs in them.
//!
//! ```text
//!  Desk   192.0.2.20 \                                          / 198.51.100.7  Stranger
//!  Web    192.0.2.10 -- home [Router] wan ---- [Provider] ------
//!  Spare  192.0.2.30 /          forged                          \ 198.51.100.80 Server
//!                                 |
//!                               Owner of 198.18.0.0/15
//! ```
//!
//! All of it is new for each lab, and tied to nothing else: the links are made inside, no end of one ever is in the
//! namespace of the machine, and the routers know no route but to each other.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

use crate::namespaces::Namespaces;

/// What a lab needs, by the name of the program.
const PROGRAMS: [&str; 9] = [
    "ip",
    "tcpdump",
    "nmap",
    "hping3",
    "traceroute",
    "curl",
    "ftp",
    "python3",
    "timeout",
];
/// No command takes longer, in seconds.
const COMMAND_TIMEOUT: &str = "25";
/// No service lives longer, in seconds.
const SERVICE_TIMEOUT: &str = "120";

const SERVICES: &str = include_str!("services.py");

/// A namespace of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the middle; the captures are made here.
    Router,
    /// Between the router and what is outside.
    Provider,
    /// A server at home.
    Web,
    /// A client at home.
    Desk,
    /// A host at home without any service.
    Spare,
    /// Outside, and hostile.
    Stranger,
    /// A server outside.
    Server,
    /// Where the forged addresses are at home. It has none of them, unless told.
    Owner,
}

use Place::{Desk, Owner, Provider, Router, Server, Spare, Stranger, Web};

impl Place {
    /// All of them.
    pub const ALL: [Place; 8] = [Router, Provider, Web, Desk, Spare, Stranger, Server, Owner];

    /// Its namespace, by the name that tests give it.
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Its address; of the routers the one that traces show.
    pub fn address(self) -> &'static str {
        match self {
            Router => "203.0.113.1",
            Provider => "203.0.113.2",
            Web => "192.0.2.10",
            Desk => "192.0.2.20",
            Spare => "192.0.2.30",
            Stranger => "198.51.100.7",
            Server => "198.51.100.80",
            Owner => "203.0.113.6",
        }
    }
}

/// Namespaces, links and services; gone when dropped, and also when the test process dies.
pub struct Lab {
    /// The interpreter itself: the one in the path may be a script that looks for it, slowly.
    pub python: String,
    namespaces: Namespaces,
    services: Vec<Child>,
}

impl Lab {
    /// Builds the network, or says why the test skips.
    pub fn build() -> Option<Lab> {
        let names = Place::ALL.map(Place::name);
        let lab = Lab {
            namespaces: Namespaces::make(&names, &PROGRAMS)?,
            python: python(),
            services: Vec::new(),
        };
        lab.connect();
        Some(lab)
    }

    fn connect(&self) {
        self.ip(Router, "link add name home type bridge forward_delay 0");
        self.ip(Router, "address add 192.0.2.1/24 dev home");
        for place in [Web, Desk, Spare] {
            self.plug(place, Router, "home", "192.0.2.1");
        }
        self.ip(
            Provider,
            "link add name outside type bridge forward_delay 0",
        );
        self.ip(Provider, "address add 198.51.100.1/24 dev outside");
        for place in [Stranger, Server] {
            self.plug(place, Provider, "outside", "198.51.100.1");
        }
        self.wire("wan", Provider, "203.0.113.1/30", "203.0.113.2/30");
        self.wire("forged", Owner, "203.0.113.5/30", "203.0.113.6/30");
        for place in Place::ALL {
            self.ip(place, "link set lo up");
        }
        self.ip(Router, "link set home up");
        self.ip(Provider, "link set outside up");
        self.ip(Router, "route add 198.51.100.0/24 via 203.0.113.2");
        self.ip(Router, "route add 198.18.0.0/15 via 203.0.113.6");
        self.ip(Provider, "route add 192.0.2.0/24 via 203.0.113.1");
        self.ip(Provider, "route add 198.18.0.0/15 via 203.0.113.1");
        self.ip(Owner, "route add default via 203.0.113.5");
        // Forged sources must pass, and errors come as often as they are due.
        let settings = "cd /proc/sys/net/ipv4 && echo 1 > ip_forward && echo 0 > icmp_ratelimit \
            && echo 0 > conf/all/rp_filter && echo 0 > conf/default/rp_filter";
        for place in [Router, Provider] {
            self.run(place, &["sh", "-c", settings]);
        }
    }

    /// A host on a router's bridge.
    fn plug(&self, host: Place, router: Place, bridge: &str, gateway: &str) {
        let port = format!("{host:?}").to_lowercase();
        let (peer, address) = (self.namespaces.name(&host.name()), host.address());
        self.ip(
            router,
            &format!("link add name {port} type veth peer name eth0 netns {peer}"),
        );
        self.ip(router, &format!("link set {port} master {bridge} up"));
        self.ip(host, &format!("address add {address}/24 dev eth0"));
        self.ip(host, "link set eth0 up");
        self.ip(host, &format!("route add default via {gateway}"));
    }

    /// A link from the router to another place, of one name at both ends.
    fn wire(&self, name: &str, other: Place, near: &str, far: &str) {
        let peer = self.namespaces.name(&other.name());
        self.ip(
            Router,
            &format!("link add name {name} type veth peer name {name} netns {peer}"),
        );
        for (place, address) in [(Router, near), (other, far)] {
            self.ip(place, &format!("address add {address} dev {name}"));
            self.ip(place, &format!("link set {name} up"));
        }
    }

    /// Runs `ip` on a namespace; what it printed.
    pub fn ip(&self, place: Place, line: &str) -> String {
        self.namespaces.ip(&place.name(), line)
    }

    /// Lets the router stop TCP to some ports, in both directions: `blackhole` without a word, `prohibit` with an error.
    pub fn filter(&self, ports: &str, how: &str) {
        self.ip(Router, &format!("rule add ipproto tcp dport {ports} {how}"));
    }

    /// The names of the namespaces.
    pub fn namespaces(&self) -> Vec<String> {
        let places = Place::ALL.iter();
        places
            .map(|place| self.namespaces.name(&place.name()))
            .collect()
    }

    /// A command that runs in a namespace, for so many seconds at most.
    pub fn command(&self, place: Place, seconds: &str, words: &[&str]) -> Command {
        self.namespaces.command(&place.name(), seconds, words)
    }

    /// Runs a command to its end; what it printed. How it ended is its own affair: a refused connection is a case too.
    pub fn run(&self, place: Place, words: &[&str]) -> Output {
        self.run_with_input(place, words, "")
    }

    /// The same for a command that reads.
    pub fn run_with_input(&self, place: Place, words: &[&str], input: &str) -> Output {
        let mut child = self
            .command(place, COMMAND_TIMEOUT, words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ip is there");
        let mut stdin = child.stdin.take().expect("it is piped");
        // Who does not read may have gone already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("it was started");
        assert_ne!(
            output.status.code(),
            Some(124),
            "{words:?} took longer than {COMMAND_TIMEOUT} s"
        );
        output
    }

    /// Starts services in a namespace and returns when they listen.
    pub fn serve(&mut self, place: Place, services: &[&str]) {
        let words = [&[self.python.as_str(), "-c", SERVICES], services].concat();
        let mut child = self
            .command(place, SERVICE_TIMEOUT, &words)
            .stdout(Stdio::piped())
            .spawn()
            .expect("ip is there");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("services speak UTF-8");
        self.services.push(child);
        assert_eq!(line, "ready\n", "{services:?} did not start");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.namespaces.take_down();
        for service in &mut self.services {
            let _ = service.wait();
        }
    }
}

fn python() -> String {
    let program = "import sys; print(sys.executable)";
    let output = Command::new("python3").args(["-c", program]).output();
    let path = String::from_utf8_lossy(&output.expect("python3 is there").stdout).into_owned();
    path.trim().to_owned()
}

/// The words of a command.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
