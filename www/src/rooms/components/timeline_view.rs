//! The timeline: what was said and what happened, then what waits.

use tidewire_client::MemberId;
use yew::prelude::*;

use super::entry_row::EntryRow;
use super::pending_row::PendingRow;
use crate::components::Log;
use crate::entries::MAX_ENTRIES;
use crate::rooms::session::Session;
use crate::rooms::timeline::Timeline;
use crate::use_media::use_media;

/// What the timeline shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What a failed publish is tried again with.
    pub(crate) session: Session,
    /// What happened.
    pub(crate) timeline: Timeline,
    /// Who this page is.
    pub(crate) me: Option<MemberId>,
    /// Called when it is no longer wanted.
    pub(crate) on_clear: Callback<()>,
}

/// The timeline.
#[component]
pub(crate) fn TimelineView(props: &Props) -> Html {
    let is_narrow = use_media("(max-width: 44rem)");
    let Props {
        session,
        timeline,
        me,
        on_clear,
    } = props;
    html! {
        <Log noted={timeline.noted()} dropped={timeline.dropped()} limit={MAX_ENTRIES} {on_clear}>
            { for timeline.entries().map(|entry| html! {
                <EntryRow key={entry.id} session={session.clone()} entry={entry.clone()} {is_narrow} />
            }) }
            { for timeline.pending().map(|pending| html! {
                <PendingRow key={format!("pending {}", pending.number)} pending={pending.clone()} me={me.clone()} {is_narrow} />
            }) }
        </Log>
    }
}
