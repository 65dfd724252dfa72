//! nginx with `docs/deploy/nginx.conf`.

use std::{fs, net::SocketAddr, path::Path};

use crate::child::{ProxyProcess, snippet};

/// As the snippet has it, with its ports and paths and with changes of the test's own.
pub(crate) async fn start(server: SocketAddr, changes: &[(&str, &str)]) -> ProxyProcess {
    // Killed, it would leave its workers behind.
    ProxyProcess::start("nginx", "TERM", |folder, files, ports| {
        let own = [
            ("127.0.0.1:8080", server.to_string()),
            ("listen 443 ssl", format!("listen 127.0.0.1:{} ssl", ports[0])),
            ("listen 80", format!("listen 127.0.0.1:{}", ports[1])),
            ("/etc/tidewire/certificate.pem", text(&files.certificate())),
            ("/etc/tidewire/key.pem", text(&files.key())),
        ];
        let own: Vec<_> = own.iter().map(|(from, to)| (*from, to.as_str())).collect();
        let site = snippet(SNIPPET, &[&own[..], changes].concat());
        fs::write(folder.join("tidewire.conf"), site).expect("a file");
        let path = folder.join("nginx.conf");
        fs::write(&path, main_file(folder)).expect("a file");
        let error_log = text(&folder.join("error.log"));
        ["-p", &text(folder), "-c", &text(&path), "-e", &error_log]
            .map(str::to_owned)
            .into()
    })
    .await
}

/// What a package's own nginx.conf says, for who is not root and has no service.
fn main_file(folder: &Path) -> String {
    let folder = folder.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|of| format!("{of}_temp_path {folder}/{of};\n")).concat();
    format!(
        "daemon off;\nworker_processes 2;\npid {folder}/nginx.pid;\nevents {{ worker_connections 512; }}\n\
         http {{\naccess_log off;\n{temporary}include {folder}/tidewire.conf;\n}}\n"
    )
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

const SNIPPET: &str = include_str!("../../../docs/deploy/nginx.conf");
