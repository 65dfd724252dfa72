//! Yew: a provider of the client, and hooks for its state and for rooms.
//!
//! [`ClientProvider`] connects and closes. [`use_room`] subscribes to a room for as long as its component is mounted, and
//! what it gives is for the other hooks: [`use_room_events`] calls a function with each event, [`use_room_reducer`]
//! keeps a state that follows from all of them, [`use_presence`] tells who is there. They may be in the same component or
//! in any below it. [`use_publish`] needs no subscription.
//!
//! ```no_run
//! use tidewire_client::{RoomEvent, RoomName, SubscribeOptions, yew::*};
//! use yew::prelude::*;
//!
//! #[derive(PartialEq, Properties)]
//! struct Props {
//!     name: RoomName,
//! }
//!
//! #[component]
//! fn Doorbell(props: &Props) -> Html {
//!     let room = use_room(&props.name, SubscribeOptions::default().presence(true));
//!     let members = use_presence(&room);
//!     let publisher = use_publish(&props.name);
//!     let count = members.len();
//!     use_room_events(&room, move |event| {
//!         if let RoomEvent::Message { .. } = event {
//!             web_sys::console::log_1(&format!("It rings, and {count} hear it.").into());
//!         }
//!     });
//!     let onclick = move |_| {
//!         publisher.publish_then("ring", |outcome| {
//!             if let Err(error) = outcome {
//!                 web_sys::console::warn_1(&error.to_string().into());
//!             }
//!         });
//!     };
//!     html! { <button {onclick}>{ "Ring" }</button> }
//! }
//!
//! #[component]
//! fn App() -> Html {
//!     html! {
//!         <ClientProvider url="ws://127.0.0.1:8080/ws">
//!             if let Ok(name) = RoomName::new("door") {
//!                 <Doorbell {name} />
//!             }
//!         </ClientProvider>
//!     }
//! }
//! ```

mod feed;
mod provider;
mod task;
mod use_client_state;
mod use_presence;
mod use_publish;
mod use_room;
mod use_room_events;
mod use_room_reducer;

pub use provider::{ClientProvider, ClientProviderProps, use_client};
pub use use_client_state::use_client_state;
pub use use_presence::use_presence;
pub use use_publish::{UsePublishHandle, use_publish};
pub use use_room::{UseRoomHandle, use_room};
pub use use_room_events::use_room_events;
pub use use_room_reducer::{UseRoomReducerHandle, use_room_reducer};
