//! Where a client's tokens come from, and what becomes of those that are not good.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{connect_with, open, peer::Peer, reach, within};
use tidewire_client::{Client, ClientOptions, ClientState, CloseCode, SubscribeOptions, TokenError, TokenSource};
use tokio::sync::watch;

const EXPIRED: ClientState = ClientState::Unauthorized(TokenError::Expired);

/// What a program does that is asked for a token.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Token(&'static str),
    Failure,
    Silence,
}

use Answer::{Failure, Silence, Token};

/// A program that is asked for tokens: it gives these answers, the last one again and again.
#[derive(Clone)]
struct Program {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: watch::Sender<usize>,
}

impl Program {
    fn new(answers: &[Answer]) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            asked: watch::Sender::new(0),
        }
    }

    fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    async fn is_asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        within(asked.wait_for(|it| *it >= times)).await.expect("it lives");
    }

    async fn answer(self) -> Result<&'static str, &'static str> {
        let answer = {
            let mut answers = self.answers.lock().expect("no panic");
            match answers.len() {
                1 => answers[0],
                _ => answers.pop_front().expect("an answer"),
            }
        };
        self.asked.send_modify(|asked| *asked += 1);
        match answer {
            Token(token) => Ok(token),
            Failure => Err("not now"),
            Silence => pending().await,
        }
    }

    fn source(&self) -> TokenSource {
        let program = self.clone();
        TokenSource::ask(move || program.clone().answer())
    }
}

async fn asking(answers: &[Answer]) -> (Peer, Program, Client) {
    let (peer, program) = (Peer::start().await, Program::new(answers));
    let client = connect_with(&peer, |options| options.token = program.source());
    (peer, program, client)
}

fn shown(peer: &Peer) -> Vec<String> {
    peer.world().tokens.iter().map(|(_, token)| token.clone()).collect()
}

/// With how many connections the server was asked for something.
fn connections(peer: &Peer) -> u64 {
    peer.world().accepted
}

#[tokio::test]
async fn a_token_that_was_given_is_shown_and_one_given_later_takes_its_place() {
    let peer = Peer::start().await;
    let client = connect_with(&peer, |options| options.token = "first".into());
    open(&client).await;
    client.set_token("second");
    peer.wait_for(|world| world.tokens.len() == 2).await;
    peer.cut();
    peer.wait_for(|world| world.tokens.len() == 3).await;
    assert_eq!(shown(&peer), ["first", "second", "second"]);
}

#[tokio::test]
async fn five_tokens_in_a_row_are_renewed_in_place() {
    let (peer, program, client) = asking(&[Token("2000")]).await;
    let room = client.room("lobby").expect("a name");
    let _events = room.subscribe(SubscribeOptions::default()).expect("once");
    program.is_asked(6).await;
    peer.wait_for(|world| world.tokens.len() == 6).await;
    assert_eq!((client.state(), connections(&peer)), (ClientState::Open, 1));
}

#[tokio::test]
async fn one_that_has_expired_is_asked_for_once_and_the_next_is_tried() {
    let (peer, program, client) = asking(&[Token("expired"), Token("good")]).await;
    open(&client).await;
    assert_eq!((program.asked(), connections(&peer)), (2, 2));
    assert_eq!(shown(&peer), ["expired", "good"]);
}

#[tokio::test]
async fn two_in_a_row_that_have_expired_are_the_end_of_trying_until_one_is_given() {
    let (peer, program, client) = asking(&[Token("expired")]).await;
    reach(&client, |state| state == EXPIRED).await;
    client.go_offline();
    client.go_online();
    assert_eq!((client.state(), program.asked(), connections(&peer)), (EXPIRED, 2, 2));
    client.set_token("good");
    open(&client).await;
    assert_eq!(shown(&peer), ["expired", "expired", "good"]);
    assert_eq!((program.asked(), connections(&peer)), (2, 3));
}

#[tokio::test]
async fn a_program_that_fails_is_asked_again_and_the_failure_is_told() {
    let (peer, program, client) = asking(&[Failure, Failure, Token("good")]).await;
    reach(&client, |state| state == ClientState::Unauthorized(TokenError::Failed)).await;
    open(&client).await;
    assert_eq!((program.asked(), connections(&peer)), (3, 1));
    assert_eq!(shown(&peer), ["good"]);
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_asked_again_and_not_waited_for() {
    let (peer, program) = (Peer::start().await, Program::new(&[Silence, Token("good")]));
    let client = connect_with(&peer, |options| {
        options.token = program.source();
        options.token_timeout = Duration::from_millis(50);
    });
    reach(&client, |state| {
        state == ClientState::Unauthorized(TokenError::TimedOut)
    })
    .await;
    open(&client).await;
    assert_eq!((program.asked(), connections(&peer)), (2, 1));
    // Nobody has the first answer any more.
    drop(client);
    assert_eq!(shown(&peer), ["good"]);
}

#[tokio::test]
async fn a_token_of_somebody_else_ends_the_session_and_that_is_told() {
    let (peer, program, client) = asking(&[Token("1000"), Token("somebody else's")]).await;
    reach(&client, |state| state == ClientState::Closed(CloseCode::UNAUTHORIZED)).await;
    assert_eq!((program.asked(), connections(&peer)), (2, 1));
}

#[tokio::test]
async fn a_client_that_ends_does_not_wait_for_its_token() {
    let (_peer, program, client) = asking(&[Silence]).await;
    program.is_asked(1).await;
    let held = program.asked.receiver_count() + Arc::strong_count(&program.answers);
    within(client.close()).await;
    assert_eq!(client.state(), ClientState::Closed(CloseCode::NORMAL));
    drop(client);
    // What it was asked with is given back, once the task that had it has seen that.
    within(async {
        while program.asked.receiver_count() + Arc::strong_count(&program.answers) == held {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[test]
fn tokens_are_not_shown_and_sources_are_equal_where_they_ask_the_same() {
    let mut options = ClientOptions::default();
    assert!(format!("{options:?}").contains("TokenSource(none)"));
    options.token = "a secret".into();
    assert!(!format!("{options:?}").contains("a secret"), "{options:?}");
    let program = Program::new(&[Failure]);
    let (one, other) = (program.source(), program.source());
    assert!(format!("{one:?}").contains("asked"));
    assert!(one == one.clone() && one != other && one != TokenSource::default());
    assert!(TokenSource::from("a") == "a".into() && TokenSource::from("a") != "b".into());
}
