//! The parts of the console. None of them waits for anything; what they want done they ask the connection for.

mod composer;
mod connection_bar;
mod entry_row;
mod timeline_view;

pub(crate) use composer::Composer;
pub(crate) use connection_bar::ConnectionBar;
pub(crate) use timeline_view::TimelineView;
