//! Names, codes and rules as people and programs read them; and what nobody is to read.

use tidewire_protocol::{
    CloseCode, DecodeError, MemberId, NameError, OwnedPayload, Reconnect, RoomName, Rule, SessionId,
    frame::{Payload, RefusalCode, Token},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn every_close_code_has_its_number_its_words_and_what_to_do_next() {
    use Reconnect::{AfterDelay, AtOnce, Never};
    let codes = [
        (CloseCode::NORMAL, "1000 normal closure", Never),
        (CloseCode::GOING_AWAY, "1001 going away", AfterDelay),
        (CloseCode::PROTOCOL_ERROR, "1002 protocol error", Never),
        (CloseCode::UNSUPPORTED_DATA, "1003 unsupported data", Never),
        (CloseCode::NO_STATUS, "1005 no status received", AfterDelay),
        (CloseCode::ABNORMAL, "1006 connection lost", AtOnce),
        (CloseCode::INVALID_DATA, "1007 invalid data", Never),
        (CloseCode::POLICY_VIOLATION, "1008 policy violation", Never),
        (CloseCode::MESSAGE_TOO_BIG, "1009 message too big", Never),
        (CloseCode::INTERNAL_ERROR, "1011 internal error", AfterDelay),
        (CloseCode::SERVICE_RESTART, "1012 service restart", AfterDelay),
        (CloseCode::TRY_AGAIN_LATER, "1013 try again later", AfterDelay),
        (CloseCode::SILENT, "4000 silent", AtOnce),
        (CloseCode::TOKEN_EXPIRED, "4001 token expired", AtOnce),
        (CloseCode::FELL_BEHIND, "4100 fell behind", AfterDelay),
        (CloseCode::STALLED, "4101 stalled", AfterDelay),
        (CloseCode::OVERRUN, "4102 overrun", AfterDelay),
        (CloseCode::NO_HELLO, "4103 no hello", AfterDelay),
        (CloseCode::TOO_MANY_SESSIONS, "4104 too many sessions", AfterDelay),
        (CloseCode::TAKEN_OVER, "4200 taken over", Never),
        (CloseCode::UNSUPPORTED_VERSION, "4201 unsupported version", Never),
        (CloseCode::UNAUTHORIZED, "4202 unauthorized", Never),
        (CloseCode::TERMS_BROKEN, "4203 terms broken", Never),
    ];
    for (code, words, reconnect) in codes {
        assert_eq!(code.to_string(), words);
        assert_eq!(format!("{code:?}"), words);
        assert_eq!(code.reconnect(), reconnect, "{code}");
    }
}

#[test]
fn every_rule_has_words_of_its_own_and_an_error_says_them() {
    let rules = [
        (Rule::Truncated, "a part ends before its length says"),
        (Rule::Varint, "a varint is too long"),
        (Rule::OutOfRange, "a number is too large for its field"),
        (Rule::UnknownChoice, "a choice means nothing"),
        (Rule::NotUtf8, "text is not UTF-8"),
        (Rule::EmptyName, "a name is empty"),
        (Rule::NameTooLong, "a name is too long"),
        (Rule::NameControlCharacter, "a name has a control character"),
    ];
    for (rule, words) in rules {
        assert_eq!(rule.text(), words);
        assert_eq!(DecodeError { kind: None, rule }.to_string(), words);
    }
}

#[test]
fn a_refusal_may_pass_from_one_hundred_on() {
    for (code, expected) in [(1, false), (99, false), (100, true), (u16::MAX, true)] {
        assert_eq!(RefusalCode(code).may_pass(), expected, "{code}");
    }
}

#[test]
fn a_payload_has_the_size_of_its_bytes_whichever_kind_it_is() {
    for (payload, bytes) in [
        (Payload::Text(""), &b""[..]),
        (Payload::Text("é!"), "é!".as_bytes()),
        (Payload::Binary(&[]), &[]),
        (Payload::Binary(&[1, 2]), &[1, 2]),
    ] {
        assert_eq!(payload.as_bytes(), bytes);
        assert_eq!((payload.len(), payload.is_empty()), (bytes.len(), bytes.is_empty()));
    }
}

#[test]
fn what_is_wrong_with_a_name_is_said() {
    for (error, words) in [
        (NameError::Empty, "a name is empty"),
        (NameError::TooLong, "a name is too long"),
        (NameError::ControlCharacter, "a name has a control character"),
    ] {
        assert_eq!((error.text(), error.to_string().as_str()), (words, words));
    }
}

#[test]
fn names_are_shown_and_found_as_the_text_they_are() {
    let room = RoomName::new("lobby").expect("a name");
    let member = MemberId::new("ann").expect("a name");
    assert_eq!((room.as_str(), member.as_str()), ("lobby", "ann"));
    assert_eq!(format!("{room:?} {member:?}"), "\"lobby\" \"ann\"");
    let rooms = std::collections::BTreeMap::from([(room, 1)]);
    assert_eq!((rooms.get("lobby"), rooms.get("lobb")), (Some(&1), None));
    let members = std::collections::BTreeMap::from([(member, 1)]);
    assert_eq!((members.get("ann"), members.get("bob")), (Some(&1), None));
}

#[test]
fn secrets_and_what_people_say_are_not_shown() {
    assert_eq!(format!("{:?}", SessionId(*b"sixteen bytes ok")), "SessionId(…)");
    assert_eq!(
        format!("{:?} {:?}", Token(b"secret"), Token(b"")),
        "Token(…) Token(none)"
    );
    assert_eq!(format!("{:?}", Payload::Text("hello")), "Text(5 bytes)");
    assert_eq!(format!("{:?}", Payload::Binary(&[7])), "Binary(1 bytes)");
    assert_eq!(
        format!("{:?}", OwnedPayload::from(Payload::Text("hello"))),
        "Text(5 bytes)"
    );
}
