//! The provider of the client, and the hook that finds it.

use futures_util::FutureExt;
use yew::prelude::*;

use crate::{Client, ClientOptions, ConnectError};

/// What a [`ClientProvider`] is told.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct ClientProviderProps {
    /// The address of a server's `/ws`. Where it changes, or the options do, the session ends and another begins.
    #[prop_or_default]
    pub url: Option<AttrValue>,
    /// How it connects, and how much it holds. Default: those of [`ClientOptions`].
    ///
    /// A [token source](crate::TokenSource) that is asked equals its clones alone: make it once, with `use_memo`, or each render
    /// would begin another session.
    #[prop_or_default]
    pub options: ClientOptions,
    /// A client that there is already. It is used instead of the address, and not closed.
    #[prop_or_default]
    pub client: Option<Client>,
    /// Called where no connection can be tried. A server that cannot be reached is tried again instead.
    #[prop_or_default]
    pub on_error: Callback<ConnectError>,
    /// Who uses the client.
    #[prop_or_default]
    pub children: Html,
}

/// What is handed down.
#[derive(Clone, Debug, PartialEq)]
struct Provided(Option<Client>);

/// Connects a [`Client`] when it is mounted, hands it to all below, and closes it when it is unmounted.
///
/// It connects in an effect, so not where a page is rendered on a server.
#[component]
pub fn ClientProvider(props: &ClientProviderProps) -> Html {
    let own = use_state(|| None::<Client>);
    let setter = own.setter();
    let on_error = props.on_error.clone();
    let url = props.url.clone().filter(|_| props.client.is_none());
    use_effect_with((url, props.options.clone()), move |(url, options)| {
        let client = url.as_ref().and_then(|url| {
            let connected = Client::connect(url, options.clone());
            connected.map_err(|error| on_error.emit(error)).ok()
        });
        setter.set(client.clone());
        move || close(client)
    });
    let context = Provided(props.client.clone().or_else(|| (*own).clone()));
    html! {
        <ContextProvider<Provided> {context}>{ props.children.clone() }</ContextProvider<Provided>>
    }
}

/// The client of the nearest [`ClientProvider`] above.
///
/// Nothing where there is no provider, where it has not connected yet, which it does right after it was first rendered, and
/// where it could not.
#[hook]
pub fn use_client() -> Option<Client> {
    use_context::<Provided>().and_then(|provided| provided.0)
}

/// Ends a session, so that others see at once that it has left.
fn close(client: Option<Client>) {
    if let Some(client) = client {
        // In a browser the farewell is handed over at once.
        let _ = client.close().now_or_never();
    }
}
