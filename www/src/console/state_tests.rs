use super::*;
use crate::entries::MAX_ENTRIES;

const ECHO: &str = "ws://127.0.0.1:8080/echo";
const CHAT: &str = "ws://127.0.0.1:8080/chat";

fn at(ms: u64) -> Stamp {
    Stamp {
        elapsed: Duration::from_millis(ms),
        time_of_day: Duration::from_secs(ms),
    }
}

fn text(content: &str) -> Message {
    Message::Text(content.into())
}

fn sent(content: &str, ms: u64) -> Action {
    Action::Sent(Outgoing::of(&text(content)), at(ms))
}

fn closed(code: u16, was_clean: bool) -> Action {
    Action::Closed(
        Close {
            code,
            reason: String::new(),
            was_clean,
        },
        at(99),
    )
}

fn after(actions: impl IntoIterator<Item = Action>) -> Rc<State> {
    actions.into_iter().fold(Rc::default(), State::reduce)
}

fn opened(address: &str) -> [Action; 2] {
    [Action::Connecting(address.into(), at(1)), Action::Opened(at(3))]
}

fn kinds(state: &State) -> Vec<&'static str> {
    let name = |what: &What| match what {
        What::Open { .. } => "open",
        What::Message { .. } => "message",
        What::Sent(_) => "sent",
        What::Error => "error",
        What::Close { .. } => "close",
    };
    state.timeline.entries().map(|entry| name(&entry.what)).collect()
}

fn round_trips(state: &State) -> Vec<Option<Duration>> {
    let of = |what: &What| match what {
        What::Message { round_trip, .. } => Some(*round_trip),
        _ => None,
    };
    state.timeline.entries().filter_map(|entry| of(&entry.what)).collect()
}

#[test]
fn a_conversation_passes_through_every_phase() {
    let mut state = Rc::<State>::default();
    let mut names = vec![state.phase.name()];
    for action in opened(ECHO).into_iter().chain([Action::Closing, closed(1000, true)]) {
        state = state.reduce(action);
        names.push(state.phase.name());
    }
    assert_eq!(names, ["closed", "connecting", "open", "closing", "closed"]);
    assert_eq!(kinds(&state), ["open", "close"]);
    assert_eq!(state.notice, None);
}

#[test]
fn messages_and_bytes_are_counted_both_ways() {
    let state = after(opened(ECHO).into_iter().chain([
        sent("héllo", 10),
        Action::Received(text("héllo"), at(12)),
        Action::Received(Message::Binary(vec![0; 7]), at(13)),
    ]));
    assert_eq!(state.sent, Tally { messages: 1, bytes: 6 });
    assert_eq!(state.received, Tally { messages: 2, bytes: 13 });
    assert_eq!(kinds(&state), ["open", "sent", "message", "message"]);
}

#[test]
fn an_echo_is_timed_from_the_message_it_repeats() {
    let state = after(opened(ECHO).into_iter().chain([
        sent("a", 10),
        sent("a", 20),
        Action::Received(text("a"), at(25)),
        Action::Received(text("a"), at(26)),
        Action::Received(text("b"), at(27)),
    ]));
    let ms = Duration::from_millis;
    assert_eq!(round_trips(&state), [Some(ms(15)), Some(ms(6)), None]);
}

#[test]
fn on_chat_only_the_servers_confirmation_is_timed() {
    let state = after(opened(CHAT).into_iter().chain([
        Action::Received(text("Welcome to the WebSocket server!"), at(4)),
        sent("hi", 10),
        Action::Received(text("Broadcast: hi"), at(11)),
        Action::Received(text("Server received: hi"), at(12)),
    ]));
    assert_eq!(round_trips(&state), [None, None, Some(Duration::from_millis(2))]);
}

#[test]
fn an_answer_after_the_page_asked_to_close_is_still_timed() {
    let state =
        after(
            opened(ECHO)
                .into_iter()
                .chain([sent("a", 10), Action::Closing, Action::Received(text("a"), at(11))]),
        );
    assert_eq!(round_trips(&state), [Some(Duration::from_millis(1))]);
}

#[test]
fn a_connection_that_never_opened_says_what_to_check() {
    let state = after([
        Action::Connecting(ECHO.into(), at(1)),
        Action::Failed(at(2)),
        closed(1006, false),
    ]);
    assert_eq!(state.notice, Some(Notice::Unreachable { address: ECHO.into() }));
    assert_eq!(kinds(&state), ["error", "close"]);
}

#[test]
fn an_attempt_that_the_page_gave_up_is_no_failure() {
    let state = after([
        Action::Connecting(ECHO.into(), at(1)),
        Action::Closing,
        Action::Failed(at(2)),
        closed(1006, false),
    ]);
    assert_eq!(state.notice, None);
    assert_eq!(state.phase, Phase::Closed);
}

#[test]
fn an_address_the_browser_does_not_take_closes_the_attempt() {
    let state = after([
        Action::Connecting(ECHO.into(), at(1)),
        Action::ConnectFailed(ConnectError::InvalidUrl),
    ]);
    assert_eq!(state.phase, Phase::Closed);
    assert!(state.notice.is_some() && state.timeline.is_empty());
}

#[test]
fn a_message_too_large_is_told_with_the_size_that_was_sent() {
    let state = after(opened(ECHO).into_iter().chain([sent("12345", 5), closed(1009, true)]));
    assert_eq!(
        state.notice,
        Some(Notice::Closed {
            code: 1009,
            reason: String::new(),
            last_sent: 5
        })
    );
}

#[test]
fn a_lost_connection_is_told_but_a_normal_end_is_not() {
    let lost = after(opened(ECHO).into_iter().chain([closed(1006, false)]));
    assert!(lost.notice.is_some());
    let ended = after(opened(ECHO).into_iter().chain([closed(1000, true)]));
    assert_eq!(ended.notice, None);
}

#[test]
fn the_next_attempt_takes_the_notice_away() {
    let lost = after(opened(ECHO).into_iter().chain([closed(1006, false)]));
    let again = lost.reduce(Action::Connecting(ECHO.into(), at(100)));
    assert_eq!(again.notice, None);
}

#[test]
fn clearing_keeps_the_connection() {
    let state = after(opened(ECHO).into_iter().chain([sent("a", 5), Action::Clear]));
    assert!(state.timeline.is_empty());
    assert_eq!((state.sent, state.received), (Tally::default(), Tally::default()));
    assert_eq!(state.phase.name(), "open");
}

#[test]
fn a_flood_is_counted_whole_and_kept_in_part() {
    let flood = (0..1000).map(|ms| Action::Received(text("x"), at(ms)));
    let state = after(opened(ECHO).into_iter().chain(flood));
    assert_eq!(state.received.messages, 1000);
    assert_eq!(state.timeline.entries().count(), MAX_ENTRIES);
    assert_eq!(state.timeline.dropped(), 501);
}
