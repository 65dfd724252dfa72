//! Who is in the room, and what to try there.

use tidewire_client::MemberId;
use yew::prelude::*;

use super::member_name::member_name;
use crate::format;
use crate::rooms::people::People;
use crate::rooms::session::BURST;

/// What the panel shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// Who is there.
    pub(crate) people: People,
    /// Who this page is.
    pub(crate) me: Option<MemberId>,
    /// Whether there is a connection; without one it is shown who was there.
    pub(crate) is_current: bool,
}

/// Who is in the room.
#[component]
pub(crate) fn PeoplePanel(props: &Props) -> Html {
    let present = props.people.present();
    let others = present.iter().filter(|member| Some(*member) != props.me.as_ref());
    let shown = props
        .me
        .iter()
        .filter(|me| present.contains(me))
        .chain(others)
        .take(MAX_SHOWN);
    let hidden = present.len().saturating_sub(MAX_SHOWN) as u64;
    html! {
        <aside class={classes!("people", (!props.is_current).then_some("stale"))} aria-labelledby="people-title">
            <h2 id="people-title">{ if props.is_current { "Here" } else { "Last seen" } }<span class="people-count">{ format::count(present.len() as u64) }</span></h2>
            <ul class="people-list" data-testid="people">
                { for shown.map(|member| html! {
                    <li key={member.as_str().to_owned()}>
                        { member_name(member) }
                        if Some(member) == props.me.as_ref() {
                            <span class="you">{ "you" }</span>
                        }
                        if props.people.typing().any(|other| other == member) {
                            <span class="writing">{ "writes" }</span>
                        }
                    </li>
                }) }
            </ul>
            if hidden > 0 {
                <p class="hint">{ format!("and {} more", format::count(hidden)) }</p>
            }
            { steps() }
        </aside>
    }
}

fn steps() -> Html {
    html! {
        <section class="steps" aria-labelledby="steps-title">
            <h2 id="steps-title">{ "Try it" }</h2>
            <ol>
                <li>{ "Open the room in a " }<strong>{ "second window" }</strong>{ "." }</li>
                <li><strong>{ "Cut the link" }</strong>{ " in this one." }</li>
                <li>{ "Talk in both, or " }<strong>{ format!("send {BURST}") }</strong>{ "." }</li>
                <li>{ "Switch the link back on: all of it arrives, once, in order." }</li>
                <li><strong>{ "Block the WebSocket" }</strong>{ ": the session goes on by polling, and back." }</li>
            </ol>
        </section>
    }
}

/// Members shown by name.
const MAX_SHOWN: usize = 50;
