//! The parts of the page. None of them waits for anything; what they want done they ask the connection for.

mod composer;
mod connection_bar;
mod entry_row;
mod header;
mod notice_bar;
mod timeline_view;

pub(crate) use composer::Composer;
pub(crate) use connection_bar::ConnectionBar;
pub(crate) use header::Header;
pub(crate) use notice_bar::NoticeBar;
pub(crate) use timeline_view::TimelineView;

/// The value of an ARIA attribute that is either true or false.
fn flag(set: bool) -> &'static str {
    if set { "true" } else { "false" }
}
