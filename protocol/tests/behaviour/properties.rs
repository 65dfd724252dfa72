//! What holds for every frame, every batch and any bytes at all.

use std::{collections::BTreeSet, fmt::Debug};

use crate::frames::{Parts, parts};
use proptest::{collection::vec, prelude::*, sample::Index, strategy::ValueTree as _, test_runner::TestRunner};
use tidewire_protocol::{
    Frame, decode,
    frame::{ClientFrame, ServerFrame},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Something that happens to a batch on its way.
#[derive(Clone, Debug)]
enum Harm {
    Change(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Cut(Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        4 => (any::<Index>(), 1..=255_u8).prop_map(|(at, bits)| Harm::Change(at, bits)),
        2 => (any::<Index>(), vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        2 => (any::<Index>(), 1..4_usize).prop_map(|(at, count)| Harm::Remove(at, count)),
        1 => any::<Index>().prop_map(Harm::Cut),
    ]
}

impl Harm {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let (Self::Change(at, _) | Self::Insert(at, _) | Self::Remove(at, _) | Self::Cut(at)) = self;
        let end = bytes.len();
        if end == 0 {
            return;
        }
        let at = at.index(end);
        match self {
            Self::Change(_, bits) => bytes[at] ^= bits,
            Self::Insert(_, inserted) => drop(bytes.splice(at..at, inserted.iter().copied())),
            Self::Remove(_, count) => drop(bytes.drain(at..end.min(at + count))),
            Self::Cut(_) => bytes.truncate(at),
        }
    }
}

/// A frame of a kind that nobody knows.
fn unknown() -> impl Strategy<Value = Vec<u8>> {
    (0x80..=0xff_u8, vec(any::<u8>(), 0..100)).prop_map(|(kind, body)| whole(kind, &body))
}

/// A frame of any kind with any body.
fn rough() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![0..4_u8, 0x10..0x18_u8, 0x40..0x50_u8];
    (kind, vec(prop_oneof![0..4_u8, any::<u8>()], 0..40)).prop_map(|(kind, body)| whole(kind, &body))
}

fn whole(kind: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 0x80, "a length of one byte");
    [&[kind, body.len() as u8], body].concat()
}

fn client_bytes(parts: &Parts) -> Vec<u8> {
    let mut bytes = Vec::new();
    parts.client().encode(&mut bytes);
    bytes
}

fn server_bytes(parts: &Parts) -> Vec<u8> {
    let mut bytes = Vec::new();
    parts.server(&mut Vec::new()).encode(&mut bytes);
    bytes
}

/// Takes the first frame off a batch as the document says, and not as the crate does: the frame, its body, and the rest.
fn split(batch: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut length = 0_usize;
    for (index, byte) in batch.get(1..)?.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let (frame, rest) = batch.split_at_checked(2 + index + length)?;
            return Some((frame, &frame[2 + index..], rest));
        }
    }
    None
}

/// Checks that a batch is decoded frame by frame until the first that is bad, and that no frame says what its bytes do
/// not.
fn check_batch<'a, F: Frame<'a> + PartialEq + Debug>(mut batch: &'a [u8]) -> Result<(), TestCaseError> {
    let mut decoded = decode::<F>(batch);
    while let Some((bytes, body, rest)) = split(batch) {
        let alone: Vec<_> = decode::<F>(bytes).collect();
        prop_assert!(alone.len() <= 1);
        if let Some(outcome) = alone.first() {
            let next = decoded.next();
            prop_assert_eq!(next.as_ref(), Some(outcome));
            match outcome {
                Ok(frame) => check_canonical(frame, bytes[0], body)?,
                Err(_) => batch = &[],
            }
        }
        if batch.is_empty() {
            break;
        }
        batch = rest;
    }
    match decoded.next() {
        None => prop_assert!(batch.is_empty()),
        Some(outcome) => prop_assert!(outcome.is_err() && !batch.is_empty()),
    }
    prop_assert_eq!(decoded.next(), None);
    Ok(())
}

/// Checks that a frame written again is what it was read from, but for fields at its end that are not known, and bits
/// of a subscription's options that are not.
fn check_canonical<'a>(frame: &impl Frame<'a>, kind: u8, body: &[u8]) -> Result<(), TestCaseError> {
    let mut again = Vec::new();
    frame.encode(&mut again);
    let (_, body_again, rest) = split(&again).expect("a frame");
    prop_assert!(rest.is_empty() && again[0] == kind);
    let mut body = body[..body.len().min(body_again.len())].to_vec();
    if kind == SUBSCRIBE {
        let options = body
            .iter()
            .position(|byte| byte & 0x80 == 0)
            .expect("the request's end")
            + 1;
        // Without presence a digest means nothing.
        body[options] &= if body[options] & PRESENCE == 0 { 0b0011 } else { 0b1111 };
    }
    prop_assert_eq!(body, body_again);
    Ok(())
}

const SUBSCRIBE: u8 = 0x12;
/// The bit of its options that asks for presence.
const PRESENCE: u8 = 0b0100;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_of_a_client_is_decoded_to_its_frames(parts in vec((parts(), vec(unknown(), 0..2)), 0..6)) {
        let frames = parts.iter().map(|(parts, _)| Ok(parts.client()));
        let bytes = parts.iter().map(|(parts, unknown)| [client_bytes(parts), unknown.concat()].concat());
        let batch: Vec<u8> = bytes.flatten().collect();
        prop_assert_eq!(decode(&batch).collect::<Vec<_>>(), frames.collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_of_a_server_is_decoded_to_its_frames(parts in vec((parts(), vec(unknown(), 0..2)), 0..6)) {
        let mut buffers = vec![Vec::new(); parts.len()];
        let frames = parts.iter().zip(&mut buffers).map(|((parts, _), buffer)| Ok(parts.server(buffer)));
        let bytes = parts.iter().map(|(parts, unknown)| [server_bytes(parts), unknown.concat()].concat());
        let batch: Vec<u8> = bytes.flatten().collect();
        prop_assert_eq!(decode(&batch).collect::<Vec<_>>(), frames.collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_decoded_to_frames_that_they_hold_or_to_an_error(bytes in vec(any::<u8>(), 0..200)) {
        check_batch::<ClientFrame<'_>>(&bytes)?;
        check_batch::<ServerFrame<'_>>(&bytes)?;
    }

    #[test]
    fn any_body_of_a_known_kind_is_decoded_to_what_it_holds_or_to_an_error(frames in vec(rough(), 1..6)) {
        let batch = frames.concat();
        check_batch::<ClientFrame<'_>>(&batch)?;
        check_batch::<ServerFrame<'_>>(&batch)?;
    }

    #[test]
    fn a_damaged_batch_is_decoded_to_what_it_holds_or_to_an_error(
        parts in vec(parts(), 1..4),
        harms in vec(harm(), 1..4),
    ) {
        let mut client: Vec<u8> = parts.iter().flat_map(client_bytes).collect();
        let mut server: Vec<u8> = parts.iter().flat_map(server_bytes).collect();
        for harm in harms {
            harm.apply(&mut client);
            harm.apply(&mut server);
        }
        check_batch::<ClientFrame<'_>>(&client)?;
        check_batch::<ServerFrame<'_>>(&server)?;
    }

    #[test]
    fn what_is_appended_to_a_frame_that_may_grow_is_skipped(parts in parts(), extra in vec(any::<u8>(), 1..10)) {
        let mut buffer = Vec::new();
        for (mut bytes, is_client) in [(client_bytes(&parts), true), (server_bytes(&parts), false)] {
            if ENDS_WITH_REST.contains(&bytes[0]) {
                continue;
            }
            let (_, body, _) = split(&bytes).expect("a frame");
            prop_assume!(body.len() + extra.len() < 0x80);
            bytes = whole(bytes[0], &[body, &extra].concat());
            if is_client {
                prop_assert_eq!(decode(&bytes).collect::<Vec<_>>(), [Ok(parts.client())]);
            } else {
                prop_assert_eq!(decode(&bytes).collect::<Vec<_>>(), [Ok(parts.server(&mut buffer))]);
            }
        }
    }
}

/// The frames whose last field takes all that is left.
const ENDS_WITH_REST: [u8; 8] = [0x14, 0x15, 0x16, 0x17, 0x44, 0x45, 0x49, 0x4a];

/// Frames that were added to the document are to be added to these tests.
#[test]
fn every_kind_of_the_document_is_among_the_frames_tried_here() {
    let documented: BTreeSet<u8> = crate::documented::examples()
        .iter()
        .map(|example| example.bytes[0])
        .collect();
    let mut tried = BTreeSet::new();
    let strategy = parts();
    let mut runner = TestRunner::deterministic();
    for _ in 0..4000 {
        let parts = strategy.new_tree(&mut runner).expect("parts").current();
        tried.extend([client_bytes(&parts)[0], server_bytes(&parts)[0]]);
    }
    assert_eq!(tried, documented);
}
