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
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::tools;

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

/// Waits for the end of its input, which comes when the test drops the lab or dies, and then takes the namespaces
/// down with all that runs in them, which the lab has started.
const KEEPER: &str = r#"
cat > /dev/null
for namespace in "$@"; do
    for pid in $(ip netns pids "$namespace" 2> /dev/null); do kill -KILL "$pid" 2> /dev/null; done
    ip netns delete "$namespace" 2> /dev/null
done
"#;

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
    prefix: String,
    keeper: Child,
    services: Vec<Child>,
}

impl Lab {
    /// Builds the network, or says why the test skips.
    pub fn build() -> Option<Lab> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !can_run() {
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("crywolf-{}-{number}", std::process::id());
        let names = Place::ALL.map(|place| namespace(&prefix, place));
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .args(&names)
            .stdin(Stdio::piped())
            // Ctrl-C ends the tests and not their keeper.
            .process_group(0)
            .spawn()
            .expect("every system has sh");
        let lab = Lab {
            python: python(),
            prefix,
            keeper,
            services: Vec::new(),
        };
        for (nth, name) in names.iter().enumerate() {
            let made = ip(&["netns", "add", name]);
            if nth == 0 && !made.status.success() {
                println!(
                    "SKIPPED: this root may not make network namespaces: {}",
                    String::from_utf8_lossy(&made.stderr).trim()
                );
                return None;
            }
            assert!(made.status.success(), "ip netns add {name}: {made:?}");
        }
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
        let (peer, address) = (namespace(&self.prefix, host), host.address());
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
        let peer = namespace(&self.prefix, other);
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
        let namespace = namespace(&self.prefix, place);
        let mut args = vec!["-n", &namespace];
        args.extend(line.split_whitespace());
        let output = ip(&args);
        assert!(
            output.status.success(),
            "ip {line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Lets the router stop TCP to some ports, in both directions: `blackhole` without a word, `prohibit` with an error.
    pub fn filter(&self, ports: &str, how: &str) {
        self.ip(Router, &format!("rule add ipproto tcp dport {ports} {how}"));
    }

    /// The names of the namespaces.
    pub fn namespaces(&self) -> Vec<String> {
        Place::ALL
            .map(|place| namespace(&self.prefix, place))
            .into()
    }

    /// A command that runs in a namespace, for so many seconds at most.
    pub fn command(&self, place: Place, seconds: &str, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &namespace(&self.prefix, place)])
            .args(["timeout", "--kill-after=1", seconds])
            .args(words)
            .stdin(Stdio::null());
        command
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
        drop(self.keeper.stdin.take());
        // Errors here would only hide the failure that brought us here.
        let _ = self.keeper.wait();
        for service in &mut self.services {
            let _ = service.wait();
        }
    }
}

fn namespace(prefix: &str, place: Place) -> String {
    format!("{prefix}-{place:?}").to_lowercase()
}

/// Runs `ip`.
pub fn ip(args: &[&str]) -> Output {
    Command::new("ip").args(args).output().expect("ip is there")
}

/// Ends a child that the lab has started. It is asked to, since `timeout` hands that on to what it runs.
pub fn terminate(child: &mut Child) {
    let kill = format!("kill -TERM {}", child.id());
    let _ = Command::new("sh").args(["-c", &kill]).status();
    let _ = child.wait();
}

fn python() -> String {
    let program = "import sys; print(sys.executable)";
    let output = Command::new("python3").args(["-c", program]).output();
    let path = String::from_utf8_lossy(&output.expect("python3 is there").stdout).into_owned();
    path.trim().to_owned()
}

/// Whether the lab can be built; if not, says what is missing. Who is not root need not have the programs.
fn can_run() -> bool {
    let id = Command::new("id").arg("-u").output();
    if !id.is_ok_and(|id| id.stdout == b"0\n") {
        println!("SKIPPED: network namespaces need root");
        return false;
    }
    // All that is missing is named, not only the first.
    let missing = PROGRAMS.iter().filter(|program| !tools::has(program));
    missing.count() == 0
}
