//! Takeover: of two connections with one session the later has it, and the other is told.

use tidewire_client::{CloseCode, PublishErrorCause};

use crate::{
    Setting, Stage,
    actor::{Actor, LOBBY, given_back},
};

/// A client whose session is taken over ends with its code. The session goes on as the same member, and nobody else notices.
pub async fn takeover(stage: &mut impl Stage) {
    let url = stage.start(Setting::default()).await;
    let [ann, mut bob] = [Actor::enter(stage, &url).await, Actor::enter(stage, &url).await];
    ann.say(stage, "ann herself").await;
    stage.take_over(&ann.member(), LOBBY).await;
    assert_eq!(ann.ended(stage).await, CloseCode::TAKEN_OVER);
    assert_eq!(
        given_back(stage, &ann.room, "too late").await,
        PublishErrorCause::Closed
    );
    for text in ["ann herself", "taken over"] {
        let heard = bob.hear(stage).await;
        assert_eq!((heard.sender, heard.text.as_str()), (Some(ann.member()), text));
    }
    assert_eq!(bob.say(stage, "bob").await.offset.0, 3);
    assert_eq!(bob.hear(stage).await.text, "bob");
}
