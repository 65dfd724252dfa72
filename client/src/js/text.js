// Text is UTF-8 in the module.

export const encode = (text) => new TextEncoder().encode(text);

// A decoder each: that of Safari takes no more than 2 GiB.
export const decode = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
