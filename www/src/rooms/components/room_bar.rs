//! Which room, the link, and help for somebody who is alone.

use tidewire_client::{NameError, RoomName};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::link_panel::LinkPanel;
use crate::browser;
use crate::components::flag;
use crate::rooms::notice::Notice;
use crate::rooms::session::{BURST, Session};
use crate::rooms::state::Link;
use crate::rooms::transports::Transports;
use crate::route::Route;

/// What the bar is told.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What it acts on.
    pub(crate) session: Session,
    /// The room.
    pub(crate) name: RoomName,
    /// Where the switch stands.
    pub(crate) link: Link,
    /// What the session talks over.
    pub(crate) transports: Transports,
    /// Whether what was typed is not the name of a room.
    pub(crate) is_wrong: bool,
}

/// The bar.
#[component]
pub(crate) fn RoomBar(props: &Props) -> Html {
    let typed = use_state_eq(|| props.name.as_str().to_owned());
    {
        let setter = typed.setter();
        use_effect_with(props.name.clone(), move |name| setter.set(name.as_str().into()));
    }
    let onsubmit = {
        let (session, typed) = (props.session.clone(), (*typed).clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            join(&session, &typed);
        })
    };
    let oninput = {
        let setter = typed.setter();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                setter.set(input.value());
            }
        })
    };
    let on_burst = {
        let session = props.session.clone();
        Callback::from(move |_: MouseEvent| session.burst())
    };
    let href = Route::Rooms(props.name.clone()).fragment();
    html! {
        <div class="room-bar">
            <form class="room-form" {onsubmit} aria-label="Room" novalidate=true>
                <label class="field room-name">
                    <span class="label">{ "Room" }</span>
                    <input
                        id="room"
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        maxlength="128"
                        value={(*typed).clone()}
                        {oninput}
                        aria-invalid={flag(props.is_wrong)}
                        aria-describedby={props.is_wrong.then_some("alert")}
                        data-testid="room"
                    />
                </label>
                <button class="button" type="submit" data-testid="join">{ "Join" }</button>
            </form>
            <LinkPanel session={props.session.clone()} link={props.link} transports={props.transports} />
            <div class="room-tools">
                <button class="button" type="button" onclick={on_burst} data-testid="burst">
                    { format!("Send {BURST} messages") }
                </button>
                <a class="button" {href} target="_blank" rel="noopener" data-testid="second">{ "Second window" }</a>
            </div>
        </div>
    }
}

/// Goes to the room that was typed. The address names it, so that it can be shared and gone back from.
fn join(session: &Session, typed: &str) {
    match RoomName::new(typed.trim()) {
        Ok(name) => {
            browser::go_to(&Route::Rooms(name).fragment());
            browser::focus("composer");
        }
        Err(error) => refuse(session, error),
    }
}

fn refuse(session: &Session, error: NameError) {
    session.notify(Notice::BadName(error));
    browser::focus("room");
}
