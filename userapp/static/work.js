/* Searches the numbers of a computed captcha, in a worker, so that the page stays usable; see userapp/auth/work.py. */
"use strict";

// SHA-256's constants: the first 32 bits behind the point of the primes' square and cube roots.
const roots = new Int32Array(64), start = new Int32Array(8);
for (let number = 2, known = 0; known < 64; number++) {
  let prime = true;
  for (let part = 2; part * part <= number; part++) if (number % part === 0) prime = false;
  if (!prime) continue;
  if (known < 8) start[known] = (Math.sqrt(number) % 1) * 0x100000000;
  roots[known++] = (Math.cbrt(number) % 1) * 0x100000000;
}
const words = new Int32Array(64);

// The first 32 bits of the SHA-256 of a text shorter than 56 characters, all of them ASCII.
const digest = (text) => {
  words.fill(0, 0, 16);
  for (let at = 0; at < text.length; at++) words[at >> 2] |= text.charCodeAt(at) << (24 - (at & 3) * 8);
  words[text.length >> 2] |= 0x80 << (24 - (text.length & 3) * 8);
  words[15] = text.length * 8;
  for (let at = 16; at < 64; at++) {
    const x = words[at - 15], y = words[at - 2];
    const small = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const large = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    words[at] = words[at - 16] + small + words[at - 7] + large | 0;
  }
  let a = start[0], b = start[1], c = start[2], d = start[3], e = start[4], f = start[5], g = start[6], h = start[7];
  for (let at = 0; at < 64; at++) {
    const turned = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const one = h + turned + (e & f ^ ~e & g) + roots[at] + words[at] | 0;
    const two = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
    h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
  }
  return a + start[0] | 0;
};

self.onmessage = (event) => {
  const { challenge, pieces, bits } = event.data;
  const numbers = [];
  for (let piece = 0; piece < pieces; piece++) {
    let number = 0;
    while (Math.clz32(digest(`${challenge}:${piece}:${number}`)) < bits) number++;
    numbers.push(number);
    self.postMessage({ done: piece + 1, answer: piece + 1 === pieces ? "work:" + numbers.join(".") : "" });
  }
};
