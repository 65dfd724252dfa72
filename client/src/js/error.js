// What is thrown: an `Error` with a `code`.

export const failure = (code, message, details) => Object.assign(new Error(message), { code }, details);

// As with the browser's own events: what a listener throws is reported, and the others still run.
export const call = (listener, event) => {
  try {
    listener(event);
  } catch (error) {
    reportError(error);
  }
};
