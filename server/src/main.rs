//! The `tidewire` binary: which of its commands is asked for.

#![forbid(unsafe_code)]

mod checks;
mod commands;
mod config;
mod give_back;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    commands::{check, serve, token},
    config::Config,
};

/// A WebSocket server: /echo sends messages back, /chat tells them to everyone, /ws has rooms that survive a reconnect, and a
/// page shows them at work.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    config: Config,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is wrong or unsafe in the options, which are those of the server, and do not serve
    Check(Box<Config>),
    /// Print a token to try things with, signed by HS256
    Token(token::Token),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        None => serve::run(cli.config).await,
        Some(Command::Check(config)) => check::run(*config),
        Some(Command::Token(token)) => token::run(&token),
    }
}
