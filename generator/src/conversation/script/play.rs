//! A script in the middle of a conversation.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use wire::{Payload, Timestamp};

use super::{Expected, Stage, Step};
use crate::content::wording::Wording;
use crate::conversation::dialogue::{Dialogue, Talk};
use crate::conversation::lines::Lines;
use crate::conversation::size;
use crate::host::socket::{SocketEvent, SocketId};

/// Most lines that wait to be answered; who sends more is not served.
const MOST_LINES: usize = 1000;
/// Deepest nesting of parts.
const MOST_DEPTH: usize = 32;
/// Steps that are taken without any pause or wait.
const MOST_AT_ONCE: usize = 100_000;

/// A script at work.
#[derive(Debug)]
pub struct Player {
    stage: Arc<Stage>,
    /// Where it is: parts within parts, each with how often it is still to be gone through.
    frames: Vec<Frame>,
    waits: Wait,
    lines: Lines,
    heard: VecDeque<String>,
    /// Whether something arrived that nothing has waited for yet.
    fresh: bool,
    serving: bool,
    names: BTreeMap<String, String>,
    second: Option<Second>,
}

#[derive(Debug)]
struct Frame {
    steps: Arc<[Step]>,
    at: usize,
    left: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wait {
    Nothing,
    Pause,
    For(Expected),
    Or(String, String),
    Line,
    Call,
    Forever,
}

/// A second connection.
#[derive(Debug)]
struct Second {
    socket: SocketId,
    steps: Arc<[Step]>,
    at: usize,
    waits: bool,
}

impl Player {
    /// Begins a script for one conversation.
    pub fn new(stage: &Arc<Stage>) -> Player {
        let begin = Frame {
            steps: Arc::clone(&stage.script.begin),
            at: 0,
            left: 1,
        };
        Player {
            stage: Arc::clone(stage),
            frames: vec![begin],
            waits: Wait::Nothing,
            lines: Lines::default(),
            heard: VecDeque::new(),
            fresh: false,
            serving: false,
            names: BTreeMap::new(),
            second: None,
        }
    }

    /// Goes through steps until one waits.
    fn go_on(&mut self, talk: &mut Talk<'_, '_>) {
        self.waits = Wait::Nothing;
        for _ in 0..MOST_AT_ONCE {
            let Some(step) = self.next_step() else {
                return self.at_end(talk);
            };
            self.take(&step, talk);
            if self.waits != Wait::Nothing {
                return;
            }
        }
        talk.abort();
    }

    fn next_step(&mut self) -> Option<Step> {
        loop {
            let frame = self.frames.last_mut()?;
            match frame.steps.get(frame.at) {
                Some(step) => {
                    frame.at += 1;
                    return Some(step.clone());
                }
                None if frame.left > 1 && !frame.steps.is_empty() => {
                    frame.left -= 1;
                    frame.at = 0;
                }
                None => {
                    self.frames.pop();
                }
            }
        }
    }

    /// All steps are taken: the next line is answered, or all is said.
    fn at_end(&mut self, talk: &mut Talk<'_, '_>) {
        let script = &self.stage.script;
        if !self.serving && !(script.has_rules()) {
            self.waits = Wait::Forever;
            return talk.close();
        }
        self.serving = true;
        let Some(line) = self.heard.pop_front() else {
            self.waits = Wait::Line;
            return talk.pause(script.idle);
        };
        self.fresh = false;
        let rules = Arc::clone(&script.rules);
        let found = rules
            .iter()
            .find_map(|rule| Some((rule, rule.fits(&line)?)));
        let answers = found.is_some();
        if let Some((rule, stars)) = found {
            for (n, star) in stars.into_iter().take(9).enumerate() {
                self.names.insert((n + 1).to_string(), star);
            }
            self.frames.push(Frame {
                steps: Arc::clone(&rule.steps),
                at: 0,
                left: 1,
            });
        }
        self.names.insert("line".to_owned(), line);
        match self.stage.script.think.filter(|_| answers) {
            Some(think) => {
                self.waits = Wait::Pause;
                talk.think(think);
            }
            None => self.go_on(talk),
        }
    }

    fn take(&mut self, step: &Step, talk: &mut Talk<'_, '_>) {
        match step {
            Step::Say(wording, end) => {
                let text = self.word(wording, talk);
                talk.say(Payload::new(format!("{text}{end}").into_bytes()));
            }
            Step::Bytes(bytes) => talk.say(bytes.clone()),
            Step::Message(message) => {
                let bytes = message.emit(talk.draws, talk.sys.now);
                talk.say(Payload::new(bytes));
            }
            Step::Urgent(bytes) => talk.say_urgently(bytes.clone()),
            Step::Fill(range, text) => self.fill(range, *text, talk),
            Step::Expect(expected, within) => self.expect(expected, *within, talk),
            Step::ExpectOr(text, part) => self.expect_or(text, part, talk),
            Step::Think(mean) => {
                self.waits = Wait::Pause;
                talk.think(*mean);
            }
            Step::Pause(time) => {
                self.waits = Wait::Pause;
                talk.pause(*time);
            }
            Step::Tos(tos) => talk.set_tos(*tos),
            Step::Set(name, wording) => {
                let text = self.word(wording, talk);
                self.names.insert(name.clone(), text);
            }
            Step::Times(range, part) => {
                let times = talk.draws.range(range.clone());
                self.enter(part, times);
            }
            Step::Chance(share, part) => {
                if talk.draws.chance(*share) {
                    self.enter(part, 1);
                }
            }
            Step::If(name, value, part) => {
                if self.names.get(name) == Some(value) {
                    self.enter(part, 1);
                }
            }
            Step::Next => {
                self.frames.pop();
            }
            Step::Serve => {
                self.frames.clear();
                self.serving = true;
            }
            Step::Call {
                port,
                from,
                within,
                part,
            } => self.call(port, *from, *within, part.as_deref(), talk),
            Step::Listen => self.listen(talk),
            Step::Close => {
                self.waits = Wait::Forever;
                talk.close();
            }
            Step::Abort => {
                self.waits = Wait::Forever;
                talk.abort();
            }
            Step::Hold => self.waits = Wait::Forever,
        }
    }

    /// Says something of that length: bytes, or lines of text, which are whole.
    fn fill(&self, range: &RangeInclusive<u64>, text: bool, talk: &mut Talk<'_, '_>) {
        let count = size::octave(range.clone(), talk.draws);
        let pieces = match text {
            true => self.stage.text.pieces(count.next_multiple_of(78)),
            false => self.stage.bytes.pieces(count),
        };
        for piece in pieces {
            talk.say(piece);
        }
    }

    fn enter(&mut self, part: &str, times: u64) {
        if times == 0 || self.frames.len() >= MOST_DEPTH {
            return;
        }
        if let Some(steps) = self.stage.script.parts.get(part) {
            self.frames.push(Frame {
                steps: Arc::clone(steps),
                at: 0,
                left: times,
            });
        }
    }

    fn expect(&mut self, expected: &Expected, within: Option<u64>, talk: &mut Talk<'_, '_>) {
        if self.has(expected) {
            return;
        }
        self.waits = Wait::For(expected.clone());
        if let Some(within) = within {
            talk.pause(within);
        }
    }

    /// Waits for the next line: where it begins otherwise, another part takes the place of all that would follow.
    fn expect_or(&mut self, text: &str, part: &str, talk: &mut Talk<'_, '_>) {
        let _ = talk;
        let Some(line) = self.heard.pop_front() else {
            self.waits = Wait::Or(text.to_owned(), part.to_owned());
            return;
        };
        self.fresh = false;
        let fits = line.starts_with(text);
        self.names.insert("line".to_owned(), line);
        if !fits {
            self.frames.clear();
            self.enter(part, 1);
        }
    }

    /// Whether what is expected has arrived; what came before it is forgotten.
    fn has(&mut self, expected: &Expected) -> bool {
        let fits = |line: &str| match expected {
            Expected::Anything => true,
            Expected::Prefix(text) => line.trim_start().starts_with(text.trim_start()),
            Expected::Line(text) => line == text,
        };
        if *expected == Expected::Anything {
            let fresh = std::mem::take(&mut self.fresh);
            if fresh {
                self.heard.clear();
            }
            return fresh;
        }
        while let Some(line) = self.heard.pop_front() {
            if fits(&line) {
                self.fresh = !self.heard.is_empty();
                self.names.insert("line".to_owned(), line);
                return true;
            }
        }
        // A prompt has no end of its line.
        let prompt = matches!(expected, Expected::Prefix(_)) && fits(&self.lines.unfinished());
        if prompt {
            self.lines.forget();
            self.fresh = false;
        }
        prompt
    }

    fn call(
        &mut self,
        port: &Wording,
        from: Option<u16>,
        within: u64,
        part: Option<&str>,
        talk: &mut Talk<'_, '_>,
    ) {
        let port = self.word(port, talk);
        let Some(port) = endpoint_port(&port) else {
            self.names.insert("called".into(), "closed".into());
            return;
        };
        let steps = part
            .and_then(|part| self.stage.script.parts.get(part))
            .cloned();
        let socket = talk.call_from(from, port);
        self.second = Some(Second {
            socket,
            steps: steps.unwrap_or_else(|| Arc::from([])),
            at: 0,
            waits: false,
        });
        self.names.insert("called".into(), "silent".into());
        self.waits = Wait::Call;
        talk.pause(within);
    }

    fn listen(&mut self, talk: &mut Talk<'_, '_>) {
        let port = talk.listen();
        self.names.insert("data port".into(), port.to_string());
        let [high, low] = port.to_be_bytes();
        let own = match talk.sys.address_towards(talk.peer.address) {
            IpAddr::V4(own) => own.octets(),
            IpAddr::V6(_) => [0; 4],
        };
        let [a, b, c, d] = own;
        self.names.insert(
            "data endpoint".into(),
            format!("{a},{b},{c},{d},{high},{low}"),
        );
    }

    fn word(&self, wording: &Wording, talk: &mut Talk<'_, '_>) -> String {
        let (peer, now) = (talk.peer, talk.sys.now);
        let number = talk.session();
        wording.say(talk.draws, |name| match name {
            "peer" => peer.address.to_string(),
            "peer port" => peer.port.to_string(),
            "number" => number.to_string(),
            "date" => moment(now, "%a, %d %b %Y %H:%M:%S +0000"),
            "time" => moment(now, "%H:%M:%S"),
            other => self.names.get(other).cloned().unwrap_or_default(),
        })
    }

    /// Says what is to be said on the second connection.
    fn go_on_second(&mut self, talk: &mut Talk<'_, '_>) {
        let Some(mut second) = self.second.take() else {
            return;
        };
        loop {
            let step = second.steps.get(second.at).cloned();
            second.at += 1;
            match step {
                Some(Step::Say(wording, end)) => {
                    let text = self.word(&wording, talk);
                    talk.say_on(
                        second.socket,
                        Payload::new(format!("{text}{end}").into_bytes()),
                    );
                }
                Some(Step::Bytes(bytes)) => talk.say_on(second.socket, bytes),
                Some(Step::Fill(range, text)) => {
                    let count = size::octave(range, talk.draws);
                    let filler = if text {
                        &self.stage.text
                    } else {
                        &self.stage.bytes
                    };
                    for piece in filler.pieces(count) {
                        talk.say_on(second.socket, piece);
                    }
                }
                Some(Step::Expect(..)) => {
                    second.waits = true;
                    self.second = Some(second);
                    return;
                }
                Some(Step::Hold) => {
                    self.second = Some(second);
                    return;
                }
                Some(Step::Close) | None => {
                    talk.close_on(second.socket);
                    return self.go_on(talk);
                }
                Some(_) => {}
            }
        }
    }
}

/// A moment as protocols of lines write it.
fn moment(now: Timestamp, format: &str) -> String {
    let moment = jiff::Timestamp::from_nanosecond(i128::from(now.as_nanos())).unwrap_or_default();
    moment.strftime(format).to_string()
}

/// A port, or the last two numbers of an FTP endpoint, RFC 959 section 4.1.2.
fn endpoint_port(text: &str) -> Option<u16> {
    let numbers = text.trim().trim_end_matches([')', '.']);
    if let Ok(port) = numbers.parse() {
        return Some(port);
    }
    let mut bytes = numbers
        .rsplit(',')
        .map(|number| number.trim().parse::<u8>());
    let (low, high) = (bytes.next()?.ok()?, bytes.next()?.ok()?);
    Some(u16::from_be_bytes([high, low]))
}

impl Dialogue for Player {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        self.go_on(talk);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        self.fresh = true;
        for line in self.lines.take(payload) {
            if self.heard.len() < MOST_LINES {
                self.heard.push_back(line);
            }
        }
        match &self.waits {
            Wait::For(expected) => {
                let expected = expected.clone();
                if self.has(&expected) {
                    talk.stop_pausing();
                    self.go_on(talk);
                }
            }
            Wait::Or(text, part) if !self.heard.is_empty() => {
                let (text, part) = (text.clone(), part.clone());
                self.expect_or(&text, &part, talk);
                self.go_on(talk);
            }
            Wait::Line if !self.heard.is_empty() => {
                talk.stop_pausing();
                self.go_on(talk);
            }
            _ => {}
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        match self.waits {
            Wait::Line => {
                self.waits = Wait::Forever;
                talk.close();
            }
            Wait::Call => {
                if let Some(second) = self.second.take() {
                    talk.close_on(second.socket);
                }
                self.go_on(talk);
            }
            Wait::Forever => {}
            _ => self.go_on(talk),
        }
    }

    fn called(&mut self, socket: SocketId, event: &SocketEvent, talk: &mut Talk<'_, '_>) {
        let Some(second) = self
            .second
            .as_mut()
            .filter(|second| second.socket == socket)
        else {
            // One that the peer has opened: what comes is taken, and its end is returned.
            if matches!(event, SocketEvent::PeerClosed) {
                talk.close_on(socket);
            }
            return;
        };
        match event {
            SocketEvent::Connected => {
                self.names.insert("called".into(), "open".into());
                self.go_on_second(talk);
            }
            SocketEvent::Data(_) if std::mem::take(&mut second.waits) => self.go_on_second(talk),
            SocketEvent::Data(_) => {}
            SocketEvent::PeerClosed => {
                talk.close_on(second.socket);
                self.second = None;
                self.go_on(talk);
            }
            event => {
                if matches!(event, SocketEvent::Refused) {
                    self.names.insert("called".into(), "closed".into());
                }
                self.second = None;
                self.go_on(talk);
            }
        }
    }
}
