//! A warp program with logins of its own: a form, a cookie, and clients that are known by it.
//!
//! `cargo run -p tidewire-server --example cookies`, then log in at `/` as `ada` with `lovelace`. The page's Tidewire client
//! needs no token: the browser sends the cookie with `/ws` and `/poll`, and only for pages of this origin.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, header::COOKIE};
use tidewire_server::{Access, Connecting, Decision, Denied, MemberId, Pass, Tidewire, bind, serve};
use tokio::io::AsyncReadExt;
use warp::{Filter, Reply, http::StatusCode, reply::Response};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let logins = Logins::default();
    let tidewire = Tidewire::builder().access(logins.clone()).build();

    let form = warp::path::end().and(warp::get()).map(|| warp::reply::html(FORM));
    let login = warp::path!("login")
        .and(warp::post())
        .and(warp::body::content_length_limit(1024))
        .and(warp::body::form());
    let login = login.map({
        let logins = logins.clone();
        move |form: HashMap<String, String>| logins.log_in(&form)
    });
    let logout = warp::path!("logout")
        .and(warp::post())
        .and(warp::header::headers_cloned())
        .map({
            let tidewire = tidewire.clone();
            move |headers: HeaderMap| logins.log_out(&headers, &tidewire)
        });

    let listener = bind(SocketAddr::from(([127, 0, 0, 1], port())))?;
    println!("listening on http://{}", listener.local_addr()?);
    let routes = form.or(login).or(logout).or(tidewire.routes());
    serve(listener, routes, tidewire.settings(), end_of_input()).await;
    tidewire.shutdown().await;
    Ok(())
}

/// Who is logged in, by what is in their cookies.
#[derive(Clone, Debug, Default)]
struct Logins(Arc<Mutex<HashMap<String, MemberId>>>);

impl Access for Logins {
    /// A cookie says who it is. Where there is none, nobody is let in: neither to `/ws` nor to `/chat`.
    fn connect(&self, connecting: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        let member = match connecting.renews {
            // A token is no way in here.
            Some(_) => None,
            None => self.member(connecting.headers),
        };
        // After that the client comes back, and its cookie is looked at anew.
        let pass = member.map(|member| Pass::of(member).expiring_in(Duration::from_secs(3600)));
        Decision::Now(pass.ok_or(Denied::Unauthorized))
    }
}

impl Logins {
    fn member(&self, headers: &HeaderMap) -> Option<MemberId> {
        let logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logins.get(cookie(headers)?).cloned()
    }

    fn log_in(&self, form: &HashMap<String, String>) -> Response {
        let given = |field: &str| form.get(field).map(String::as_str).unwrap_or_default();
        // A program of yours keeps hashes of passwords.
        let (true, Ok(member)) = (given("password") == "lovelace", MemberId::new(given("name"))) else {
            return StatusCode::FORBIDDEN.into_response();
        };
        let mut random = [0; 16];
        if getrandom::fill(&mut random).is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let id = format!("{:032x}", u128::from_be_bytes(random));
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logins.insert(id.clone(), member);
        // No script can read it, and no other page has the browser send it. A program with TLS adds `Secure`.
        let cookie = format!("login={id}; Path=/; HttpOnly; SameSite=Strict");
        warp::reply::with_header("logged in\n", "set-cookie", cookie).into_response()
    }

    /// Forgets the cookie, and ends what was opened by it.
    fn log_out(&self, headers: &HeaderMap, tidewire: &Tidewire) -> Response {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let member = cookie(headers).and_then(|id| logins.remove(id));
        drop(logins);
        match member.map(|member| tidewire.end_sessions(&member)) {
            Some(Err(_)) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => "logged out\n".into_response(),
        }
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .find_map(|it| it.trim().strip_prefix("login="))
}

const FORM: &str = r#"<!doctype html><title>Log in</title>
<form method="post" action="/login"><input name="name"><input name="password" type="password"><button>Log in</button></form>
<form method="post" action="/logout"><button>Log out</button></form>
"#;

/// From the first argument; 0 picks a free one.
fn port() -> u16 {
    std::env::args()
        .nth(1)
        .and_then(|port| port.parse().ok())
        .unwrap_or(3030)
}

/// Ctrl-D, or the end of a program that started this one.
async fn end_of_input() {
    let mut ignored = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut ignored).await;
}
