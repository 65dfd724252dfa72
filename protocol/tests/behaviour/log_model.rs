//! A room's log beside a plain model of it.

use std::time::Duration;

use crate::model::{Begin, Room, Step};
use proptest::{collection::vec, prelude::*};
use tidewire_protocol::{FRAME_OVERHEAD, Retention};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn step() -> impl Strategy<Value = Step> {
    let begin = prop_oneof![
        Just(Begin::Now),
        prop_oneof![0..12_u32, Just(u32::MAX)].prop_map(Begin::Last),
        prop_oneof![0..40_u64, Just(u64::MAX)].prop_map(Begin::After),
        (0..40_u64).prop_map(Begin::Elsewhere),
    ];
    prop_oneof![
        8 => vec(any::<u8>(), 0..80).prop_map(Step::Append),
        3 => prop_oneof![9 => 0..400_i32, 1 => -400..0_i32].prop_map(Step::Tick),
        1 => Just(Step::Evict),
        2 => begin.prop_map(Step::Begin),
        8 => (any::<usize>(), 0..400_usize).prop_map(|(which, bytes)| Step::Read(which, bytes)),
        1 => Just(Step::Lose),
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    let messages = prop_oneof![0..8_usize, Just(usize::MAX)];
    let bytes = prop_oneof![0..8 * (FRAME_OVERHEAD + 60), Just(usize::MAX)];
    let age = prop_oneof![(0..1000_u64).prop_map(Duration::from_millis), Just(Duration::MAX)];
    (messages, bytes, age).prop_map(|(max_messages, max_bytes, max_age)| Retention {
        max_messages,
        max_bytes,
        max_age,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_reader_sees_each_message_once_in_order_and_a_gap_for_what_is_missing(
        retention in retention(),
        steps in vec(step(), 0..200),
    ) {
        let mut room = Room::new(retention);
        for step in steps {
            room.apply(step);
        }
        room.finish();
    }
}
