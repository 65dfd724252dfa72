//! How much clients may do.

use std::{fmt::Display, str::FromStr};

use super::help::help;
use clap::Args;
use ipnet::IpNet;
use tidewire_server::{Limits as Library, Rate, Settings, TrustedProxies};

/// Limits of whoever connects.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    #[arg(long, help = help("max_connections"), env = "TIDEWIRE_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = of(|it| it.max_connections), value_parser = limit::<usize>)]
    pub(super) max_connections: Limit<usize>,

    #[arg(long, help = help("max_connections_per_address"), env = "TIDEWIRE_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = of(|it| it.max_connections_per_address), value_parser = limit::<usize>)]
    max_connections_per_address: Limit<usize>,

    #[arg(long, help = help("max_sessions_per_address"), env = "TIDEWIRE_MAX_SESSIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = of(|it| it.max_sessions_per_address), value_parser = limit::<usize>)]
    max_sessions_per_address: Limit<usize>,

    #[arg(long, help = help("handshakes"), env = "TIDEWIRE_HANDSHAKES", value_name = "RATE", default_value_t = of(|it| it.handshakes), value_parser = limit::<Rate>)]
    handshakes: Limit<Rate>,

    #[arg(long, help = help("new_rooms"), env = "TIDEWIRE_NEW_ROOMS", value_name = "RATE", default_value_t = of(|it| it.new_rooms), value_parser = limit::<Rate>)]
    new_rooms: Limit<Rate>,

    #[arg(long, help = help("max_members"), env = "TIDEWIRE_MAX_MEMBERS", value_name = "COUNT", default_value_t = of(|it| it.max_members), value_parser = limit::<usize>)]
    max_members: Limit<usize>,

    #[arg(long, help = help("session_messages"), env = "TIDEWIRE_SESSION_MESSAGES", value_name = "RATE", default_value_t = of(|it| it.session_messages), value_parser = limit::<Rate>)]
    session_messages: Limit<Rate>,

    #[arg(long, help = help("session_bytes"), env = "TIDEWIRE_SESSION_BYTES", value_name = "RATE", default_value_t = of(|it| it.session_bytes), value_parser = limit::<Rate>)]
    session_bytes: Limit<Rate>,

    #[arg(long, help = help("address_messages"), env = "TIDEWIRE_ADDRESS_MESSAGES", value_name = "RATE", default_value_t = of(|it| it.address_messages), value_parser = limit::<Rate>)]
    address_messages: Limit<Rate>,

    #[arg(long, help = help("address_bytes"), env = "TIDEWIRE_ADDRESS_BYTES", value_name = "RATE", default_value_t = of(|it| it.address_bytes), value_parser = limit::<Rate>)]
    address_bytes: Limit<Rate>,

    #[arg(long, help = help("max_partial_bytes"), env = "TIDEWIRE_MAX_PARTIAL_BYTES", value_name = "BYTES", default_value_t = of(|it| it.max_partial_bytes), value_parser = limit::<usize>)]
    max_partial_bytes: Limit<usize>,

    #[arg(long, help = help("max_memory"), env = "TIDEWIRE_MAX_MEMORY", value_name = "BYTES", default_value_t = of(|it| it.max_memory), value_parser = limit::<usize>)]
    max_memory: Limit<usize>,

    /// Network of proxies that are believed when they say in X-Forwarded-For or Forwarded where a request comes from: `10.0.0.0/8`;
    /// may be given several times, or as a list with commas [default: none]
    #[arg(long, env = "TIDEWIRE_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub(super) trusted_proxy: Vec<IpNet>,
}

/// A limit, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit<T>(pub(super) Option<T>);

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
        limits.max_partial_bytes = self.max_partial_bytes.0;
        limits.max_memory = self.max_memory.0;
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
