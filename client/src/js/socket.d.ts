/// <reference lib="esnext.disposable" />

/** A `Uint8Array` over an `ArrayBuffer` of its own, in the words of whichever version of TypeScript reads this. */
export type Bytes = ReturnType<Uint8ArrayConstructor["of"]>;

/** What {@link Socket.send} takes. */
export type Sendable = string | ArrayBuffer | ArrayBufferView;

/** `"connecting"` until the handshake is done, `"closing"` from the first close frame either way. */
export type SocketState = "connecting" | "open" | "closing" | "closed";

/** The connection stands, and messages can be sent. */
export interface SocketOpenEvent {
  readonly type: "open";
  /** The subprotocol that the server chose; empty when none was chosen. */
  readonly protocol: string;
}

/** A message came. */
export interface SocketMessageEvent {
  readonly type: "message";
  /** A string for text, a `Uint8Array` for bytes. */
  readonly data: string | Bytes;
}

/** The connection failed; a close event follows. Browsers do not tell a page why. */
export interface SocketErrorEvent {
  readonly type: "error";
}

/** The connection is over, and nothing follows. */
export interface SocketCloseEvent {
  readonly type: "close";
  /** The code of the close frame: 1005 when it had none, 1006 when there was no close frame. */
  readonly code: number;
  /** The reason of the close frame; often empty. */
  readonly reason: string;
  /** Whether both sides had said goodbye, so that what was sent before it has arrived. */
  readonly wasClean: boolean;
}

/** The events of a {@link Socket} by their type. */
export interface SocketEventMap {
  open: SocketOpenEvent;
  message: SocketMessageEvent;
  error: SocketErrorEvent;
  close: SocketCloseEvent;
}

/** How a {@link Socket} is opened. */
export interface SocketOptions {
  /**
   * The subprotocols offered to the server, best first; none by default. Browsers end a connection whose server chose
   * none of those offered.
   */
  protocols?: string | string[];
  /** The {@link Socket.bufferedAmount} past which {@link Socket.send} refuses; 16 MiB (16777216) by default. */
  maxBufferedBytes?: number;
}

/** Why the constructor threw. */
export type ConnectErrorCode =
  /** The form or scheme of the address is wrong, or it has a fragment. */
  | "invalid-url"
  /** A subprotocol is not a token, or is named twice. */
  | "invalid-protocols"
  /** The browser does not allow it here, as for `ws:` in a page of `https:`. */
  | "refused";

/** Why {@link Socket.send} threw. */
export type SendErrorCode =
  /** {@link Socket.readyState} is not `"open"`. */
  | "not-open"
  /** More than {@link SocketOptions.maxBufferedBytes} wait to be sent. */
  | "buffer-full"
  /** The browser did not take it: neither text nor bytes, or a view of shared memory. */
  | "rejected";

/** Why {@link Socket.close} threw. */
export type CloseErrorCode =
  /** The code is neither 1000 nor one of 3000 to 4999. */
  | "invalid-code"
  /** The reason is longer than 123 bytes of UTF-8. */
  | "reason-too-long";

/** Why {@link Socket.on} threw. */
export type ListenErrorCode =
  /** There is no such event, or the listener is not a function. */
  "invalid-listener";

/** What a {@link Socket} throws. */
export interface SocketError extends Error {
  readonly code: ConnectErrorCode | SendErrorCode | CloseErrorCode | ListenErrorCode;
}

/** What the constructor throws; `cause` is the browser's exception. */
export interface SocketConnectError extends SocketError {
  readonly code: ConnectErrorCode;
  readonly cause: unknown;
}

/** What {@link Socket.send} throws. */
export interface SocketSendError<Item = Sendable> extends SocketError {
  readonly code: SendErrorCode;
  /** What was not sent, as it was given. */
  readonly item: Item;
}

/** What {@link Socket.close} throws. */
export interface SocketCloseError extends SocketError {
  readonly code: CloseErrorCode;
}

/**
 * One WebSocket of the browser, in a page or in a dedicated worker.
 *
 * It goes on for as long as it has listeners, even when nothing refers to it any more; `close()` ends the connection,
 * and disposing of it (`using socket = new Socket(url)`) removes the listeners as well.
 */
export class Socket implements Disposable {
  /**
   * Starts connecting.
   *
   * @throws {SocketConnectError} when the browser refuses to try. A server that cannot be reached is no exception but
   * an `error` and a `close` event later.
   */
  constructor(url: string | URL, options?: SocketOptions);

  /**
   * Calls `listener` with each event of a type, and returns the function that ends this.
   *
   * Listeners run in the order they were added. One that throws does not keep the others from running; what it threw
   * is reported as an uncaught exception.
   *
   * @throws {SocketError} with code `"invalid-listener"`.
   */
  on<Type extends keyof SocketEventMap>(type: Type, listener: (event: SocketEventMap[Type]) => void): () => void;

  /**
   * Sends text, or the bytes of a buffer or view.
   *
   * @throws {SocketSendError} which holds what was not sent.
   */
  send(data: Sendable): void;

  /**
   * Starts the closing handshake, or gives up connecting; does nothing when the socket is closing or closed.
   *
   * @param code 1000, which is the default, or one of 3000 to 4999.
   * @param reason at most 123 bytes of UTF-8.
   * @throws {SocketCloseError} when the code or the reason is not of that kind. The socket is then as it was.
   */
  close(code?: number, reason?: string): void;

  /** How far the connection is. */
  readonly readyState: SocketState;

  /** How many bytes of messages the browser holds that the network has not taken yet. */
  readonly bufferedAmount: number;

  /** The subprotocol that the server chose; empty before the socket is open, and when none was chosen. */
  readonly protocol: string;

  /** The address as the browser resolved it. */
  readonly url: string;

  /** Removes all listeners and closes the connection with 1000. What the socket knows can still be asked. */
  [Symbol.dispose](): void;

  /** The same as `[Symbol.dispose]()`, for where there is no such symbol. */
  free(): void;
}
