//! Gap: what can no longer be had is named once, before what follows.

use tidewire_client::{GapCause, Offset, RoomEvent};

use crate::{
    Setting, Stage,
    actor::{Actor, LOBBY, numbers},
};

/// A client is away for longer than the room keeps.
pub async fn gap(stage: &mut impl Stage) {
    let setting = Setting {
        room_messages: 5,
        ..Setting::default()
    };
    let url = stage.start(setting).await;
    let mut ann = Actor::enter(stage, &url).await;
    stage.say(LOBBY, 0..1).await;
    assert_eq!(ann.hear(stage).await.text, "0");
    ann.client.go_offline();
    stage.say(LOBBY, 1..21).await;
    ann.client.go_online();
    let gap = loop {
        match ann.event(stage).await {
            RoomEvent::Gap(gap) => break gap,
            RoomEvent::Message { .. } => panic!("a message before the gap"),
            _ => {}
        }
    };
    assert_eq!(
        (gap.cause, gap.from, gap.resume.offset),
        (GapCause::Evicted, Offset(2), Offset(16))
    );
    let next = ann.hear(stage).await;
    assert_eq!((next.position.offset, next.text.as_str()), (Offset(17), "16"));
    assert_eq!(ann.texts(stage, 4).await, numbers(17..21));
    assert_eq!(ann.say(stage, "on it goes").await.offset, Offset(22));
    assert_eq!(ann.hear(stage).await.text, "on it goes");
}
