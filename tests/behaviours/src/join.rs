//! Join: a client is in a room, and hears what it and others say there.

use tidewire_client::{Offset, RoomEvent, SubscribeOptions};

use crate::{
    Setting, Stage,
    actor::{Actor, Heard, LOBBY, numbers},
};

/// Two clients hear each other and the server, with who said it; one that joins later begins where it asks to.
pub async fn join(stage: &mut impl Stage) {
    let url = stage.start(Setting::default()).await;
    let [mut ann, mut bob] = [Actor::enter(stage, &url).await, Actor::enter(stage, &url).await];
    assert_ne!(ann.member(), bob.member());
    for offset in 1..=2 {
        let talker = if offset == 1 { &ann } else { &bob };
        let text = format!("message {offset}");
        let (position, sender) = (talker.say(stage, &text).await, Some(talker.member()));
        assert_eq!(position.offset, Offset(offset));
        let expected = Heard { position, sender, text };
        for listener in [&mut ann, &mut bob] {
            assert_eq!(listener.hear(stage).await, expected);
        }
    }
    stage.say(LOBBY, 3..6).await;
    let said = ann.hear(stage).await;
    assert_eq!((said.sender, said.text.as_str()), (None, "3"));
    drop(bob.events);
    let options = SubscribeOptions::default().last(2);
    bob.events = bob.room.subscribe(options).expect("the other has ended");
    let begun = bob.event(stage).await;
    assert!(
        matches!(begun, RoomEvent::Subscribed(it) if it.offset == Offset(3)),
        "{begun:?}"
    );
    assert_eq!(bob.texts(stage, 2).await, numbers(4..6));
}
