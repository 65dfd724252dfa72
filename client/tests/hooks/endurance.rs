//! Nothing accumulates.

use std::{cell::Cell, rc::Rc};

use tidewire_client::{RoomEvent, RoomName, SubscribeOptions, yew::*};
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

use crate::{
    common::Notes,
    stage::{Mounted, burst, room_name, text, url},
};

/// How many messages there were, and the newest of them.
struct Newest {
    count: u64,
    texts: Vec<String>,
    live: Live,
}

/// How many states there are.
type Live = Rc<Cell<usize>>;

impl Newest {
    fn new(count: u64, texts: Vec<String>, live: Live) -> Self {
        live.set(live.get() + 1);
        Self { count, texts, live }
    }
}

impl Clone for Newest {
    fn clone(&self) -> Self {
        Self::new(self.count, self.texts.clone(), self.live.clone())
    }
}

impl Drop for Newest {
    fn drop(&mut self) {
        self.live.set(self.live.get() - 1);
    }
}

impl Reducible for Newest {
    type Action = RoomEvent;

    fn reduce(self: Rc<Self>, event: RoomEvent) -> Rc<Self> {
        let Some(text) = text(&event) else {
            return self;
        };
        let mut newest = Rc::unwrap_or_clone(self);
        assert_eq!(text, newest.count.to_string());
        newest.count += 1;
        newest.texts.push(text);
        newest.texts.drain(..newest.texts.len().saturating_sub(10));
        Rc::new(newest)
    }
}

#[derive(Clone, PartialEq, Properties)]
struct Props {
    name: RoomName,
    live: Live,
    /// How many the reducer and the callback have had.
    on_counts: Callback<(u64, u64)>,
}

#[component]
fn Listener(props: &Props) -> Html {
    let room = use_room(&props.name, SubscribeOptions::default().last(u32::MAX));
    let newest = use_room_reducer(&room, || Newest::new(0, Vec::new(), props.live.clone()));
    let heard = use_memo((), |()| Cell::new(0));
    props.on_counts.emit((newest.count, heard.get()));
    let callback = heard.clone();
    use_room_events(&room, move |event| {
        if text(event).is_some() {
            callback.set(callback.get() + 1);
        }
    });
    html! { newest.texts.join(" ") }
}

#[component]
fn App(props: &Props) -> Html {
    html! { <ClientProvider url={url()}><Listener ..props.clone() /></ClientProvider> }
}

/// yew 0.22.1 to 0.23: handles that are read for each message keep each state.
#[wasm_bindgen_test]
async fn a_million_messages_leave_nothing_behind() {
    let (name, live, counts) = (room_name(), Live::default(), Rc::new(Cell::new((0, 0))));
    let mut bursts = Notes::new();
    let (latest, pen) = (counts.clone(), bursts.pen());
    let on_counts = Callback::from(move |now: (u64, u64)| {
        let before = latest.replace(now);
        if before.0 / BURST != now.0 / BURST {
            pen(now.0 / BURST);
        }
    });
    let props = Props {
        name: name.clone(),
        live: live.clone(),
        on_counts,
    };
    let mounted = Mounted::<App>::new(props).await;
    let mut half = 0;
    for number in 0..BURSTS {
        if number == BURSTS / 2 {
            half = pages();
        }
        burst(&name, number * BURST, BURST).await;
        bursts.until(|bursts| bursts.contains(&(number + 1))).await;
    }
    assert_eq!(counts.get(), (BURSTS * BURST, BURSTS * BURST));
    assert!(
        pages() <= half + MAX_PAGES,
        "{half} pages at half time, {} at the end",
        pages()
    );
    assert!(live.get() <= 2, "{} states", live.get());
    mounted.unmount().await;
    assert_eq!(live.get(), 0);
}

/// How many pages of 64 KiB the module has.
fn pages() -> usize {
    core::arch::wasm32::memory_size::<0>()
}

/// Messages published at once.
const BURST: u64 = 5_000;
const BURSTS: u64 = 200;
/// A little more than a burst takes that comes whole where the ones before came in parts: not two bytes for each message.
const MAX_PAGES: usize = 12;
