//! A program that begins conversations, in a rhythm, over whichever version of IP opens first, and again where one fails.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use super::arrivals::Arrivals;
use super::dialogue::{Begin, Sessions};
use super::race::{Course, HEAD_START, Races, Step};
use super::size::Size;
use crate::activity::ActivityId;
use crate::blueprint::Cast;
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::seed::Draws;

/// A program that begins conversations with its targets.
pub struct Client {
    targets: Vec<IpAddr>,
    /// The IPv6 address of a target that has one beside its own.
    twins: Arc<BTreeMap<IpAddr, IpAddr>>,
    races: Races,
    port: u16,
    activity: ActivityId,
    arrivals: Arrivals,
    begun: u64,
    gap: Draws,
    choice: Draws,
    begin: Begin,
    parallel: Option<Size>,
    /// Ports of its own, in turn; the stack's choice where there are none.
    own_ports: Vec<u16>,
    opened: usize,
    /// Connections that follow the first of their kind in a moment.
    followers: VecDeque<Course>,
    /// Connections that may be tried again: to whom, and how often they have failed.
    attempts: BTreeMap<SocketId, Course>,
    /// Those that wait for it.
    failed: VecDeque<Course>,
    sessions: Sessions,
}

/// The token of a client's own timer; those of sessions, which count from 1, have higher bits set.
const ARRIVAL: u64 = 0;
/// The token of a follower's timer.
const FOLLOWER: u64 = 1;
/// The token of the timer after which what failed is tried again.
const AGAIN: u64 = 2;
/// Set in the token of a timer that ends a head start; the rest is the race's number. Tokens of sessions lie below.
const RACE: u64 = 1 << 62;
/// Mean time after which further parallel connections follow. Assumption: a page's first bytes name what else it needs.
const FOLLOWER_GAP: u64 = 60_000_000;

impl Client {
    /// A client that talks to `port` of the targets of its cast.
    pub fn new(cast: &Cast<'_>, port: u16, arrivals: Arrivals, begin: Begin) -> Self {
        Client {
            targets: cast.targets.clone(),
            twins: Arc::clone(&cast.twins),
            races: Races::default(),
            port,
            activity: cast.activity,
            arrivals,
            begun: 0,
            gap: cast.draws("gap"),
            choice: cast.draws("choice"),
            begin,
            parallel: None,
            own_ports: Vec::new(),
            opened: 0,
            followers: VecDeque::new(),
            attempts: BTreeMap::new(),
            failed: VecDeque::new(),
            sessions: Sessions::new(cast.draws("think"), cast.draws("content")),
        }
    }

    /// The same client, which opens several connections at each arrival, as browsers do for one page.
    #[must_use]
    pub fn in_parallel(self, parallel: Size) -> Self {
        Client {
            parallel: Some(parallel).filter(|size| size.most() > 1),
            ..self
        }
    }

    /// The same client, whose connections come from these ports in turn.
    #[must_use]
    pub fn from_ports(self, own_ports: Vec<u16>) -> Self {
        Client { own_ports, ..self }
    }

    fn connect(&mut self, course: Course, sys: &mut System<'_>) {
        let dialogue = (self.begin)(self.sessions.draws());
        let Course { peer, activity, .. } = course;
        let twin = self.twins.get(&peer.address).copied();
        if let Some(address) = twin.filter(|address| sys.speaks_to(*address)) {
            let six = Endpoint { address, ..peer };
            let first = self.open(six, activity, sys);
            let number = self.races.begin(first, six, course, dialogue);
            return sys.timer(HEAD_START, RACE | number);
        }
        let socket = self.open(peer, activity, sys);
        self.note_attempt(socket, course);
        self.sessions.add(socket, peer, activity, dialogue);
    }

    fn note_attempt(&mut self, socket: SocketId, course: Course) {
        if self.arrivals.tries_again() {
            self.attempts.insert(socket, course);
        }
    }

    /// What failed is tried again, a few times, by those who do that.
    fn mind_failure(&mut self, socket: SocketId, event: &SocketEvent, sys: &mut System<'_>) {
        let failed = matches!(
            event,
            SocketEvent::Refused
                | SocketEvent::Reset
                | SocketEvent::TimedOut
                | SocketEvent::Unreachable(..)
        );
        if !failed && !matches!(event, SocketEvent::Closed) {
            return;
        }
        if let Some(course) = self.attempts.remove(&socket).filter(|_| failed) {
            self.plan_again(course, sys);
        }
    }

    fn plan_again(&mut self, course: Course, sys: &mut System<'_>) {
        let failures = course.failures + 1;
        if let Some(wait) = self.arrivals.again(failures, &mut self.gap) {
            self.failed.push_back(Course { failures, ..course });
            sys.timer(wait, AGAIN);
        }
    }

    fn open(&mut self, peer: Endpoint, activity: ActivityId, sys: &mut System<'_>) -> SocketId {
        let own = self
            .own_ports
            .get(self.opened % self.own_ports.len().max(1));
        self.opened += 1;
        sys.connect_from(own.copied(), peer, activity)
    }

    /// The rival of a race sets out.
    fn race(&mut self, number: u64, rival: Course, sys: &mut System<'_>) {
        let socket = self.open(rival.peer, rival.activity, sys);
        self.races.join(number, socket, rival.peer);
    }

    fn plan_followers(&mut self, first: Course, sys: &mut System<'_>) {
        let Some(parallel) = &self.parallel else {
            return;
        };
        for _ in 1..parallel.count(&mut self.choice) {
            self.followers.push_back(first);
            sys.timer(self.gap.exponential(FOLLOWER_GAP), FOLLOWER);
        }
    }

    fn wait_for_next(&mut self, sys: &mut System<'_>) {
        if let Some(gap) = self.arrivals.gap(self.begun, &mut self.gap) {
            sys.timer(gap, ARRIVAL);
        }
    }
}

impl Program for Client {
    fn start(&mut self, sys: &mut System<'_>) {
        self.wait_for_next(sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        match token {
            ARRIVAL => {}
            FOLLOWER => {
                if let Some(course) = self.followers.pop_front() {
                    self.connect(course, sys);
                }
                return;
            }
            AGAIN => {
                if let Some(course) = self.failed.pop_front() {
                    self.connect(course, sys);
                }
                return;
            }
            race if race & RACE != 0 => {
                if let Some(rival) = self.races.due(race & !RACE) {
                    self.race(race & !RACE, rival, sys);
                }
                return;
            }
            session => return self.sessions.timer(session, sys),
        }
        self.begun += 1;
        if let Some(address) = self.choice.pick(&self.targets).copied() {
            let course = Course {
                peer: Endpoint {
                    address,
                    port: self.port,
                },
                failures: 0,
                activity: sys.occasion(self.activity),
            };
            self.connect(course, sys);
            self.plan_followers(course, sys);
        }
        self.wait_for_next(sys);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        if let SocketEvent::Accepted(peer, _) = &event {
            self.sessions.accept(socket, *peer);
        }
        match self.races.event(socket, &event) {
            None => {}
            Some(Step::Won {
                dialogue,
                peer,
                losers,
                course,
            }) => {
                losers.into_iter().for_each(|loser| sys.abort(loser));
                self.note_attempt(socket, course);
                self.sessions.add(socket, peer, course.activity, dialogue);
            }
            Some(Step::Next(number, rival)) => return self.race(number, rival, sys),
            Some(Step::Waits) => return,
            Some(Step::Lost(course)) => return self.plan_again(course, sys),
        }
        self.mind_failure(socket, &event, sys);
        self.sessions.event(socket, &event, sys);
    }
}
