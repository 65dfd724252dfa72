//! Limits and intervals of the room protocol.

use std::time::Duration;

use clap::Args;
use humantime::parse_duration;
use tidewire_server::Settings;

use super::help::help;

/// Limits and intervals of `/ws` and `/api`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rooms")]
pub(super) struct Rooms {
    #[arg(long, help = help("room_messages"), env = "TIDEWIRE_ROOM_MESSAGES", value_name = "COUNT", default_value_t = Settings::default().retention.max_messages)]
    room_messages: usize,

    #[arg(long, help = help("room_bytes"), env = "TIDEWIRE_ROOM_BYTES", value_name = "BYTES", default_value_t = Settings::default().retention.max_bytes)]
    room_bytes: usize,

    /// Time for which a room keeps a message
    #[arg(long, env = "TIDEWIRE_ROOM_AGE", value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    room_age: Duration,

    #[arg(long, help = help("max_log_bytes"), env = "TIDEWIRE_MAX_LOG_BYTES", value_name = "BYTES", default_value_t = Settings::default().max_log_bytes)]
    max_log_bytes: usize,

    #[arg(long, help = help("max_rooms"), env = "TIDEWIRE_MAX_ROOMS", value_name = "COUNT", default_value_t = Settings::default().max_rooms)]
    max_rooms: usize,

    /// Time for which an empty room that nobody is in is remembered, so that positions in it stay good
    #[arg(long, env = "TIDEWIRE_ROOM_TTL", value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    room_ttl: Duration,

    #[arg(long, help = help("max_sessions"), env = "TIDEWIRE_MAX_SESSIONS", value_name = "COUNT", default_value_t = Settings::default().max_sessions)]
    max_sessions: usize,

    /// Time for which a session waits for its client's return
    #[arg(long, env = "TIDEWIRE_SESSION_TTL", value_name = "TIME", default_value = "2m", value_parser = parse_duration)]
    session_ttl: Duration,

    /// Time for which a member that is back stays in a room that it has not asked for again
    #[arg(long, env = "TIDEWIRE_PRESENCE_GRACE", value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    presence_grace: Duration,

    #[arg(long, help = help("max_subscriptions"), env = "TIDEWIRE_MAX_SUBSCRIPTIONS", value_name = "COUNT", default_value_t = Settings::default().max_subscriptions)]
    max_subscriptions: u32,

    #[arg(long, help = help("max_unanswered"), env = "TIDEWIRE_MAX_UNANSWERED", value_name = "COUNT", default_value_t = Settings::default().max_unanswered)]
    max_unanswered: u32,

    #[arg(long, help = help("max_waiting_bytes"), env = "TIDEWIRE_MAX_WAITING_BYTES", value_name = "BYTES", default_value_t = Settings::default().max_waiting_bytes)]
    max_waiting_bytes: usize,

    #[arg(long, help = help("max_payload_bytes"), env = "TIDEWIRE_MAX_PAYLOAD_BYTES", value_name = "BYTES", default_value_t = Settings::default().max_payload_bytes)]
    max_payload_bytes: u32,

    /// Time in which a client must say hello, or it is closed with 4103
    #[arg(long, env = "TIDEWIRE_HELLO_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    hello_timeout: Duration,

    /// Time after which a client that was sent nothing else is sent a ping
    #[arg(long, env = "TIDEWIRE_PING_INTERVAL", value_name = "TIME", default_value = "25s", value_parser = parse_duration)]
    ping_interval: Duration,

    /// Time after which a client that was silent is closed with 4000
    #[arg(long, env = "TIDEWIRE_SILENCE_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    silence_timeout: Duration,

    /// Time in which a room must have been opened, a message accepted, and a session found
    #[arg(long, env = "TIDEWIRE_ENGINE_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    engine_timeout: Duration,
}

impl Rooms {
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.retention.max_messages = self.room_messages;
        settings.retention.max_bytes = self.room_bytes;
        settings.retention.max_age = self.room_age;
        settings.max_log_bytes = self.max_log_bytes;
        settings.max_rooms = self.max_rooms;
        settings.room_ttl = self.room_ttl;
        settings.max_sessions = self.max_sessions;
        settings.session_ttl = self.session_ttl;
        settings.presence_grace = self.presence_grace;
        settings.max_subscriptions = self.max_subscriptions;
        settings.max_unanswered = self.max_unanswered;
        settings.max_waiting_bytes = self.max_waiting_bytes;
        settings.max_payload_bytes = self.max_payload_bytes;
        settings.hello_timeout = self.hello_timeout;
        settings.ping_interval = self.ping_interval;
        settings.silence_timeout = self.silence_timeout;
        settings.engine_timeout = self.engine_timeout;
    }
}
