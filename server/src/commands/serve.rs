//! `tidewire`: serves until a signal ends it.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, Write},
    process::ExitCode,
};

use tidewire_server::{Tidewire, Tls, bind, missing_page, page, serve, serve_tls};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{debug, info, warn};
use warp::Filter;

use crate::{
    checks::{self, Weight},
    config::Config,
};

/// Serves. It fails where it cannot begin, or where [`checks`] find an error.
pub(crate) async fn run(config: &Config) -> ExitCode {
    config.start_logging();
    raise_file_limit();
    let mut is_good = true;
    for finding in checks::findings(config) {
        match finding.weight {
            Weight::Error => {
                is_good = false;
                eprintln!("tidewire: {finding}");
            }
            Weight::Warning => warn!("{}", finding.text),
            Weight::Note => debug!("{}", finding.text),
        }
    }
    if !is_good {
        return ExitCode::FAILURE;
    }
    match listen(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidewire: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn listen(config: &Config) -> io::Result<()> {
    // Before the address is printed: who reads it may send a signal at once.
    let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener =
        bind(config.listen).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", config.listen)))?;
    let address = listener.local_addr()?;
    let tls = match config.tls.open().map_err(io::Error::other)? {
        // Without TLS that signal ends the program, as it does others.
        Some(tls) => Some((tls, signal(SignalKind::hangup())?)),
        None => None,
    };
    let tidewire = config.tidewire()?;
    let page = config.www.clone().map_or_else(missing_page, page);
    let routes = tidewire.routes().or(page);

    let scheme = if tls.is_some() { "https" } else { "http" };
    writeln!(io::stdout(), "listening on {scheme}://{address}")?;
    let (settings, drained) = (tidewire.settings(), tidewire.drained());
    let serving = async {
        match tls {
            None => serve(listener, routes, settings, drained).await,
            Some((tls, hangup)) => tokio::select! {
                () = serve_tls(listener, tls.clone(), routes, settings, drained) => {}
                never = reload(&tls, hangup) => match never {},
            },
        }
    };
    tokio::join!(serving, end(&tidewire, interrupt, terminate));
    Ok(())
}

/// Ends the server when a signal or a request says so, and at once at a second signal.
async fn end(tidewire: &Tidewire, mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = terminate.recv() => info!("SIGTERM"),
        _ = interrupt.recv() => {
            info!("SIGINT");
            return tidewire.shutdown().await;
        }
        () = tidewire.stopped() => return,
    }
    tokio::select! {
        () = tidewire.drain(tidewire.settings().drain) => return,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("another signal: not waiting any longer");
    tidewire.shutdown().await;
}

/// Looks for a new certificate at each SIGHUP, for ever.
async fn reload(tls: &Tls, mut hangup: Signal) -> Infallible {
    while hangup.recv().await.is_some() {
        tls.reload_and_log().await;
    }
    pending().await
}

/// Each connection takes a file descriptor; the default limit of many systems is 1,024.
fn raise_file_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => info!(limit, "file descriptors"),
        Err(error) => warn!(%error, "the limit of file descriptors stays as it is"),
    }
}
