//! A room's log: what is kept, and what a cursor sees.

use std::time::Duration;

use tidewire_protocol::{
    Cursor, Epoch, FRAME_OVERHEAD, Instant, Log, Next, Offset, Position, Retention, RoomNumber, decode,
    frame::{Gap, GapCause, Message, Payload, ServerFrame, Start},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROOM: RoomNumber = RoomNumber(3);
const EPOCH: Epoch = Epoch(7);
const START: Instant = Instant(Duration::ZERO);

fn log(retention: Retention) -> Log {
    Log::new(ROOM, EPOCH, retention)
}

fn at(offset: u64) -> Position {
    Position {
        epoch: EPOCH,
        offset: Offset(offset),
    }
}

/// Appends messages whose payloads are their offsets, up to this one.
fn fill(log: &mut Log, last: u64) {
    while log.head().offset.0 < last {
        let said = (log.head().offset.0 + 1).to_string();
        let position = log.append(START, "ann", Payload::Text(&said));
        assert_eq!(position.offset.0.to_string(), said);
    }
}

/// All that a cursor sees until the log's end: offsets and gaps, in order.
fn read_all(log: &Log, cursor: &mut Cursor) -> Vec<Result<u64, Gap>> {
    let mut seen = Vec::new();
    loop {
        assert!(seen.len() < 1000, "there is no end: {seen:?}");
        assert_eq!(log.has_news(cursor), log.read(&mut cursor.clone(), 1) != Next::Nothing);
        match log.read(cursor, 20) {
            Next::Nothing => return seen,
            Next::Gap(gap) => seen.push(Err(gap)),
            Next::Frames(frames) => seen.extend(frames.iter().map(|frame| Ok(offset_of(frame)))),
        }
    }
}

fn offset_of(frame: &[u8]) -> u64 {
    let frames: Vec<_> = decode(frame).collect();
    let [
        Ok(ServerFrame::Message(Message {
            room: ROOM,
            offset,
            payload: Payload::Text(text),
            ..
        })),
    ] = frames[..]
    else {
        panic!("not one message: {frames:?}");
    };
    assert_eq!(text, offset.0.to_string());
    offset.0
}

fn messages(offsets: impl IntoIterator<Item = u64>) -> Vec<Result<u64, Gap>> {
    offsets.into_iter().map(Ok).collect()
}

#[test]
fn a_cursor_sees_each_message_once_and_in_order() {
    let mut log = log(Retention::default());
    let mut cursor = log.cursor(Start::Now);
    assert_eq!(read_all(&log, &mut cursor), []);
    for end in [1, 2, 50] {
        let begin = cursor.position().offset.0 + 1;
        fill(&mut log, end);
        assert_eq!(read_all(&log, &mut cursor), messages(begin..=end));
        assert_eq!(cursor.position(), log.head());
    }
}

#[test]
fn a_frame_is_shared_by_all_who_read_it() {
    let mut log = log(Retention::default());
    fill(&mut log, 1);
    let read = || match log.read(&mut log.cursor(Start::Last(1)), usize::MAX) {
        Next::Frames(frames) => frames[0].clone(),
        other => panic!("{other:?}"),
    };
    assert!(std::sync::Arc::ptr_eq(&read(), &read()));
}

#[test]
fn a_read_is_bounded_but_never_stuck() {
    let mut log = log(Retention::default());
    fill(&mut log, 9);
    let mut cursor = log.cursor(Start::Last(9));
    // A frame of these has 9 bytes.
    for (max_bytes, count) in [(0, 1), (9, 1), (17, 1), (18, 2), (usize::MAX, 4)] {
        let Next::Frames(frames) = log.read(&mut cursor, max_bytes) else {
            panic!("nothing")
        };
        assert_eq!(frames.len(), count, "{max_bytes}");
    }
}

#[test]
fn a_subscription_begins_where_it_asks_to() {
    let mut log = log(Retention {
        max_messages: 5,
        ..Retention::default()
    });
    fill(&mut log, 10);
    for (start, first) in [
        (Start::Now, 11),
        (Start::Last(0), 11),
        (Start::Last(3), 8),
        (Start::Last(5), 6),
        (Start::Last(u32::MAX), 6),
        (Start::After(at(5)), 6),
        (Start::After(at(9)), 10),
        (Start::After(at(10)), 11),
    ] {
        assert_eq!(
            read_all(&log, &mut log.cursor(start)),
            messages(first..=10),
            "{start:?}"
        );
    }
}

#[test]
fn the_oldest_leave_at_the_first_message_over_the_count() {
    let mut log = log(Retention {
        max_messages: 3,
        ..Retention::default()
    });
    let mut cursor = log.cursor(Start::Now);
    fill(&mut log, 3);
    assert_eq!(read_all(&log, &mut cursor.clone()), messages(1..=3));
    fill(&mut log, 4);
    let gap = Gap {
        room: ROOM,
        cause: GapCause::Evicted,
        from: Offset(1),
        resume: at(1),
    };
    assert_eq!(read_all(&log, &mut cursor), [Err(gap), Ok(2), Ok(3), Ok(4)]);
}

#[test]
fn the_oldest_leave_at_the_first_byte_over_the_size() {
    // The frames of the first nine messages have 9 bytes each.
    let cost = 9 + FRAME_OVERHEAD;
    for (max_bytes, kept) in [(3 * cost, 3), (3 * cost - 1, 2), (0, 0)] {
        let mut log = log(Retention {
            max_bytes,
            ..Retention::default()
        });
        fill(&mut log, 9);
        assert_eq!(log.bytes(), kept * cost);
        assert_eq!(read_all(&log, &mut log.cursor(Start::Last(9))).len(), kept);
    }
}

#[test]
fn the_oldest_leave_a_moment_after_their_age() {
    let age = Duration::from_secs(10);
    let mut log = log(Retention {
        max_age: age,
        ..Retention::default()
    });
    fill(&mut log, 2);
    log.evict(START + age);
    assert_eq!(log.bytes(), 2 * (9 + FRAME_OVERHEAD));
    log.evict(START + age + Duration::from_nanos(1));
    assert_eq!(log.bytes(), 0);
    assert_eq!(log.head(), at(2));
    let gap = Gap {
        room: ROOM,
        cause: GapCause::Evicted,
        from: Offset(2),
        resume: at(2),
    };
    assert_eq!(read_all(&log, &mut log.cursor(Start::After(at(1)))), [Err(gap)]);
}

#[test]
fn a_clock_that_jumps_back_evicts_nothing() {
    let mut log = log(Retention {
        max_age: Duration::from_secs(10),
        ..Retention::default()
    });
    log.append(START + Duration::from_secs(100), "ann", Payload::Text("1"));
    log.evict(START);
    assert_eq!(read_all(&log, &mut log.cursor(Start::Last(1))), messages([1]));
}

#[test]
fn a_position_of_another_life_of_the_log_is_one_gap_and_then_all_that_is_kept() {
    let mut log = log(Retention {
        max_messages: 2,
        ..Retention::default()
    });
    fill(&mut log, 3);
    let before = Position {
        epoch: Epoch(6),
        offset: Offset(40),
    };
    let gap = Gap {
        room: ROOM,
        cause: GapCause::LogLost,
        from: Offset(41),
        resume: at(1),
    };
    assert_eq!(
        read_all(&log, &mut log.cursor(Start::After(before))),
        [Err(gap), Ok(2), Ok(3)]
    );
}

#[test]
fn a_position_past_the_end_is_not_of_this_life_either() {
    let mut log = log(Retention::default());
    fill(&mut log, 3);
    let gap = Gap {
        room: ROOM,
        cause: GapCause::LogLost,
        from: Offset(5),
        resume: at(0),
    };
    assert_eq!(
        read_all(&log, &mut log.cursor(Start::After(at(4)))),
        [Err(gap), Ok(1), Ok(2), Ok(3)]
    );
}

#[test]
fn a_reader_that_is_connected_but_slow_sees_a_gap_between_what_it_had_and_what_is_kept() {
    let mut log = log(Retention {
        max_messages: 4,
        ..Retention::default()
    });
    fill(&mut log, 2);
    let mut cursor = log.cursor(Start::Last(2));
    assert_eq!(read_all(&log, &mut cursor), messages(1..=2));
    fill(&mut log, 20);
    let gap = Gap {
        room: ROOM,
        cause: GapCause::Evicted,
        from: Offset(3),
        resume: at(16),
    };
    assert_eq!(read_all(&log, &mut cursor), [Err(gap), Ok(17), Ok(18), Ok(19), Ok(20)]);
}
