//! Publishing from a component.

use tidewire_client::{Client, OwnedPayload, Position, PublishError, PublishErrorCause, RoomName, yew::*};
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

use crate::{
    common::{Notes, within},
    stage::{Mounted, room_name, url},
};

type Rendered = (UsePublishHandle, Option<Client>);

#[derive(Clone, PartialEq, Properties)]
struct Props {
    name: RoomName,
    on_render: Callback<Rendered>,
    #[prop_or_default]
    seen: usize,
}

#[component]
fn Speaker(props: &Props) -> Html {
    let publisher = use_publish(&props.name);
    let client = use_client();
    props.on_render.emit((publisher, client));
    html! {}
}

#[component]
fn App(props: &Props) -> Html {
    html! { <ClientProvider url={url()}><Speaker ..props.clone() /></ClientProvider> }
}

fn props(renders: &Notes<Rendered>) -> Props {
    yew::props!(Props {
        name: room_name(),
        on_render: renders.pen(),
    })
}

/// yew-hooks `use_websocket`: `send` of an earlier rendering drops what it is given, without a word.
#[wasm_bindgen_test]
async fn the_handle_of_the_first_rendering_publishes_for_as_long_as_its_component_lives() {
    let mut renders = Notes::new();
    let mut props = props(&renders);
    let mut mounted = Mounted::<App>::new(props.clone()).await;
    renders
        .until(|renders| renders.iter().any(|(_, client)| client.is_some()))
        .await;
    let (first, no_client) = renders.all().remove(0);
    assert_eq!(no_client, None);
    for seen in 1..=3 {
        let position = within("outcome", first.publish("text")).await.expect("accepted");
        assert_eq!(position.offset.0, seen as u64);
        props.seen = seen;
        mounted.update(props.clone()).await;
    }
    assert!(renders.all().iter().all(|(publisher, _)| *publisher == first));
    props.name = room_name();
    mounted.update(props).await;
    let position = within("outcome", first.publish("to the other room"))
        .await
        .expect("accepted");
    assert_eq!(position.offset.0, 1);
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn what_becomes_of_it_is_reported_even_to_a_component_that_is_gone() {
    let (mut renders, mut outcomes) = (Notes::new(), Notes::new());
    let mounted = Mounted::<App>::new(props(&renders)).await;
    renders
        .until(|renders| renders.last().is_some_and(|(_, client)| client.is_some()))
        .await;
    let (publisher, client) = renders.all().pop().expect("rendered");
    publisher.publish_then(vec![0, 255], outcomes.pen());
    outcomes.reach(1).await;
    assert!(matches!(outcomes.all()[0], Ok(Position { offset, .. }) if offset.0 == 1));
    client.expect("connected").go_offline();
    publisher.publish_then("too late", outcomes.pen());
    mounted.unmount().await;
    outcomes.reach(2).await;
    assert_eq!(outcomes.all()[1], Err(closed("too late")));
}

#[wasm_bindgen_test]
async fn publishing_by_a_client_that_has_ended_gives_the_message_back() {
    let mut renders = Notes::new();
    let mounted = Mounted::<App>::new(props(&renders)).await;
    renders
        .until(|renders| renders.last().is_some_and(|(_, client)| client.is_some()))
        .await;
    let (publisher, client) = renders.all().pop().expect("rendered");
    client.expect("connected").close().await;
    assert_eq!(within("outcome", publisher.publish("late")).await, Err(closed("late")));
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn publishing_without_a_client_gives_the_message_back() {
    let renders = Notes::new();
    let mounted = Mounted::<Speaker>::new(props(&renders)).await;
    let (publisher, client) = renders.all().remove(0);
    assert_eq!(client, None);
    assert_eq!(
        within("outcome", publisher.publish("nowhere")).await,
        Err(closed("nowhere"))
    );
    mounted.unmount().await;
}

fn closed(payload: impl Into<OwnedPayload>) -> PublishError {
    PublishError {
        cause: PublishErrorCause::Closed,
        payload: payload.into(),
    }
}
