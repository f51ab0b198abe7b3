//! Races of two protocols: a name has addresses of both kinds, and the connection that opens first is used.
//!
//! RFC 8305: IPv6 goes first; IPv4 follows a quarter of a second later, or at once when IPv6 fails; the loser is dropped. Not
//! modelled: waits that learn from earlier connections, and answers of name servers that come apart.

use std::collections::BTreeMap;

use super::dialogue::Dialogue;
use crate::activity::ActivityId;
use crate::host::socket::{Endpoint, SocketEvent, SocketId};

/// How long IPv6 is alone on its way: RFC 8305 section 5.
pub const HEAD_START: u64 = 250_000_000;

/// The races of a program that are not decided.
#[derive(Default)]
pub struct Races {
    open: BTreeMap<u64, Race>,
    runners: BTreeMap<SocketId, u64>,
    last: u64,
}

struct Race {
    dialogue: Box<dyn Dialogue>,
    peer: Endpoint,
    course: Course,
    /// Where IPv4 goes, until it has set out.
    rival: Option<Course>,
    running: Vec<(SocketId, Endpoint)>,
}

/// A connection that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Where it goes; where IPv4 does, when both are tried.
    pub peer: Endpoint,
    /// How often that has failed before.
    pub failures: u64,
    /// For which activity, and occasion of it.
    pub activity: ActivityId,
}

/// What comes of an event on a runner's socket.
pub enum Step {
    /// It has won.
    Won {
        /// What is said on it.
        dialogue: Box<dyn Dialogue>,
        /// Where it leads.
        peer: Endpoint,
        /// Those that still run.
        losers: Vec<SocketId>,
        /// The race's course.
        course: Course,
    },
    /// It has failed before the rival set out: that one goes at once.
    Next(u64, Course),
    /// Another one still runs.
    Waits,
    /// Nobody has won.
    Lost(Course),
}

impl Races {
    /// Begins a race over that course: `first` is on its way to `peer`. Returns its number, from 1.
    pub fn begin(
        &mut self,
        first: SocketId,
        peer: Endpoint,
        course: Course,
        dialogue: Box<dyn Dialogue>,
    ) -> u64 {
        self.last += 1;
        let race = Race {
            dialogue,
            peer,
            course,
            rival: Some(course),
            running: vec![(first, peer)],
        };
        self.open.insert(self.last, race);
        self.runners.insert(first, self.last);
        self.last
    }

    /// The head start is over: where the rival goes, if it is still wanted.
    pub fn due(&mut self, number: u64) -> Option<Course> {
        self.open.get_mut(&number)?.rival.take()
    }

    /// The rival has set out.
    pub fn join(&mut self, number: u64, socket: SocketId, rival: Endpoint) {
        if let Some(race) = self.open.get_mut(&number) {
            race.running.push((socket, rival));
            self.runners.insert(socket, number);
        }
    }

    /// What an event means for a race; `None` when the socket runs in none.
    pub fn event(&mut self, socket: SocketId, event: &SocketEvent) -> Option<Step> {
        let number = *self.runners.get(&socket)?;
        if matches!(event, SocketEvent::Connected) {
            let race = self.end(number)?;
            let own = race.running.iter().find(|(runner, _)| *runner == socket);
            let peer = own.map_or(race.peer, |(_, peer)| *peer);
            let others = race.running.iter().map(|(runner, _)| *runner);
            let losers = others.filter(|runner| *runner != socket).collect();
            return Some(Step::Won {
                dialogue: race.dialogue,
                peer,
                losers,
                course: race.course,
            });
        }
        self.runners.remove(&socket);
        let race = self.open.get_mut(&number)?;
        race.running.retain(|(runner, _)| *runner != socket);
        if let Some(rival) = race.rival.take() {
            return Some(Step::Next(number, rival));
        }
        if !race.running.is_empty() {
            return Some(Step::Waits);
        }
        let course = race.course;
        self.end(number);
        Some(Step::Lost(course))
    }

    fn end(&mut self, number: u64) -> Option<Race> {
        let race = self.open.remove(&number)?;
        for (runner, _) in &race.running {
            self.runners.remove(runner);
        }
        Some(race)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Mute;

    impl Dialogue for Mute {}

    const SIX: SocketId = SocketId(1);
    const FOUR: SocketId = SocketId(2);

    fn end(address: &str) -> Endpoint {
        Endpoint {
            address: address.parse().unwrap(),
            port: 443,
        }
    }

    fn to(peer: Endpoint) -> Course {
        Course {
            peer,
            failures: 0,
            activity: ActivityId::BACKGROUND,
        }
    }

    fn race() -> (Races, u64, Endpoint) {
        let (six, four) = (end("2001:db8::1"), end("192.0.2.1"));
        let mut races = Races::default();
        let number = races.begin(SIX, six, to(four), Box::new(Mute));
        (races, number, four)
    }

    #[test]
    fn who_is_early_meets_no_rival() {
        let (mut races, number, _) = race();
        let step = races.event(SIX, &SocketEvent::Connected);
        let Some(Step::Won { peer, losers, .. }) = step else {
            panic!("it has won");
        };
        assert!(losers.is_empty() && peer.address.is_ipv6());
        assert_eq!(races.due(number), None);
    }

    #[test]
    fn who_is_late_loses_to_the_rival() {
        let (mut races, number, four) = race();
        assert_eq!(races.due(number), Some(to(four)));
        races.join(number, FOUR, four);
        let step = races.event(FOUR, &SocketEvent::Connected);
        let Some(Step::Won { peer, losers, .. }) = step else {
            panic!("it has won");
        };
        assert_eq!((peer, losers), (four, vec![SIX]));
        assert!(races.event(SIX, &SocketEvent::Connected).is_none());
    }

    #[test]
    fn a_refusal_sends_the_rival_at_once_and_a_second_one_ends_it() {
        let (mut races, number, four) = race();
        let step = races.event(SIX, &SocketEvent::Refused);
        assert!(matches!(step, Some(Step::Next(n, rival)) if (n, rival) == (number, to(four))));
        races.join(number, FOUR, four);
        let step = races.event(FOUR, &SocketEvent::TimedOut);
        assert!(matches!(step, Some(Step::Lost(course)) if course == to(four)));
        assert!(races.open.is_empty() && races.runners.is_empty());
    }
}
