//! `tidewire check`: what is wrong or unsafe in the options, one line each.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use tidewire_server::bind;

use crate::{
    checks::{Finding, Weight, findings, limits},
    config::Config,
};

/// Prints what there is to say. It fails where there is an error among it: then the server would not start.
pub(crate) fn run(mut config: Config) -> ExitCode {
    let fitted = limits::fit(&mut config);
    // The worst first.
    let findings: Vec<_> = address(&config)
        .into_iter()
        .chain(findings(&config))
        .chain(fitted)
        .collect();
    let mut out = io::stdout().lock();
    for finding in &findings {
        // Who asked has gone.
        if writeln!(out, "{finding}").is_err() {
            break;
        }
    }
    if findings.iter().any(|finding| finding.weight == Weight::Error) {
        return ExitCode::FAILURE;
    }
    let _ = writeln!(out, "ok: the server can start with these options");
    ExitCode::SUCCESS
}

/// The server finds this out by itself.
fn address(config: &Config) -> Option<Finding> {
    let error = bind(config.listen).err()?;
    Some(Finding::error(format!("cannot listen on {}: {error}", config.listen)))
}
