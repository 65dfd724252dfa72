//! A member's name in its colour.

use tidewire_client::MemberId;
use yew::prelude::*;

use crate::rooms::names;

/// The name; `title` has the whole id.
pub(super) fn member_name(member: &MemberId) -> Html {
    let id = member.as_str();
    html! {
        <span class="member" style={format!("--hue: {}", names::hue(id))} title={id.to_owned()}>{ names::name(id) }</span>
    }
}
