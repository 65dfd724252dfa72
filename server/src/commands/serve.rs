//! `tidewire`: serves until a signal ends it.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use tidewire_server::{Tidewire, Tls, bind, missing_page, page, serve, serve_tls};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tracing::{debug, info, warn};
use warp::Filter;

use crate::{
    checks::{self, Weight},
    config::{Config, key_files::KeyFiles},
    give_back::give_back_memory,
};

/// Serves. It fails where it cannot begin, or where [`checks`] find an error.
pub(crate) async fn run(mut config: Config) -> ExitCode {
    config.start_logging();
    raise_file_limit();
    if let Some(finding) = checks::limits::fit(&mut config) {
        info!("{}", finding.text);
    }
    let mut is_good = true;
    for finding in checks::findings(&config) {
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
    match listen(&config).await {
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
    let tls = config.tls.open().map_err(io::Error::other)?;
    let (tidewire, key_files) = config.tidewire()?;
    // With no file to be read anew that signal ends the program, as it does others.
    let hangup = match tls.is_some() || !key_files.is_empty() {
        true => Some(signal(SignalKind::hangup())?),
        false => None,
    };
    let page = config.www.clone().map_or_else(missing_page, page);
    let routes = tidewire.routes().or(page);

    let scheme = if tls.is_some() { "https" } else { "http" };
    writeln!(io::stdout(), "listening on {scheme}://{address}")?;
    let (settings, drained) = (tidewire.settings(), tidewire.drained());
    let reloading = reload(tls.clone(), key_files, hangup);
    let serving = async {
        match tls {
            None => serve(listener, routes, settings, drained).await,
            Some(tls) => serve_tls(listener, tls, routes, settings, drained).await,
        }
    };
    let serving = async {
        tokio::select! {
            () = serving => {}
            never = reloading => match never {},
            never = give_back_memory() => match never {},
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

/// Looks for new keys from time to time, and at each SIGHUP also for a new certificate, for ever. Beside that the latter is looked
/// for from time to time by who shows it.
async fn reload(tls: Option<Tls>, mut key_files: KeyFiles, hangup: Option<Signal>) -> Infallible {
    let Some(mut hangup) = hangup else {
        return pending().await;
    };
    loop {
        let is_asked = tokio::select! {
            asked = hangup.recv() => asked.is_some(),
            () = sleep(LOOK_EVERY) => false,
        };
        if let (true, Some(tls)) = (is_asked, &tls) {
            tls.reload_and_log().await;
        }
        key_files = key_files.look().await;
    }
}

/// As often as TLS looks for a new certificate.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Each connection takes a file descriptor; the default limit of many systems is 1,024.
fn raise_file_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => debug!(limit, "file descriptors"),
        Err(error) => warn!(%error, "the limit of file descriptors stays as it is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::unbounded_channel;

    #[tokio::test(start_paused = true)]
    async fn new_keys_are_looked_for_from_time_to_time() {
        let path = std::env::temp_dir().join(format!("tidewire-reload-{}", std::process::id()));
        let (told, mut keys) = unbounded_channel();
        let files = KeyFiles::of(&path, "one", move |new| told.send(new).expect("it is listened to"));
        let hangup = signal(SignalKind::user_defined1()).expect("a signal");
        let reloading = tokio::spawn(reload(None, files, Some(hangup)));
        for new in ["two", "three"] {
            std::fs::write(&path, new).expect("a file");
            assert_eq!(keys.recv().await.as_deref(), Some(new.as_bytes()));
        }
        reloading.abort();
        std::fs::remove_file(&path).expect("a file");
    }
}
