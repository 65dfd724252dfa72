// A socket whose events are kept, and can be waited for.

import { Socket, type SocketEventMap, type SocketOptions } from "tidewire";

type AnyEvent = SocketEventMap[keyof SocketEventMap];

export interface Recording {
  readonly socket: Socket;
  readonly events: AnyEvent[];
  /** Resolves with the first event of this type from the one numbered `from`; the deadline is the test's. */
  next<Type extends keyof SocketEventMap>(type: Type, from?: number): Promise<SocketEventMap[Type]>;
}

export function record(url: string, options?: SocketOptions): Recording {
  const socket = options === undefined ? new Socket(url) : new Socket(url, options);
  const events: AnyEvent[] = [];
  const waiting: (() => void)[] = [];
  const keep = (event: AnyEvent): void => {
    events.push(event);
    for (const check of waiting.splice(0)) check();
  };
  socket.on("open", keep);
  socket.on("message", keep);
  socket.on("error", keep);
  socket.on("close", keep);
  return {
    socket,
    events,
    next<Type extends keyof SocketEventMap>(type: Type, from = 0) {
      return new Promise<SocketEventMap[Type]>((resolve) => {
        const check = (): void => {
          const found = events.slice(from).find((event): event is SocketEventMap[Type] => event.type === type);
          if (found === undefined) waiting.push(check);
          else resolve(found);
        };
        check();
      });
    },
  };
}
