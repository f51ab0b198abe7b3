//! IP options as text, RFC 791: `loose-route 10.1.1.1 10.2.2.2`, `strict-route …`, `record-route 9`, `timestamp 4`, `hex …`.

use std::net::Ipv4Addr;

use wire::ipv4::IpOptions;

use crate::content::payload::hex;
use crate::reading::Fields;
use crate::reading::fields::text_ref;

const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const LOOSE_ROUTE: u8 = 131;
const STRICT_ROUTE: u8 = 137;
/// Routes and stamps begin behind kind, length and pointer; the pointer counts from 1.
const FIRST: u8 = 4;
const MOST_BYTES: usize = 40;

/// Reads `ip_options`.
pub fn read(fields: &mut Fields<'_, '_>) -> Option<IpOptions> {
    let wanted = "\"loose-route ADDRESS…\", \"strict-route ADDRESS…\", \"record-route N\", \"timestamp N\" or \"hex …\", up to 40 bytes";
    fields.parsed("ip_options", wanted, |value| parse(text_ref(value)?))
}

fn parse(text: &str) -> Option<IpOptions> {
    let (kind, rest) = text.split_once(' ')?;
    let bytes = match kind {
        "loose-route" => route(LOOSE_ROUTE, rest)?,
        "strict-route" => route(STRICT_ROUTE, rest)?,
        "record-route" => room(RECORD_ROUTE, FIRST, &[], rest.trim().parse().ok()?)?,
        // One more byte counts overflows and says what is stamped: times only.
        "timestamp" => room(TIMESTAMP, FIRST + 1, &[0], rest.trim().parse().ok()?)?,
        "hex" => hex(rest)?,
        _ => return None,
    };
    (bytes.len() <= MOST_BYTES).then(|| bytes.into())
}

fn route(kind: u8, text: &str) -> Option<Vec<u8>> {
    let addresses: Option<Vec<Ipv4Addr>> = text
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect();
    let addresses = addresses.filter(|addresses| !addresses.is_empty())?;
    let mut bytes = vec![kind, u8::try_from(3 + 4 * addresses.len()).ok()?, FIRST];
    bytes.extend(addresses.iter().flat_map(|address| address.octets()));
    Some(bytes)
}

fn room(kind: u8, pointer: u8, more: &[u8], entries: usize) -> Option<Vec<u8>> {
    let length = 3 + more.len() + 4 * entries;
    let mut bytes = vec![kind, u8::try_from(length).ok()?, pointer];
    bytes.extend(more);
    bytes.resize(length, 0);
    (entries > 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loose_route_names_its_hops() {
        let bytes = parse("loose-route 10.1.1.1 192.168.2.2").unwrap();
        assert_eq!(*bytes, [131, 11, 4, 10, 1, 1, 1, 192, 168, 2, 2]);
        assert_eq!(parse("record-route 9").unwrap().len(), 39);
        assert_eq!(*parse("timestamp 1").unwrap(), [68, 8, 5, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [
            "record-route 10",
            "record-route 0",
            "loose-route",
            "loose-route x",
            "hex",
            "none",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
