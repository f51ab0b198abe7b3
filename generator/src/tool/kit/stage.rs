//! The stages of a tool: what is sent or said, to whom, in which order, how fast, and after what.

use ipnet::IpNet;

use super::craft::{Craft, PortOf};
use super::nest::{Formulas, Nest};
use super::pace::{LEAST_GAP, PacePlan};
use super::visits::Order;
use crate::blueprint::Asked;
use crate::content::payload::PayloadPlan;
use crate::conversation::retry::RetryPlan;
use crate::conversation::script::Script;
use crate::reading::fields::{text, text_ref};
use crate::reading::{Fields, Node};

/// Most connections or probes that a stage may have open at a time.
const MOST_PARALLEL: u64 = 100_000;
/// Most packets or visits of a stage.
const MOST_VISITS: u64 = 1_000_000_000_000;

/// How a stage asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Packets made by hand.
    Probe,
    /// Connections of the host's own stack.
    Connect,
    /// Datagrams through sockets of the host's own stack.
    Ask,
    /// Questions for the hardware addresses of neighbours.
    Arp,
}

/// The programs, by the names that files use.
pub const PROGRAMS: [(&str, Program); 4] = [
    ("probe", Program::Probe),
    ("connect", Program::Connect),
    ("ask", Program::Ask),
    ("arp", Program::Arp),
];

/// A stage, as it was stated.
#[derive(Debug)]
pub struct Stage {
    /// Its name; empty where the tool has only one.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// The ports it visits.
    pub ports: Ports,
    /// In which order.
    pub order: Order,
    /// Whether ports and targets are shuffled first.
    pub shuffle: (bool, bool),
    /// How fast.
    pub pace: PacePlan,
    /// Between the probes of one visit, where that differs.
    pub probe_gap: Option<u64>,
    /// How often again.
    pub retry: RetryPlan,
    /// How many may be open at a time.
    pub parallel: u64,
    /// Until the first probe to each target.
    pub warm_up: u64,
    /// Visits in all.
    pub count: u64,
    /// Passes over targets and ports.
    pub rounds: u64,
    /// Before each further pass, where that differs.
    pub round_gap: Option<u64>,
    /// When it begins.
    pub begins: Begins,
    /// Of which targets.
    pub only: Option<Found>,
    /// Time to live from and to which a trace goes, and probes a hop.
    pub hops: Option<(u8, u8, u64)>,
    /// What is sent to who accepts.
    pub reply: Option<Craft>,
    /// Draw path, below the activity's own.
    pub path: String,
    /// Whether answers matter.
    pub tracked: bool,
    /// Whether another stage depends on what it finds.
    pub heeded: bool,
}

impl Stage {
    /// The pace that it is asked to keep; `None` where each visit waits for what becomes of the one before, and where there is
    /// only one.
    fn asked(&self, targets: u64) -> Option<Asked> {
        let ports = match &self.ports {
            Ports::None => 1,
            Ports::List(ports) => ports.len().max(1) as u64,
            Ports::Found(_) => return None,
        };
        let probes = match &self.action {
            Action::Craft(crafts) => crafts.len().max(1) as u64,
            _ => 1,
        };
        let round = targets.saturating_mul(ports).saturating_mul(probes);
        let visits = round.saturating_mul(self.rounds).min(self.count);
        if visits < 2 || self.parallel == 1 || self.hops.is_some() {
            return None;
        }
        let gaps = visits - 1;
        let within = self
            .probe_gap
            .map(|gap| (visits - visits.div_ceil(probes), gap));
        let between = self.round_gap.map(|gap| (gaps / round, gap));
        let special = [within, between].into_iter().flatten();
        let usual = gaps - special.clone().map(|(number, _)| number).sum::<u64>();
        let all = special.chain([(usual, self.pace.mean())]);
        let sum: u128 = all
            .map(|(number, gap)| u128::from(number) * u128::from(gap))
            .sum();
        let gap = u64::try_from(sum / u128::from(gaps)).ok()?;
        Some(Asked { gap, visits })
    }

    /// Whether one socket asks all targets.
    pub fn asks_on_one_socket(&self) -> bool {
        matches!(
            self.action,
            Action::Ask {
                one_socket: true,
                ..
            }
        )
    }
}

/// What a stage does.
#[derive(Debug)]
pub enum Action {
    /// Asks for the hardware address of each target.
    Neighbour,
    /// Sends these probes to each target and port.
    Craft(Vec<Craft>),
    /// Connects, and says what the script says.
    Connect {
        /// What is said.
        script: Script,
        /// The formula of its own port.
        source_port: Option<usize>,
        /// After which time a connection that nobody has answered is given up.
        give_up: Option<u64>,
    },
    /// Asks with a datagram.
    Ask {
        /// What is asked.
        payload: PayloadPlan,
        /// The formula of its own port.
        source_port: Option<usize>,
        /// Whether one socket asks all.
        one_socket: bool,
    },
}

/// The ports of a stage.
#[derive(Debug, PartialEq, Eq)]
pub enum Ports {
    /// None: what it sends has no ports, or names its own.
    None,
    /// These.
    List(Vec<u16>),
    /// Those that the stage before found so.
    Found(Found),
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// Something answered: open or closed.
    Answered,
    /// Accepted, or answered as asked.
    Open,
    /// Refused by the target.
    Closed,
    /// An ICMP error came from the target or from the way.
    Unreachable,
    /// Nothing came.
    Silent,
}

const FOUND: [(&str, Found); 5] = [
    ("answered", Found::Answered),
    ("open", Found::Open),
    ("closed", Found::Closed),
    ("unreachable", Found::Unreachable),
    ("silent", Found::Silent),
];

impl Found {
    /// Whether an outcome is one of what this asks for.
    pub fn includes(self, outcome: Found) -> bool {
        self == outcome || self == Found::Answered && matches!(outcome, Found::Open | Found::Closed)
    }
}

/// When a stage begins.
#[derive(Clone, Copy, Debug)]
pub struct Begins {
    /// So long after the tool, whatever the others do.
    pub at: Option<u64>,
    /// After which stage.
    pub after: Option<usize>,
    /// For each target when that stage has had its answer, instead of when it is over.
    pub with_answer: bool,
    /// So long after it.
    pub delay: u64,
}

/// A tool, as it was stated.
#[derive(Debug)]
pub struct Tool {
    /// Path and formula of each series.
    pub formulas: Formulas,
    /// Its stages, in the order of the file.
    pub stages: Vec<Stage>,
    /// Whether all stages are done on a target before the next one's turn.
    pub whole_host: bool,
}

impl Tool {
    /// Reads a tool out of all keys of its table.
    pub fn read(usual: Program, mut table: Node, fields: &mut Fields<'_, '_>) -> Tool {
        let stages = table.take("stage");
        let mut formulas = Formulas::default();
        let own = Node {
            origin: table.origin.clone(),
            value: crate::reading::Value::Table(
                ["let", "whole_host"]
                    .iter()
                    .filter_map(|key| Some(((*key).to_owned(), table.take(key)?)))
                    .collect(),
            ),
        };
        let mut general = Fields::new("the tool", &own, fields.mistakes());
        formulas.read_own(&mut general);
        let whole_host = general.flag("whole_host");
        general.finish();
        let nest = Nest::new(table);
        let mut all: Vec<Stage> = Vec::new();
        match stages {
            None => all.push(stage("", usual, &nest, &[], &mut formulas, fields)),
            Some(stages) => {
                for (name, node) in stages.entries() {
                    let names: Vec<String> = all.iter().map(|stage| stage.name.clone()).collect();
                    let nest = nest.inner(name, node);
                    all.push(stage(name, usual, &nest, &names, &mut formulas, fields));
                }
            }
        }
        // A stage on whose answers another depends must wait for them.
        for n in 0..all.len() {
            let depends = all.get(n).is_some_and(depends);
            let after = all.get(n).and_then(|stage| stage.begins.after);
            if let Some(before) = after.filter(|_| depends).and_then(|at| all.get_mut(at)) {
                before.tracked = true;
                before.heeded = true;
            }
        }
        Tool {
            formulas,
            stages: all,
            whole_host,
        }
    }

    /// The pace that a tool of one stage is asked to keep; stages of different paces have none in common.
    pub fn asked(&self, targets: usize) -> Option<Asked> {
        match self.stages.as_slice() {
            [only] if !self.whole_host => only.asked(targets as u64),
            _ => None,
        }
    }

    /// What its probes have that only IPv4 has, if anything.
    pub fn ipv4_alone(&self) -> Option<&'static str> {
        let crafts = self.stages.iter().flat_map(|stage| match &stage.action {
            Action::Craft(crafts) => crafts.as_slice(),
            _ => &[],
        });
        crafts.filter_map(Craft::ipv4_alone).next()
    }

    /// Blocks from which it forges sources.
    pub fn forged(&self) -> Vec<IpNet> {
        let crafts = self.stages.iter().flat_map(|stage| match &stage.action {
            Action::Craft(crafts) => crafts.as_slice(),
            _ => &[],
        });
        crafts.flat_map(|craft| craft.sources.forged()).collect()
    }
}

fn depends(stage: &Stage) -> bool {
    let found = match &stage.action {
        Action::Craft(crafts) => crafts
            .iter()
            .any(|craft| matches!(craft.port, PortOf::FoundOpen | PortOf::FoundClosed)),
        _ => false,
    };
    found
        || stage.only.is_some()
        || stage.begins.with_answer
        || matches!(stage.ports, Ports::Found(_))
}

fn stage(
    name: &str,
    usual: Program,
    nest: &Nest,
    earlier: &[String],
    formulas: &mut Formulas,
    fields: &mut Fields<'_, '_>,
) -> Stage {
    let mut nest = nest.clone();
    let probes = nest.table.take("probe");
    let reply = nest.table.take("reply");
    let table = nest.table.clone();
    let label = if name.is_empty() {
        "the tool".to_owned()
    } else {
        format!("stage.{name}")
    };
    let mut own = Fields::new(label, &table, fields.mistakes());
    let mut stage = general(name, earlier, &nest, &mut own);
    let program = own.choice("program", &PROGRAMS).unwrap_or(usual);
    stage.action = match program {
        Program::Probe => match &probes {
            None => {
                let craft = Craft::read("", &mut own, &nest, formulas);
                own.finish();
                Action::Craft(vec![craft])
            }
            Some(probes) => {
                // Their keys are read with each of them.
                drop(own);
                Action::Craft(crafts(probes, &nest, earlier, formulas, fields))
            }
        },
        Program::Connect => {
            let action = connect(&nest, formulas, &mut own);
            own.finish();
            action
        }
        Program::Arp => {
            own.finish();
            Action::Neighbour
        }
        Program::Ask => {
            let source_port = formulas.read(&mut own, &nest, "source_port");
            let one_socket = own.flag("one_socket") || source_port.is_some();
            let payload = PayloadPlan::read(&mut own);
            own.finish();
            Action::Ask {
                payload,
                source_port,
                one_socket,
            }
        }
    };
    if let Some(node) = reply {
        let inner = Nest::new(node).under(&nest.path("reply"));
        let mut own = Fields::new("reply", &inner.table, fields.mistakes());
        stage.reply = Some(Craft::read("reply", &mut own, &inner, formulas));
        own.finish();
    }
    stage.tracked = stage.retry.tries > 1
        || stage.parallel < u64::MAX
        || stage.hops.is_some()
        || stage.reply.is_some()
        || !matches!(stage.action, Action::Craft(_));
    check(&stage, &table, fields);
    stage
}

/// The probes of a stage, each of which inherits its keys.
fn crafts(
    probes: &Node,
    nest: &Nest,
    earlier: &[String],
    formulas: &mut Formulas,
    fields: &mut Fields<'_, '_>,
) -> Vec<Craft> {
    let mut crafts = Vec::new();
    for (name, node) in probes.entries() {
        let inner = nest.inner(name, node);
        let mut own = Fields::new(format!("probe.{name}"), &inner.table, fields.mistakes());
        general("", earlier, &inner, &mut own);
        own.node("program");
        crafts.push(Craft::read(name, &mut own, &inner, formulas));
        own.finish();
    }
    crafts
}

fn connect(nest: &Nest, formulas: &mut Formulas, own: &mut Fields<'_, '_>) -> Action {
    let leaves = [("close", "close"), ("abort", "abort"), ("hold", "hold")];
    let leave = own.choice("leave", &leaves).unwrap_or("close");
    Action::Connect {
        script: Script::read(own, "script").unwrap_or_else(|| Script::one(leave)),
        source_port: formulas.read(own, nest, "source_port"),
        give_up: own.duration("give_up").map(|time| time.max(1)),
    }
}

/// The keys that all programs know.
fn general(name: &str, earlier: &[String], nest: &Nest, own: &mut Fields<'_, '_>) -> Stage {
    let ports = ports(own);
    let orders = [
        ("by-host", Order::ByHost),
        ("by-port", Order::ByPort),
        ("random", Order::Random),
    ];
    let shuffle = shuffle(own);
    let hops = hops(own);
    let per_hop = own.number("per_hop", 1..=100).unwrap_or(3);
    let count = own.number("count", 1..=MOST_VISITS);
    let rounds = rounds(own);
    // A trace waits for each answer, RFC 1393 has no better name for it than the tool's.
    let usual = if hops.is_some() { 1 } else { u64::MAX };
    Stage {
        name: name.to_owned(),
        action: Action::Craft(Vec::new()),
        ports,
        order: own.choice("order", &orders).unwrap_or(Order::ByHost),
        shuffle: shuffle.unwrap_or((false, false)),
        pace: PacePlan::read(own, if hops.is_some() { 0 } else { 100_000_000 }),
        probe_gap: own.duration("probe_gap"),
        retry: RetryPlan::read(own),
        parallel: own.number("parallel", 1..=MOST_PARALLEL).unwrap_or(usual),
        warm_up: own.duration("warm_up").unwrap_or(0),
        rounds: rounds.unwrap_or(if count.is_some() { u64::MAX } else { 1 }),
        count: count.unwrap_or(u64::MAX),
        round_gap: own.duration("round_gap").map(|gap| gap.max(LEAST_GAP)),
        begins: begins(earlier, own),
        only: own.choice("only", &FOUND),
        hops: hops.map(|(first, last)| (first, last, per_hop)),
        reply: None,
        path: nest.innermost(),
        tracked: false,
        heeded: false,
    }
}

/// Which ports are asked for: those of a list, or those that an earlier stage has found.
fn ports(own: &mut Fields<'_, '_>) -> Ports {
    let found = own.node("ports");
    match found.map(|node| text_ref(&node.value)) {
        None => Ports::None,
        Some(Some("open")) => Ports::Found(Found::Open),
        Some(Some("closed")) => Ports::Found(Found::Closed),
        Some(Some("answered")) => Ports::Found(Found::Answered),
        Some(_) => Ports::List(own.ports_of("ports", found)),
    }
}

/// Whether ports and targets are asked in an order that is drawn.
fn shuffle(own: &mut Fields<'_, '_>) -> Option<(bool, bool)> {
    let wanted = "true, false, \"ports\", \"targets\", \"both\" or \"none\"";
    own.parsed("shuffle", wanted, |value| match value {
        crate::reading::Value::Boolean(both) => Some((*both, *both)),
        value => match text_ref(value)? {
            "ports" => Some((true, false)),
            "targets" => Some((false, true)),
            "both" => Some((true, true)),
            "none" => Some((false, false)),
            _ => None,
        },
    })
}

/// The first and the last time to live of a trace.
fn hops(own: &mut Fields<'_, '_>) -> Option<(u8, u8)> {
    let wanted = "a range of times to live, such as \"1..30\"";
    own.parsed("hops", wanted, |value| {
        let (first, last) = text_ref(value)?.split_once("..")?;
        let (first, last): (u8, u8) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (0 < first && first <= last).then_some((first, last))
    })
}

/// How often all of it is done.
fn rounds(own: &mut Fields<'_, '_>) -> Option<u64> {
    let wanted = "a whole number above 0, or \"forever\"";
    own.parsed("rounds", wanted, |value| match text_ref(value) {
        Some("forever") => Some(u64::MAX),
        Some(_) => None,
        None => crate::reading::fields::number(value).filter(|rounds| *rounds > 0),
    })
}

fn begins(earlier: &[String], own: &mut Fields<'_, '_>) -> Begins {
    let last = earlier.len().checked_sub(1);
    let wanted = format!("the name of an earlier stage: {}", earlier.join(", "));
    let after = own.parsed("after", &wanted, |value| {
        let name = text(value)?;
        earlier.iter().position(|other| *other == name)
    });
    let begins = [("when-over", false), ("with-answer", true)];
    Begins {
        at: own.duration("from_start"),
        after: after.or(last),
        with_answer: own.choice("begins", &begins).unwrap_or(false),
        delay: own.duration("delay").unwrap_or(0),
    }
}

/// What a stage lacks, and what it has too much.
fn check(stage: &Stage, table: &Node, fields: &mut Fields<'_, '_>) {
    let (needs, names_own) = match &stage.action {
        Action::Craft(crafts) => (
            crafts
                .iter()
                .any(|craft| craft.has_ports() && craft.port == PortOf::Visited),
            crafts.iter().all(|craft| craft.port != PortOf::Visited),
        ),
        Action::Neighbour => (false, true),
        _ => (true, false),
    };
    if needs && stage.ports == Ports::None && !names_own {
        fields.mistake(
            &table.origin,
            "it needs 'ports': a port, a range such as \"1-1024\", a list, or \"open\" for those that the stage before found",
        );
    }
    let portless = match &stage.action {
        Action::Craft(crafts) => crafts.iter().all(|craft| !craft.has_ports()),
        Action::Neighbour => true,
        _ => false,
    };
    if portless && stage.ports != Ports::None {
        let origin = table
            .get("ports")
            .map_or(&table.origin, |node| &node.origin);
        fields.mistake(
            origin,
            "ICMP, ARP and bare IP have no ports: leave 'ports' out",
        );
    }
    if stage.begins.after.is_none() && depends(stage) {
        fields.mistake(
            &table.origin,
            "the first stage finds nothing before it: 'only', 'begins' and ports that were found are for later ones",
        );
    }
}
