//! The socket in a page.
#![cfg(target_arch = "wasm32")]

mod behaviour;
mod common;

use behaviour::tokens::Asking;
use common::{drained, fixture, get, open, round_trip, tagged, within};
use futures_util::{
    FutureExt, StreamExt,
    future::{join, join_all},
};
use tidewire_client::{Client, ClientOptions, ClientState, TransportKind};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// What a client with all defaults talks over first.
async fn first_transport(url: &str) -> Option<TransportKind> {
    let client = Client::connect(url, ClientOptions::default()).expect("an address");
    opened(&client).await;
    client.transport()
}

async fn opened(client: &Client) {
    let mut states = client.states();
    within("connection", async {
        while states.next().await != Some(ClientState::Open) {}
    })
    .await;
}

#[wasm_bindgen_test]
async fn what_worked_at_an_address_is_tried_first_for_half_an_hour() {
    let url = fixture(&format!("/ws?{}", tagged("remembered")));
    let mut options = ClientOptions::default();
    options.transports = vec![TransportKind::Polls, TransportKind::Stream];
    let polling = Client::connect(&url, options).expect("an address");
    opened(&polling).await;
    round_trip().await;
    assert_eq!(first_transport(&url).await, Some(TransportKind::Polls));
    let storage = web_sys::window()
        .and_then(|it| it.local_storage().ok()?)
        .expect("storage");
    for kept in ["polling 0", "polling 1e300", "polling", "pigeon 0", ""] {
        storage.set_item(&format!("tidewire {url}"), kept).expect("a place");
        assert_eq!(first_transport(&url).await, Some(TransportKind::Stream), "{kept}");
    }
}

#[wasm_bindgen_test]
async fn five_tokens_in_a_row_are_renewed_in_place() {
    join(renews(TransportKind::Stream), renews(TransportKind::Polls)).await;
}

async fn renews(kind: TransportKind) {
    let asking = Asking::new(kind, &["2000"]);
    asking.reach(ClientState::Open).await;
    let mut states = asking.client.states();
    assert_eq!(states.next().await, Some(ClientState::Open));
    within("renewals", async {
        while asking.asked.get() < 6 {
            asking.client.round_trip().await;
        }
    })
    .await;
    assert_eq!(states.next().now_or_never(), None, "it was open all the time");
    assert!(asking.shown().await.split(' ').count() >= 5);
}

/// yawc#45: without a `Drop`, 50 sockets connected and dropped were 50 sockets open.
#[wasm_bindgen_test]
async fn a_thousand_sockets_opened_and_dropped_leave_none_open() {
    let tag = tagged("thousand");
    let url = fixture(&format!("/fixture/tagged/{tag}"));
    // Five at a time: Chromium makes a page wait that has many connections pending.
    for _ in 0..200 {
        let batch = join_all((0..5).map(|_| open(&url))).await;
        drop(batch);
    }
    drained(&tag).await;
    assert_eq!(get(&format!("/fixture/opened/{tag}")).await, (200, "1000".into()));
    assert_eq!(get(&format!("/fixture/open/{tag}")).await, (200, "0".into()));
}
