//! How the server ends.

use std::time::Duration;

use clap::Args;
use humantime::parse_duration;
use tidewire_server::Settings;

/// How the server ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Drain")]
pub(super) struct Drain {
    /// Time over which connections are closed after SIGTERM or `POST /api/drain`, one after another; 0s closes all at once. A second
    /// signal, or SIGINT, does not wait
    #[arg(long, env = "TIDEWIRE_DRAIN", value_name = "TIME", default_value = "20s", value_parser = parse_duration)]
    drain: Duration,
}

impl Drain {
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.drain = self.drain;
    }
}
