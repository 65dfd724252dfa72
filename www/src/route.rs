//! The pages, and what names them after the `#` of the address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tidewire_client::RoomName;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A room.
    Rooms(RoomName),
    /// The console.
    Console,
}

impl Route {
    /// The page of a fragment such as `#/rooms/lobby`. What names no page means the rooms, and what names no room the
    /// [`LOBBY`].
    pub(crate) fn of(fragment: &str) -> Self {
        let path = fragment.trim_start_matches('#').trim_matches('/');
        let (page, rest) = path.split_once('/').unwrap_or((path, ""));
        if page == "console" {
            return Self::Console;
        }
        let decoded = percent_decode_str(rest).decode_utf8().unwrap_or_default();
        let name = if page == "rooms" { decoded.trim() } else { "" };
        RoomName::new(name)
            .or_else(|_| RoomName::new(LOBBY))
            .map_or(Self::Console, Self::Rooms)
    }

    /// Its fragment, with the `#`.
    pub(crate) fn fragment(&self) -> String {
        match self {
            Self::Rooms(name) => format!("#/rooms/{}", utf8_percent_encode(name.as_str(), ESCAPED)),
            Self::Console => "#/console".into(),
        }
    }
}

/// The room of who names none.
pub(crate) const LOBBY: &str = "lobby";
/// What is escaped in the name of a room.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> Route {
        Route::Rooms(RoomName::new(name).unwrap())
    }

    #[test]
    fn a_fragment_names_a_page_and_a_room() {
        for (fragment, route) in [
            ("#/console", Route::Console),
            ("#/rooms/harbour", room("harbour")),
            ("#/rooms/two%20words%2Fpart", room("two words/part")),
            ("#/rooms/caf%C3%A9", room("café")),
        ] {
            assert_eq!(Route::of(fragment), route, "{fragment}");
        }
    }

    #[test]
    fn what_names_nothing_leads_to_the_lobby() {
        let long = format!("#/rooms/{}", "r".repeat(129));
        for fragment in [
            "",
            "#",
            "#/",
            "#/rooms",
            "#/rooms/",
            "#/elsewhere/x",
            "#/rooms/%ff",
            "#/rooms/%0a",
            &long,
        ] {
            assert_eq!(Route::of(fragment), room(LOBBY), "{fragment}");
        }
    }

    #[test]
    fn a_rooms_fragment_leads_back_to_it() {
        for name in ["lobby", "a/b", "50% off #1", "☃ & co", "x?y=z"] {
            assert_eq!(Route::of(&room(name).fragment()), room(name), "{name}");
        }
    }
}
