//! A room's log: what is kept, and what a cursor sees.

use std::time::Duration;

use tidewire_protocol::{
    CHUNK_BYTES, Cursor, DecodeError, Epoch, FRAME_OVERHEAD, Frames, Instant, Log, Offset, Position, Retention,
    RoomNumber, decode,
    frame::{Gap, GapCause, Message, Payload, ServerFrame, Start},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROOM: RoomNumber = RoomNumber(3);
const EPOCH: Epoch = Epoch(7);
const START: Instant = Instant::new(Duration::ZERO);
const END: Offset = Offset(u64::MAX);

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
fn read_all(log: &mut Log, cursor: &mut Cursor) -> Vec<Result<u64, Gap>> {
    let mut seen = Vec::new();
    let mut turns = 0..1000;
    while log.has_news(cursor) {
        assert!(turns.next().is_some(), "there is no end: {seen:?}");
        seen.extend(log.read_gap(cursor).map(Err));
        seen.extend(offsets(&log.read(cursor, 20, END)).into_iter().map(Ok));
    }
    assert_eq!(log.read_gap(cursor), None);
    assert!(log.read(cursor, 20, END).is_empty());
    seen
}

fn read_from(log: &mut Log, start: Start) -> Vec<Result<u64, Gap>> {
    let mut cursor = log.cursor(start);
    read_all(log, &mut cursor)
}

fn offsets(frames: &Frames<'_>) -> Vec<u64> {
    let pieces: Vec<_> = frames.chunks().collect();
    assert_eq!(pieces.iter().map(|piece| piece.len()).sum::<usize>(), frames.bytes());
    let offsets: Vec<_> = pieces.iter().flat_map(|piece| decode(piece).map(offset_of)).collect();
    assert_eq!(offsets.len() as u64, frames.count());
    offsets
}

fn offset_of(frame: Result<ServerFrame<'_>, DecodeError>) -> u64 {
    let Ok(ServerFrame::Message(Message {
        room: ROOM,
        offset,
        payload: Payload::Text(text),
        ..
    })) = frame
    else {
        panic!("not a message: {frame:?}");
    };
    assert_eq!(text.trim_end(), offset.0.to_string());
    offset.0
}

fn messages(offsets: impl IntoIterator<Item = u64>) -> Vec<Result<u64, Gap>> {
    offsets.into_iter().map(Ok).collect()
}

#[test]
fn a_cursor_sees_each_message_once_and_in_order() {
    let mut log = log(Retention::default());
    let mut cursor = log.cursor(Start::Now);
    assert_eq!(read_all(&mut log, &mut cursor), []);
    for end in [1, 2, 50] {
        let begin = cursor.position().offset.0 + 1;
        fill(&mut log, end);
        assert_eq!(read_all(&mut log, &mut cursor), messages(begin..=end));
        assert_eq!(cursor.position(), log.head());
    }
}

#[test]
fn a_frame_is_shared_by_all_who_read_it() {
    let mut log = log(Retention::default());
    fill(&mut log, 1);
    let mut read = || {
        let mut cursor = log.cursor(Start::Last(1));
        log.read(&mut cursor, usize::MAX, END).chunks().next().expect("a piece")
    };
    assert_eq!(read().as_ptr(), read().as_ptr());
}

#[test]
fn what_was_appended_together_is_read_as_one_piece() {
    let mut log = log(Retention::default());
    fill(&mut log, 500);
    let mut cursor = log.cursor(Start::Last(500));
    assert_eq!(log.read(&mut cursor, usize::MAX, END).chunks().count(), 1);
}

#[test]
fn a_log_that_is_read_message_by_message_is_in_few_pieces_for_who_comes_later() {
    let mut log = log(Retention::default());
    let mut quick = log.cursor(Start::Now);
    for last in 1..=1000 {
        fill(&mut log, last);
        assert_eq!(offsets(&log.read(&mut quick, usize::MAX, END)), [last]);
    }
    let mut late = log.cursor(Start::Last(1000));
    let frames = log.read(&mut late, usize::MAX, END);
    assert!(frames.chunks().count() <= 10, "{}", frames.chunks().count());
    assert_eq!(offsets(&frames), (1..=1000).collect::<Vec<_>>());
}

/// How long the pieces are of all that is kept.
fn pieces(log: &mut Log) -> Vec<usize> {
    let mut cursor = log.cursor(Start::Last(u32::MAX));
    let frames = log.read(&mut cursor, usize::MAX, END);
    frames.chunks().map(|chunk| chunk.len()).collect()
}

#[test]
fn no_piece_is_empty_however_often_the_end_is_read_and_however_long_a_message_is() {
    let mut log = log(Retention::default());
    fill(&mut log, 3);
    for _ in 0..3 {
        assert_eq!(pieces(&mut log).len(), 1);
    }
    fill(&mut log, 4);
    assert_eq!(pieces(&mut log).len(), 2);
    let long = "l".repeat(CHUNK_BYTES);
    log.append(START, "ann", Payload::Text(&long));
    let lengths = pieces(&mut log);
    assert!(lengths.len() == 3 && !lengths.contains(&0), "{lengths:?}");
}

#[test]
fn a_chunk_that_nobody_read_may_be_as_long_as_a_chunk_may_get() {
    for (over, count) in [(0, 1), (1, 2)] {
        let mut log = log(Retention::default());
        // Beside its text a frame has its kind, its length, the room, its offset and the sender.
        let texts = [
            CHUNK_BYTES - 100 - (1 + 1 + 1 + 1 + 4) - (1 + 2 + 1 + 1 + 4) + over,
            100,
        ];
        for text in texts {
            log.append(START, "ann", Payload::Text(&"t".repeat(text)));
        }
        let lengths = pieces(&mut log);
        assert_eq!((lengths.len(), lengths.iter().sum()), (count, CHUNK_BYTES + over));
    }
}

#[test]
fn a_long_chunk_is_not_copied_for_the_sake_of_a_short_one() {
    let mut log = log(Retention::default());
    for (text, count) in [(2000, 1), (100, 2), (100, 2), (100, 3), (100, 2), (2000, 1)] {
        log.append(START, "ann", Payload::Text(&"t".repeat(text)));
        assert_eq!(pieces(&mut log).len(), count, "{text}");
    }
}

#[test]
fn a_chunk_of_several_messages_is_bounded_and_one_message_may_be_longer() {
    let mut log = log(Retention::default());
    let mut quick = log.cursor(Start::Now);
    for offset in 1..=100 {
        let said = format!("{offset:<1000}");
        log.append(START, "ann", Payload::Text(&said));
        assert_eq!(log.read(&mut quick, usize::MAX, END).count(), 1);
    }
    log.append(START, "ann", Payload::Text(&format!("{:<40000}", 101)));
    let mut late = log.cursor(Start::Last(101));
    let lengths: Vec<_> = log
        .read(&mut late, usize::MAX, END)
        .chunks()
        .map(|chunk| chunk.len())
        .collect();
    let (last, others) = lengths.split_last().expect("some");
    assert!(*last > 40_000, "{lengths:?}");
    assert!(others.iter().all(|length| *length <= CHUNK_BYTES), "{lengths:?}");
}

#[test]
fn a_chunk_that_nobody_read_ends_before_the_message_that_would_make_it_too_long() {
    let mut log = log(Retention::default());
    for (offset, length) in [(1, CHUNK_BYTES - 200), (2, 100), (3, 150)] {
        log.append(START, "ann", Payload::Text(&format!("{offset:<length$}")));
    }
    let mut cursor = log.cursor(Start::Last(3));
    let frames = log.read(&mut cursor, usize::MAX, END);
    assert!(frames.chunks().all(|chunk| chunk.len() <= CHUNK_BYTES));
    assert_eq!(offsets(&frames), [1, 2, 3]);
}

#[test]
fn a_reader_may_stop_before_a_message_and_go_past_it() {
    let mut log = log(Retention::default());
    fill(&mut log, 5);
    let mut cursor = log.cursor(Start::Last(5));
    assert_eq!(offsets(&log.read(&mut cursor, usize::MAX, Offset(2))), [1, 2]);
    assert!(log.read(&mut cursor, usize::MAX, Offset(2)).is_empty());
    cursor.skip();
    assert_eq!(offsets(&log.read(&mut cursor, usize::MAX, END)), [4, 5]);
}

#[test]
fn a_reader_that_did_not_ask_for_its_gap_reads_nothing() {
    let mut log = log(Retention {
        max_messages: 2,
        ..Retention::default()
    });
    fill(&mut log, 5);
    let elsewhere = Position {
        epoch: Epoch(6),
        offset: Offset(4),
    };
    for position in [at(0), at(2), at(6), elsewhere] {
        let mut cursor = log.cursor(Start::After(position));
        assert!(log.read(&mut cursor, usize::MAX, END).is_empty());
        assert_eq!(cursor.position(), position);
    }
}

#[test]
fn frames_may_be_encoded_in_another_way() {
    let mut log = log(Retention::default());
    for said in ["one", "two"] {
        log.append_with(START, |offset, out| {
            out.push(offset.0 as u8);
            out.extend_from_slice(said.as_bytes());
        });
    }
    let mut cursor = log.cursor(Start::Last(2));
    let frames = log.read(&mut cursor, usize::MAX, END);
    assert_eq!(frames.chunks().collect::<Vec<_>>(), [&b"\x01one\x02two"[..]]);
    assert_eq!((frames.count(), frames.bytes()), (2, 8));
}

#[test]
fn a_log_says_how_many_messages_it_keeps() {
    let mut log = log(Retention {
        max_messages: 2,
        ..Retention::default()
    });
    assert!(log.is_empty() && !log.evict_oldest());
    fill(&mut log, 5);
    assert_eq!(log.len(), 2);
    assert!(!log.is_empty() && log.evict_oldest());
    assert_eq!((log.len(), log.head()), (1, at(5)));
    assert!(log.evict_oldest() && log.is_empty());
    assert_eq!((log.bytes(), log.head()), (0, at(5)));
    fill(&mut log, 6);
    assert_eq!(read_from(&mut log, Start::Last(9)), messages([6]));
}

#[test]
fn a_reader_knows_when_it_has_all_there_is() {
    let mut log = log(Retention::default());
    fill(&mut log, 2);
    let mut cursor = log.cursor(Start::Last(2));
    assert!(!log.read(&mut cursor, 0, END).is_all());
    assert!(log.read(&mut cursor, 0, END).is_all());
    assert!(log.read(&mut cursor, 0, END).is_all(), "and when there is nothing more");
}

#[test]
fn a_log_lets_go_of_the_memory_of_what_has_left() {
    let mut log = log(Retention::default());
    fill(&mut log, 2);
    let mut cursor = log.cursor(Start::Last(2));
    let piece = log.read(&mut cursor, usize::MAX, END).chunks().next().expect("a piece");
    assert!(log.evict_oldest() && !piece.is_unique(), "one of its messages is kept");
    assert!(log.evict_oldest() && piece.is_unique());
}

#[test]
fn a_read_is_bounded_but_never_stuck() {
    let mut log = log(Retention::default());
    fill(&mut log, 9);
    let mut cursor = log.cursor(Start::Last(9));
    // A frame of these has 9 bytes.
    for (max_bytes, count) in [(0, 1), (9, 1), (17, 1), (18, 2), (usize::MAX, 4)] {
        assert_eq!(log.read(&mut cursor, max_bytes, END).count(), count, "{max_bytes}");
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
        assert_eq!(read_from(&mut log, start), messages(first..=10), "{start:?}");
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
    assert_eq!(read_all(&mut log, &mut cursor.clone()), messages(1..=3));
    fill(&mut log, 4);
    let gap = Gap {
        room: ROOM,
        cause: GapCause::Evicted,
        from: Offset(1),
        resume: at(1),
    };
    assert_eq!(read_all(&mut log, &mut cursor), [Err(gap), Ok(2), Ok(3), Ok(4)]);
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
        assert_eq!(read_from(&mut log, Start::Last(9)).len(), kept);
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
    assert_eq!(read_from(&mut log, Start::After(at(1))), [Err(gap)]);
}

#[test]
fn a_clock_that_jumps_back_evicts_nothing() {
    let mut log = log(Retention {
        max_age: Duration::from_secs(10),
        ..Retention::default()
    });
    log.append(START + Duration::from_secs(100), "ann", Payload::Text("1"));
    log.evict(START);
    assert_eq!(read_from(&mut log, Start::Last(1)), messages([1]));
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
    assert_eq!(read_from(&mut log, Start::After(before)), [Err(gap), Ok(2), Ok(3)]);
}

#[test]
fn a_reader_that_was_told_more_elsewhere_waits_until_the_log_has_come_as_far() {
    let mut log = log(Retention::default());
    fill(&mut log, 3);
    let mut cursor = log.cursor(Start::After(at(5)));
    assert_eq!(cursor.position(), at(5));
    for last in 3..=5 {
        fill(&mut log, last);
        assert!(!log.has_news(&cursor));
        assert_eq!(read_all(&mut log, &mut cursor), []);
    }
    fill(&mut log, 7);
    assert_eq!(read_all(&mut log, &mut cursor), messages(6..=7));
}

#[test]
fn a_reader_that_is_connected_but_slow_sees_a_gap_between_what_it_had_and_what_is_kept() {
    let mut log = log(Retention {
        max_messages: 4,
        ..Retention::default()
    });
    fill(&mut log, 2);
    let mut cursor = log.cursor(Start::Last(2));
    assert_eq!(read_all(&mut log, &mut cursor), messages(1..=2));
    fill(&mut log, 20);
    let gap = Gap {
        room: ROOM,
        cause: GapCause::Evicted,
        from: Offset(3),
        resume: at(16),
    };
    assert_eq!(
        read_all(&mut log, &mut cursor),
        [Err(gap), Ok(17), Ok(18), Ok(19), Ok(20)]
    );
}

#[test]
fn a_log_that_begins_later_tells_who_is_before_it_what_is_missing() {
    let mut log = Log::starting_after(ROOM, at(5), Retention::default());
    assert_eq!((log.head(), log.len()), (at(5), 0));
    fill(&mut log, 7);
    assert_eq!(read_from(&mut log, Start::Last(9)), messages(6..=7));
    assert_eq!(read_from(&mut log, Start::After(at(5))), messages(6..=7));
    let gap = Gap {
        room: ROOM,
        cause: GapCause::Evicted,
        from: Offset(4),
        resume: at(5),
    };
    assert_eq!(read_from(&mut log, Start::After(at(3))), [Err(gap), Ok(6), Ok(7)]);
}
