//! What both pages are made of.

mod content;
mod header;
mod keys;
mod log;
mod notice_bar;
mod stats;
mod use_toggle;

pub(crate) use content::body;
pub(crate) use header::{Header, Tab};
pub(crate) use keys::{KeyHints, on_key};
pub(crate) use log::Log;
pub(crate) use notice_bar::NoticeBar;
pub(crate) use stats::{nought, range, round_trip, sparkline, stat};
pub(crate) use use_toggle::use_toggle;

/// The value of an ARIA attribute that is either true or false.
pub(crate) fn flag(set: bool) -> &'static str {
    if set { "true" } else { "false" }
}
