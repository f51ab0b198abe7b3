//! Attributes of netlink messages, where no crate reads them.

use netlink_packet_core::NlasIterator;

/// The value of the first attribute of that kind.
pub(super) fn attribute(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    NlasIterator::new(attributes)
        .map_while(Result::ok)
        .find(|attribute| attribute.kind() == kind)
        .and_then(|attribute| value(attribute.into_inner()))
}

fn value(whole: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_ne_bytes([*whole.first()?, *whole.get(1)?]));
    whole.get(4..length)
}

/// A text, which may end with a zero.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let name = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// A word in the order of the machine.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(word.try_into().ok()?))
}

/// A word in network order, as netfilter has them.
pub(super) fn network_word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?))
}

/// The values of all attributes of that kind.
pub(super) fn attributes(bytes: &[u8], kind: u16) -> impl Iterator<Item = &[u8]> {
    let all = NlasIterator::new(bytes).map_while(Result::ok);
    all.filter(move |attribute| attribute.kind() == kind)
        .filter_map(|attribute| value(attribute.into_inner()))
}
