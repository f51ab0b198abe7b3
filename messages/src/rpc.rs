//! Sun RPC calls over UDP, RFC 5531 (once RFC 1057), and the portmapper, RFC 1833 (once RFC 1057 appendix A).

use crate::bytes::{low16, word32};

/// The portmapper's port.
pub const PORT: u16 = 111;
/// The portmapper's program.
pub const PORTMAPPER: u32 = 100_000;
/// Procedure: which port has a program.
pub const GETPORT: u32 = 3;
/// Procedure: list them all.
pub const DUMP: u32 = 4;
/// Transport numbers, as IP has them.
pub const UDP: u32 = 17;
/// The other one.
pub const TCP: u32 = 6;

/// What a program may be called: those that probes ask for, by their names in /etc/rpc.
pub const PROGRAMS: [(&str, u32); 12] = [
    ("portmapper", PORTMAPPER),
    ("rstatd", 100_001),
    ("rusersd", 100_002),
    ("nfs", 100_003),
    ("ypserv", 100_004),
    ("mountd", 100_005),
    ("rquotad", 100_011),
    ("sadmind", 100_232),
    ("status", 100_024),
    ("ttdbserverd", 100_083),
    ("cmsd", 100_068),
    ("amd", 300_019),
];

/// Who calls, for AUTH_UNIX, RFC 5531 appendix A.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// When it was made.
    pub stamp: u32,
    /// The caller's host.
    pub machine: String,
    /// The caller's user.
    pub uid: u32,
    /// The caller's group.
    pub gid: u32,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Transaction.
    pub xid: u32,
    /// Program, version and procedure.
    pub program: u32,
    /// Its version.
    pub version: u32,
    /// The procedure.
    pub procedure: u32,
    /// Who calls; nobody in particular without.
    pub credentials: Option<Credentials>,
    /// The arguments, four bytes each.
    pub arguments: Vec<u32>,
}

impl Call {
    /// The call as bytes.
    pub fn emit(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        // Message type 0, a call; RPC version 2.
        push(
            &mut out,
            &[self.xid, 0, 2, self.program, self.version, self.procedure],
        );
        match &self.credentials {
            None => push(&mut out, &[0, 0]),
            Some(who) => {
                let mut body = Vec::new();
                let name = who.machine.as_bytes();
                push(&mut body, &[who.stamp, u32::from(low16(name.len()))]);
                body.extend(name);
                body.resize(body.len().next_multiple_of(4), 0);
                push(&mut body, &[who.uid, who.gid, 0]);
                push(&mut out, &[1, u32::from(low16(body.len()))]);
                out.extend(body);
            }
        }
        push(&mut out, &[0, 0]);
        push(&mut out, &self.arguments);
        out
    }

    /// Reads a call without its credentials; `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Call> {
        let number = |n: usize| word32(bytes, n * 4);
        (number(1)? == 0 && number(2)? == 2).then_some(())?;
        let credentials = usize::try_from(number(7)?).ok()?;
        // Behind the credentials stands a verifier of two numbers and a body.
        let verifier = 32usize.checked_add(credentials.next_multiple_of(4))?;
        let length = usize::try_from(word32(bytes, verifier.checked_add(4)?)?).ok()?;
        let start = verifier.checked_add(8)?.checked_add(length)?;
        let arguments = bytes.get(start..)?.chunks_exact(4);
        let arguments = arguments.filter_map(|four| word32(four, 0)).collect();
        Some(Call {
            xid: number(0)?,
            program: number(3)?,
            version: number(4)?,
            procedure: number(5)?,
            credentials: None,
            arguments,
        })
    }
}

/// A reply that was accepted and succeeded, with its results.
pub fn reply(xid: u32, results: &[u32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(24 + results.len() * 4);
    // Message type 1, accepted, an empty verifier, success.
    push(&mut out, &[xid, 1, 0, 0, 0, 0]);
    push(&mut out, results);
    out
}

/// Transaction and results of a reply; `None` for anything else.
pub fn answered(bytes: &[u8]) -> Option<(u32, Vec<u32>)> {
    (word32(bytes, 4)? == 1).then_some(())?;
    let results = bytes.get(24..).unwrap_or_default().chunks_exact(4);
    let results = results.filter_map(|four| word32(four, 0)).collect();
    Some((word32(bytes, 0)?, results))
}

fn push(out: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        out.extend(number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn call(credentials: Option<Credentials>) -> Call {
        Call {
            xid: 1,
            program: PORTMAPPER,
            version: 2,
            procedure: GETPORT,
            credentials,
            arguments: vec![100_083, 1, TCP, 0],
        }
    }

    #[test]
    fn a_call_for_a_port_has_56_bytes_and_28_more_with_unix_credentials() {
        let who = Credentials {
            stamp: 5,
            machine: "scan01".into(),
            uid: 0,
            gid: 0,
        };
        assert_eq!(call(None).emit().len(), 56);
        assert_eq!(call(Some(who.clone())).emit().len(), 84);
        assert_eq!(Call::parse(&call(Some(who)).emit()), Some(call(None)));
    }

    #[test]
    fn a_reply_gives_its_results() {
        assert_eq!(answered(&reply(7, &[32_773])), Some((7, vec![32_773])));
        assert_eq!(answered(&call(None).emit()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            Call::parse(&bytes);
            answered(&bytes);
        }
    }
}
