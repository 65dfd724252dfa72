//! Through proxies as people have them: the first message comes soon, and a session that moves between WebSockets and polls
//! loses and doubles nothing. In Chromium: `client/tests/behaviours/`.

use std::time::{Duration, Instant};

use tidewire_behaviours::Setting;
use tidewire_client::TransportKind;
use tidewire_tests::NativeStage;
use tokio::time::timeout;

mod first_message {
    use super::*;

    tidewire_behaviours::each_proxy!(tokio::test, comes_soon);
}

mod two_thousand_each_way {
    use super::*;

    tidewire_behaviours::each_proxy!(tokio::test, come_once);
}

fn stage() -> NativeStage {
    NativeStage::over(&[TransportKind::Stream, TransportKind::Polls])
}

async fn comes_soon(proxy: &str, setting: Setting) {
    let begun = Instant::now();
    let mut stage = stage();
    let came = timeout(SOON, tidewire_behaviours::first_message(&mut stage, setting)).await;
    assert!(came.is_ok(), "{proxy}: no message within {SOON:?}");
    println!("{proxy}: the first message took {:?}", begun.elapsed());
}

async fn come_once(proxy: &str, setting: Setting) {
    let begun = Instant::now();
    let mut stage = stage();
    let each_way = tidewire_behaviours::each_way_with_moves(&mut stage, setting).await;
    let traffic = *stage.gateway().traffic().borrow();
    println!(
        "{proxy}: {each_way} messages each way, all once and in order, in {:?}; {traffic:?}",
        begun.elapsed()
    );
}

/// By then the first message has come.
const SOON: Duration = Duration::from_secs(5);
