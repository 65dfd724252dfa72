//! What is thrown: an `Error` with a `code`, as `SocketError` in `socket.d.ts` describes it.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

use super::browser::{Pattern, Record, property};

/// A code and what it means.
pub(super) struct Problem {
    code: &'static str,
    message: &'static str,
}

pub(super) const NOT_OPEN: Problem = Problem {
    code: "not-open",
    message: "the socket is not open",
};

pub(super) const BUFFER_FULL: Problem = Problem {
    code: "buffer-full",
    message: "too much waits to be sent",
};

pub(super) const REJECTED: Problem = Problem {
    code: "rejected",
    message: "only strings, ArrayBuffers and views of them can be sent",
};

const INVALID_URL: Problem = Problem {
    code: "invalid-url",
    message: "not the address of a WebSocket",
};

const INVALID_PROTOCOLS: Problem = Problem {
    code: "invalid-protocols",
    message: "a subprotocol is not a token, or is named twice",
};

const REFUSED: Problem = Problem {
    code: "refused",
    message: "the browser does not allow this connection",
};

const INVALID_CODE: Problem = Problem {
    code: "invalid-code",
    message: "the code is neither 1000 nor one of 3000 to 4999",
};

const REASON_TOO_LONG: Problem = Problem {
    code: "reason-too-long",
    message: "the reason is longer than 123 bytes",
};

const INVALID_LISTENER: Problem = Problem {
    code: "invalid-listener",
    message: "no such event, or the listener is not a function",
};

/// Reads the exception of the browser's constructor.
pub(super) fn connect(exception: JsValue, protocols: &JsValue) -> JsValue {
    let problem = if !is_syntax_error(&exception) {
        REFUSED
    } else if protocols.is_undefined() || are_valid(protocols) {
        INVALID_URL
    } else {
        INVALID_PROTOCOLS
    };
    coded(&problem, "cause", &exception)
}

pub(super) fn send(problem: &Problem, item: &JsValue) -> JsValue {
    coded(problem, "item", item)
}

/// Reads the exception of the browser's `close`, which checks the code before the reason.
pub(super) fn close(exception: JsValue) -> JsValue {
    let problem = if is_syntax_error(&exception) {
        REASON_TOO_LONG
    } else {
        INVALID_CODE
    };
    coded(&problem, "cause", &exception)
}

pub(super) fn listener(listener: &JsValue) -> JsValue {
    coded(&INVALID_LISTENER, "cause", listener)
}

fn coded(problem: &Problem, detail: &str, value: &JsValue) -> JsValue {
    let error = Record::new_error(problem.message);
    error.set("code", &JsValue::from_str(problem.code));
    error.set(detail, value);
    error.into()
}

fn is_syntax_error(exception: &JsValue) -> bool {
    property(exception, "name") == JsValue::from_str("SyntaxError")
}

/// As `are_valid` in `socket/subprotocol.rs`, on strings that stay where they are.
fn are_valid(protocols: &JsValue) -> bool {
    // One string or an array of them; concatenated, an array in both cases.
    let names = Array::new().concat(protocols.unchecked_ref::<Array>());
    let token = Pattern::new(r"^[!#-'*+.^`|~\w-]+$");
    (0..names.length()).all(|index| {
        let name = names.get(index);
        token.test(&name) && names.index_of(&name, 0) == index.cast_signed()
    })
}
