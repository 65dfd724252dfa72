//! Arguments and environment to typed settings.

pub(crate) mod access;
mod drain;
mod help;
pub(crate) mod key_files;
mod limits;
mod rooms;
mod tls;

use std::{
    fmt::Display,
    io::{self, IsTerminal},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Parser, ValueEnum};
use ipnet::IpNet;
use tidewire_server::{AllowedOrigin, Origins, Settings, Tidewire};
use tracing_subscriber::EnvFilter;

use self::{help::help, key_files::KeyFiles, limits::Limit};

/// The options of the server.
#[derive(Debug, Parser)]
pub(crate) struct Config {
    /// Address to listen on; port 0 picks a free one. A public address exposes every endpoint to anyone
    #[arg(long, env = "TIDEWIRE_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Directory of the built page, served at /; without it / says how to build it [default: none]
    #[arg(long, env = "TIDEWIRE_WWW", value_name = "DIR", value_parser = directory)]
    pub(crate) www: Option<PathBuf>,

    /// Origin whose pages may use the server beside its own: `https://app.example.org`, or `https://*.example.org` for all
    /// below it; may be given several times, or as a list with commas. Pages of others get 403 [default: none]
    #[arg(long, env = "TIDEWIRE_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<AllowedOrigin>,

    /// Refuse requests without an Origin, which are those of programs
    #[arg(long, env = "TIDEWIRE_REQUIRE_ORIGIN")]
    pub(crate) require_origin: bool,

    #[arg(long, help = help("max_message_bytes"), env = "TIDEWIRE_MAX_MESSAGE_BYTES", value_name = "BYTES", default_value_t = Settings::default().max_message_bytes)]
    max_message_bytes: usize,

    #[arg(long, help = help("backlog_bytes"), env = "TIDEWIRE_BACKLOG_BYTES", value_name = "BYTES", default_value_t = Settings::default().backlog_bytes)]
    backlog_bytes: usize,

    /// Time after which a connection that takes nothing of what is due to it is closed with 4101
    #[arg(long, env = "TIDEWIRE_STALL_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    stall_timeout: Duration,

    /// Time in which a request head must be complete, or the connection is dropped
    #[arg(long, env = "TIDEWIRE_HANDSHAKE_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    handshake_timeout: Duration,

    /// Time that the closing handshake of a WebSocket may take
    #[arg(long, env = "TIDEWIRE_CLOSE_TIMEOUT", value_name = "TIME", default_value = "3s", value_parser = humantime::parse_duration)]
    close_timeout: Duration,

    /// Time in which the body of a request must be complete, or it gets 408
    #[arg(long, env = "TIDEWIRE_BODY_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    body_timeout: Duration,

    /// What to log on standard error: error, warn, info, debug or trace, also by module (`tidewire_server=debug`)
    #[arg(long, env = "TIDEWIRE_LOG", value_name = "FILTER", default_value = "info")]
    log: EnvFilter,

    /// Form of the log
    #[arg(long, env = "TIDEWIRE_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,

    #[command(flatten)]
    pub(crate) access: access::Access,

    #[command(flatten)]
    drain: drain::Drain,

    #[command(flatten)]
    rooms: rooms::Rooms,

    #[command(flatten)]
    limits: limits::Limits,

    #[command(flatten)]
    pub(crate) tls: tls::Tls,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// A line for people
    Text,
    /// An object on a line, for programs
    Json,
}

impl Config {
    /// The server that it describes, and the files whose keys it has.
    pub(crate) fn tidewire(&self) -> io::Result<(Tidewire, KeyFiles)> {
        let builder = Tidewire::builder().settings(self.settings());
        let (builder, files) = self.access.build(builder)?;
        Ok((builder.build(), files))
    }

    /// Whether others than this machine's own may reach it, by itself or through a proxy.
    pub(crate) fn is_public(&self) -> bool {
        !self.listen.ip().is_loopback() || !self.trusted_proxies().is_empty()
    }

    /// Networks of proxies that are believed.
    pub(crate) fn trusted_proxies(&self) -> &[IpNet] {
        &self.limits.trusted_proxy
    }

    pub(crate) fn set_max_connections(&mut self, max: usize) {
        self.limits.max_connections = Limit(Some(max));
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.origins = self.origins();
        settings.max_message_bytes = self.max_message_bytes;
        settings.backlog_bytes = self.backlog_bytes;
        settings.stall_timeout = self.stall_timeout;
        settings.close_timeout = self.close_timeout;
        settings.handshake_timeout = self.handshake_timeout;
        settings.body_timeout = self.body_timeout;
        self.access.apply(&mut settings);
        self.drain.apply(&mut settings);
        self.rooms.apply(&mut settings);
        self.limits.apply(&mut settings);
        settings
    }

    fn origins(&self) -> Origins {
        let origins = self.allow_origin.iter().cloned().fold(Origins::own(), Origins::and);
        if self.require_origin {
            origins.required()
        } else {
            origins
        }
    }

    pub(crate) fn start_logging(&self) {
        let mut filter = self.log.clone();
        // Below this tungstenite logs what people said.
        if let Ok(directive) = "tungstenite=warn".parse() {
            filter = filter.add_directive(directive);
        }
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr);
        match self.log_format {
            LogFormat::Text => log.init(),
            LogFormat::Json => log.json().init(),
        }
    }
}

fn about(path: &Path, error: &dyn Display) -> io::Error {
    wrong(&format!("{}: {error}", path.display()))
}

fn wrong(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// A wrong directory is told at the start, not as 404 later.
fn directory(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.is_dir() {
        Ok(path)
    } else {
        Err("not a directory".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use tidewire_server::{Rate, TrustedProxies, limits};

    #[test]
    fn the_defaults_of_the_command_line_are_the_librarys() {
        let config = Config::parse_from(["tidewire"]).settings();
        assert_eq!(format!("{config:?}"), format!("{:?}", Settings::default()));
    }

    #[test]
    fn every_setting_has_an_option_that_changes_it() {
        let mut arguments = vec!["tidewire".to_owned()];
        for argument in Config::command().get_arguments() {
            let value = match argument
                .get_value_names()
                .and_then(|names| names.first())
                .map(|name| name.as_str())
            {
                Some("BYTES" | "COUNT") => "7",
                Some("TIME") => "7s",
                Some("RATE") => "7:7",
                _ => continue,
            };
            arguments.push(format!("--{}={value}", argument.get_long().expect("a long form")));
        }
        let mut settings = Config::parse_from(arguments).settings();
        // These are not numbers.
        settings.origins = Origins::default();
        settings.limits.trusted_proxies = TrustedProxies::default();
        let settings = format!("{settings:#?}");
        let unchanged: Vec<&str> = settings
            .lines()
            .filter(|line| {
                line.contains(": ") && !line.ends_with(" 7,") && !line.ends_with(" 7s,") && !line.ends_with(['{', '('])
            })
            .filter(|line| line.trim() != "is_required: false,")
            .collect();
        assert!(unchanged.is_empty(), "{unchanged:?}");
    }

    #[test]
    fn origins_are_given_one_by_one_or_as_a_list() {
        let arguments = [
            "tidewire",
            "--allow-origin=https://a.test,https://*.b.test",
            "--allow-origin=http://c.test:81",
            "--require-origin",
        ];
        let origins = ["https://a.test", "https://*.b.test", "http://c.test:81"];
        let expected = origins.iter().fold(Origins::own().required(), |all, origin| {
            all.and(origin.parse().expect("an origin"))
        });
        assert_eq!(Config::parse_from(arguments).settings().origins, expected);
        assert!(Config::try_parse_from(["tidewire", "--allow-origin=*"]).is_err());
    }

    #[test]
    fn every_limit_has_an_option_that_says_what_the_table_does() {
        let command = Config::command();
        let options: Vec<_> = command.get_arguments().collect();
        let limits: Vec<_> = limits(&Settings::default())
            .into_iter()
            .filter(|it| it.can_be_set)
            .collect();
        for limit in &limits {
            let option = options.iter().find(|it| it.get_id() == limit.name).expect(limit.name);
            assert_eq!(
                option.get_help().map(ToString::to_string),
                Some(limit.help()),
                "{}",
                limit.name
            );
            assert_eq!(
                option.get_default_values(),
                [limit.value.to_string().as_str()],
                "{}",
                limit.name
            );
        }
        // All that is counted is a limit.
        for option in options {
            let value = option.get_value_names().and_then(|names| names.first());
            if value.is_some_and(|value| ["BYTES", "COUNT", "RATE"].contains(&value.as_str())) {
                assert!(
                    limits.iter().any(|it| option.get_id() == it.name),
                    "{}",
                    option.get_id()
                );
            }
        }
    }

    #[test]
    fn a_limit_is_a_number_or_none() {
        let config = |arguments: &[&str]| Config::try_parse_from(["tidewire"].iter().chain(arguments));
        let limits = config(&["--max-connections=none", "--handshakes=1:2"])
            .expect("limits")
            .settings()
            .limits;
        assert_eq!((limits.max_connections, limits.handshakes), (None, Rate::new(1, 2)));
        for wrong in ["--max-connections=-1", "--handshakes=3", "--trusted-proxy=here"] {
            assert!(config(&[wrong]).is_err(), "{wrong}");
        }
        let proxies = config(&["--trusted-proxy=10.0.0.0/8,::1"])
            .expect("networks")
            .settings()
            .limits
            .trusted_proxies;
        let networks = ["10.0.0.0/8", "::1/128"].map(|it| it.parse().expect("a network"));
        assert_eq!(proxies, TrustedProxies::new(networks));
    }

    #[test]
    fn every_option_has_a_help_text_and_an_environment_variable() {
        let command = Config::command();
        for argument in command
            .get_arguments()
            .filter(|it| !["help", "version"].contains(&it.get_id().as_str()))
        {
            assert!(argument.get_help().is_some(), "{}", argument.get_id());
            let variable = format!("TIDEWIRE_{}", argument.get_id().as_str().to_uppercase());
            assert_eq!(argument.get_env().and_then(|it| it.to_str()), Some(variable.as_str()));
        }
    }
}
