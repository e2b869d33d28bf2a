/* The picture page: choose or drop a file, see it, pick its square, watch it being sent. Without this file a plain form does it. */
(() => {
  "use strict";
  const input = document.querySelector("[data-avatar]");
  const form = input.form;
  const box = document.getElementById(input.dataset.avatar);
  const canvas = box.querySelector("canvas");
  const zoom = box.querySelector("[type=range]");
  const bar = form.querySelector("progress");
  const least = Number(input.dataset.least);
  let picture = null, middle = null, held = null;

  // What the last page was told is said by this one.
  const note = document.createElement("p");
  note.className = "notice good";
  note.setAttribute("role", "status");
  note.textContent = sessionStorage.getItem("avatar-done") || "";
  sessionStorage.removeItem("avatar-done");
  if (note.textContent) document.querySelector("main").prepend(note);

  const complain = (text) => {
    input.setCustomValidity(text);
    input.reportValidity();
  };

  // Drawn on a canvas, so that no blob: address is needed; moved and scaled within its square.
  const draw = () => {
    const shorter = Math.min(picture.width, picture.height);
    const side = Math.max(Math.min(least, shorter), shorter / zoom.value);
    const inside = (at, length) => Math.min(Math.max(at, side / 2), length - side / 2);
    middle = [inside(middle[0], picture.width), inside(middle[1], picture.height)];
    const values = { x: middle[0] - side / 2, y: middle[1] - side / 2, side: side };
    for (const name in values) box.querySelector(`[name=${name}]`).value = Math.floor(values[name]);
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, values.x, values.y, side, side, 0, 0, canvas.width, canvas.height);
    return side;
  };
  const move = (dx, dy) => { // in shares of the square shown
    const side = draw();
    middle = [middle[0] + dx * side, middle[1] + dy * side];
    draw();
  };

  const forget = () => {
    box.hidden = true;
    picture = null;
    box.querySelectorAll("[type=hidden]").forEach((field) => { field.value = ""; });
  };
  input.addEventListener("change", async () => {
    const file = input.files[0];
    forget();
    input.setCustomValidity("");
    if (!file) return;
    let trouble = file.size > input.dataset.most ? input.dataset.large : "";
    const loaded = trouble ? null : await createImageBitmap(file).catch(() => null);
    if (file !== input.files[0]) return;
    if (loaded && Math.min(loaded.width, loaded.height) < least) trouble = input.dataset.small;
    else if (!loaded && !trouble) trouble = input.dataset.broken;
    if (trouble) return complain(trouble);
    picture = loaded;
    middle = [picture.width / 2, picture.height / 2];
    zoom.value = 1;
    box.hidden = false;
    draw();
  });

  // A file dropped anywhere on the page is taken; beside a page's own field a browser would leave the page for it.
  const over = (on) => form.classList.toggle("over", on);
  const carries = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); });
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    over(false);
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  zoom.addEventListener("input", draw);
  canvas.addEventListener("pointerdown", (event) => {
    held = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("lostpointercapture", () => { held = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    move((held[0] - event.clientX) / canvas.clientWidth, (held[1] - event.clientY) / canvas.clientHeight);
    held = [event.clientX, event.clientY];
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom.value = Number(zoom.value) * (event.deltaY < 0 ? 1.1 : 1 / 1.1);
    draw();
  }, { passive: false });
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const scale = { "+": 1.1, "=": 1.1, "-": 1 / 1.1 }[event.key];
    const step = KEYS[event.key];
    if (!step && !scale) return;
    event.preventDefault();
    if (scale) zoom.value = Number(zoom.value) * scale;
    if (step) move(step[0] * 0.05, step[1] * 0.05);
    else draw();
  });

  // Sent by script, because only so can one see how far it is.
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    const sending = new XMLHttpRequest();
    const ended = (text) => {
      bar.hidden = true;
      delete form.dataset.sent;
      complain(text);
    };
    sending.open("POST", form.action + (document.documentElement.lang === "en" ? "?lang=en" : ""));
    sending.setRequestHeader("Accept", "application/json");
    sending.responseType = "json";
    sending.upload.addEventListener("progress", (step) => { bar.value = step.loaded / step.total; });
    sending.upload.addEventListener("load", () => bar.removeAttribute("value"));
    sending.addEventListener("error", () => ended(input.dataset.lost));
    sending.addEventListener("load", () => {
      const reply = sending.response || { msg: input.dataset.lost };
      if (!reply.status && sending.status !== 401) return ended(reply.msg);
      if (reply.status) sessionStorage.setItem("avatar-done", input.dataset.done);
      location.assign(form.action); // signed out meanwhile: this leads to the sign-in page
    });
    bar.value = 0;
    bar.hidden = false;
    sending.send(new FormData(form));
  });
  input.addEventListener("input", () => input.setCustomValidity(""));
})();
