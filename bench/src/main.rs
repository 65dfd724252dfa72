//! Load generators: what the server costs beside its peers, each measured in the same run. `README.md` beside this
//! crate's manifest says what is measured, how, and how to read it.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod bars;
#[cfg(target_os = "linux")]
mod broadcast;
#[cfg(target_os = "linux")]
mod browser;
#[cfg(target_os = "linux")]
mod cli;
#[cfg(target_os = "linux")]
mod cores;
#[cfg(target_os = "linux")]
mod deadline;
#[cfg(target_os = "linux")]
mod echo;
#[cfg(target_os = "linux")]
mod fanout;
#[cfg(target_os = "linux")]
mod frame;
#[cfg(target_os = "linux")]
mod idle;
#[cfg(target_os = "linux")]
mod line;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod polling;
#[cfg(target_os = "linux")]
mod proc;
#[cfg(target_os = "linux")]
mod protocol;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod resume;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod steady;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod turns;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    cli::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("error: these measurements need Linux: they read /proc and wait with epoll");
    std::process::ExitCode::FAILURE
}
