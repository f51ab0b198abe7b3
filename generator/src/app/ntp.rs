//! Time: NTP version 4 between clients and servers, RFC 5905.
//!
//! Not modelled: symmetric and broadcast modes, authentication, clocks that are wrong.

use std::net::IpAddr;
use std::sync::Arc;

use wire::{Payload, Timestamp};

use crate::activity::{ActivityId, Cause};
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "ntp",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "ntp",
    read: read_service,
};

const PORT: u16 = 123;
/// Seconds from 1900 to 1970.
const EPOCH: u64 = 2_208_988_800;
/// Version 4; mode 3 asks, mode 4 answers.
const ASKS: u8 = 4 << 3 | 3;
const ANSWERS: u8 = 4 << 3 | 4;
/// Poll interval that clients state: 64 s, as a power of two.
const POLL: u8 = 6;
/// Precision of a server's clock: 2^-23 s, common on present-day hardware.
const PRECISION: i8 = -23;
/// How long a client waits for an answer. Assumption: as long as common ones do.
const PATIENCE: u64 = 2_000_000_000;

#[derive(Debug)]
struct ClientPlan {
    arrivals: Arrivals,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ClientPlan {
        arrivals: Arrivals::read(fields),
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Asker {
            targets: cast.targets.clone(),
            activity: cast.activity,
            arrivals: self.arrivals.clone(),
            begun: 0,
            gap: cast.draws("gap"),
            choice: cast.draws("choice"),
            nonce: cast.draws("nonce"),
            open: None,
        })
    }
}

/// A client that asks from a new port each time and keeps no other state.
struct Asker {
    targets: Vec<IpAddr>,
    activity: ActivityId,
    arrivals: Arrivals,
    begun: u64,
    gap: Draws,
    choice: Draws,
    nonce: Draws,
    open: Option<SocketId>,
}

/// Token of the timer that begins a question; that which ends the wait for an answer carries the question's number.
const ARRIVAL: u64 = 0;

impl Asker {
    fn wait_for_next(&mut self, sys: &mut System<'_>) {
        if let Some(gap) = self.arrivals.gap(self.begun, &mut self.gap) {
            sys.timer(gap, ARRIVAL);
        }
    }

    fn hang_up(&mut self, sys: &mut System<'_>) {
        if let Some(socket) = self.open.take() {
            sys.close_udp(socket);
        }
    }
}

impl Program for Asker {
    fn start(&mut self, sys: &mut System<'_>) {
        self.wait_for_next(sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if token != ARRIVAL {
            if token == self.begun {
                self.hang_up(sys);
            }
            return;
        }
        self.hang_up(sys);
        self.begun += 1;
        if let Some(address) = self.choice.pick(&self.targets).copied() {
            let socket = sys.open_udp(None);
            let server = Endpoint {
                address,
                port: PORT,
            };
            let question = Payload::new(question(self.nonce.word()).to_vec());
            sys.send_to(socket, server, question, Cause::stimulus(self.activity));
            sys.timer(PATIENCE, self.begun);
            self.open = Some(socket);
        }
        self.wait_for_next(sys);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        if matches!(event, SocketEvent::Datagram(..)) && self.open == Some(socket) {
            self.hang_up(sys);
        }
    }
}

/// A question as privacy-minded clients send it: all that a server needs not know is zero, and the time is a nonce.
fn question(nonce: u64) -> [u8; 48] {
    let mut bytes = [0; 48];
    if let Some(head) = bytes.first_chunk_mut() {
        *head = [ASKS, 0, POLL, 0x20];
    }
    if let Some(transmit) = bytes.last_chunk_mut() {
        *transmit = nonce.to_be_bytes();
    }
    bytes
}

/// A moment in the format of section 6: seconds since 1900 and their 2^-32 parts.
fn moment(at: Timestamp) -> [u8; 8] {
    let seconds = at.as_nanos() / 1_000_000_000 + EPOCH;
    let fraction = ((at.as_nanos() % 1_000_000_000) << 32) / 1_000_000_000;
    ((seconds << 32) | fraction).to_be_bytes()
}

/// The answer of a server that last set its clock at `set`; `None` when nothing was asked.
fn answer(question: &[u8], now: Timestamp, set: Timestamp, upstream: [u8; 4]) -> Option<Vec<u8>> {
    let question: &[u8; 48] = question.first_chunk()?;
    let [head, ..] = *question;
    if head & 7 != ASKS & 7 {
        return None;
    }
    let origin = question.last_chunk::<8>()?;
    // Stratum 2; root delay and dispersion of some milliseconds, in 2^-16 s.
    let mut bytes = vec![ANSWERS, 2, POLL, PRECISION.cast_unsigned()];
    bytes.extend([0, 0, 2, 0x9a, 0, 0, 1, 0x47]);
    bytes.extend(upstream);
    bytes.extend(moment(set));
    bytes.extend(origin);
    bytes.extend(moment(now));
    // Assumption: thirty microseconds from receipt to answer.
    bytes.extend(moment(now.plus_nanos(30_000)));
    Some(bytes)
}

#[derive(Debug)]
struct ServicePlan;

fn read_service(_: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ServicePlan)
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let mut draws = cast.draws("upstream");
        let [_, _, a, b] = draws.word32().to_be_bytes();
        Box::new(Server {
            upstream: [203, 0, a, b],
            set: draws.range(1_000_000_000..=900_000_000_000),
        })
    }
}

struct Server {
    /// Address of the server from which it has its time.
    upstream: [u8; 4],
    /// How long ago it set its clock, in nanoseconds.
    set: u64,
}

impl Program for Server {
    fn start(&mut self, sys: &mut System<'_>) {
        sys.open_udp(Some(PORT));
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let SocketEvent::Datagram(peer, payload, cause) = event else {
            return;
        };
        let set = Timestamp::from_nanos(sys.now.as_nanos().saturating_sub(self.set));
        if let Some(answer) = answer(&payload.to_vec(), sys.now, set, self.upstream) {
            sys.send_to(socket, peer, Payload::new(answer), cause.answered());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_returns_the_nonce_and_tells_the_time() {
        let now = Timestamp::from_nanos(1_500_000_000);
        let answer = answer(&question(7), now, now, [192, 0, 2, 1]).unwrap();
        assert_eq!(answer.len(), 48);
        assert_eq!(answer[24..32], 7u64.to_be_bytes());
        assert_eq!(answer[32..40], ((EPOCH + 1) << 32 | 1 << 31).to_be_bytes());
    }

    #[test]
    fn only_questions_are_answered() {
        let now = Timestamp::from_nanos(0);
        let mut broadcast = question(1);
        broadcast[0] = 4 << 3 | 5;
        assert_eq!(answer(&broadcast, now, now, [0; 4]), None);
        assert_eq!(answer(&[ASKS; 20], now, now, [0; 4]), None);
    }
}
