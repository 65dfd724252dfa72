//! Where to connect to, and the buttons that begin and end a connection.

use tidewire_client::CloseError;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::address::{self, Endpoint};
use crate::browser;
use crate::components::flag;
use crate::console::notice::{Field, Notice};
use crate::console::use_socket::Connection;

/// What the bar is told.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What it acts on.
    pub(crate) connection: Connection,
    /// Whether a connection may be made now.
    pub(crate) can_connect: bool,
    /// Whether there is one to end.
    pub(crate) can_close: bool,
    /// What the notice is about.
    pub(crate) field: Option<Field>,
}

/// Address, endpoint, connect and disconnect.
#[component]
pub(crate) fn ConnectionBar(props: &Props) -> Html {
    let address = use_state_eq(|| browser::origin().address(Endpoint::Echo.path()));
    let options = use_state_eq(|| false);
    let code = use_state_eq(|| "1000".to_owned());
    let reason = use_state_eq(String::new);

    let on_connect = {
        let (connection, address, can_connect) = (props.connection.clone(), (*address).clone(), props.can_connect);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if can_connect {
                connect(&connection, &address);
            }
        })
    };
    let on_disconnect = {
        let (connection, can_close) = (props.connection.clone(), props.can_close);
        let (code, reason, opener) = ((*code).clone(), (*reason).clone(), options.setter());
        Callback::from(move |_: MouseEvent| {
            if can_close && !disconnect(&connection, &code, &reason) {
                opener.set(true);
            }
        })
    };
    let on_options = {
        let (setter, shown) = (options.setter(), *options);
        Callback::from(move |_: MouseEvent| setter.set(!shown))
    };
    html! {
        <form class="connection" onsubmit={on_connect} aria-label="Connection" novalidate=true>
            { endpoint_field(&address) }
            { address_field(&address, props.field == Some(Field::Address)) }
            { connect_button(props.can_connect) }
            { disconnect_buttons(props.can_close, on_disconnect, *options, on_options) }
            <div id="close-options" class="close-options" hidden={!*options}>
                { close_fields(&code, &reason, props.field) }
            </div>
        </form>
    }
}

fn endpoint_field(address: &UseStateHandle<String>) -> Html {
    let current = Endpoint::of(address);
    let onchange = {
        let (typed, setter) = ((**address).clone(), address.setter());
        Callback::from(move |event: Event| {
            let chosen = event
                .target_dyn_into::<HtmlSelectElement>()
                .map(|select| Endpoint::of(&select.value()));
            let chosen = chosen.unwrap_or_default();
            setter.set(chosen.at(&typed, &browser::origin()));
            if chosen == Endpoint::Other {
                browser::focus("address");
            }
        })
    };
    let option = |endpoint: Endpoint, value: &'static str| {
        html! { <option {value} selected={current == endpoint}>{ value }</option> }
    };
    html! {
        <label class="field endpoint">
            <span class="label">{ "Endpoint" }</span>
            <select id="endpoint" {onchange} data-testid="endpoint">
                { option(Endpoint::Echo, "/echo") }
                { option(Endpoint::Chat, "/chat") }
                { option(Endpoint::Other, "other") }
            </select>
        </label>
    }
}

fn address_field(address: &UseStateHandle<String>, is_wrong: bool) -> Html {
    html! {
        <label class="field address">
            <span class="label">{ "Address" }</span>
            <input
                id="address"
                class="mono"
                type="text"
                inputmode="url"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                maxlength="2048"
                value={(**address).clone()}
                oninput={into_state(address)}
                aria-invalid={flag(is_wrong)}
                aria-describedby={is_wrong.then_some("alert")}
                data-testid="address"
            />
        </label>
    }
}

fn connect_button(can_connect: bool) -> Html {
    html! {
        <button
            id="connect"
            class="button primary"
            type="submit"
            aria-disabled={flag(!can_connect)}
            data-testid="connect"
        >
            { "Connect" }
        </button>
    }
}

fn disconnect_buttons(
    can_close: bool,
    on_disconnect: Callback<MouseEvent>,
    has_options: bool,
    on_options: Callback<MouseEvent>,
) -> Html {
    html! {
        <div class="split">
            <button
                class="button"
                type="button"
                onclick={on_disconnect}
                aria-disabled={flag(!can_close)}
                data-testid="disconnect"
            >
                { "Disconnect" }
            </button>
            <button
                class="button options"
                type="button"
                onclick={on_options}
                aria-expanded={flag(has_options)}
                aria-controls="close-options"
                aria-label="Close code and reason"
                title="Close code and reason"
                data-testid="close-options"
            >
                <svg viewBox="0 0 12 12" aria-hidden="true"><path d="M2.5 4.5 6 8l3.5-3.5" /></svg>
            </button>
        </div>
    }
}

fn close_fields(code: &UseStateHandle<String>, reason: &UseStateHandle<String>, field: Option<Field>) -> Html {
    let is_wrong = |this: Field| field == Some(this);
    let describedby = |this: Field| {
        if is_wrong(this) {
            "close-help alert"
        } else {
            "close-help"
        }
    };
    html! {
        <>
            <label class="field code">
                <span class="label">{ "Close code" }</span>
                <input
                    class="mono"
                    type="text"
                    inputmode="numeric"
                    autocomplete="off"
                    maxlength="4"
                    value={(**code).clone()}
                    oninput={into_state(code)}
                    aria-invalid={flag(is_wrong(Field::CloseCode))}
                    aria-describedby={describedby(Field::CloseCode)}
                    data-testid="close-code"
                />
            </label>
            <label class="field reason">
                <span class="label">{ "Reason" }</span>
                <input
                    type="text"
                    autocomplete="off"
                    maxlength="123"
                    value={(**reason).clone()}
                    oninput={into_state(reason)}
                    aria-invalid={flag(is_wrong(Field::CloseReason))}
                    aria-describedby={describedby(Field::CloseReason)}
                    data-testid="close-reason"
                />
            </label>
            <p id="close-help" class="hint">
                { "Sent when you disconnect. A page may use 1000, or 3000 to 4999, and 123 bytes of reason." }
            </p>
        </>
    }
}

fn into_state(state: &UseStateHandle<String>) -> Callback<InputEvent> {
    let setter = state.setter();
    Callback::from(move |event: InputEvent| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            setter.set(input.value());
        }
    })
}

fn connect(connection: &Connection, typed: &str) {
    match address::check(typed, &browser::origin()) {
        Ok(full) => connection.connect(&full),
        Err(error) => {
            connection.notify(Notice::BadAddress(error));
            browser::focus("address");
        }
    }
}

/// Whether code and reason could be sent.
fn disconnect(connection: &Connection, code: &str, reason: &str) -> bool {
    match code.trim().parse() {
        Ok(code) => connection.close(code, reason),
        Err(_) => {
            connection.notify(Notice::BadClose(CloseError::InvalidCode));
            false
        }
    }
}
