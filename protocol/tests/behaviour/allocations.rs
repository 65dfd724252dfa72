//! What decoding and encoding cost in allocations.

use allocation_counter::measure;
use tidewire_protocol::{
    Frame, Offset, RoomNumber, decode,
    frame::{ClientFrame, Message, Payload, ServerFrame},
};

/// How many allocations it takes to decode a batch, and how many frames and errors that gave.
fn allocations<'a, F: Frame<'a>>(batch: &'a [u8]) -> (u64, usize) {
    let mut count = 0;
    let measured = measure(|| count = decode::<F>(batch).count());
    (measured.count_total, count)
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1_u8]))).count_total, 1);
}

#[test]
fn decoding_allocates_nothing_whatever_the_frame() {
    let examples = crate::documented::examples();
    let batch: Vec<u8> = examples.iter().flat_map(|example| example.bytes.clone()).collect();
    let is_of = |side, part| part == format!("Frames of {side}") || part == "Frames of both";
    let count = |side| examples.iter().filter(|example| is_of(side, example.part)).count();
    assert_eq!(allocations::<ClientFrame<'_>>(&batch), (0, count("the client")));
    assert_eq!(allocations::<ServerFrame<'_>>(&batch), (0, count("the server")));
}

#[test]
fn refusing_allocates_nothing_whatever_a_length_claims() {
    let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let of_the_frame = [&[0x44][..], &longest].concat();
    let of_a_part = [&[0x4d, 14, 5, 0][..], &longest, &[1, 2]].concat();
    for batch in [of_the_frame, of_a_part] {
        assert_eq!(allocations::<ServerFrame<'_>>(&batch), (0, 1));
        assert!(decode::<ServerFrame<'_>>(&batch).all(|frame| frame.is_err()));
    }
}

#[test]
fn a_frame_is_encoded_into_a_batch_with_room_for_it_without_an_allocation() {
    let payload = vec![7; 16_384];
    let message = ServerFrame::Message(Message {
        room: RoomNumber(u32::MAX),
        offset: Offset(u64::MAX),
        sender: &"m".repeat(64),
        payload: Payload::Binary(&payload),
    });
    let mut batch = Vec::new();
    assert!(measure(|| message.encode(&mut batch)).count_total <= 2);
    assert!(batch.capacity() < 3 * payload.len(), "{}", batch.capacity());
    batch.clear();
    assert_eq!(measure(|| message.encode(&mut batch)).count_total, 0);
}
