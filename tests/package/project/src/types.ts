// Never run: that the compiler accepts this file is the test. Each `@ts-expect-error` fails the check when the line
// below it is right, so that the types are neither too narrow nor too wide.

import init, {
  connect,
  initSync,
  Socket,
  type Client,
  type Position,
  type PublishError,
  type Room,
  type RoomEvent,
  type SocketEventMap,
  type SocketOptions,
  type SocketSendError,
  type TokenError,
} from "tidewire";
import wasm from "tidewire/tidewire_bg.wasm?url";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const exactly = <T extends true>(): T | undefined => undefined;

exactly<Equal<keyof SocketEventMap, "open" | "message" | "error" | "close">>();
exactly<Equal<Socket["readyState"], "connecting" | "open" | "closing" | "closed">>();
exactly<Equal<SocketEventMap["close"]["code"], number>>();
exactly<Equal<ReturnType<Socket["on"]>, () => void>>();
exactly<Equal<SocketSendError["code"], "not-open" | "buffer-full" | "rejected">>();

export async function constructs(): Promise<void> {
  await init();
  await init({ module_or_path: wasm });
  initSync({ module: new ArrayBuffer(8) });
  const options: SocketOptions = { protocols: ["a", "b"], maxBufferedBytes: 1 };
  new Socket("ws://localhost/chat");
  new Socket(new URL("ws://localhost/chat"), options);
  // @ts-expect-error: an address is needed
  new Socket();
  // @ts-expect-error: there is no such option
  new Socket("ws://localhost/chat", { protocol: "a" });
  // @ts-expect-error: the address is no number
  new Socket(1);
}

export function listens(socket: Socket): void {
  const undo: () => void = socket.on("open", (event) => exactly<Equal<typeof event.protocol, string>>());
  undo();
  socket.on("message", (event) => {
    if (typeof event.data === "string") event.data.toUpperCase();
    else event.data.byteLength.toFixed();
    // @ts-expect-error: it may be bytes
    event.data.toUpperCase();
    // @ts-expect-error: only a close event has a code
    event.code;
  });
  socket.on("error", (event) => exactly<Equal<typeof event.type, "error">>());
  socket.on("close", ({ code, reason, wasClean }) => {
    exactly<Equal<[typeof code, typeof reason, typeof wasClean], [number, string, boolean]>>();
  });
  // @ts-expect-error: there is no such event
  socket.on("ping", () => {});
  // @ts-expect-error: a listener is a function
  socket.on("open", 1);
  // @ts-expect-error: this listener wants an event of another type
  socket.on("open", (event: SocketEventMap["close"]) => event.code);
}

export function sends(socket: Socket): void {
  socket.send("text");
  socket.send(new ArrayBuffer(1));
  socket.send(new Uint8Array(1));
  socket.send(new DataView(new ArrayBuffer(1)));
  // @ts-expect-error: neither text nor bytes
  socket.send(1);
  // @ts-expect-error: neither text nor bytes
  socket.send({ text: "text" });
  // @ts-expect-error: nothing to send
  socket.send();
}

export function ends(): void {
  using socket = new Socket("ws://localhost/chat");
  socket.close();
  socket.close(1000);
  socket.close(4000, "reason");
  // @ts-expect-error: a code is a number
  socket.close("1000");
  // @ts-expect-error: it is told, not set
  socket.readyState = "closed";
}

interface Said {
  readonly text: string;
}

exactly<Equal<Client["state"], "connecting" | "open" | "waiting" | "offline" | "unauthorized" | "closed">>();
exactly<Equal<Client["transport"], "websocket" | "polling" | undefined>>();
exactly<Equal<RoomEvent["type"], "subscribed" | "message" | "gap" | "signal" | "joined" | "left" | "present" | "ended">>();
exactly<Equal<PublishError<Said>["value"], Said>>();
exactly<Equal<Parameters<Room<Said>["publish"]>[0], Said>>();

export async function talks(): Promise<void> {
  await using client = connect(new URL("ws://localhost/ws"), { maxPublishes: 10, signal: AbortSignal.timeout(1) });
  const undo: () => void = client.on("state", (event) => {
    if (event.state === "waiting") exactly<Equal<typeof event.retryIn, number>>();
    if (event.state === "open") exactly<Equal<typeof event.transport, "websocket" | "polling">>();
    if (event.state === "closed") exactly<Equal<typeof event.code, number>>();
    // @ts-expect-error: only one that is closed has a code
    event.code;
  });
  undo();
  connect("ws://localhost/ws", { transports: ["polling"] }).close();
  connect("ws://localhost/ws", { transports: ["polling", "websocket"] }).close();
  // @ts-expect-error: there must be one
  connect("ws://localhost/ws", { transports: [] });
  // @ts-expect-error: each once
  connect("ws://localhost/ws", { transports: ["polling", "polling"] });
  // @ts-expect-error: there is no such transport
  connect("ws://localhost/ws", { transports: ["carrier-pigeon"] });
  const kept = connect("ws://localhost/ws", { persist: "tab" });
  kept.on("restored", (event) => {
    exactly<Equal<typeof event.value, unknown>>();
    if (event.error) exactly<Equal<typeof event.error, PublishError>>();
    else exactly<Equal<typeof event.position, Position>>();
  });
  kept.on("unsaved", (event) => exactly<Equal<typeof event.code, "unavailable" | "too-large" | "full">>());
  const room = client.room<Said>("lobby");
  const position: Position = await room.publish({ text: "hello" }, { ttl: 1000 });
  const sent: boolean = room.signal({ text: "typing" });
  for await (const event of room.subscribe({ history: 50, presence: true })) {
    switch (event.type) {
      case "message":
        exactly<Equal<typeof event.value, Said>>();
        exactly<Equal<typeof event.sender, string | undefined>>();
        exactly<Equal<typeof event.offset, number>>();
        break;
      case "gap":
        exactly<Equal<typeof event.cause, "evicted" | "log-lost">>();
        break;
      case "joined":
      case "left":
        exactly<Equal<typeof event.member, string>>();
        break;
      case "present":
        exactly<Equal<typeof event.members, readonly string[]>>();
        break;
      case "signal":
        exactly<Equal<typeof event.value, Said>>();
        break;
      case "subscribed":
        exactly<Equal<typeof event.position, Position>>();
        break;
      case "ended":
        exactly<Equal<typeof event.code, number>>();
        break;
      default:
        exactly<Equal<typeof event, never>>();
    }
  }
  using events = room.subscribe({ after: position });
  const next: IteratorResult<RoomEvent<Said>, undefined> = await events.next();
  exactly<Equal<Awaited<ReturnType<Client["roundTrip"]>>, number | undefined>>();
  client.room("anything").publish(next).then(() => sent);
}

export function refuses(client: Client): void {
  // @ts-expect-error: a room has a name
  client.room();
  // @ts-expect-error: this room is of another kind of message
  client.room<Said>("lobby").publish("text");
  // @ts-expect-error: there is no such option
  client.room("lobby").subscribe({ from: 1 });
  // @ts-expect-error: there is no such event
  client.on("open", () => {});
  // @ts-expect-error: nothing else keeps a session
  connect("ws://localhost/ws", { persist: "session" });
  // @ts-expect-error: it is told, not set
  client.state = "closed";
}

export async function tokens(): Promise<void> {
  const client = connect("ws://localhost/ws", { token: "a", tokenTimeout: 1 });
  connect("ws://localhost/ws", { token: () => "a" });
  connect("ws://localhost/ws", { token: async () => "a" });
  // @ts-expect-error: a token is text
  connect("ws://localhost/ws", { token: 1 });
  // @ts-expect-error: and so is what a function gives
  connect("ws://localhost/ws", { token: async () => 1 });
  exactly<Equal<ReturnType<typeof client.setToken>, void>>();
  // @ts-expect-error: a token is text
  client.setToken(undefined);
  client.on("state", (event) => {
    if (event.state === "unauthorized") exactly<Equal<typeof event.error, TokenError>>();
    // @ts-expect-error: only who is unauthorized has one
    else event.error;
  });
  exactly<Equal<TokenError["code"], "failed" | "timed-out" | "expired">>();
}
