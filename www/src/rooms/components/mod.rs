//! The parts of the rooms page. None of them waits for anything; what they want done they ask the session for.

mod composer;
mod entry_row;
mod link_panel;
mod member_name;
mod pending_row;
mod people_panel;
mod room_bar;
mod switch;
mod timeline_view;
mod token_bar;

pub(crate) use composer::Composer;
pub(crate) use people_panel::PeoplePanel;
pub(crate) use room_bar::RoomBar;
pub(crate) use timeline_view::TimelineView;
pub(crate) use token_bar::TokenBar;
