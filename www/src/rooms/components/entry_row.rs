//! One entry of the timeline.

use std::rc::Rc;

use tidewire_client::{GapCause, Position, PublishErrorCause, TransportKind};
use yew::prelude::*;

use super::member_name::member_name;
use crate::components::{body, use_toggle};
use crate::format;
use crate::payload::{Body, Payload};
use crate::rooms::audit;
use crate::rooms::notice::failure;
use crate::rooms::session::Session;
use crate::rooms::timeline::{Entry, Said, What};
use crate::rooms::transports::{Loss, name};

/// What the row shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// What a failed publish is tried again with.
    pub(crate) session: Session,
    /// The entry.
    pub(crate) entry: Rc<Entry>,
    /// Whether there is room for only half a row of bytes.
    pub(crate) is_narrow: bool,
}

/// One entry: when, who or which kind, what, and where in the room.
#[component]
pub(crate) fn EntryRow(props: &Props) -> Html {
    let (is_expanded, on_toggle) = use_toggle();
    let Entry { time_of_day, what, .. } = &*props.entry;
    let content = |payload: &Payload| body(payload, props.is_narrow, is_expanded, on_toggle.clone());
    html! {
        <li class="entry said" data-kind={kind_of(what)}>
            <time class="entry-time">{ format::time_of_day(*time_of_day) }</time>
            { match what {
                What::Message(said) => message(said, content(&said.payload)),
                What::Failed { payload, cause } => failed(payload, *cause, content(payload), &props.session),
                other => event(other),
            } }
        </li>
    }
}

fn kind_of(what: &What) -> &'static str {
    match what {
        What::Message(Said { is_mine: true, .. }) => "mine",
        What::Message(_) => "message",
        What::Failed { .. } => "failed",
        What::Gap(_) => "gap",
        What::Hole(_) => "hole",
        What::Joined(_) => "joined",
        What::Resumed(_) => "resumed",
        What::LinkLost(_) => "lost",
        What::Moved(_) => "moved",
    }
}

fn message(said: &Said, content: Html) -> Html {
    html! {
        <>
            <span class="entry-who">
                { match &said.sender {
                    Some(member) => member_name(member),
                    None => html! { <span class="muted">{ "the server" }</span> },
                } }
                if said.is_mine {
                    <span class="you">{ "you" }</span>
                }
            </span>
            { content }
            <span class="entry-place" title="Its offset in the room's log">
                if said.is_doubled {
                    <strong class="wrong">{ "doubled " }</strong>
                }
                { place(said.position) }
            </span>
        </>
    }
}

fn failed(payload: &Payload, cause: PublishErrorCause, content: Html, session: &Session) -> Html {
    let again = match (&payload.body, cause) {
        (_, PublishErrorCause::Closed | PublishErrorCause::Refused(_)) => None,
        (Body::Text(text), _) if text.len() == payload.size => Some(text.clone()),
        _ => None,
    };
    let session = session.clone();
    html! {
        <>
            <span class="entry-kind"><span class="glyph" aria-hidden="true">{ "!" }</span>{ "failed" }</span>
            <div class="entry-body">
                { content }
                <p class="hint">{ failure(cause) }</p>
                if let Some(text) = again {
                    <button
                        class="button quiet more"
                        type="button"
                        onclick={Callback::from(move |_: MouseEvent| {
                            session.publish(&text);
                        })}
                    >
                        { "Publish again" }
                    </button>
                }
            </div>
        </>
    }
}

fn event(what: &What) -> Html {
    let (glyph, kind, text) = match what {
        What::Joined(position) => ("•", "joined", begins("The timeline begins", *position)),
        What::Resumed(position) => (
            "•",
            "resumed",
            begins("Connected again; the timeline goes on", *position),
        ),
        What::LinkLost(loss) => lost(*loss),
        What::Moved(TransportKind::Stream) => ("↑", "moved", "The session has moved up to a WebSocket.".into()),
        What::Moved(TransportKind::Polls) => ("↓", "moved", "The session has moved to polling.".into()),
        What::Gap(gap) => (
            "≈",
            "gap",
            match (gap.cause, audit::named(gap)) {
                (GapCause::Evicted, Some(1)) => format!("#{} is no longer kept by the server.", gap.from.0),
                (GapCause::Evicted, named) => format!(
                    "#{} to {} are no longer kept by the server: {}.",
                    format::count(gap.from.0),
                    place(gap.resume),
                    format::plural(named.unwrap_or_default(), "message", "messages"),
                ),
                (GapCause::LogLost, _) => format!(
                    "The server lost the room's log, and with it what came after #{}. A new one begins.",
                    format::count(gap.from.0.saturating_sub(1))
                ),
            },
        ),
        What::Hole(missing) => (
            "!",
            "hole",
            format!(
                "{} missing, and no gap says so.",
                format::plural(*missing, "message is", "messages are")
            ),
        ),
        What::Message(_) | What::Failed { .. } => return html! {},
    };
    html! {
        <>
            <span class="entry-kind"><span class="glyph" aria-hidden="true">{ glyph }</span>{ kind }</span>
            <p class="entry-body entry-payload">{ text }</p>
        </>
    }
}

fn lost(loss: Loss) -> (&'static str, &'static str, String) {
    match loss {
        Loss::Cut => (
            "×",
            "cut",
            "The link is cut. What is published waits here; what others say waits in the room's log.".into(),
        ),
        Loss::Blocked(kind) => (
            "×",
            "blocked",
            format!(
                "{} is blocked. The client finds that out, and looks for another way.",
                name(kind)
            ),
        ),
        Loss::Left(kind) => ("×", "left", format!("{} is left, as was chosen.", name(kind))),
        Loss::Unasked => ("×", "lost", "The connection ended. The client makes another.".into()),
    }
}

fn begins(how: &str, position: Position) -> String {
    match position.offset.0 {
        0 => format!("{how} with the room's first message."),
        _ => format!("{how} after {}.", place(position)),
    }
}

fn place(position: Position) -> String {
    format!("#{}", format::count(position.offset.0))
}
