//! The provider, and the state of its client.

use std::{cell::Cell, future::ready, rc::Rc};

use tidewire_client::{Client, ClientOptions, ClientState, CloseCode, ConnectError, TokenError, TokenSource, yew::*};
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

use crate::{
    common::{Notes, fixture, refused},
    stage::{Mounted, next, other, room_name, say, url},
};

#[derive(Clone, PartialEq, Properties)]
struct Props {
    #[prop_or_default]
    url: Option<AttrValue>,
    #[prop_or_default]
    options: ClientOptions,
    #[prop_or_default]
    client: Option<Client>,
    #[prop_or_default]
    on_error: Callback<ConnectError>,
    on_render: Callback<(Option<Client>, ClientState)>,
}

#[derive(PartialEq, Properties)]
struct ShownProps {
    on_render: Callback<(Option<Client>, ClientState)>,
}

#[component]
fn Shown(props: &ShownProps) -> Html {
    let rendered = (use_client(), use_client_state());
    props.on_render.emit(rendered);
    html! {}
}

#[component]
fn App(props: &Props) -> Html {
    let Props {
        url,
        options,
        client,
        on_error,
        on_render,
    } = props.clone();
    html! {
        <ClientProvider {url} {options} {client} {on_error}><Shown {on_render} /></ClientProvider>
    }
}

type Renders = Notes<(Option<Client>, ClientState)>;

fn is(wanted: ClientState) -> impl Fn(&[(Option<Client>, ClientState)]) -> bool {
    move |renders| renders.last().is_some_and(|(_, state)| *state == wanted)
}

fn client(renders: &Renders) -> Client {
    let last = renders.all().pop();
    last.and_then(|(client, _)| client).expect("a client")
}

#[wasm_bindgen_test]
async fn the_state_is_rendered_when_it_changes_and_only_then() {
    let mut renders = Notes::new();
    let on_render = renders.pen();
    let mounted = Mounted::<App>::new(yew::props!(Props { url: url(), on_render })).await;
    renders.until(is(ClientState::Open)).await;
    let client = client(&renders);
    // Nothing of this changes the state.
    say(&client, &room_name(), "text").await;
    assert!(client.round_trip().await.is_some());
    client.go_offline();
    renders.until(is(ClientState::Offline)).await;
    client.go_online();
    renders.until(is(ClientState::Open)).await;
    let states: Vec<_> = renders.all().into_iter().map(|(_, state)| state).collect();
    let (connecting, open) = (ClientState::Connecting, ClientState::Open);
    assert_eq!(
        states,
        [
            ClientState::Idle,
            connecting,
            open,
            ClientState::Offline,
            connecting,
            open
        ]
    );
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn unmounting_closes_what_it_connected() {
    let mut renders = Notes::new();
    let on_render = renders.pen();
    let mounted = Mounted::<App>::new(yew::props!(Props { url: url(), on_render })).await;
    renders.until(is(ClientState::Open)).await;
    let client = client(&renders);
    mounted.unmount().await;
    assert_eq!(client.state(), ClientState::Closed(CloseCode::NORMAL));
}

#[wasm_bindgen_test]
async fn a_client_that_there_is_already_is_used_and_left_open() {
    let (client, mut renders) = (other(), Notes::new());
    let on_render = renders.pen();
    let props = yew::props!(Props {
        url: url(),
        client: client.clone(),
        on_render
    });
    let mounted = Mounted::<App>::new(props).await;
    renders.until(is(ClientState::Open)).await;
    assert!(renders.all().iter().all(|(shown, _)| shown.as_ref() == Some(&client)));
    mounted.unmount().await;
    assert_eq!(client.state(), ClientState::Open);
}

/// yew-hooks `use_websocket`: after a change of the address, the old socket's close reconnects and closes the new one.
#[wasm_bindgen_test]
async fn another_address_or_other_options_are_another_session() {
    let mut renders = Notes::new();
    let mut props = yew::props!(Props {
        url: url(),
        on_render: renders.pen()
    });
    let mut mounted = Mounted::<App>::new(props.clone()).await;
    renders.until(is(ClientState::Open)).await;
    let mut clients = vec![client(&renders)];
    props.url = Some(format!("{}?other", url()).into());
    mounted.update(props.clone()).await;
    renders.until(is(ClientState::Open)).await;
    clients.push(client(&renders));
    props.options.outbox.max_publishes = 10;
    mounted.update(props.clone()).await;
    renders.until(is(ClientState::Open)).await;
    clients.push(client(&renders));
    // The same once more changes nothing.
    mounted.update(props).await;
    assert_eq!(client(&renders), clients[2]);
    let states: Vec<_> = clients.iter().map(Client::state).collect();
    let closed = ClientState::Closed(CloseCode::NORMAL);
    assert_eq!(states, [closed, closed, ClientState::Open]);
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn an_address_that_is_none_is_told_and_leaves_no_client() {
    let (mut renders, errors) = (Notes::new(), Notes::new());
    let mut props = yew::props!(Props {
        url: "nonsense:",
        on_error: errors.pen(),
        on_render: renders.pen(),
    });
    let mut mounted = Mounted::<App>::new(props.clone()).await;
    assert_eq!(errors.all(), [ConnectError::InvalidUrl]);
    assert_eq!(renders.all().last(), Some(&(None, ClientState::Idle)));
    // One that is put right is tried.
    props.url = Some(refused().into());
    mounted.update(props).await;
    renders
        .until(|renders| {
            renders
                .iter()
                .any(|(_, state)| matches!(state, ClientState::Waiting(_)))
        })
        .await;
    assert_eq!(errors.all().len(), 1);
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn without_a_provider_there_is_no_client() {
    let renders = Notes::new();
    let on_render = renders.pen();
    let mounted = Mounted::<Shown>::new(yew::props!(ShownProps { on_render })).await;
    assert_eq!(renders.all(), [(None, ClientState::Idle)]);
    mounted.unmount().await;
}

#[wasm_bindgen_test]
async fn a_provider_that_is_unmounted_at_once_leaves_nothing_open() {
    let renders = Notes::new();
    let on_render = renders.pen();
    let mounted = Mounted::<App>::new(yew::props!(Props { url: url(), on_render })).await;
    let client = client(&renders);
    mounted.unmount().await;
    let mut states = client.states();
    assert!(matches!(next(&mut states).await, ClientState::Closed(_)));
}

#[wasm_bindgen_test]
async fn a_token_is_asked_for_once_though_the_provider_is_rendered_again_and_its_lack_is_rendered() {
    let asked = Rc::<Cell<usize>>::default();
    let mut options = ClientOptions::default();
    options.token = {
        let asked = Rc::clone(&asked);
        TokenSource::ask(move || {
            asked.set(asked.get() + 1);
            ready(Ok::<_, ConnectError>("expired@provider"))
        })
    };
    let mut renders = Notes::new();
    let url = AttrValue::from(fixture("/fixture/tokens/ws"));
    let on_render = renders.pen();
    let props = yew::props!(Props {
        url,
        options,
        on_render
    });
    let mut mounted = Mounted::<App>::new(props.clone()).await;
    mounted.update(props).await;
    renders.until(is(ClientState::Unauthorized(TokenError::Expired))).await;
    assert_eq!(asked.get(), 2, "once for the session, and once since it had expired");
    client(&renders).set_token("good@provider");
    renders.until(is(ClientState::Open)).await;
    mounted.unmount().await;
}
