//! The page: a console for WebSocket endpoints.
//!
//! Tests find its parts by `data-testid`, which are stable:
//!
//! | id | what |
//! | --- | --- |
//! | `endpoint` | the choice of `/echo`, `/chat` or `other`; choosing writes the address |
//! | `address` | the address, which may be typed; a path alone means the page's own server |
//! | `connect`, `disconnect` | the buttons; `aria-disabled="true"` while they have nothing to do |
//! | `close-options` | the button that opens `close-code` and `close-reason` |
//! | `state` | the ready state: its text is `connecting`, `open`, `closing` or `closed` |
//! | `count-sent`, `count-received` | messages, as a number with `,` between thousands; `bytes-sent`, `bytes-received` |
//! | `rtt` | the newest round trip, such as `0.8 ms` |
//! | `alert` | what went wrong last; empty when nothing did |
//! | `timeline` | the log; its entries have `data-kind` `open`, `message`, `sent`, `error` or `close`, and in them `.entry-payload` is the content and `.entry-size` the size |
//! | `dropped` | how many entries the timeline no longer shows; absent while it shows all |
//! | `clear`, `latest` | the buttons that empty the timeline and go to its end (present while that is out of sight) |
//! | `mode-text`, `mode-hex`, `mode-file` | radio buttons: what is sent |
//! | `composer` | the text, or the bytes in hex, to send |
//! | `file` | the file to send |
//! | `send` | the button that sends |
#![forbid(unsafe_code)]

mod address;
mod app;
mod browser;
mod components;
mod format;
mod hex;
mod notice;
mod outbox;
mod round_trip;
mod state;
mod timeline;
mod use_media;
mod use_socket;

fn main() {
    yew::Renderer::<app::App>::new().render();
}
