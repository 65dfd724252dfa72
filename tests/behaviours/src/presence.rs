//! Presence: who is in a room is told, and a cut is not a departure.

use tidewire_client::RoomEvent;

use crate::{Setting, Stage, actor::Actor};

/// A client sees another come, keep its place over cuts, and go.
pub async fn presence(stage: &mut impl Stage) {
    let url = stage.start(Setting::default()).await;
    let mut ann = Actor::enter(stage, &url).await;
    assert_eq!(ann.presence(stage).await, RoomEvent::Present(vec![ann.member()]));
    let mut bob = Actor::enter(stage, &url).await;
    assert_eq!(ann.presence(stage).await, RoomEvent::Joined(bob.member()));
    let mut both = vec![ann.member(), bob.member()];
    both.sort();
    assert_eq!(bob.presence(stage).await, RoomEvent::Present(both.clone()));
    for text in ["one", "two", "three"] {
        stage.cut().await;
        ann.say(stage, text).await;
        bob.say(stage, text).await;
    }
    let mut heard = 0;
    while heard < 6 {
        match ann.event(stage).await {
            RoomEvent::Message { .. } => heard += 1,
            // After a cut it may be told anew, and is the same.
            RoomEvent::Present(members) => assert_eq!(members, both),
            RoomEvent::Subscribed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let theirs = bob.member();
    bob.client.close().await;
    // Who is just being told who is there is not told beside that who has left.
    loop {
        match ann.presence(stage).await {
            RoomEvent::Present(members) if members == both => {}
            RoomEvent::Present(members) => break assert_eq!(members, [ann.member()]),
            left => break assert_eq!(left, RoomEvent::Left(theirs)),
        }
    }
    assert_eq!(ann.room.presence(), [ann.member()]);
}
