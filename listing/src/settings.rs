//! What the reader of a listing knows beside it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::civil::Date;

use crate::make::Times;

/// What the listing cannot tell, and its reader can.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The day of times without a date.
    pub date: Date,
    /// How times are meant.
    pub times: Times,
    /// Addresses of names.
    pub names: BTreeMap<String, IpAddr>,
    /// Whether a packet of which something printed cannot be made is an error; else zeros stand there, and [`Gap::Told`](crate::Gap::Told) says so.
    pub exact: bool,
}

impl Default for Settings {
    /// 2000-01-01, and no names.
    fn default() -> Self {
        Settings {
            date: Date::constant(2000, 1, 1),
            times: Times::default(),
            names: BTreeMap::new(),
            exact: false,
        }
    }
}
