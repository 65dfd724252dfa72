//! The stage of the list of behaviours: the fixture server has it.

use core::{ops::Range, time::Duration};

use gloo_timers::future::TimeoutFuture;
use serde_json::json;
use tidewire_behaviours::{Rules, Setting, Stage, Traffic};
use tidewire_client::{ClientOptions, MemberId, TransportKind};

use crate::common::request;

/// A stage whose clients have these options.
pub(crate) struct BrowserStage {
    pub(crate) options: ClientOptions,
}

impl BrowserStage {
    /// One whose clients have these transports.
    pub(crate) fn over(transports: &[TransportKind]) -> Self {
        let mut options = ClientOptions::default();
        options.transports = transports.to_vec();
        options.backoff.base = Duration::from_millis(20);
        options.backoff.cap = Duration::from_millis(200);
        Self { options }
    }
}

impl Stage for BrowserStage {
    fn options(&self) -> ClientOptions {
        self.options.clone()
    }

    async fn start(&mut self, setting: Setting) -> String {
        act("start", &json!(setting)).await
    }

    async fn cut(&mut self) {
        act("cut", &json!(null)).await;
    }

    async fn set(&mut self, rules: Rules) {
        act("set", &json!(rules)).await;
    }

    async fn say(&mut self, room: &str, numbers: Range<u64>) {
        act("say", &json!({ "room": room, "numbers": numbers })).await;
    }

    async fn take_over(&mut self, member: &MemberId, room: &str) {
        act("take-over", &json!({ "member": member.as_str(), "room": room })).await;
    }

    async fn drain(&mut self) {
        act("drain", &json!(null)).await;
    }

    async fn traffic(&mut self) -> Traffic {
        serde_json::from_str(&act("traffic", &json!(null)).await).expect("what has gone through the gateway")
    }

    fn after(&self, time: Duration) -> impl Future<Output = ()> {
        TimeoutFuture::new(time.as_millis() as u32)
    }
}

/// Has the fixture server do something on its stage.
async fn act(what: &str, with: &serde_json::Value) -> String {
    let (status, answer) = request("POST", &format!("/fixture/stage/{what}"), Some(&with.to_string())).await;
    assert_eq!(status, 200, "{what}: {answer}");
    answer
}
