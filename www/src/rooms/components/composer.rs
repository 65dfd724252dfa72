//! What is to be said, and who else is writing.

use tidewire_client::MemberId;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use crate::components::{KeyHints, on_key};
use crate::format;
use crate::rooms::names::name;
use crate::rooms::people::People;
use crate::rooms::session::Session;

/// What the composer is told.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What it publishes with.
    pub(crate) session: Session,
    /// Who else may be writing.
    pub(crate) people: People,
}

/// The field to write in, and the button that publishes. It is never out of order: what is published without a connection
/// waits for one.
#[component]
pub(crate) fn Composer(props: &Props) -> Html {
    let draft = use_state_eq(String::new);
    let last = use_mut_ref(String::new);
    let send = {
        let (session, draft, last) = (props.session.clone(), draft.clone(), last.clone());
        Callback::from(move |()| {
            let text = (*draft).clone();
            if !text.trim().is_empty() && session.publish(&text) {
                last.replace(text);
                draft.set(String::new());
            }
        })
    };
    let oninput = {
        let (session, setter) = (props.session.clone(), draft.setter());
        Callback::from(move |event: InputEvent| {
            if let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() {
                let text = area.value();
                if !text.trim().is_empty() {
                    session.typing();
                }
                setter.set(text);
            }
        })
    };
    let onkeydown = on_key(&draft, last, send.clone());
    let onsubmit = send.reform(|event: SubmitEvent| event.prevent_default());
    html! {
        <form class="composer" {onsubmit} aria-label="Say something">
            <p class="typing" data-testid="typing" aria-live="polite">{ typing(&props.people) }</p>
            <textarea
                id="composer"
                rows="1"
                value={(*draft).clone()}
                {oninput}
                {onkeydown}
                placeholder="Say something"
                enterkeyhint="send"
                autocomplete="off"
                maxlength={MAX_DRAFT.to_string()}
                aria-label="Message"
                data-testid="composer"
            />
            <button class="button primary send" type="submit" data-testid="send">{ "Send" }</button>
            <KeyHints />
        </form>
    }
}

/// `Crab 3f9a writes …`
fn typing(people: &People) -> String {
    let names: Vec<String> = people.typing().map(MemberId::as_str).map(name).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("{one} writes …"),
        [one, other] => format!("{one} and {other} write …"),
        names => format!("{} write …", format::plural(names.len() as u64, "member", "members")),
    }
}

/// Characters of the longest text that can be typed: with any characters, no more bytes than a server takes by default.
const MAX_DRAFT: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_writes_is_named_as_far_as_there_is_room() {
        let mut people = People::default();
        let mut texts = vec![typing(&people)];
        for id in ["ann", "bob", "cid"] {
            people.types(MemberId::new(id).unwrap(), Duration::ZERO);
            texts.push(typing(&people));
        }
        assert_eq!(texts, ["", "ann writes …", "ann and bob write …", "3 members write …"]);
    }
}
