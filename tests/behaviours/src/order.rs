//! Order: everybody hears everything in the order of the log, and what one client says in the order in which it said it.

use crate::{
    Setting, Stage,
    actor::{Actor, accepted},
};

/// Two clients talk at once, with many publishes under way.
pub async fn order(stage: &mut impl Stage) {
    let url = stage.start(Setting::default()).await;
    let mut actors = [Actor::enter(stage, &url).await, Actor::enter(stage, &url).await];
    let mut outcomes = Vec::new();
    for number in 0..EACH {
        for (name, actor) in ["ann", "bob"].into_iter().zip(&actors) {
            outcomes.push((name, number, actor.room.publish(format!("{name} {number}"))));
        }
    }
    let mut log = Vec::new();
    for (name, number, outcome) in outcomes {
        log.push((accepted(stage, outcome).await.offset.0, format!("{name} {number}")));
    }
    log.sort();
    for name in ["ann", "bob"] {
        let own = log.iter().filter(|(_, text)| text.starts_with(name));
        assert!(own.map(|(_, text)| text.as_str()).eq(said_by(name).iter()), "{log:?}");
    }
    for actor in &mut actors {
        for (offset, text) in &log {
            let heard = actor.hear(stage).await;
            assert_eq!((heard.position.offset.0, &heard.text), (*offset, text));
        }
    }
}

fn said_by(name: &str) -> Vec<String> {
    (0..EACH).map(|number| format!("{name} {number}")).collect()
}

const EACH: usize = 100;
