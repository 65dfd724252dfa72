// A console whose lines can be waited for, in order. It runs in a browser and in Node.

export function journal() {
  const lines = [];
  const waiting = [];
  const write = (level) => (...words) => {
    lines.push([level, ...words].join(" "));
    waiting.splice(0).forEach((check) => check());
  };
  return {
    lines,
    log: write("log"),
    warn: write("warn"),
    error: write("error"),
    /** Resolves once `line` has been written; the deadline is the test's own. */
    until(line) {
      return new Promise((resolve) => {
        const check = () => (lines.includes(line) ? resolve() : waiting.push(check));
        check();
      });
    },
  };
}
