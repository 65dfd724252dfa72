//! Publish across a cut: what was not answered is sent again, and accepted once.

use crate::{
    Setting, Stage,
    actor::{Actor, accepted},
};

/// Connections are cut while publishes are under way.
pub async fn publish_across_a_cut(stage: &mut impl Stage) {
    let url = stage.start(Setting::default()).await;
    let mut ann = Actor::enter(stage, &url).await;
    let mut offset = 0;
    for _ in 0..5 {
        let outcomes: Vec<_> = (0..10)
            .map(|number| ann.room.publish((offset + number).to_string()))
            .collect();
        stage.cut().await;
        for outcome in outcomes {
            let position = accepted(stage, outcome).await;
            let heard = ann.hear(stage).await;
            assert_eq!((heard.text, heard.position), (offset.to_string(), position));
            offset += 1;
            assert_eq!(position.offset.0, offset);
        }
    }
}
