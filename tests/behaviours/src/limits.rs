//! Limits: each refusal has its code, gives back what was refused, and the rest goes on.

use tidewire_client::{NameError, PublishErrorCause, RefusalCode, RoomEvent, SubscribeOptions};

use crate::{
    Setting, Stage,
    actor::{Actor, accepted, given_back},
};

/// A message that is too big, one publish too many, names that are none, one room too many.
pub async fn limits(stage: &mut impl Stage) {
    let setting = Setting {
        max_payload_bytes: 10,
        max_subscriptions: 2,
        ..Setting::default()
    };
    let url = stage.start(setting).await;
    let mut options = stage.options();
    options.outbox.max_publishes = 4;
    let mut ann = Actor::enter_with(stage, &url, options).await;

    let too_big = given_back(stage, &ann.room, "12345678901").await;
    assert_eq!(too_big, PublishErrorCause::Refused(RefusalCode::PAYLOAD_TOO_BIG));
    assert_eq!(ann.say(stage, "1234567890").await.offset.0, 1);

    ann.client.go_offline();
    let waiting = ["1", "2", "3", "4"].map(|text| ann.room.publish(text));
    assert_eq!(given_back(stage, &ann.room, "5").await, PublishErrorCause::Full);
    ann.client.go_online();
    for (offset, outcome) in (2..).zip(waiting) {
        assert_eq!(accepted(stage, outcome).await.offset.0, offset);
    }

    for (name, why) in [
        (String::new(), NameError::Empty),
        ("a\nb".into(), NameError::ControlCharacter),
        ("r".repeat(129), NameError::TooLong),
    ] {
        assert_eq!(ann.client.room(&name).expect_err("no name"), why);
    }
    let [second, third] = ["second", "third"].map(|name| ann.client.room(name).expect("a name"));
    let _kept = second.subscribe(SubscribeOptions::default()).expect("once");
    let events = third.subscribe(SubscribeOptions::default()).expect("once");
    let lobby = core::mem::replace(&mut ann.events, events);
    let refused = ann.event(stage).await;
    assert_eq!(refused, RoomEvent::Ended(RefusalCode::TOO_MANY_SUBSCRIPTIONS));
    ann.events = lobby;
    assert_eq!(ann.texts(stage, 5).await, ["1234567890", "1", "2", "3", "4"]);
}
