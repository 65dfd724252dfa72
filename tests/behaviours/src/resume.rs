//! Resume: a session and its subscription outlive their transports.

use crate::{
    Setting, Stage,
    actor::{Actor, LOBBY, numbers},
};

/// Connections are cut again and again while the server talks, and the client hears everything once, as the same member.
pub async fn resume(stage: &mut impl Stage) {
    let url = stage.start(Setting::default()).await;
    let mut ann = Actor::enter(stage, &url).await;
    let member = ann.member();
    for round in 0..5 {
        let first = round * 20;
        stage.say(LOBBY, first..first + 10).await;
        stage.cut().await;
        stage.say(LOBBY, first + 10..first + 20).await;
        assert_eq!(ann.texts(stage, 20).await, numbers(first..first + 20));
    }
    assert_eq!(ann.say(stage, "still here").await.offset.0, 101);
    let last = ann.hear(stage).await;
    assert_eq!((last.sender, ann.member()), (Some(member.clone()), member));
}
