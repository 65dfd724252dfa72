//! The filters inside another warp program.

use http::StatusCode;
use tidewire_server::{Settings, Tidewire};
use tidewire_tests::Client;
use warp::Filter;

#[tokio::test]
async fn filters_are_mounted_beside_a_programs_own_routes() {
    let tidewire = Tidewire::new(Settings::default());
    let hello = warp::path!("hello" / String).map(|name| format!("Hello, {name}!"));
    let live = warp::path("live").and(warp::path::end()).and(tidewire.chat());
    let routes = hello.or(live).or(tidewire.routes());

    let response = warp::test::request().path("/hello/warp").reply(&routes).await;
    assert_eq!(response.body(), "Hello, warp!");
    let response = warp::test::request().path("/live").reply(&routes).await;
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    let response = warp::test::request().path("/elsewhere").reply(&routes).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn warps_own_server_runs_them_and_mounts_share_one_room() {
    let tidewire = Tidewire::new(Settings::default());
    let live = warp::path("live").and(warp::path::end()).and(tidewire.chat());
    let routes = live.or(tidewire.routes());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(warp::serve(routes).incoming(listener).run());

    let mut here = Client::connect(address, "/live").await;
    let mut there = Client::connect(address, "/chat").await;
    here.text().await;
    there.text().await;
    here.send("across mounts").await;
    assert_eq!(there.text().await, "Broadcast: across mounts");
}

#[tokio::test]
async fn two_servers_in_one_program_are_apart() {
    let (one, two) = (
        tidewire_tests::Server::start_default(),
        tidewire_tests::Server::start_default(),
    );
    let (mut here, mut there) = (one.connect("/chat").await, two.connect("/chat").await);
    here.text().await;
    there.text().await;
    here.send("not for the other").await;
    assert_eq!(here.text().await, "Server received: not for the other");
    there.send("mine").await;
    assert_eq!(there.text().await, "Server received: mine");
}

#[tokio::test]
async fn a_program_shuts_its_websockets_down_and_refuses_new_ones() {
    let server = tidewire_tests::Server::start_default();
    let mut client = server.connect("/chat").await;
    client.text().await;
    let (code, ()) = tokio::join!(client.closed(), server.tidewire().shutdown());
    assert_eq!(code.0, 1001);
    let refused = server
        .raw()
        .await
        .request(&tidewire_tests::upgrade_request("/chat"))
        .await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
}
