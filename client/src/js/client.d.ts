/// <reference lib="esnext.disposable" />

import type { Bytes } from "./socket.js";

/** A place in a room's log: what to give to {@link SubscribeOptions.after} to go on behind it, also in another page. */
export interface Position {
  /** One life of the log: 16 hexadecimal digits. It changes when the log was lost. */
  readonly epoch: string;
  /** The last message had: the first of a log has 1, and there are no holes. */
  readonly offset: number;
}

/** `"connecting"` also while it connects again; `"waiting"` before it does. */
export type ClientState = ClientStateEvent["state"];

/** What a client talks over: a WebSocket, or HTTP requests that wait for news. */
export type Transport = "websocket" | "polling";

/** One or both, in the order in which they are tried. */
export type Transports =
  | readonly [Transport]
  | readonly ["websocket", "polling"]
  | readonly ["polling", "websocket"];

/** The client's state has changed, or what it talks over. */
export type ClientStateEvent =
  | { readonly type: "state"; readonly state: "connecting" | "offline" }
  /** It needs a token to go on. While one is asked for, it is `"connecting"`. */
  | { readonly type: "state"; readonly state: "unauthorized"; readonly error: TokenError }
  /** It can talk. Told again when the session has moved from one transport to the other, which it does without a break. */
  | { readonly type: "state"; readonly state: "open"; readonly transport: Transport }
  /** It will connect again after `retryIn` milliseconds. */
  | { readonly type: "state"; readonly state: "waiting"; readonly retryIn: number }
  /** It has ended: with 1000 when the program closed it, otherwise with the code of the server. */
  | { readonly type: "state"; readonly state: "closed"; readonly code: number };

/** Why there is no token to go on with. */
export type TokenErrorCode =
  /** {@link ConnectOptions.token} threw, or gave no string: `cause` says why. It is called again after a wait. */
  | "failed"
  /** {@link ConnectOptions.token} took longer than {@link ConnectOptions.tokenTimeout}. It is called again after a wait. */
  | "timed-out"
  /**
   * The server says that the token has expired, and there is no function to call for another, or what that gave has expired
   * too. Nothing is tried until {@link Client.setToken}.
   */
  | "expired";

/** Why there is no token to go on with. */
export interface TokenError extends Error {
  readonly code: TokenErrorCode;
  /** With `"failed"`: what was thrown. */
  readonly cause?: unknown;
}

/** What became of something that the page before this one had published and not heard of: see {@link ConnectOptions.persist}. */
export type RestoredEvent =
  /** It was accepted, at this place. */
  | (Restored & { readonly position: Position; readonly error?: undefined })
  /** It failed. */
  | (Restored & { readonly position?: undefined; readonly error: PublishError });

interface Restored {
  readonly type: "restored";
  /** The name of the room. */
  readonly room: string;
  /** What was published: JSON, or a `Uint8Array`. */
  readonly value: unknown;
}

/** The session is not kept for the page that follows, and ends with this one. Told once, and at the latest when the page goes. */
export interface UnsavedEvent {
  readonly type: "unsaved";
  readonly code: UnsavedCode;
}

/** Why a session is not kept. */
export type UnsavedCode =
  /** There is no session storage here, as in a worker, or it may not be used. */
  | "unavailable"
  /** It takes more than 1 MiB: of what was published and not answered, most likely. */
  | "too-large"
  /** The storage takes no more. */
  | "full";

/** The events of a {@link Client} by their type. */
export interface ClientEventMap {
  state: ClientStateEvent;
  restored: RestoredEvent;
  unsaved: UnsavedEvent;
}

/** How a {@link Client} is made. */
export interface ConnectOptions {
  /**
   * How many bytes of events a subscription holds for a program that does not take them; 1 MiB (1048576) by default. Past
   * that, and the batch in which it happened, the server is told to send no more of it until they were taken. What the
   * server no longer keeps by then is told as a gap.
   */
  maxQueuedBytes?: number;
  /** How many publishes may wait for their answers, over reconnects too; 1024 by default, and 16 MiB. */
  maxPublishes?: number;
  /**
   * What it talks over, in the order in which it is tried; `["websocket", "polling"]` by default. One that is of no use three
   * times over gives way to the next, and while it polls it tries for a WebSocket every so often where it would rather have
   * one. A server is polled beside its WebSockets: at `/poll` where they are at `/ws`.
   */
  transports?: Transports;
  /**
   * With `"tab"` the session goes on when its page is loaded again, or followed by another in the same tab: it is kept in
   * the tab's session storage, for one client of a page and address. Subscriptions without `history` or `after` begin
   * where the page before had come to, and what that page had published and not heard of is told by `"restored"`. A tab
   * that is duplicated has a session of its own. Others see the session until the server gives up waiting for the next
   * page. By default a session ends with its page, and others see that at once.
   */
  persist?: "tab" | undefined;
  /**
   * What shows a server who the client is: text, or a function that is called for it before the first connection, when four
   * fifths of the time of the one in use have passed, and once where the server says that it has expired. It is kept in memory
   * only. By default there is none.
   */
  token?: string | (() => string | PromiseLike<string>);
  /** How many milliseconds {@link ConnectOptions.token} may take; 10000 by default. */
  tokenTimeout?: number;
  /** Closes the client when it is aborted. */
  signal?: AbortSignal;
}

/**
 * Where a {@link Subscription} begins, and what it tells. By default it begins with the next message, or where the page
 * before had come to: see {@link ConnectOptions.persist}.
 */
export interface SubscribeOptions {
  /** Begins with so many past messages, or as many as the server keeps. */
  history?: number;
  /** Begins after this position: an earlier subscription goes on. Takes the place of `history`. */
  after?: Position | undefined;
  /** Tells who is in the room, and who comes and goes; `false` by default. */
  presence?: boolean;
  /** Ends the subscription when it is aborted. Whoever waits for an event then gets the signal's reason as an error. */
  signal?: AbortSignal;
}

/** How a message is published. */
export interface PublishOptions {
  /** Where it cannot be sent within so many milliseconds, it is not sent; without limit by default. */
  ttl?: number;
  /** Ends the waiting for the answer when it is aborted. What was published stays published. */
  signal?: AbortSignal;
}

/** It has begun, or goes on after a reconnect: the next message is the one after this position, unless a gap comes first. */
export interface SubscribedEvent {
  readonly type: "subscribed";
  readonly position: Position;
}

/** A message. They come in the order of their offsets, each once. */
export interface MessageEvent<T = unknown> {
  readonly type: "message";
  /** Its place in the room's log. */
  readonly offset: number;
  /** Who published it; nobody for the server itself. */
  readonly sender: string | undefined;
  /** What was said. Text that is not JSON is given as it is, bytes as a `Uint8Array`. */
  readonly value: T;
}

/** Messages that can no longer be had. */
export interface GapEvent {
  readonly type: "gap";
  /** They were evicted from the log; or the log was lost, and a new one began. */
  readonly cause: "evicted" | "log-lost";
  /** The offset of the first that is missing. */
  readonly from: number;
  /** The next message is the one after this position. */
  readonly position: Position;
}

/** A message that is not logged. */
export interface SignalEvent<T = unknown> {
  readonly type: "signal";
  /** Who sent it; nobody for the server itself. */
  readonly sender: string | undefined;
  /** What was said, as in a {@link MessageEvent}. */
  readonly value: T;
}

/** Somebody is in the room who was not, or no longer is. */
export interface MemberEvent {
  readonly type: "joined" | "left";
  readonly member: string;
}

/** Who is in the room: after the subscription has begun, and after each reconnect. */
export interface PresentEvent {
  readonly type: "present";
  readonly members: readonly string[];
}

/** The server refused the subscription, or ended it. Nothing follows. */
export interface EndedEvent {
  readonly type: "ended";
  /** 1 to 99: the same would be refused again; 100 and above: it may be granted later. */
  readonly code: number;
}

/** What a {@link Subscription} tells. */
export type RoomEvent<T = unknown> =
  | SubscribedEvent
  | MessageEvent<T>
  | GapEvent
  | SignalEvent<T>
  | MemberEvent
  | PresentEvent
  | EndedEvent;

/** Why {@link connect} threw. */
export type ClientConnectErrorCode =
  /** The form or scheme of the address is wrong, or it has a fragment. */
  | "invalid-url"
  /** {@link ConnectOptions.transports} are not what they may be. */
  | "invalid-transports"
  /** {@link ConnectOptions.token} is neither a string nor a function. */
  | "invalid-token"
  /** The browser does not allow it here, as for `ws:` in a page of `https:`. */
  | "refused";

/** Why {@link Room.subscribe} threw. */
export type SubscribeErrorCode =
  /** This client is subscribed to the room already. */
  | "already-subscribed"
  /** The client has ended. */
  | "closed";

/** Why {@link Room.publish} failed. */
export type PublishErrorCode =
  /** As much waits for its answer as {@link ConnectOptions.maxPublishes} allows. It was not sent. */
  | "full"
  /** The server refused it: `refusal` is its code. */
  | "refused"
  /** It was sent, or left to another page, and the session ended before the answer came: whether it was accepted is unknown. */
  | "unconfirmed"
  /** {@link PublishOptions.ttl} passed before it could be sent. It was not sent. */
  | "expired"
  /** The client has ended. It was not sent. */
  | "closed"
  /** It is neither JSON nor a `Uint8Array`. It was not sent. */
  | "invalid-value";

/** What {@link Room.publish} rejects with. */
export interface PublishError<T = unknown> extends Error {
  readonly code: PublishErrorCode;
  /** What was not published, as far as is known; as it was given. */
  readonly value: T;
  /** With `"refused"`: 1 to 99, the same would be refused again; 100 and above, it may be granted later. */
  readonly refusal?: number;
}

/** What else is thrown here. */
export interface ClientError extends Error {
  readonly code: ClientConnectErrorCode | SubscribeErrorCode | "invalid-room" | "invalid-listener";
}

/**
 * Begins to connect to the `/ws` of a server, and returns at once.
 *
 * The client connects again whenever a connection ends; subscriptions go on where they were, and what was published is sent
 * until it is answered. It goes on until it is closed or disposed of.
 *
 * @throws {ClientError} when the browser refuses to try. A server that cannot be reached is a reason to try again.
 */
export function connect(url: string | URL, options?: ConnectOptions): Client;

/** A session with a server, which outlives its connections: what {@link connect} returns. */
export interface Client extends Disposable, AsyncDisposable {
  /** What it is doing. */
  readonly state: ClientState;

  /** What it talks over, while it is `"open"`. */
  readonly transport: Transport | undefined;

  /** Who it is to others in a room; nobody before it was first welcomed. */
  readonly member: string | undefined;

  /**
   * Calls `listener` with each event of a type, and returns the function that ends this.
   *
   * @throws {ClientError} with code `"invalid-listener"`.
   */
  on<Type extends keyof ClientEventMap>(type: Type, listener: (event: ClientEventMap[Type]) => void): () => void;

  /**
   * A room whose messages and signals are of type `T`, as far as the program knows. Nothing is sent yet.
   *
   * @param name 1 to 128 bytes of UTF-8 without control characters.
   * @throws {ClientError} with code `"invalid-room"`.
   */
  room<T = unknown>(name: string): Room<T>;

  /**
   * How long it takes to the server and back, in milliseconds; nothing where there is no connection, or it ends before the
   * answer.
   */
  roundTrip(): Promise<number | undefined>;

  /**
   * Shows the server this token from now on. An open connection goes on with it, and one that is `"unauthorized"` is tried at
   * once. It is to be of the same subject: for another one a server ends the session.
   *
   * @throws {ClientError} with code `"invalid-token"`.
   */
  setToken(token: string): void;

  /** Ends the session. Subscriptions end, and what waits to be published fails. */
  close(): void;
}

/** A room: a log of messages of type `T`. */
export interface Room<T = unknown> {
  readonly name: string;

  /** Who is in the room, as far as a subscription with presence has told; nobody where there is none. */
  readonly presence: readonly string[];

  /**
   * Asks for the room's messages, now and after each reconnect. Leaving the loop over them ends it.
   *
   * @throws {ClientError} with a {@link SubscribeErrorCode}.
   */
  subscribe(options?: SubscribeOptions): Subscription<T>;

  /**
   * Publishes a message, after all that this client has published before, and resolves with its place. JSON values are sent
   * as JSON, and a `Uint8Array` as it is.
   *
   * @throws {PublishError} which holds the value.
   */
  publish(value: T, options?: PublishOptions): Promise<Position>;

  /**
   * Signals to who is subscribed to the room now. Nobody keeps it, and it may be lost on its way. Returns whether it was
   * sent: not where there is no connection, or too much waits to be sent.
   */
  signal(value: T): boolean;
}

/** The events of a room, in order. */
export interface Subscription<T = unknown> extends AsyncIterableIterator<RoomEvent<T>>, Disposable, AsyncDisposable {
  /** The place of the last message that was taken. Nowhere before it has begun. */
  readonly position: Position | undefined;

  /** Who is in the room, as far as the events that were taken have told. */
  readonly presence: readonly string[];

  next(): Promise<IteratorResult<RoomEvent<T>, undefined>>;

  /** Ends the subscription. */
  return(): Promise<IteratorResult<RoomEvent<T>, undefined>>;

  [Symbol.asyncIterator](): Subscription<T>;
}
