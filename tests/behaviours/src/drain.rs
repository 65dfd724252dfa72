//! Drain: a server that is to end sends its clients to another, and nothing is lost.

use crate::{
    Setting, Stage,
    actor::{Actor, LOBBY, numbers},
};

/// Servers are replaced one after another, while a client talks and listens.
pub async fn drain(stage: &mut impl Stage) {
    let url = stage.start(Setting::default()).await;
    let mut ann = Actor::enter(stage, &url).await;
    for round in 0..3 {
        let first = round * 20;
        stage.say(LOBBY, first..first + 10).await;
        stage.drain().await;
        stage.say(LOBBY, first + 10..first + 19).await;
        assert_eq!(ann.texts(stage, 19).await, numbers(first..first + 19));
        assert_eq!(ann.say(stage, "ann").await.offset.0, first + 20);
        assert_eq!(ann.hear(stage).await.text, "ann");
    }
}
