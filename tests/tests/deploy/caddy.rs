//! Caddy with `docs/deploy/Caddyfile`.

use std::{fs, net::SocketAddr};

use crate::child::{ProxyProcess, snippet};

/// As the snippet has it, with its ports and paths, and without asking anybody for a certificate.
pub(crate) async fn start(server: SocketAddr) -> ProxyProcess {
    // Asked, it would wait for its clients.
    ProxyProcess::start("caddy", "KILL", |folder, files, ports| {
        let own = [
            "{".to_owned(),
            "admin off".to_owned(),
            "auto_https off".to_owned(),
            "log {\nlevel ERROR\n}".to_owned(),
            format!("storage file_system {}", folder.display()),
            "}".to_owned(),
            format!("https://:{} {{", ports[0]),
            "bind 127.0.0.1".to_owned(),
            format!("tls {} {}", files.certificate().display(), files.key().display()),
        ];
        let site = snippet(
            SNIPPET,
            &[
                ("127.0.0.1:8080", &server.to_string()),
                ("live.example.org {", &own.join("\n")),
            ],
        );
        let path = folder.join("Caddyfile");
        fs::write(&path, site).expect("a file");
        let path = path.display().to_string();
        ["run", "--adapter", "caddyfile", "--config", &path]
            .map(str::to_owned)
            .into()
    })
    .await
}

const SNIPPET: &str = include_str!("../../../docs/deploy/Caddyfile");
