//! Each event of a room, told to a callback.

use std::{cell::RefCell, rc::Rc};

use tidewire_client::{RoomEvent, RoomName, SubscribeError, SubscribeOptions, yew::*};
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

use crate::{
    common::{Notes, Uncaught, round_trip},
    stage::{Mounted, burst, numbers, other, room_name, say, text, url},
};

#[derive(Clone, PartialEq, Properties)]
struct Props {
    name: RoomName,
    #[prop_or_default]
    options: SubscribeOptions,
    /// What the callback sees of the component.
    #[prop_or_default]
    seen: usize,
    on_event: Callback<(usize, RoomEvent)>,
    #[prop_or_default]
    on_render: Callback<usize>,
    /// Whether another component below listens too.
    #[prop_or_default]
    below: Option<Callback<(usize, RoomEvent)>>,
}

#[component]
fn Listener(props: &Props) -> Html {
    let room = use_room(&props.name, props.options);
    let (seen, on_event) = (props.seen, props.on_event.clone());
    use_room_events(&room, move |event| on_event.emit((seen, event.clone())));
    props.on_render.emit(seen);
    html! {
        if let Some(on_event) = props.below.clone() {
            <Below {room} {on_event} />
        }
    }
}

#[derive(PartialEq, Properties)]
struct BelowProps {
    room: UseRoomHandle,
    on_event: Callback<(usize, RoomEvent)>,
}

#[component]
fn Below(props: &BelowProps) -> Html {
    let on_event = props.on_event.clone();
    use_room_events(&props.room, move |event| on_event.emit((0, event.clone())));
    html! {}
}

#[component]
fn App(props: &Props) -> Html {
    html! { <ClientProvider url={url()}><Listener ..props.clone() /></ClientProvider> }
}

fn props(name: &RoomName, notes: &Notes<(usize, RoomEvent)>) -> Props {
    yew::props!(Props {
        name: name.clone(),
        on_event: notes.pen(),
    })
}

fn begun(notes: &[(usize, RoomEvent)]) -> usize {
    let is_begun = |(_, event): &&(usize, RoomEvent)| matches!(event, RoomEvent::Subscribed(_));
    notes.iter().filter(is_begun).count()
}

fn texts(notes: &[(usize, RoomEvent)]) -> Vec<String> {
    notes.iter().filter_map(|(_, event)| text(event)).collect()
}

/// yew#2421, agentuity/sdk#3: of messages that come in one tick, a hook that keeps the last as state shows one.
#[wasm_bindgen_test]
async fn a_burst_is_told_whole_in_order_and_once() {
    let (name, mut notes, renders) = (room_name(), Notes::new(), Notes::new());
    let mut props = props(&name, &notes);
    props.on_render = renders.pen().into();
    let mounted = Mounted::<App>::new(props).await;
    notes.until(|notes| begun(notes) == 1).await;
    let rendered = renders.all().len();
    burst(&name, 0, 5_000).await;
    notes.until(|notes| notes.len() > 5_000).await;
    round_trip().await;
    assert_eq!(texts(&notes.all()), numbers(0..5_000));
    assert_eq!(renders.all().len(), rendered, "nothing was rendered for events");
    mounted.unmount().await;
}

/// yew-hooks `use_websocket`: callbacks are those of the rendering in which the socket was made.
#[wasm_bindgen_test]
async fn the_latest_callback_is_called_and_nothing_begins_anew() {
    let (client, name, mut notes) = (other(), room_name(), Notes::new());
    let mut props = props(&name, &notes);
    let mut mounted = Mounted::<App>::new(props.clone()).await;
    notes.until(|notes| begun(notes) == 1).await;
    for seen in 1..=20 {
        props.seen = seen;
        mounted.update(props.clone()).await;
        say(&client, &name, &seen.to_string()).await;
        let count = seen;
        notes.until(|notes| texts(notes).len() == count).await;
        assert_eq!(notes.all().last().map(|(seen, _)| *seen), Some(seen));
    }
    assert_eq!(begun(&notes.all()), 1);
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn another_name_is_another_room_and_the_first_is_told_no_more() {
    let (client, first, second) = (other(), room_name(), room_name());
    let (mut notes, mut later) = (Notes::new(), Notes::new());
    let mut mounted = Mounted::<App>::new(props(&first, &notes)).await;
    notes.until(|notes| begun(notes) == 1).await;
    mounted.update(props(&second, &later)).await;
    later.until(|notes| begun(notes) == 1).await;
    say(&client, &first, "first").await;
    say(&client, &second, "second").await;
    later.until(|notes| !texts(notes).is_empty()).await;
    assert_eq!(texts(&later.all()), ["second"]);
    assert_eq!(notes.all().len(), 1);
    // And back, within one rendering of the other.
    mounted.update(props(&first, &notes)).await;
    notes.until(|notes| begun(notes) == 2).await;
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn other_options_subscribe_anew() {
    let (name, mut notes) = (room_name(), Notes::new());
    let mut props = props(&name, &notes);
    let mut mounted = Mounted::<App>::new(props.clone()).await;
    notes.until(|notes| begun(notes) == 1).await;
    burst(&name, 0, 3).await;
    notes.until(|notes| texts(notes).len() == 3).await;
    props.options = SubscribeOptions::default().last(2);
    mounted.update(props).await;
    notes.until(|notes| texts(notes).len() == 5).await;
    assert_eq!(texts(&notes.all()), ["0", "1", "2", "1", "2"]);
    assert_eq!(begun(&notes.all()), 2);
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn a_component_below_hears_the_same_and_one_that_comes_later_what_follows() {
    let (client, name) = (other(), room_name());
    let (mut above, mut below, mut later) = (Notes::new(), Notes::new(), Notes::new());
    let mut props = props(&name, &above);
    props.below = Some(below.pen().into());
    let mut mounted = Mounted::<App>::new(props.clone()).await;
    above.until(|notes| begun(notes) == 1).await;
    say(&client, &name, "1").await;
    below.until(|notes| texts(notes).len() == 1).await;
    assert_eq!(begun(&below.all()), 1);
    props.below = None;
    mounted.update(props.clone()).await;
    say(&client, &name, "2").await;
    above.until(|notes| texts(notes).len() == 2).await;
    props.below = Some(later.pen().into());
    mounted.update(props).await;
    say(&client, &name, "3").await;
    later.until(|notes| texts(notes).len() == 1).await;
    assert_eq!(texts(&above.all()), ["1", "2", "3"]);
    assert_eq!(texts(&below.all()), ["1"]);
    assert_eq!(texts(&later.all()), ["3"]);
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn a_callback_may_end_its_own_component() {
    let (uncaught, client, name) = (Uncaught::watch(), other(), room_name());
    let (app, mut notes) = (Rc::new(RefCell::new(None)), Notes::new());
    let mut props = props(&name, &notes);
    let (pen, in_callback) = (notes.pen(), app.clone());
    props.on_event = Callback::from(move |note: (usize, RoomEvent)| {
        if text(&note.1).is_some()
            && let Some(app) = in_callback.take()
        {
            AppHandle::<App>::destroy(app);
        }
        pen(note);
    });
    app.replace(Some(Mounted::<App>::new(props).await.into_app()));
    notes.until(|notes| begun(notes) == 1).await;
    say(&client, &name, "the end").await;
    notes.until(|notes| !texts(notes).is_empty()).await;
    say(&client, &name, "unheard").await;
    round_trip().await;
    assert_eq!(texts(&notes.all()), ["the end"]);
    assert!(uncaught.all().is_empty());
}

#[derive(PartialEq, Properties)]
struct TwiceProps {
    name: RoomName,
    on_errors: Callback<[Option<SubscribeError>; 2]>,
}

#[component]
fn Twice(props: &TwiceProps) -> Html {
    let first = use_room(&props.name, SubscribeOptions::default());
    let second = use_room(&props.name, SubscribeOptions::default());
    props.on_errors.emit([first.error(), second.error()]);
    html! {}
}

#[component]
fn TwiceApp(props: &TwiceProps) -> Html {
    let (name, on_errors) = (props.name.clone(), props.on_errors.clone());
    html! { <ClientProvider url={url()}><Twice {name} {on_errors} /></ClientProvider> }
}

#[wasm_bindgen_test]
async fn a_room_that_is_subscribed_to_already_is_an_error() {
    let (name, mut errors) = (room_name(), Notes::new());
    let on_errors = errors.pen().into();
    let mounted = Mounted::<TwiceApp>::new(TwiceProps { name, on_errors }).await;
    let expected = [None, Some(SubscribeError::AlreadySubscribed)];
    errors.until(|errors| errors.last() == Some(&expected)).await;
    mounted.unmount().await;
}
