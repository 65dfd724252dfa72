use tidewire_client::{Epoch, Gap, GapCause, Offset, RefusalCode, TokenError};
use tidewire_protocol::RoomNumber;

use super::*;
use crate::payload::Body;
use crate::rooms::people::TYPING_LASTS;

fn stamp(ms: u64) -> Stamp {
    Stamp {
        elapsed: Duration::from_millis(ms),
        time_of_day: Duration::from_millis(ms),
    }
}

fn at(offset: u64) -> Position {
    Position {
        epoch: Epoch(1),
        offset: Offset(offset),
    }
}

fn member(id: &str) -> MemberId {
    MemberId::new(id).unwrap()
}

fn text(text: &str) -> OwnedPayload {
    OwnedPayload::Text(text.into())
}

fn said(offset: u64, sender: &str, words: &str) -> RoomEvent {
    RoomEvent::Message {
        position: at(offset),
        sender: Some(member(sender)),
        payload: text(words),
    }
}

fn signal(sender: &str, words: &str) -> RoomEvent {
    RoomEvent::Signal {
        sender: Some(member(sender)),
        payload: text(words),
    }
}

fn heard(events: impl IntoIterator<Item = RoomEvent>) -> Action {
    Action::Heard(events.into_iter().collect(), stamp(1))
}

fn connection(state: ClientState) -> Action {
    let transport = (state == ClientState::Open).then_some(TransportKind::Stream);
    told(state, transport, "me")
}

fn open_over(transport: TransportKind) -> Action {
    told(ClientState::Open, Some(transport), "me")
}

fn open_as(me: &str) -> Action {
    told(ClientState::Open, Some(TransportKind::Stream), me)
}

fn told(state: ClientState, transport: Option<TransportKind>, me: &str) -> Action {
    let me = Some(member(me));
    Action::Connection(Connection { state, transport, me }, stamp(1))
}

fn publishing(number: u64, words: &str) -> Action {
    Action::Publishing(number, Payload::of_text(words), stamp(1))
}

fn after(actions: impl IntoIterator<Item = Action>) -> Rc<State> {
    actions.into_iter().fold(Rc::default(), State::reduce)
}

/// Open, as `me`, in a room after its message 7.
fn joined() -> [Action; 2] {
    [connection(ClientState::Open), heard([RoomEvent::Subscribed(at(7))])]
}

fn and(actions: impl IntoIterator<Item = Action>) -> Rc<State> {
    after(joined().into_iter().chain(actions))
}

fn words(payload: &Payload) -> &str {
    match &payload.body {
        Body::Text(text) => text,
        Body::Binary(_) => "bytes",
    }
}

/// The timeline in short: messages with their offsets, then what is pending.
fn shown(state: &State) -> Vec<String> {
    let entries = state.timeline.entries().map(|entry| match &entry.what {
        What::Message(said) => {
            let mine = if said.is_mine { " mine" } else { "" };
            let doubled = if said.is_doubled { " doubled" } else { "" };
            format!("{} {}{mine}{doubled}", said.position.offset.0, words(&said.payload))
        }
        What::Failed { payload, .. } => format!("failed {}", words(payload)),
        What::Gap(gap) => format!("gap from {}", gap.from.0),
        What::Hole(missing) => format!("hole of {missing}"),
        What::Joined(position) => format!("joined {}", position.offset.0),
        What::Resumed(position) => format!("resumed {}", position.offset.0),
        What::LinkLost(loss) => match loss {
            Loss::Cut => "cut".into(),
            Loss::Blocked(kind) => format!("blocked {kind:?}"),
            Loss::Left(kind) => format!("left {kind:?}"),
            Loss::Unasked => "lost".into(),
        },
        What::Moved(kind) => format!("moved to {kind:?}"),
    });
    let pending = state.timeline.pending().map(|pending| match pending.place {
        Some(place) => format!("pending {} at {}", words(&pending.payload), place.offset.0),
        None => format!("pending {}", words(&pending.payload)),
    });
    entries.chain(pending).collect()
}

#[test]
fn what_is_said_is_shown_in_its_order() {
    let state = and([heard([
        said(8, "ann", "hi"),
        said(9, "me", "hello"),
        said(10, "ann", "bye"),
    ])]);
    assert_eq!(shown(&state), ["joined 7", "8 hi", "9 hello mine", "10 bye"]);
    assert_eq!((state.audit.received, state.audit.lost, state.audit.doubled), (3, 0, 0));
}

#[test]
fn a_publish_is_shown_at_once_and_replaced_by_its_message() {
    let published = || and([publishing(1, "hello")]);
    assert_eq!(shown(&published()), ["joined 7", "pending hello"]);
    let answer_first = published().reduce(Action::Published(1, at(8)));
    assert_eq!(shown(&answer_first), ["joined 7", "pending hello at 8"]);
    assert_eq!(answer_first.timeline.unanswered(), 0);
    let then_message = answer_first.reduce(heard([said(8, "me", "hello")]));
    assert_eq!(shown(&then_message), ["joined 7", "8 hello mine"]);
    let message_first = published().reduce(heard([said(8, "me", "hello")]));
    assert_eq!(shown(&message_first), ["joined 7", "8 hello mine"]);
    let then_answer = message_first.reduce(Action::Published(1, at(8)));
    assert_eq!(shown(&then_answer), ["joined 7", "8 hello mine"]);
}

#[test]
fn what_was_published_while_the_link_was_cut_comes_after_what_others_said() {
    let state = and([
        Action::Switch(Link::Cut),
        connection(ClientState::Offline),
        publishing(1, "mine"),
        Action::Switch(Link::Up),
        connection(ClientState::Open),
        heard([RoomEvent::Subscribed(at(7)), said(8, "ann", "theirs")]),
        heard([said(9, "me", "mine")]),
        Action::Published(1, at(9)),
    ]);
    assert_eq!(
        shown(&state),
        ["joined 7", "cut", "resumed 7", "8 theirs", "9 mine mine"]
    );
    assert_eq!((state.audit.lost, state.audit.doubled), (0, 0));
}

#[test]
fn a_publish_that_fails_stays_in_words() {
    let state = and([
        publishing(1, "a"),
        publishing(2, "b"),
        Action::PublishFailed(1, PublishErrorCause::Unconfirmed, stamp(2)),
    ]);
    assert_eq!(shown(&state), ["joined 7", "failed a", "pending b"]);
}

#[test]
fn an_unconfirmed_publish_that_was_accepted_comes_as_a_message_of_who_one_was() {
    let state = and([
        publishing(1, "a"),
        Action::PublishFailed(1, PublishErrorCause::Unconfirmed, stamp(2)),
        open_as("me again"),
        heard([said(8, "me", "a")]),
    ]);
    assert_eq!(shown(&state), ["joined 7", "failed a", "8 a"]);
}

#[test]
fn a_gap_is_shown_and_is_no_loss() {
    let gap = Gap {
        room: RoomNumber(0),
        cause: GapCause::Evicted,
        from: Offset(8),
        resume: at(20),
    };
    let state = and([
        publishing(1, "within"),
        publishing(2, "after"),
        Action::Published(1, at(15)),
        Action::Published(2, at(21)),
        heard([RoomEvent::Gap(gap), said(21, "me", "after")]),
    ]);
    assert_eq!(shown(&state), ["joined 7", "gap from 8", "21 after mine"]);
    assert_eq!((state.audit.gaps, state.audit.lost), (1, 0));
}

#[test]
fn what_is_lost_or_doubled_in_silence_is_counted_and_shown() {
    let state = and([heard([said(10, "ann", "c"), said(10, "ann", "c")])]);
    assert_eq!(shown(&state), ["joined 7", "hole of 2", "10 c", "10 c doubled"]);
    assert_eq!((state.audit.lost, state.audit.doubled), (2, 1));
}

#[test]
fn a_connection_that_ends_by_itself_is_told_from_one_that_was_cut() {
    let lost = and([connection(ClientState::Waiting(Duration::ZERO))]);
    assert_eq!(shown(&lost), ["joined 7", "lost"]);
    assert_eq!((lost.phase(), &lost.notice), ("waiting", &None));
    let still = lost.reduce(connection(ClientState::Waiting(Duration::from_secs(1))));
    assert_eq!(shown(&still), ["joined 7", "lost"], "told once");
    assert_eq!(still.notice, Some(Notice::Unreachable));
    assert_eq!(still.reduce(connection(ClientState::Open)).notice, None);
}

#[test]
fn a_session_that_moves_says_so_and_why() {
    let [stream, polls] = [TransportKind::Stream, TransportKind::Polls];
    let waiting = || connection(ClientState::Waiting(Duration::ZERO));
    let blocked = and([Action::Block(stream, true), waiting(), waiting(), open_over(polls)]);
    assert_eq!(shown(&blocked), ["joined 7", "blocked Stream", "moved to Polls"]);
    assert_eq!(blocked.transports.in_use, Some(polls));
    let back = blocked.reduce(Action::Block(stream, false));
    let back = back.reduce(open_over(stream));
    assert_eq!(shown(&back)[3..], ["moved to Stream"], "without a break");
    let left = back.reduce(Action::Choose(Choice::Only(polls)));
    let left = left.reduce(connection(ClientState::Connecting));
    let left = left.reduce(open_over(polls));
    assert_eq!(shown(&left)[4..], ["left Stream", "moved to Polls"]);
}

#[test]
fn what_is_blocked_is_not_the_fault_of_the_server() {
    let waiting = || connection(ClientState::Waiting(Duration::ZERO));
    let one = and([Action::Block(TransportKind::Stream, true), waiting(), waiting()]);
    assert_eq!(one.notice, None, "there is another");
    let both = one.reduce(Action::Block(TransportKind::Polls, true)).reduce(waiting());
    assert_eq!(both.notice, Some(Notice::Blocked));
    assert_eq!(both.reduce(connection(ClientState::Open)).notice, None);
}

#[test]
fn the_transports_stay_as_they_are_in_another_room() {
    let state = and([Action::Block(TransportKind::Polls, true), Action::Enter]);
    assert!(state.transports.is_blocked(TransportKind::Polls));
    assert_eq!(state.transports.in_use, Some(TransportKind::Stream));
}

#[test]
fn every_end_has_its_words() {
    let closed = and([connection(ClientState::Closed(CloseCode(4200)))]);
    assert_eq!(
        (closed.phase(), &closed.notice),
        ("closed", &Some(Notice::Closed(CloseCode(4200))))
    );
    let left = and([connection(ClientState::Closed(CloseCode::NORMAL))]);
    assert_eq!(left.notice, None);
    let refused = and([heard([RoomEvent::Ended(RefusalCode::TOO_MANY_ROOMS)])]);
    assert_eq!(refused.notice, Some(Notice::Ended(RefusalCode::TOO_MANY_ROOMS)));
}

#[test]
fn who_is_there_and_who_writes() {
    let state = and([heard([
        RoomEvent::Present(vec![member("me"), member("ann")]),
        RoomEvent::Joined(member("bob")),
        signal("ann", TYPING),
        signal("bob", TYPING),
        signal("me", TYPING),
        signal("cid", "something else"),
    ])]);
    assert_eq!(state.people.present().len(), 3);
    let writing = |state: &State| {
        state
            .people
            .typing()
            .map(|id| id.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(writing(&state), ["ann", "bob"]);
    let state = state.reduce(heard([said(8, "ann", "hi")]));
    assert_eq!(writing(&state), ["bob"], "what was written has come");
    let state = state.reduce(Action::Expire(Duration::from_millis(1) + TYPING_LASTS));
    assert!(writing(&state).is_empty());
}

#[test]
fn another_room_begins_empty_on_the_same_connection() {
    let state = and([
        Action::RoundTrip(Duration::from_millis(1)),
        heard([RoomEvent::Present(vec![member("me")]), said(8, "ann", "hi")]),
        Action::Enter,
        heard([RoomEvent::Subscribed(at(0))]),
    ]);
    assert_eq!(shown(&state), ["joined 0"]);
    assert!(state.people.present().is_empty());
    assert_eq!((state.audit.received, state.phase()), (0, "open"));
    assert_eq!(
        (&state.me, state.round_trips.last()),
        (&Some(member("me")), Some(Duration::from_millis(1)))
    );
}

#[test]
fn clearing_keeps_what_waits_and_where_the_room_is() {
    let state = and([heard([said(8, "ann", "hi")]), publishing(1, "a"), Action::Clear]);
    assert_eq!(shown(&state), ["pending a"]);
    let state = state.reduce(heard([said(10, "ann", "later")]));
    assert_eq!((state.audit.received, state.audit.lost), (1, 1));
}

#[test]
fn a_token_is_wanted_until_the_session_is_open() {
    for (refused, phase) in [
        (ClientState::Unauthorized(TokenError::Expired), "no token"),
        (ClientState::Closed(CloseCode::UNAUTHORIZED), "closed"),
    ] {
        let state = and([connection(refused), connection(ClientState::Connecting), Action::Enter]);
        assert!(state.wants_token, "{refused:?}");
        let state = and([connection(refused)]);
        assert_eq!(state.phase(), phase);
        assert!(
            state
                .notice
                .as_ref()
                .is_some_and(|notice| notice.detail().contains("Paste"))
        );
        let state = State::reduce(state, connection(ClientState::Open));
        assert_eq!((state.wants_token, &state.notice), (false, &None));
    }
    assert!(!and([connection(ClientState::Closed(CloseCode::TAKEN_OVER))]).wants_token);
}

#[test]
fn a_session_that_ended_is_followed_by_another_in_the_same_room() {
    let state = and([
        connection(ClientState::Closed(CloseCode::UNAUTHORIZED)),
        Action::Begin,
        Action::Enter,
    ]);
    assert_eq!((state.session, state.wants_token), (1, true));
}
