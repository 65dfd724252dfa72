//! What is to be sent: a text, bytes, or a file.

use std::cell::RefCell;

use tidewire_client::Message;
use wasm_bindgen_futures::spawn_local;
use web_sys::{File, HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::browser;
use crate::components::{KeyHints, flag, on_key};
use crate::console::notice::{Field, Notice};
use crate::console::use_socket::Connection;
use crate::format;
use crate::hex;

/// What the composer is told.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What it sends with.
    pub(crate) connection: Connection,
    /// What the notice is about.
    pub(crate) field: Option<Field>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Text,
    Hex,
    File,
}

/// The field to write in, and the button that sends.
#[component]
pub(crate) fn Composer(props: &Props) -> Html {
    let mode = use_state_eq(|| Mode::Text);
    let text = use_state_eq(String::new);
    let bytes = use_state_eq(String::new);
    let file = use_state_eq(|| None::<File>);
    let last = use_mut_ref(String::new);
    let area = use_node_ref();
    let draft = if *mode == Mode::Hex {
        bytes.clone()
    } else {
        text.clone()
    };

    let send = {
        let (connection, file) = (props.connection.clone(), (*file).clone());
        let (draft, last, area) = (draft.clone(), last.clone(), area.clone());
        match *mode {
            Mode::Text => {
                Callback::from(move |()| send_draft(&connection, &draft, &last, Message::Text((*draft).clone())))
            }
            Mode::Hex => Callback::from(move |()| {
                if let Some(message) = bytes_of(&connection, &draft, &area) {
                    send_draft(&connection, &draft, &last, message);
                }
            }),
            Mode::File => Callback::from(move |()| send_file(&connection, file.clone())),
        }
    };
    let onkeydown = on_key(&draft, last, send.clone());
    let onsubmit = send.reform(|event: SubmitEvent| event.prevent_default());
    let is_wrong = props.field == Some(Field::Composer);
    html! {
        <form class="composer" {onsubmit} aria-label="Send a message">
            <div class="composer-bar">
                { modes(&mode) }
                <p id="composer-hint" class="hint">{ hint(*mode, &draft, file.as_ref()) }</p>
            </div>
            if *mode == Mode::File {
                { file_field(&file, is_wrong) }
            } else {
                { text_field(*mode, &draft, area, onkeydown, is_wrong) }
            }
            <button class="button primary send" type="submit" data-testid="send">{ "Send" }</button>
            <KeyHints />
        </form>
    }
}

fn modes(mode: &UseStateHandle<Mode>) -> Html {
    let option = |value: Mode, id: &'static str, title: &'static str| {
        let setter = mode.setter();
        let onchange = Callback::from(move |_: Event| setter.set(value));
        html! {
            <label class="segment">
                <input type="radio" name="mode" checked={**mode == value} {onchange} data-testid={id} />
                <span>{ title }</span>
            </label>
        }
    };
    html! {
        <fieldset class="segments">
            <legend class="visually-hidden">{ "Send as" }</legend>
            { option(Mode::Text, "mode-text", "Text") }
            { option(Mode::Hex, "mode-hex", "Hex") }
            { option(Mode::File, "mode-file", "File") }
        </fieldset>
    }
}

fn text_field(
    mode: Mode,
    draft: &UseStateHandle<String>,
    area: NodeRef,
    onkeydown: Callback<KeyboardEvent>,
    is_wrong: bool,
) -> Html {
    let setter = draft.setter();
    let oninput = Callback::from(move |event: InputEvent| {
        if let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() {
            setter.set(area.value());
        }
    });
    let (label, placeholder) = match mode {
        Mode::Hex => ("Bytes in hex", "de ad be ef"),
        Mode::Text | Mode::File => ("Message", "A message"),
    };
    html! {
        <textarea
            id="composer"
            class="mono"
            ref={area}
            rows="2"
            value={(**draft).clone()}
            {oninput}
            {onkeydown}
            {placeholder}
            enterkeyhint="send"
            autocomplete="off"
            spellcheck={flag(mode == Mode::Text)}
            maxlength={MAX_DRAFT.to_string()}
            aria-label={label}
            aria-invalid={flag(is_wrong)}
            aria-describedby={if is_wrong { "alert composer-hint" } else { "composer-hint" }}
            data-testid="composer"
        />
    }
}

fn file_field(file: &UseStateHandle<Option<File>>, is_wrong: bool) -> Html {
    let setter = file.setter();
    let onchange = Callback::from(move |event: Event| {
        let input = event.target_dyn_into::<HtmlInputElement>();
        setter.set(input.and_then(|input| input.files()).and_then(|files| files.get(0)));
    });
    html! {
        <input
            type="file"
            class="file"
            {onchange}
            aria-label="File to send"
            aria-invalid={flag(is_wrong)}
            aria-describedby={if is_wrong { "alert composer-hint" } else { "composer-hint" }}
            data-testid="file"
        />
    }
}

fn hint(mode: Mode, draft: &str, file: Option<&File>) -> String {
    match (mode, file) {
        (Mode::Text, _) => format::size(draft.len() as u64),
        (Mode::Hex, _) => match hex::parse(draft) {
            Ok(bytes) => format::size(bytes.len() as u64),
            Err(error) => error.to_string(),
        },
        (Mode::File, Some(file)) => format!("{}, sent as bytes", format::size(file.size() as u64)),
        (Mode::File, None) => format!("sent as bytes, up to {}", format::size(MAX_FILE)),
    }
}

/// Sends what was written and empties the field; what could not be sent is left there, or comes back.
fn send_draft(connection: &Connection, draft: &UseStateHandle<String>, last: &RefCell<String>, message: Message) {
    if !connection.is_open() {
        return connection.notify(Notice::NotOpen);
    }
    let (content, setter) = ((**draft).clone(), draft.setter());
    last.replace(if content.len() <= MAX_RECALL {
        content.clone()
    } else {
        String::new()
    });
    setter.set(String::new());
    connection.send_soon(message, move || setter.set(content));
}

/// The bytes that were typed. What is no byte is selected, and a notice says so.
fn bytes_of(connection: &Connection, text: &str, area: &NodeRef) -> Option<Message> {
    match hex::parse(text) {
        Ok(bytes) => Some(Message::Binary(bytes)),
        Err(error) => {
            if let (Some(position), Some(area)) = (error.position(), area.cast::<HtmlTextAreaElement>()) {
                select(&area, text, position);
            }
            connection.notify(Notice::BadHex(error));
            None
        }
    }
}

/// Selects the character at a position that counts from 1. The browser counts in units of UTF-16.
fn select(area: &HtmlTextAreaElement, text: &str, position: usize) {
    let start: usize = text.chars().take(position - 1).map(char::len_utf16).sum();
    let length = text.chars().nth(position - 1).map_or(0, char::len_utf16);
    // It fails only for kinds of input that have no text.
    let _ = area.focus();
    let _ = area.set_selection_range(start as u32, (start + length) as u32);
}

fn send_file(connection: &Connection, file: Option<File>) {
    let Some(file) = file else {
        return connection.notify(Notice::NoFile);
    };
    let size = file.size() as u64;
    if size > MAX_FILE {
        return connection.notify(Notice::FileTooLarge { size, limit: MAX_FILE });
    }
    let connection = connection.clone();
    spawn_local(async move {
        match browser::read(&file).await {
            Some(bytes) => {
                connection.send(Message::Binary(bytes));
            }
            None => connection.notify(Notice::FileUnreadable),
        }
    });
}

/// Bytes of the largest file: as much as the socket lets wait in the browser.
const MAX_FILE: u64 = 16 << 20;
/// Characters of the longest text that can be typed.
const MAX_DRAFT: usize = 4 << 20;
/// Bytes of the longest draft that is brought back.
const MAX_RECALL: usize = 64 << 10;
