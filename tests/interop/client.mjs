// A client as tutorials write it: the four handlers, and a guarded send. It runs in a browser, and in Node with `ws`.

/**
 * @param {typeof WebSocket} WebSocket the browser's class, or that of `ws`
 * @param {string} url
 * @param {Pick<Console, "log" | "warn" | "error">} console
 */
export function openChat(WebSocket, url, console) {
  const ws = new WebSocket(url);

  ws.onopen = () => {
    console.log("open");
    ws.send("Hello Server!");
  };

  ws.onmessage = (event) => {
    console.log("message", event.data);
  };

  ws.onerror = () => {
    console.error("error");
  };

  ws.onclose = (event) => {
    console.log("close", event.code);
  };

  function sendMessage(message) {
    if (ws.readyState === WebSocket.OPEN) {
      ws.send(message);
    } else {
      console.warn("not open", message);
    }
  }

  return { ws, sendMessage };
}
