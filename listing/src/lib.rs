//! Listings of tcpdump and snort, back to frames.
//!
//! [`transcribe`] reads what `tcpdump` prints today and printed since the 1990s, and what the first versions of snort logged,
//! and makes frames that say the same:
//!
//! ```text
//! 14:05:27.083238 ftp.client.org.1057 > ftp.server.edu.21: S 1484414:1484414(0) win 8192 <mss 536,nop,nop,sackOK> (DF)
//! 10:22:45.000000 IP 192.0.2.1.1025 > 198.51.100.2.80: Flags [S], seq 7, win 64240, options [mss 1460], length 0
//! 05/14-10:22:45.030552 192.0.2.1:53 -> 198.51.100.2:53
//! ```
//!
//! A field that the listing tells is reproduced, odd ones as well: flags that do not go together, wrong checksums and
//! lengths, fragments. A field that it does not tell gets one plain value, and is listed as a [`Gap`] of its frame. Names
//! get documentation addresses ([`Assignment`]). Checksums are right unless the listing says otherwise.
//!
//! How the numbers of a connection are read is in [`Reading`], how times are in [`Times`].
//!
//! Not read: what tcpdump prints of other link layers than Ethernet, of IPv6 extension headers but a router alert, and, but for
//! text, DNS, NTP and BOOTP, of protocols above TCP and UDP. Such a payload has its length and zero bytes, or is an error
//! ([`Settings::exact`]).
//!
//! Sources: the manual page of tcpdump 4.99 and its printers; of the old style, those of tcpdump 3.4 to 3.9; "Interpreting
//! Network Traffic" and "Intrusion detection: network traces".

mod error;
mod gap;
mod make;
mod read;
mod said;
mod settings;
#[cfg(test)]
mod tests;
mod transcript;

pub use error::{ListingError, Problem, Wanted};
pub use gap::Gap;
pub use jiff::civil::Date;
pub use make::{Assignment, DEFAULT_BASE, Reading, Times};
pub use read::OtherLine;
pub use settings::Settings;
pub use transcript::{ListedConnection, ListedFrame, Transcript};

/// Makes frames of a listing. Packets that cannot be read are left out and listed.
pub fn transcribe(listing: &str, settings: &Settings) -> Transcript {
    let lines = read::read(listing);
    let mut transcript = make::make(&lines.packets, settings);
    transcript.errors.extend(lines.errors);
    transcript
        .errors
        .sort_by_key(|error| (error.line, error.column));
    transcript.other = lines.other;
    transcript
}
