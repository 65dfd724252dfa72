//! The npm package's `Socket`, as far as it needs the collector or the browser's own errors. What JavaScript sees of the
//! package is tested from TypeScript.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code)] // the other lists use the rest
mod common;

use common::{Notes, Uncaught, drained, fixture, get, round_trip, tagged};
use futures_util::StreamExt;
use js_sys::{Array, Function, Object, Reflect, Symbol, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/src/js/socket.js")]
extern "C" {
    /// The class as JavaScript sees it.
    #[wasm_bindgen(extends = Object, js_name = Socket)]
    type Handle;
    #[wasm_bindgen(constructor, js_class = "Socket", catch)]
    fn new(url: &str, options: &JsValue) -> Result<Handle, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn on(this: &Handle, kind: &str, listener: &JsValue) -> Result<Function, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn send(this: &Handle, item: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &Handle, code: &JsValue, reason: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter, js_name = readyState)]
    fn ready_state(this: &Handle) -> String;
    #[wasm_bindgen(method, getter)]
    fn url(this: &Handle) -> String;
}

/// What the class imports has to be imported here too, to be beside it.
#[wasm_bindgen(module = "/src/js/error.js")]
extern "C" {
    fn failure(code: &str, message: &str, details: &JsValue) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    /// Collects garbage: `--js-flags=--expose-gc` in `webdriver.json`.
    #[wasm_bindgen(catch)]
    fn gc() -> Result<(), JsValue>;
}

fn try_connect(url: &str, options: &JsValue) -> Result<Handle, JsValue> {
    Handle::new(url, options)
}

fn connect(path: &str) -> Handle {
    try_connect(&fixture(path), &JsValue::UNDEFINED).unwrap()
}

/// Leaves the listener to the collector, as JavaScript would.
fn on(socket: &Handle, kind: &str, listener: impl Fn(JsValue) + 'static) -> Function {
    let listener = Closure::<dyn Fn(JsValue)>::new(listener).into_js_value();
    socket.on(kind, &listener).unwrap()
}

fn get_property(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

fn text(value: &JsValue, name: &str) -> String {
    get_property(value, name).as_string().unwrap()
}

fn code<T>(result: Result<T, JsValue>) -> String {
    let error = result.err().expect("should have thrown");
    assert!(error.is_instance_of::<js_sys::Error>());
    text(&error, "code")
}

fn dispose(socket: &Handle) {
    let symbol: Symbol = get_property(&get_property(&js_sys::global(), "Symbol"), "dispose").unchecked_into();
    let dispose: Function = Reflect::get(socket, &symbol).unwrap().unchecked_into();
    dispose.call0(socket).unwrap();
}

#[wasm_bindgen_test]
fn what_is_thrown_is_an_error_with_a_code() {
    assert_eq!(
        code(Err::<(), _>(failure("some-code", "words", &JsValue::NULL))),
        "some-code"
    );
}

#[wasm_bindgen_test]
async fn the_four_events_are_plain_objects() {
    let mut events = Notes::new();
    let socket = connect("/fixture/mixed");
    for kind in ["open", "message", "close"] {
        on(&socket, kind, events.pen());
    }
    events.reach(102).await;
    let events = events.all();
    assert_eq!(
        (text(&events[0], "type"), text(&events[0], "protocol")),
        ("open".into(), String::new())
    );
    assert_eq!(
        (text(&events[1], "type"), text(&events[1], "data")),
        ("message".into(), "1".into())
    );
    let bytes: Uint8Array = get_property(&events[2], "data").dyn_into().unwrap();
    assert_eq!(bytes.to_vec(), [2]);
    let close = &events[101];
    assert_eq!(Object::keys(close.unchecked_ref::<Object>()).length(), 4);
    assert_eq!(text(close, "type"), "close");
    assert_eq!(get_property(close, "code"), 1000);
    assert_eq!(text(close, "reason"), "");
    assert_eq!(get_property(close, "wasClean"), JsValue::TRUE);
    assert_eq!(socket.ready_state(), "closed");
}

#[wasm_bindgen_test]
async fn a_listener_that_throws_is_reported_and_the_others_run() {
    let uncaught = Uncaught::watch();
    let mut opened = Notes::new();
    let socket = connect("/echo");
    let thrower = Function::new_with_args("event", "throw event.type");
    socket.on("open", &thrower).unwrap();
    on(&socket, "open", opened.pen());
    opened.reach(1).await;
    assert_eq!(uncaught.all(), ["open"]);
}

#[wasm_bindgen_test]
async fn a_listener_removes_itself_and_the_next_during_a_dispatch() {
    let mut messages = Notes::<&str>::new();
    let socket = connect("/fixture/mixed");
    let undos = Array::new();
    for name in ["first", "second", "third"] {
        let (note, all, removes) = (messages.pen(), undos.clone(), name == "first");
        let undo = on(&socket, "message", move |_| {
            note(name);
            if removes {
                for undo in all.iter().take(2) {
                    undo.unchecked_into::<Function>().call0(&JsValue::UNDEFINED).unwrap();
                }
            }
        });
        undos.push(&undo);
    }
    messages.reach(101).await;
    assert_eq!(messages.all()[..3], ["first", "third", "third"]);
}

#[wasm_bindgen_test]
async fn disposing_removes_the_listeners_and_closes() {
    let tag = tagged("disposed");
    let mut events = Notes::new();
    let socket = connect(&format!("/fixture/tagged/{tag}"));
    for kind in ["open", "message", "error", "close"] {
        on(&socket, kind, events.pen());
    }
    events.reach(1).await;
    socket.send(&"an answer is under way".into()).unwrap();
    dispose(&socket);
    assert_eq!(socket.ready_state(), "closing");
    drained(&tag).await;
    round_trip().await;
    assert_eq!(events.all().len(), 1);
    dispose(&socket);
    assert_eq!(code(socket.send(&"too late".into())), "not-open");
}

/// As the browser's own: a listener is reason enough to go on.
#[wasm_bindgen_test]
async fn a_socket_with_listeners_outlives_its_handle() {
    let tag = tagged("kept");
    let mut messages = Notes::new();
    let socket = connect(&format!("/fixture/tagged/{tag}"));
    let mut opened = Notes::new();
    let undo = on(&socket, "open", opened.pen());
    on(&socket, "message", messages.pen());
    opened.reach(1).await;
    undo.call0(&JsValue::UNDEFINED).unwrap();
    socket.send(&"before".into()).unwrap();
    drop(socket);
    collect().await;
    messages.reach(1).await;
    assert_eq!(text(&messages.all()[0], "data"), "before");
    assert_eq!(get(&format!("/fixture/open/{tag}")).await.1, "1");
}

#[wasm_bindgen_test]
async fn a_socket_that_nobody_holds_or_listens_to_is_closed() {
    let tag = tagged("lost");
    let mut opened = Notes::new();
    let socket = connect(&format!("/fixture/tagged/{tag}"));
    let undo = on(&socket, "open", opened.pen());
    opened.reach(1).await;
    undo.call0(&JsValue::UNDEFINED).unwrap();
    drop((socket, undo));
    collect().await;
    drained(&tag).await;
}

/// Collects until the collector has reported something that was lost after whatever the caller lost.
async fn collect() {
    let (lost, mut reports) = futures_channel::mpsc::unbounded();
    let report = Closure::<dyn Fn(JsValue)>::new(move |_| lost.unbounded_send(()).unwrap());
    let registry = js_sys::FinalizationRegistry::new(report.as_ref().unchecked_ref());
    registry.register(&Object::new(), &JsValue::UNDEFINED);
    // Twice: values that the module held are freed when what held them was.
    for _ in 0..2 {
        round_trip().await;
        gc().expect("the browser should be started with --js-flags=--expose-gc, as webdriver.json says");
    }
    common::within("collection", reports.next()).await;
}

#[wasm_bindgen_test]
async fn each_error_has_its_code() {
    let connect_code = |url: &str, options: &str| {
        let options = js_sys::JSON::parse(options).unwrap();
        code(try_connect(url, &options))
    };
    let url = fixture("/echo");
    assert_eq!(connect_code("mailto:a@b", "{}"), "invalid-url");
    assert_eq!(
        connect_code("mailto:a@b", r#"{"protocols": ["a", "b"]}"#),
        "invalid-url"
    );
    for protocols in [r#""a b""#, r#"["a", "a"]"#, r#"["a", ""]"#, r#"["a,b"]"#] {
        let options = format!(r#"{{"protocols": {protocols}}}"#);
        assert_eq!(connect_code(&url, &options), "invalid-protocols", "{protocols}");
    }

    let mut opened = Notes::new();
    let options = js_sys::JSON::parse(r#"{"maxBufferedBytes": 10, "protocols": "chat"}"#).unwrap();
    let socket = try_connect(&url, &options).unwrap();
    assert_eq!((socket.ready_state(), socket.url()), ("connecting".into(), url));
    on(&socket, "open", opened.pen());
    assert_eq!(
        code(socket.on("mesage", &Function::new_no_args(""))),
        "invalid-listener"
    );
    assert_eq!(code(socket.on("message", &JsValue::NULL)), "invalid-listener");
    let early = JsValue::from("early");
    let error = socket.send(&early).unwrap_err();
    assert_eq!(
        (text(&error, "code"), text(&error, "item")),
        ("not-open".into(), "early".into())
    );

    opened.reach(1).await;
    assert_eq!(text(&opened.all()[0], "protocol"), "chat");
    for item in [
        JsValue::from(5),
        Object::new().into(),
        JsValue::NULL,
        JsValue::UNDEFINED,
    ] {
        assert_eq!(code(socket.send(&item)), "rejected");
    }
    socket.send(&Uint8Array::new_with_length(11)).unwrap();
    assert_eq!(
        code(socket.send(&Uint8Array::new_with_length(1).buffer())),
        "buffer-full"
    );
    let none = JsValue::UNDEFINED;
    for refused in [0., 1001., 2999., 5000., 1e9, f64::NAN] {
        assert_eq!(code(socket.close(&refused.into(), &none)), "invalid-code", "{refused}");
    }
    assert_eq!(
        code(socket.close(&1000.into(), &"ż".repeat(62).into())),
        "reason-too-long"
    );
    assert_eq!(socket.ready_state(), "open");
    socket.close(&none, &none).unwrap();
    assert_eq!(socket.ready_state(), "closing");
}
