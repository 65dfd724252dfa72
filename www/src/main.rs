//! The page: rooms to talk in, and a console for WebSocket endpoints.
//!
//! Tests find its parts by `data-testid`, which are stable. Both pages have:
//!
//! | id | what |
//! | --- | --- |
//! | `state` | what the connection is doing, in one word |
//! | `alert` | what went wrong last; empty when nothing did |
//! | `timeline` | the log; its entries have a `data-kind`, and in them `.entry-payload` is the content |
//! | `dropped` | how many entries the timeline no longer shows; absent while it shows all |
//! | `clear`, `latest` | the buttons that empty the timeline and go to its end (present while that is out of sight) |
//! | `count-received` | messages, as a number with `,` between thousands |
//! | `rtt` | the newest round trip, such as `0.8 ms` |
//! | `composer`, `send` | what to send, and the button that sends it |
//!
//! The rooms, at `#/rooms/NAME`:
//!
//! | id | what |
//! | --- | --- |
//! | `state` | `connecting`, `open`, `waiting` (to try again), `offline` or `closed` |
//! | `room`, `join` | the name of a room, and the button that goes there |
//! | `link` | the switch of the link; `aria-checked="false"` while it is cut |
//! | `burst`, `second` | the button that publishes many messages; the link that opens the room once more |
//! | `count-waiting` | publishes that were not answered yet |
//! | `count-lost`, `count-doubled` | messages that the page missed or saw twice, by its own count of offsets |
//! | `timeline` | kinds `message`, `mine`, `pending`, `failed`, `gap`, `hole`, `joined`, `resumed`, `lost`; `.entry-place` is an offset |
//! | `people`, `typing` | who is in the room; who is writing |
//!
//! The console, at `#/console`:
//!
//! | id | what |
//! | --- | --- |
//! | `state` | the ready state: `connecting`, `open`, `closing` or `closed` |
//! | `endpoint` | the choice of `/echo`, `/chat` or `other`; choosing writes the address |
//! | `address` | the address, which may be typed; a path alone means the page's own server |
//! | `connect`, `disconnect` | the buttons; `aria-disabled="true"` while they have nothing to do |
//! | `close-options` | the button that opens `close-code` and `close-reason` |
//! | `count-sent` | as `count-received`; `bytes-sent`, `bytes-received` |
//! | `timeline` | kinds `open`, `message`, `sent`, `error`, `close`; `.entry-size` is the size |
//! | `mode-text`, `mode-hex`, `mode-file` | radio buttons: what is sent |
//! | `file` | the file to send |
#![forbid(unsafe_code)]

mod address;
mod app;
mod browser;
mod components;
mod console;
mod entries;
mod format;
mod hex;
mod payload;
mod recent;
mod rooms;
mod route;
mod stamp;
mod task;
mod use_media;
mod use_route;

fn main() {
    yew::Renderer::<app::App>::new().render();
}
