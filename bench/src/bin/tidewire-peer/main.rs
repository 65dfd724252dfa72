//! Peers of the measurements that are written in Rust. They are a program of their own so that nothing of the load
//! generator, such as its allocator, is theirs too.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod chat;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
mod version;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use floor::Writes;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["floor"] => floor::serve(Writes::Each)?,
        ["floor-coalescing"] => floor::serve(Writes::Coalesced)?,
        ["axum"] => chat::serve()?,
        ["floor", "--version"] => println!("a bare epoll loop on nix {}: one send per delivery", version::of("nix")),
        ["floor-coalescing", "--version"] => {
            println!(
                "a bare epoll loop on nix {}: one send for all that is due",
                version::of("nix")
            );
        }
        ["axum", "--version"] => println!(
            "axum {}, tokio-tungstenite {}",
            version::of("axum"),
            version::of("tokio-tungstenite")
        ),
        _ => anyhow::bail!("expected floor, floor-coalescing or axum, and then nothing or --version"),
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("error: these measurements need Linux: they wait with epoll");
    std::process::exit(1);
}
