//! What the session talks over, what it may have, and the switches that break it.

use tidewire_client::TransportKind;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::switch::Switch;
use crate::rooms::session::Session;
use crate::rooms::state::Link;
use crate::rooms::transports::{Choice, KINDS, Transports, name};

/// What the panel is told.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What it acts on.
    pub(crate) session: Session,
    /// Where the switch of the link stands.
    pub(crate) link: Link,
    /// What the session talks over.
    pub(crate) transports: Transports,
}

/// The panel.
#[component]
pub(crate) fn LinkPanel(props: &Props) -> Html {
    let Props {
        session,
        link,
        transports,
    } = props;
    let on_link = {
        let session = session.clone();
        Callback::from(move |is_on| session.switch(if is_on { Link::Up } else { Link::Cut }))
    };
    html! {
        <div class="link-panel" role="group" aria-label="Connection">
            { transport_field(session, *transports) }
            <Switch
                label="Link"
                id="link"
                title="Drops the connection for real, and keeps it away until it is switched back on"
                is_on={*link == Link::Up}
                off="cut"
                on_switch={on_link}
            />
            { for KINDS.map(|kind| block_switch(session, *transports, kind)) }
        </div>
    }
}

/// What is in use, above the choice.
fn transport_field(session: &Session, transports: Transports) -> Html {
    let onchange = {
        let session = session.clone();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            if let Some(choice) = select.and_then(|select| Choice::named(&select.value())) {
                session.choose(choice);
            }
        })
    };
    let option = |choice: Choice| {
        let value = choice.name();
        html! { <option {value} selected={transports.choice == choice}>{ value }</option> }
    };
    let in_use = transports.in_use.map_or("none", name);
    html! {
        <div class="field transport">
            <p class="label">
                <label for="choice">{ "Transport" }</label>
                <span id="in-use" class="in-use" data-kind={in_use} data-testid="transport">
                    <span class="visually-hidden">{ "in use: " }</span>
                    { in_use }
                </span>
            </p>
            <select id="choice" {onchange} aria-describedby="in-use" data-testid="choice">
                { for Choice::ALL.map(option) }
            </select>
        </div>
    }
}

fn block_switch(session: &Session, transports: Transports, kind: TransportKind) -> Html {
    let on_switch = {
        let session = session.clone();
        Callback::from(move |is_on: bool| session.block(kind, !is_on))
    };
    let id = match kind {
        TransportKind::Stream => "websocket",
        TransportKind::Polls => "polling",
    };
    html! {
        <Switch
            label={name(kind)}
            {id}
            title="Blocks it for real, as a network that does not let it through"
            is_on={!transports.is_blocked(kind)}
            off="blocked"
            {on_switch}
        />
    }
}
