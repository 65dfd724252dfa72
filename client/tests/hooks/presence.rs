//! Who is in a room.

use tidewire_client::{Client, MemberId, RoomEvent, RoomName, SubscribeOptions, yew::*};
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

use crate::{
    common::Notes,
    stage::{Mounted, next, other, room_name, say, watch},
};

#[derive(Clone, PartialEq, Properties)]
struct Props {
    name: RoomName,
    presence: bool,
    client: Client,
    on_render: Callback<Vec<MemberId>>,
    on_event: Callback<RoomEvent>,
}

#[component]
fn People(props: &Props) -> Html {
    let room = use_room(&props.name, SubscribeOptions::default().presence(props.presence));
    let members = use_presence(&room);
    props.on_render.emit(members.to_vec());
    let on_event = props.on_event.clone();
    use_room_events(&room, move |event| on_event.emit(event.clone()));
    html! {}
}

#[component]
fn App(props: &Props) -> Html {
    html! { <ClientProvider client={props.client.clone()}><People ..props.clone() /></ClientProvider> }
}

#[wasm_bindgen_test]
async fn who_comes_and_goes_is_shown_and_nothing_else_renders() {
    let (client, name) = (other(), room_name());
    let mut renders = Notes::<Vec<MemberId>>::new();
    let mut events = watch(&client, &name).await;
    let me = client.member().expect("welcomed");
    let (shown_client, mut told) = (other(), Notes::new());
    let mounted = Mounted::<App>::new(Props {
        name: name.clone(),
        presence: true,
        client: shown_client.clone(),
        on_render: renders.pen().into(),
        on_event: told.pen().into(),
    })
    .await;
    let RoomEvent::Joined(shown) = next(&mut events).await else {
        panic!("nobody joined");
    };
    renders
        .until(|renders| renders.last().is_some_and(|members| members.len() == 2))
        .await;
    let mut both = vec![me.clone(), shown.clone()];
    both.sort_unstable();
    assert_eq!(renders.all().last(), Some(&both));
    let rendered = renders.all().len();
    say(&client, &name, "no reason to render").await;
    // Who is there is told anew then, and it is the same.
    shown_client.go_offline();
    shown_client.go_online();
    let is_list = |event: &&RoomEvent| matches!(event, RoomEvent::Present(_));
    told.until(|told| told.iter().filter(is_list).count() == 2).await;
    drop(events);
    renders.reach(rendered + 1).await;
    assert_eq!(renders.all()[rendered..], [vec![shown]]);
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn nobody_is_known_where_presence_was_not_asked_for() {
    let (client, name) = (other(), room_name());
    let (renders, mut told) = (Notes::<Vec<MemberId>>::new(), Notes::new());
    let events = watch(&client, &name).await;
    let mounted = Mounted::<App>::new(Props {
        name: name.clone(),
        presence: false,
        client: other(),
        on_render: renders.pen().into(),
        on_event: told.pen().into(),
    })
    .await;
    told.reach(1).await;
    say(&client, &name, "here").await;
    told.reach(2).await;
    assert!(renders.all().iter().all(Vec::is_empty));
    drop(events);
    mounted.unmount().await;
}
