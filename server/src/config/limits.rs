//! How much clients may do.

use std::{fmt::Display, str::FromStr};

use clap::Args;
use ipnet::IpNet;
use tidewire_server::{Limits as Library, Rate, Settings, TrustedProxies};

/// Limits of whoever connects.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    /// WebSockets and polls there may be at a time, or none for no limit; one more is answered with 503
    #[arg(long, env = "TIDEWIRE_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = of(|it| it.max_connections), value_parser = limit::<usize>)]
    max_connections: Limit<usize>,

    /// WebSockets and polls of one address there may be at a time, or none; one more is answered with 429
    #[arg(long, env = "TIDEWIRE_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = of(|it| it.max_connections_per_address), value_parser = limit::<usize>)]
    max_connections_per_address: Limit<usize>,

    /// Sessions of one address there may be, or none; one more is closed with 4104
    #[arg(long, env = "TIDEWIRE_MAX_SESSIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = of(|it| it.max_sessions_per_address), value_parser = limit::<usize>)]
    max_sessions_per_address: Limit<usize>,

    /// WebSockets that one address may open, and sessions it may begin over polls: a second, and at once; or none. One more is
    /// answered with 429
    #[arg(long, env = "TIDEWIRE_HANDSHAKES", value_name = "RATE", default_value_t = of(|it| it.handshakes), value_parser = limit::<Rate>)]
    handshakes: Limit<Rate>,

    /// Rooms that one address may have made: a second, and at once; or none. One more is refused with 101
    #[arg(long, env = "TIDEWIRE_NEW_ROOMS", value_name = "RATE", default_value_t = of(|it| it.new_rooms), value_parser = limit::<Rate>)]
    new_rooms: Limit<Rate>,

    /// Members that may be in a room, or none; one more is refused with 103
    #[arg(long, env = "TIDEWIRE_MAX_MEMBERS", value_name = "COUNT", default_value_t = of(|it| it.max_members), value_parser = limit::<usize>)]
    max_members: Limit<usize>,

    /// Messages of one session: a second, and at once; or none. One more is refused with 101; at twice the rate no more are read
    #[arg(long, env = "TIDEWIRE_SESSION_MESSAGES", value_name = "RATE", default_value_t = of(|it| it.session_messages), value_parser = limit::<Rate>)]
    session_messages: Limit<Rate>,

    /// Bytes of one session: a second, and at once; or none. Then no more are read until it is time
    #[arg(long, env = "TIDEWIRE_SESSION_BYTES", value_name = "RATE", default_value_t = of(|it| it.session_bytes), value_parser = limit::<Rate>)]
    session_bytes: Limit<Rate>,

    /// Messages of one address, and requests to /api, which get 429: a second, and at once; or none
    #[arg(long, env = "TIDEWIRE_ADDRESS_MESSAGES", value_name = "RATE", default_value_t = of(|it| it.address_messages), value_parser = limit::<Rate>)]
    address_messages: Limit<Rate>,

    /// Bytes of one address: a second, and at once; or none
    #[arg(long, env = "TIDEWIRE_ADDRESS_BYTES", value_name = "RATE", default_value_t = of(|it| it.address_bytes), value_parser = limit::<Rate>)]
    address_bytes: Limit<Rate>,

    /// Network of proxies that are believed when they say in X-Forwarded-For or Forwarded where a request comes from: `10.0.0.0/8`;
    /// may be given several times, or as a list with commas [default: none]
    #[arg(long, env = "TIDEWIRE_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    trusted_proxy: Vec<IpNet>,
}

/// A limit, or none.
#[derive(Clone, Copy, Debug)]
struct Limit<T>(Option<T>);

impl Limits {
    pub(super) fn apply(&self, settings: &mut Settings) {
        let limits = &mut settings.limits;
        limits.max_connections = self.max_connections.0;
        limits.max_connections_per_address = self.max_connections_per_address.0;
        limits.max_sessions_per_address = self.max_sessions_per_address.0;
        limits.handshakes = self.handshakes.0;
        limits.new_rooms = self.new_rooms.0;
        limits.max_members = self.max_members.0;
        limits.session_messages = self.session_messages.0;
        limits.session_bytes = self.session_bytes.0;
        limits.address_messages = self.address_messages.0;
        limits.address_bytes = self.address_bytes.0;
        limits.trusted_proxies = TrustedProxies::new(self.trusted_proxy.iter().copied());
    }
}

/// The library's default.
fn of<T>(field: impl FnOnce(Library) -> Option<T>) -> Limit<T> {
    Limit(field(Library::default()))
}

fn limit<T: FromStr<Err: Display>>(text: &str) -> Result<Limit<T>, String> {
    match text {
        "none" => Ok(Limit(None)),
        _ => text
            .parse()
            .map(|limit| Limit(Some(limit)))
            .map_err(|error: T::Err| error.to_string()),
    }
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse().map(|address: std::net::IpAddr| address.into());
    address
        .or_else(|_| text.parse())
        .map_err(|_| "not a network such as 10.0.0.0/8".to_owned())
}

impl<T: Display> Display for Limit<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(limit) => limit.fmt(f),
            None => f.write_str("none"),
        }
    }
}
