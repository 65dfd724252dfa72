//! A state that follows from a room's events.

use std::{cell::Cell, rc::Rc};

use tidewire_client::{RoomEvent, RoomName, SubscribeOptions, yew::*};
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

use crate::{
    common::Notes,
    stage::{Mounted, burst, numbers, other, room_name, say, text, url},
};

/// All that was said, and how many of these states there are.
#[derive(Debug)]
struct Said {
    texts: Vec<String>,
    live: Rc<Cell<usize>>,
}

impl Said {
    fn new(texts: Vec<String>, live: Rc<Cell<usize>>) -> Self {
        live.set(live.get() + 1);
        Self { texts, live }
    }
}

impl Clone for Said {
    fn clone(&self) -> Self {
        Self::new(self.texts.clone(), self.live.clone())
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        self.live.set(self.live.get() - 1);
    }
}

enum Action {
    Event(RoomEvent),
    Clear,
}

impl From<RoomEvent> for Action {
    fn from(event: RoomEvent) -> Self {
        Self::Event(event)
    }
}

impl Reducible for Said {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let text = match action {
            Action::Event(event) => match text(&event) {
                Some(text) => Some(text),
                None => return self,
            },
            Action::Clear => None,
        };
        let mut said = Rc::unwrap_or_clone(self);
        match text {
            Some(text) => said.texts.push(text),
            None => said.texts.clear(),
        }
        Rc::new(said)
    }
}

#[derive(Clone, PartialEq, Properties)]
struct Props {
    name: RoomName,
    #[prop_or_default]
    history: u32,
    #[prop_or_default]
    live: Rc<Cell<usize>>,
    on_render: Callback<Vec<String>>,
    #[prop_or_default]
    on_handle: Callback<UseRoomReducerHandle<Said>>,
}

#[component]
fn Listener(props: &Props) -> Html {
    let room = use_room(&props.name, SubscribeOptions::default().last(props.history));
    let said = use_room_reducer(&room, || Said::new(Vec::new(), props.live.clone()));
    props.on_render.emit(said.texts.clone());
    props.on_handle.emit(said.clone());
    html! { said.texts.join(" ") }
}

#[component]
fn App(props: &Props) -> Html {
    html! { <ClientProvider url={url()}><Listener ..props.clone() /></ClientProvider> }
}

fn props(name: &RoomName, history: u32, renders: &Notes<Vec<String>>) -> Props {
    yew::props!(Props {
        name: name.clone(),
        history,
        on_render: renders.pen(),
    })
}

fn count(renders: &[Vec<String>]) -> usize {
    renders.last().map_or(0, Vec::len)
}

#[wasm_bindgen_test]
async fn a_burst_is_reduced_whole_and_rendered_seldom() {
    let (name, mut renders) = (room_name(), Notes::new());
    burst(&name, 0, 5_000).await;
    let mounted = Mounted::<App>::new(props(&name, 5_000, &renders)).await;
    renders.until(|renders| count(renders) >= 5_000).await;
    assert_eq!(renders.all().last(), Some(&numbers(0..5_000)));
    assert!(renders.all().len() < 500, "{} renderings", renders.all().len());
    assert_eq!(mounted.text(), numbers(0..5_000).join(" "));
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn another_room_begins_with_another_state() {
    let (client, first, second, mut renders) = (other(), room_name(), room_name(), Notes::new());
    say(&client, &first, "first").await;
    say(&client, &second, "second").await;
    let mut mounted = Mounted::<App>::new(props(&first, 1, &renders)).await;
    renders.until(|renders| count(renders) == 1).await;
    let before = renders.all().len();
    mounted.update(props(&second, 1, &renders)).await;
    renders
        .until(|renders| renders.last() == Some(&vec!["second".into()]))
        .await;
    let since = renders.all().split_off(before);
    assert!(since.iter().all(|texts| !texts.contains(&"first".into())), "{since:?}");
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn actions_of_the_components_change_it_too() {
    let (client, name, mut renders, handles) = (other(), room_name(), Notes::new(), Notes::new());
    say(&client, &name, "1").await;
    let mut props = props(&name, 1, &renders);
    props.on_handle = handles.pen().into();
    let mounted = Mounted::<App>::new(props).await;
    renders.until(|renders| count(renders) == 1).await;
    handles.all().last().expect("rendered").dispatch(Action::Clear);
    renders.until(|renders| count(renders) == 0).await;
    say(&client, &name, "2").await;
    renders.until(|renders| renders.last() == Some(&vec!["2".into()])).await;
    mounted.unmount().await;
}

/// yew 0.22.1 to 0.23: a `UseReducerHandle` that is held, and read for each message, keeps each state that it saw.
#[wasm_bindgen_test]
async fn a_handle_that_is_held_and_read_holds_one_state() {
    let (client, name, mut renders) = (other(), room_name(), Notes::new());
    let (live, first) = (Rc::new(Cell::new(0)), Rc::new(std::cell::OnceCell::new()));
    let mut props = props(&name, 1, &renders);
    props.live = live.clone();
    say(&client, &name, "0").await;
    let held = first.clone();
    props.on_handle = Callback::from(move |handle: UseRoomReducerHandle<Said>| {
        if !handle.texts.is_empty() {
            // Read at each rendering.
            assert_eq!(held.get_or_init(|| handle).texts, ["0"]);
        }
    });
    let mounted = Mounted::<App>::new(props).await;
    for number in 1..=100 {
        renders.until(|renders| count(renders) == number).await;
        say(&client, &name, &number.to_string()).await;
        // That which is held, that which is shown, the present one, and one that is being made.
        assert!(live.get() <= 4, "{} states after {number} messages", live.get());
    }
    mounted.unmount().await;
    drop(first);
    assert_eq!(live.get(), 0);
}
