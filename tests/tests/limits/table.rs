//! The table of limits: what is said of it, and that each limit is tested.

use std::{fmt::Write, fs, path::Path};

use serde_json::Value;
use tidewire_server::{Limits, Settings, limits};
use tidewire_tests::Server;

/// Which tests take each limit to its bound and one past it, by the file that they are in: the first over WebSocket where it
/// applies, then over polls and `/api`.
const TESTED: &[(&str, &[(&str, &str)])] = &[
    (
        "max_connections",
        &[(
            CONNECTIONS,
            "one_connection_more_than_there_may_be_is_answered_with_503_until_one_has_ended",
        )],
    ),
    (
        "max_connections_per_address",
        &[(
            CONNECTIONS,
            "one_connection_more_than_an_address_may_have_is_answered_with_429_until_one_has_ended",
        )],
    ),
    (
        "http_connections",
        &[(
            CONNECTIONS,
            "tcp_connections_in_all_that_say_nothing_are_bounded_and_more_are_dropped",
        )],
    ),
    (
        "http_connections_per_address",
        &[(
            CONNECTIONS,
            "tcp_connections_that_say_nothing_are_bounded_and_more_are_dropped",
        )],
    ),
    (
        "handshakes",
        &[(
            CONNECTIONS,
            "one_handshake_more_than_an_address_may_make_is_answered_with_429",
        )],
    ),
    (
        "addresses",
        &[(
            "server/src/limits/address.rs",
            "those_that_there_is_no_place_for_count_as_one",
        )],
    ),
    (
        "max_sessions",
        &[(ROOMS, "one_session_more_than_there_may_be_is_closed_with_4104")],
    ),
    (
        "max_sessions_per_address",
        &[(
            ADDRESSES,
            "one_session_more_than_an_address_may_have_is_closed_with_4104_until_one_has_ended",
        )],
    ),
    (
        "session_messages",
        &[
            (RATES, "one_publish_more_than_a_session_may_say_is_refused_in_its_place"),
            (
                RATES,
                "one_publish_more_than_a_session_may_say_by_polls_is_refused_and_at_twice_as_many_frames_the_poll_is",
            ),
            (RATES, "one_signal_more_than_a_session_may_say_is_dropped"),
            (
                CONNECTION,
                "a_peer_that_sends_one_frame_too_many_is_read_again_when_it_is_time",
            ),
        ],
    ),
    (
        "session_bytes",
        &[
            (
                CONNECTION,
                "a_peer_that_sends_too_many_bytes_is_read_again_when_it_is_time",
            ),
            (
                RATES,
                "a_poll_of_one_byte_more_than_a_session_or_an_address_may_send_is_answered_with_429",
            ),
        ],
    ),
    (
        "address_messages",
        &[
            (
                RATES,
                "one_message_more_than_an_address_may_say_is_refused_whichever_session_says_it",
            ),
            (
                RATES,
                "one_request_to_the_api_more_than_an_address_may_make_is_answered_with_429",
            ),
            (
                RATES,
                "a_request_to_the_api_with_a_key_is_not_held_to_its_address_and_one_with_a_wrong_key_is",
            ),
        ],
    ),
    (
        "address_bytes",
        &[
            (
                "server/src/limits/throttle.rs",
                "a_connection_waits_for_whichever_takes_longer",
            ),
            (
                RATES,
                "a_poll_of_one_byte_more_than_a_session_or_an_address_may_send_is_answered_with_429",
            ),
        ],
    ),
    (
        "max_subscriptions",
        &[(
            ROOMS,
            "one_subscription_more_than_there_may_be_is_refused_until_another_has_ended",
        )],
    ),
    (
        "max_unanswered",
        &[(
            "tests/tests/engine.rs",
            "one_publish_more_than_may_be_unanswered_breaks_the_terms",
        )],
    ),
    (
        "max_waiting_bytes",
        &[
            ("tests/tests/engine.rs", "more_than_may_wait_for_the_engine_is_not_read"),
            (
                POLLS,
                "a_session_whose_publishes_wait_for_the_engine_gives_no_more_of_them_by_polls",
            ),
        ],
    ),
    (
        "max_rooms",
        &[(ROOMS, "one_room_more_than_there_may_be_is_refused_until_one_is_idle")],
    ),
    (
        "new_rooms",
        &[(
            ADDRESSES,
            "one_room_more_than_an_address_may_have_made_is_refused_and_those_that_are_there_are_not",
        )],
    ),
    (
        "max_members",
        &[(
            ROOMS,
            "one_member_more_than_a_room_may_have_is_refused_until_one_has_left",
        )],
    ),
    (
        "room_messages",
        &[(
            "protocol/tests/behaviour/log.rs",
            "the_oldest_leave_at_the_first_message_over_the_count",
        )],
    ),
    (
        "room_bytes",
        &[(
            "protocol/tests/behaviour/log.rs",
            "the_oldest_leave_at_the_first_byte_over_the_size",
        )],
    ),
    (
        "max_log_bytes",
        &[
            (
                ROOMS,
                "all_rooms_together_keep_no_more_than_they_may_and_the_largest_give_way",
            ),
            (
                "server/src/budget.rs",
                "a_budget_is_overdrawn_by_one_byte_more_than_it_has",
            ),
        ],
    ),
    (
        "backlog_bytes",
        &[(
            "server/src/plain.rs",
            "a_member_falls_behind_at_the_first_byte_over_the_bound",
        )],
    ),
    (
        "max_payload_bytes",
        &[
            (
                ROOMS,
                "a_payload_of_one_byte_more_than_is_taken_is_refused_in_its_place",
            ),
            ("tests/tests/api.rs", "a_body_without_a_length_is_taken_up_to_the_limit"),
        ],
    ),
    (
        "max_message_bytes",
        &[
            ("tests/tests/echo.rs", "the_limit_can_be_set_and_is_exact"),
            (POLLS, "a_batch_of_one_byte_more_than_is_taken_is_answered_with_413"),
        ],
    ),
    (
        "max_partial_bytes",
        &[
            (CONNECTION, "a_message_for_which_there_is_no_memory_ends_its_connection"),
            (POLLS, "a_body_for_which_there_is_no_memory_is_answered_with_503"),
        ],
    ),
    (
        "max_memory",
        &[(
            "tests/tests/limits/memory.rs",
            "memory_under_attack_stays_below_its_bound_and_who_is_connected_goes_on",
        )],
    ),
    (
        "unread_output",
        &[
            ("server/src/outbox.rs", "an_outbox_is_full_at_the_high_water_mark"),
            (CONNECTION, "a_peer_that_pings_and_never_reads_is_not_read_for_ever"),
        ],
    ),
    (
        "request_head",
        &[(
            "tests/tests/handshake.rs",
            "a_request_head_of_more_than_16_kib_gets_431",
        )],
    ),
    (
        "room_name",
        &[(
            ROOMS,
            "a_room_name_of_one_byte_more_than_it_may_have_breaks_the_protocol",
        )],
    ),
];

const ADDRESSES: &str = "tests/tests/limits/addresses.rs";
const CONNECTION: &str = "server/src/connection/tests.rs";
const CONNECTIONS: &str = "tests/tests/limits/connections.rs";
const POLLS: &str = "tests/tests/limits/polls.rs";
const RATES: &str = "tests/tests/limits/rates.rs";
const ROOMS: &str = "tests/tests/limits/rooms.rs";

/// A file of the workspace.
fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn each_limit_is_tested_at_its_bound() {
    let limits = limits(&Settings::default());
    let [named, tested]: [Vec<&str>; 2] = [
        limits.iter().map(|it| it.name).collect(),
        TESTED.iter().map(|it| it.0).collect(),
    ];
    assert_eq!(named, tested, "a limit without a test, or a test without a limit");
    for (name, tests) in TESTED {
        assert!(!tests.is_empty(), "{name}");
        for (file, test) in *tests {
            let text = read(file);
            let (before, _) = text
                .split_once(&format!("fn {test}("))
                .unwrap_or_else(|| panic!("{file} has no {test}"));
            let attribute = before.rsplit("#[").next().unwrap_or_default();
            assert!(
                attribute.starts_with("test]") || attribute.starts_with("tokio::test"),
                "{file}: {test}"
            );
        }
    }
}

/// What `/api/limits` says.
async fn told(server: &Server) -> Vec<Value> {
    let lines = ["GET /api/limits HTTP/1.1".to_owned(), "Host: localhost".to_owned()];
    let (head, body) = server.raw().await.exchange(&lines, b"").await;
    assert_eq!(
        (head.status.as_u16(), head.header("content-type")),
        (200, Some("application/json"))
    );
    let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
    serde_json::from_value(answer["limits"].take()).expect("a list")
}

#[tokio::test]
async fn the_api_tells_what_the_server_was_set_to() {
    let server = Server::start(|settings| {
        settings.max_rooms = 7;
        settings.limits = Limits::none();
        settings.limits.handshakes = tidewire_server::Rate::new(3, 5);
    });
    let limits = told(&server).await;
    let limit = |name: &str| limits.iter().find(|it| it["name"] == name).expect(name);
    assert_eq!(
        (&limit("max_rooms")["value"], &limit("max_rooms")["scope"]),
        (&7.into(), &"server".into())
    );
    assert_eq!(limit("max_connections")["value"], Value::Null);
    assert_eq!(
        (&limit("handshakes")["value"], &limit("handshakes")["burst"]),
        (&3.into(), &5.into())
    );
    let lines = ["POST /api/limits HTTP/1.1".to_owned(), "Host: localhost".to_owned()];
    assert_eq!(server.raw().await.exchange(&lines, b"").await.0.status.as_u16(), 405);
}

#[tokio::test]
async fn the_documented_table_is_what_the_api_tells() {
    let mut table = String::new();
    for limit in told(&Server::start_default()).await {
        let text = |field: &str| limit[field].as_str().expect(field).to_owned();
        let value = match (&limit["value"], &limit["burst"]) {
            (Value::Null, _) => "none".to_owned(),
            (value, Value::Null) => value.to_string(),
            (value, burst) => format!("{value} a second, {burst} at once"),
        };
        let (name, scope, what, at_bound) = (text("name"), text("scope"), text("what"), text("at_bound"));
        writeln!(table, "| `{name}` | {scope} | {what} | {value} | {at_bound} |").expect("memory");
    }
    let documented = read("docs/LIMITS.md");
    assert!(
        documented.contains(&format!("\n{table}\n")),
        "docs/LIMITS.md should have:\n{table}"
    );
}
