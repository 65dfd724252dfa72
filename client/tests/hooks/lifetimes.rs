//! What ends with a component.

use tidewire_client::{RoomEvent, RoomName, SubscribeOptions, yew::*};
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

use crate::{
    common::{Notes, Uncaught, round_trip},
    stage::{Mounted, next, other, room_name, say, url, watch},
};

#[derive(Clone, PartialEq, Properties)]
struct Props {
    name: RoomName,
    is_shown: bool,
    on_event: Callback<RoomEvent>,
}

#[component]
fn Listener(props: &Props) -> Html {
    let room = use_room(&props.name, SubscribeOptions::default().presence(true));
    let on_event = props.on_event.clone();
    use_room_events(&room, move |event| on_event.emit(event.clone()));
    use_presence(&room);
    use_client_state();
    html! {}
}

#[component]
fn App(props: &Props) -> Html {
    html! {
        <ClientProvider url={url()}>
            if props.is_shown {
                <Listener ..props.clone() />
            }
        </ClientProvider>
    }
}

/// yew-hooks `use_websocket`, subxt#1288: handlers that are left behind, or called after they were dropped.
#[wasm_bindgen_test]
async fn unmounting_leaves_the_room_and_nothing_is_called_after() {
    let uncaught = Uncaught::watch();
    let (client, name, notes) = (other(), room_name(), Notes::new());
    let mut events = watch(&client, &name).await;
    let mut props = yew::props!(Props {
        name: name.clone(),
        is_shown: true,
        on_event: notes.pen()
    });
    let mut mounted = Mounted::<App>::new(props.clone()).await;
    // Again and again, as a page does whose person goes to and fro.
    for _ in 0..3 {
        let joined = next(&mut events).await;
        assert!(matches!(joined, RoomEvent::Joined(_)), "{joined:?}");
        props.is_shown = false;
        mounted.update(props.clone()).await;
        let heard = notes.all().len();
        let left = next(&mut events).await;
        assert!(matches!(left, RoomEvent::Left(_)), "{left:?}");
        say(&client, &name, "unheard").await;
        assert!(matches!(next(&mut events).await, RoomEvent::Message { .. }));
        round_trip().await;
        assert_eq!(notes.all().len(), heard);
        props.is_shown = true;
        mounted.update(props.clone()).await;
    }
    assert!(matches!(next(&mut events).await, RoomEvent::Joined(_)));
    mounted.unmount().await;
    let left = next(&mut events).await;
    assert!(
        matches!(left, RoomEvent::Left(_)),
        "the session said farewell: {left:?}"
    );
    assert!(uncaught.all().is_empty());
}

#[wasm_bindgen_test]
async fn a_component_that_takes_the_place_of_another_may_have_the_same_room() {
    #[derive(Clone, PartialEq, Properties)]
    struct Props {
        name: RoomName,
        key: usize,
        on_event: Callback<RoomEvent>,
    }

    #[component]
    fn Keyed(props: &Props) -> Html {
        let Props { name, key, on_event } = props.clone();
        html! {
            <ClientProvider url={url()}>
                <Listener {key} {name} is_shown=true {on_event} />
            </ClientProvider>
        }
    }

    let (name, mut notes) = (room_name(), Notes::new());
    let mut props = Props {
        name,
        key: 0,
        on_event: notes.pen().into(),
    };
    let mut mounted = Mounted::<Keyed>::new(props.clone()).await;
    for key in 1..=3 {
        let begun = |event: &&RoomEvent| matches!(event, RoomEvent::Subscribed(_));
        notes.until(|notes| notes.iter().filter(begun).count() == key).await;
        props.key = key;
        mounted.update(props.clone()).await;
    }
    mounted.unmount().await;
}
