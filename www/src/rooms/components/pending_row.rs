//! One publish whose message has not come. It has the form of the message, so that nothing moves when that takes its place.

use std::rc::Rc;

use tidewire_client::MemberId;
use yew::prelude::*;

use super::member_name::member_name;
use crate::components::{body, use_toggle};
use crate::format;
use crate::rooms::timeline::Pending;

/// What the row shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// The publish.
    pub(crate) pending: Rc<Pending>,
    /// Who this page is, if that is known yet.
    pub(crate) me: Option<MemberId>,
    /// Whether there is room for only half a row of bytes.
    pub(crate) is_narrow: bool,
}

/// One publish.
#[component]
pub(crate) fn PendingRow(props: &Props) -> Html {
    let (is_expanded, on_toggle) = use_toggle();
    let pending = &props.pending;
    html! {
        <li class="entry said" data-kind="pending">
            <time class="entry-time">{ format::time_of_day(pending.time_of_day) }</time>
            <span class="entry-who">
                { for props.me.iter().map(member_name) }
                <span class="you">{ "you" }</span>
            </span>
            { body(&pending.payload, props.is_narrow, is_expanded, on_toggle) }
            <span class="entry-place">
                { match pending.place {
                    Some(place) => format!("#{}", format::count(place.offset.0)),
                    None => "waiting".into(),
                } }
            </span>
        </li>
    }
}
