//! ARP messages, RFC 826.
//!
//! ```text
//! ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28
//! arp reply 192.0.2.2 is-at 0:0:5e:0:53:2
//! ```
//!
//! A reply does not say to whom it goes: that is the one who asked last.

use super::cursor::Cursor;
use super::{link, trailer};
use crate::error::Read;
use crate::said::{ArpSaid, End, Said, What};

/// Reads a message behind its prefix.
pub(super) fn read(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<()> {
    cursor.eat("Ethernet (len 6), IPv4 (len 4),");
    let mut arp = ArpSaid::default();
    if cursor.eat("Request who-has") || cursor.eat("who-has") {
        said.destination = end(cursor, "the address that is sought")?;
        if cursor.eat("(") {
            // The hardware address of who is sought, where it stands there.
            let sought = cursor.until(")")?;
            arp.sought = link::mac(&mut Cursor::new(sought.text));
        }
        cursor.expect("tell")?;
        said.source = end(cursor, "the address of who asks")?;
    } else if cursor.eat("Reply") || cursor.eat("reply") {
        arp.reply = true;
        said.source = end(cursor, "the address that is announced")?;
        cursor.expect("is-at")?;
        let wanted = "a hardware address";
        arp.address = Some(link::mac(cursor).ok_or_else(|| cursor.unexpected(wanted))?);
    } else {
        return Err(cursor.unexpected("who-has or reply"));
    }
    if cursor.eat(", length") {
        arp.length = Some(cursor.number("a length")?);
    }
    said.what = What::Arp(arp);
    trailer::read(cursor, &mut said.ip, None)
}

fn end(cursor: &mut Cursor<'_>, wanted: &'static str) -> Read<End> {
    let word = cursor.word(wanted)?;
    let text = word.text.trim_end_matches(',');
    // A comma belongs to what follows.
    cursor.back(word.text.len() - text.len());
    Ok(End {
        text: text.to_owned(),
        at: word.at,
        separator: None,
    })
}
