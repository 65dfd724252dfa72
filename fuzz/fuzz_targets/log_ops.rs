//! Any history of a room's log and of those who read it, beside a plain model of both.
#![no_main]

#[path = "../../protocol/tests/behaviour/model.rs"]
mod model;

use std::time::Duration;

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use model::{Begin, Room, Step};
use tidewire_protocol::Retention;

fuzz_target!(|bytes: &[u8]| {
    let _ = run(&mut Unstructured::new(bytes));
});

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let mut room = Room::new(retention(input)?);
    while !input.is_empty() {
        room.apply(step(input)?);
    }
    room.finish();
    Ok(())
}

/// Small limits, so that they are met.
fn retention(input: &mut Unstructured<'_>) -> Result<Retention> {
    Ok(Retention {
        max_messages: input.arbitrary::<u8>()?.into(),
        max_bytes: input.arbitrary::<u16>()?.into(),
        max_age: Duration::from_millis(input.arbitrary::<u8>()?.into()),
    })
}

fn step(input: &mut Unstructured<'_>) -> Result<Step> {
    Ok(match input.int_in_range(0..=11)? {
        0..=3 => Step::Append(vec![7; input.arbitrary::<u8>()?.into()]),
        4 => Step::Tick(input.arbitrary::<i8>()?.into()),
        5 => Step::Evict,
        6 => Step::Begin(begin(input)?),
        7..=10 => Step::Read(input.arbitrary::<u8>()?.into(), input.arbitrary::<u16>()?.into()),
        _ => Step::Lose,
    })
}

fn begin(input: &mut Unstructured<'_>) -> Result<Begin> {
    Ok(match input.int_in_range(0..=3)? {
        0 => Begin::Now,
        1 => Begin::Last(input.arbitrary()?),
        2 => Begin::After(input.arbitrary::<u8>()?.into()),
        _ => Begin::Elsewhere(input.arbitrary()?),
    })
}
