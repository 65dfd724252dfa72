//! Sessions that several servers share: what the register grants and remembers, and what a server makes of that.

use std::time::Duration;

use tidewire_protocol::{
    Admission, Asked, Checked, Claim, Claimed, CloseCode, ConnectionId, Epoch, Granted, Instant, MemberId, Offset,
    Position, Register, Sequence, SessionId, Sessions, Term,
    frame::{Outcome, RefusalCode},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const START: Instant = Instant::new(Duration::from_secs(100));
const TTL: Duration = Duration::from_secs(20);
const SESSION: SessionId = SessionId([7; 16]);

fn ann() -> MemberId {
    MemberId::new("ann").expect("a name")
}

fn begin(attempt: u64) -> Claim {
    Claim {
        session: SESSION,
        member: ann(),
        begins: true,
        attempt,
        answered: Sequence(0),
        held: None,
        ttl: TTL,
        max_unanswered: 3,
    }
}

fn go_on(attempt: u64, held: Option<Term>) -> Claim {
    Claim {
        begins: false,
        held,
        ..begin(attempt)
    }
}

#[test]
fn a_session_is_its_members_and_stays_what_it_was() {
    let (mut register, term) = begun();
    register.accept(SESSION, Sequence(1), at(1));
    let bob = MemberId::new("bob").expect("a name");
    for claim in [begin(9), go_on(9, None), go_on(9, Some(term))] {
        let foreign = Claim {
            member: bob.clone(),
            ..claim
        };
        assert_eq!(register.claim(START, &foreign), Claimed::Foreign);
    }
    let back = granted(register.claim(START, &go_on(2, Some(term))));
    assert_eq!((back.term, back.accepted), (term, vec![(Sequence(1), at(1))]));
}

fn at(offset: u64) -> Position {
    Position {
        epoch: Epoch(1),
        offset: Offset(offset),
    }
}

fn granted(claimed: Claimed) -> Granted {
    match claimed {
        Claimed::Granted(granted) => granted,
        other => panic!("{other:?}"),
    }
}

/// A register with one session, and its term.
fn begun() -> (Register, Term) {
    let mut register = Register::default();
    assert!(register.is_empty());
    let term = granted(register.claim(START, &begin(1))).term;
    assert_eq!((register.len(), register.is_empty()), (1, false));
    (register, term)
}

#[test]
fn a_session_that_never_began_is_unknown_and_so_is_a_publish_of_it() {
    let mut register = Register::default();
    assert_eq!(register.claim(START, &go_on(1, None)), Claimed::Unknown);
    assert_eq!(register.check(SESSION, Term(1), Sequence(1)), Checked::Unknown);
}

#[test]
fn the_term_stays_with_who_has_it_and_is_a_later_one_for_any_other() {
    let (mut register, first) = begun();
    assert_eq!(granted(register.claim(START, &go_on(2, Some(first)))).term, first);
    let second = granted(register.claim(START, &go_on(3, None))).term;
    assert!(second > first);
    // The first server comes back, with what it remembers.
    let third = granted(register.claim(START, &go_on(4, Some(first)))).term;
    assert!(third > second);
    assert_eq!(register.check(SESSION, second, Sequence(1)), Checked::Superseded);
    assert_eq!(register.check(SESSION, third, Sequence(1)), Checked::New);
}

#[test]
fn an_attempt_that_was_overtaken_gets_nothing_and_the_same_again_does() {
    let (mut register, term) = begun();
    register.claim(START, &go_on(5, Some(term)));
    assert_eq!(register.claim(START, &go_on(4, None)), Claimed::Overtaken);
    assert_eq!(granted(register.claim(START, &go_on(5, Some(term)))).term, term);
}

#[test]
fn what_was_accepted_is_told_to_the_next_and_is_not_accepted_again() {
    let (mut register, term) = begun();
    for sequence in [1, 2, 4, 5] {
        assert_eq!(register.check(SESSION, term, Sequence(sequence)), Checked::New);
        register.accept(SESSION, Sequence(sequence), at(sequence * 10));
    }
    // Three are remembered; of the others it is known that they come too late.
    assert_eq!(register.check(SESSION, term, Sequence(1)), Checked::Superseded);
    assert_eq!(register.check(SESSION, term, Sequence(2)), Checked::Accepted(at(20)));
    assert_eq!(register.check(SESSION, term, Sequence(3)), Checked::Superseded);
    assert_eq!(register.check(SESSION, term, Sequence(5)), Checked::Accepted(at(50)));
    assert_eq!(register.check(SESSION, term, Sequence(6)), Checked::New);
    let claim = Claim {
        answered: Sequence(2),
        ..go_on(2, None)
    };
    let accepted = granted(register.claim(START, &claim)).accepted;
    assert_eq!(accepted, [(Sequence(4), at(40)), (Sequence(5), at(50))]);
}

#[test]
fn a_session_expires_when_its_last_user_has_been_gone_for_its_lifetime() {
    let (mut register, term) = begun();
    assert_eq!(register.expire(START + TTL * 10), []);
    register.claim(START, &go_on(2, Some(term)));
    // An earlier connection's end is told late.
    register.release(START, SESSION, term, 1);
    register.release(START, SESSION, Term(term.0 + 1), 2);
    assert_eq!(register.expire(START + TTL * 10), []);
    register.release(START, SESSION, term, 2);
    register.release(START + TTL / 2, SESSION, term, 2);
    let just_before = START + (TTL - Duration::from_nanos(1));
    assert_eq!(register.expire(just_before), []);
    assert_eq!(granted(register.claim(just_before, &go_on(3, Some(term)))).term, term);
    assert_eq!(register.expire(START + TTL * 10), []);
    register.release(START, SESSION, term, 3);
    assert_eq!(register.expire(START + TTL), [SESSION]);
    assert_eq!(register.claim(START + TTL, &go_on(4, Some(term))), Claimed::Unknown);
}

#[test]
fn who_claims_too_late_finds_nothing_though_nobody_looked_before() {
    let (mut register, term) = begun();
    register.release(START, SESSION, term, 1);
    assert_eq!(register.claim(START + TTL, &go_on(2, Some(term))), Claimed::Unknown);
}

#[test]
fn a_session_is_ended_by_who_has_it_alone() {
    for waits in [false, true] {
        let (mut register, first) = begun();
        let second = granted(register.claim(START, &go_on(2, None))).term;
        register.end(SESSION, first);
        assert_eq!(register.len(), 1);
        if waits {
            register.release(START, SESSION, second, 2);
        }
        register.end(SESSION, second);
        assert!(register.is_empty());
        assert_eq!(register.expire(START + TTL * 2), []);
    }
}

/// What a connection asks for.
fn asked(attempt: u64, answered: u64) -> Asked {
    Asked {
        session: Some(SESSION),
        attempt,
        answered: Sequence(answered),
    }
}

fn grant(term: u64, accepted: &[u64]) -> Granted {
    Granted {
        term: Term(term),
        accepted: accepted.iter().map(|it| (Sequence(*it), at(*it))).collect(),
    }
}

fn adopted(asked: Asked, granted: &Granted) -> (Sessions, tidewire_protocol::Attached) {
    let mut sessions = Sessions::new(TTL, 4, 1);
    let attached = adopt(&mut sessions, 1, asked, granted).expect("a session");
    (sessions, attached)
}

fn adopt(
    sessions: &mut Sessions,
    connection: u64,
    asked: Asked,
    granted: &Granted,
) -> Result<tidewire_protocol::Attached, CloseCode> {
    let ann = MemberId::new("ann").expect("a name");
    sessions.adopt(ConnectionId(connection), asked, SESSION, &ann, granted)
}

#[test]
fn a_server_that_takes_a_session_in_goes_on_where_it_has_come_to() {
    let (mut sessions, attached) = adopted(asked(5, 2), &grant(9, &[3, 5]));
    assert_eq!((attached.outcome, attached.settled), (Outcome::Resumed, Sequence(5)));
    let refused = Err(RefusalCode::UNAVAILABLE);
    let answers = [
        (Sequence(3), Ok(at(3))),
        (Sequence(4), refused),
        (Sequence(5), Ok(at(5))),
    ];
    assert_eq!(attached.answers, answers);
    assert_eq!(sessions.held(SESSION), Some(Term(9)));
    let admitted = sessions.admit(SESSION, ConnectionId(1), Sequence(6));
    assert_eq!(admitted, Some(Admission::New));
}

#[test]
fn a_session_that_begins_in_the_place_of_another_begins_at_its_first_publish() {
    let other = Asked {
        session: Some(SessionId([8; 16])),
        ..asked(5, 40)
    };
    for (asked, outcome) in [
        (other, Outcome::Replaced),
        (Asked { session: None, ..other }, Outcome::New),
    ] {
        let (mut sessions, attached) = adopted(asked, &grant(1, &[]));
        assert_eq!((attached.outcome, attached.settled), (outcome, Sequence(0)));
        let admitted = sessions.admit(SESSION, ConnectionId(1), Sequence(1));
        assert_eq!(admitted, Some(Admission::New));
    }
}

#[test]
fn under_the_same_term_a_server_knows_more_than_the_engine_and_under_a_later_one_less() {
    let (mut sessions, _) = adopted(asked(5, 0), &grant(1, &[]));
    sessions.admit(SESSION, ConnectionId(1), Sequence(1));
    let same = adopt(&mut sessions, 2, asked(6, 0), &grant(1, &[])).expect("a session");
    assert_eq!((same.displaced, same.settled), (Some(ConnectionId(1)), Sequence(0)));
    let pending = sessions.admit(SESSION, ConnectionId(2), Sequence(1));
    assert_eq!(pending, Some(Admission::Pending));
    let later = adopt(&mut sessions, 3, asked(7, 0), &grant(3, &[1])).expect("a session");
    assert_eq!(later.settled, Sequence(1));
    // What was asked under the earlier term is of no use.
    let refused = Err(RefusalCode::REJECTED);
    sessions.admit(SESSION, ConnectionId(3), Sequence(2));
    assert_eq!(sessions.settle(SESSION, Term(1), Sequence(2), refused), None);
    let told = sessions.settle(SESSION, Term(3), Sequence(2), refused);
    assert_eq!(told, Some(ConnectionId(3)));
    let earlier = adopt(&mut sessions, 4, asked(8, 0), &grant(2, &[]));
    assert_eq!(earlier, Err(CloseCode::TAKEN_OVER));
    let overtaken = adopt(&mut sessions, 4, asked(6, 0), &grant(3, &[]));
    assert_eq!(overtaken, Err(CloseCode::TAKEN_OVER));
}

#[test]
fn a_server_has_as_many_sessions_as_it_may_have_wherever_they_come_from() {
    let (mut sessions, _) = adopted(asked(5, 0), &grant(1, &[]));
    assert!(sessions.is_full());
    let ann = MemberId::new("ann").expect("a name");
    let another = sessions.adopt(ConnectionId(2), asked(1, 0), SessionId([8; 16]), &ann, &grant(1, &[]));
    assert_eq!(another, Err(CloseCode::TOO_MANY_SESSIONS));
    assert!(adopt(&mut sessions, 2, asked(6, 0), &grant(2, &[])).is_ok());
    assert!(!Sessions::new(TTL, 4, 1).is_full());
}

#[test]
fn a_session_that_another_server_has_is_forgotten_soon_and_listened_to_no_more() {
    let soon = START + TTL / 4;
    let (mut sessions, _) = adopted(asked(5, 0), &grant(2, &[]));
    assert_eq!(sessions.lose(soon, SESSION, Term(1)), None);
    assert!(sessions.is_attached(SESSION));
    assert_eq!(sessions.lose(soon, SESSION, Term(2)), Some(ConnectionId(1)));
    assert!(!sessions.is_attached(SESSION));
    assert_eq!(sessions.admit(SESSION, ConnectionId(1), Sequence(1)), None);
    sessions.detach(START, SESSION, ConnectionId(1));
    assert_eq!(sessions.next_expiry(), Some(soon));
    // It comes back, and waits, and is lost while it waits.
    adopt(&mut sessions, 2, asked(6, 0), &grant(4, &[])).expect("a session");
    sessions.detach(START, SESSION, ConnectionId(2));
    assert_eq!(sessions.next_expiry(), Some(START + TTL));
    assert_eq!(sessions.lose(soon, SESSION, Term(4)), None);
    assert_eq!(sessions.next_expiry(), Some(soon));
    assert_eq!(sessions.lose(START + TTL, SESSION, Term(4)), None);
    assert_eq!(sessions.next_expiry(), Some(soon), "it is not kept for longer");
    assert_eq!(sessions.expire(soon), [SESSION]);
    assert_eq!((sessions.len(), sessions.next_expiry()), (0, None));
    assert_eq!(sessions.lose(soon, SESSION, Term(4)), None);
}
