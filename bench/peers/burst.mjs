// Bursts for the workload `browser`: `POST /burst?messages=N&bytes=B` says so many messages, as fast as that goes.

/**
 * @param {import("node:http").Server} http
 * @param {(value: unknown) => void} say says one message to everybody in the room
 */
export function answerBursts(http, say) {
  http.on("request", (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    if (request.method !== "POST" || pathname !== "/burst") return;
    const text = filling(searchParams.get("bytes"));
    for (let index = 0; index < searchParams.get("messages"); index++) say({ number: FIRST + index, text });
    response.writeHead(204).end();
  });
}

/** The number of a burst's first message: those of all have as many digits. */
const FIRST = 1_000_000;

/** What makes a message as long as that in JSON. */
const filling = (bytes) => "x".repeat(bytes - JSON.stringify({ number: FIRST, text: "" }).length);
