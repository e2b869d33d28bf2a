/* Every page works without this file; it only makes some steps kinder. */
(() => {
  "use strict";
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
  const byId = (id) => document.getElementById(id);

  // Another captcha picture, with everything already typed left in place.
  const renew = (link) => {
    const picture = byId(link.dataset.captcha);
    picture.src = picture.src.split("?")[0] + "?_=" + Date.now();
    byId(link.dataset.field).value = "";
  };
  each("[data-captcha]", (link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    renew(link);
    byId(link.dataset.field).focus();
  }));
  each("[data-listen]", (link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    new Audio(link.href + "&_=" + Date.now()).play().catch(() => window.open(link.href, "_blank", "noopener"));
    byId(link.dataset.listen).focus();
  }));

  // For whom neither picture nor sound will do: the browser computes an answer to the same challenge.
  each("[data-work]", (box) => {
    const field = box.closest(".test"), input = field.querySelector("[name=captcha]"), test = field.querySelector(".captcha");
    const parts = field.querySelectorAll(".captcha, input, .hint, .trouble");
    const button = box.querySelector("button"), bar = box.querySelector("progress"), said = box.querySelector("p");
    const offer = button.textContent;
    let worker = null, begun = false;
    const show = (state) => {
      begun = state === "busy" || state === "done";
      said.textContent = box.dataset[state] || "";
      bar.hidden = state !== "busy";
      button.textContent = begun ? button.dataset.other : offer;
      parts.forEach((part) => { part.hidden = state === "done"; });
    };
    const start = async () => {
      sessionStorage.setItem("captcha", "work");
      show("busy");
      bar.value = 0;
      try {
        const picture = test.querySelector("img"); // it brings the challenge's cookie: not to be overtaken
        if (!picture.complete) await new Promise((next) => { picture.onload = picture.onerror = next; });
        const task = (await (await fetch(box.dataset.work, { headers: { Accept: "application/json" } })).json()).data;
        if (!begun) return;
        bar.max = task.pieces;
        worker = new Worker(box.dataset.worker);
        worker.onerror = () => show("failed");
        worker.onmessage = ({ data }) => {
          bar.value = data.done;
          if (!data.answer) return;
          input.value = data.answer;
          input.removeAttribute("aria-invalid");
          show("done");
        };
        worker.postMessage(task);
      } catch {
        show("failed");
      }
    };
    const stop = () => {
      if (worker) worker.terminate();
      worker = null;
      input.value = "";
      show("");
    };
    box.hidden = false;
    button.addEventListener("click", () => {
      if (!begun) return start();
      sessionStorage.removeItem("captcha");
      stop();
      return renew(test.querySelector("[data-captcha]"));
    });
    test.querySelector("[data-captcha]").addEventListener("click", stop); // another picture is another challenge
    window.addEventListener("pageshow", (event) => { if (event.persisted) stop(); });
    if (sessionStorage.getItem("captcha") === "work") start();
  });

  // Show a password, and hide it again before it is sent.
  each("[data-reveal]", (button) => {
    const input = byId(button.dataset.reveal);
    const show = (on) => {
      input.type = on ? "text" : "password";
      button.setAttribute("aria-pressed", String(on));
    };
    button.hidden = false;
    button.addEventListener("click", () => show(input.type === "password"));
    input.form.addEventListener("submit", () => show(false));
  });

  // How hard a new password looks to guess: seen at once, spoken when the typing pauses. The service has the last word.
  const roots = /password|passwort|qwert[yz]?|asdf|zxcv|iloveyou|letmein|welcome|admin|woaini|taobao|dragon|monkey|abc|1314|520/g;
  const strength = (text, fewest, names) => {
    const plain = text.normalize("NFKC");
    if ([...plain].length < fewest) return 0;
    let left = plain.toLowerCase();
    for (const name of names) left = left.replaceAll(name, "\u0000");
    left = [...left.replace(roots, "\u0000").replace(/(19|20)\d\d/g, "\u0000")].map((sign) => sign.codePointAt(0));
    const surprising = left.filter((code, at) => !at || Math.abs(code - left[at - 1]) > 1).length;
    const kinds = [[/\d/, 10], [/[a-z]/, 26], [/[A-Z]/, 26], [/[!-/:-@[-`{-~ ]/, 33], [/[^ -~]/, 500]];
    const signs = kinds.reduce((sum, [kind, count]) => sum + (kind.test(plain) ? count : 0), 1);
    const bits = surprising * Math.log2(signs) * 0.75; // people choose, they do not draw
    return bits < 32 ? 1 : bits < 48 ? 2 : bits < 64 ? 3 : 4;
  };
  each("[data-strength]", (box) => {
    const input = byId(box.dataset.strength), said = box.querySelector("[role=status]");
    let pause = 0;
    input.addEventListener("input", () => {
      const others = [...input.form.querySelectorAll("[autocomplete=username], [autocomplete=email]")];
      const names = others.map((other) => other.value.toLowerCase().split("@")[0]).filter((name) => name.length > 2);
      box.dataset.level = strength(input.value, box.dataset.fewest, names);
      box.hidden = !input.value;
      clearTimeout(pause);
      pause = setTimeout(() => {
        said.textContent = input.value ? said.dataset.says + box.dataset.words.split("|")[box.dataset.level] : "";
      }, 400);
    });
  });

  // One press, one request; a page that comes back from the history may be sent again, with a fresh captcha.
  each("form", (form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 5000); // what is downloaded leaves the page standing
  }));
  window.addEventListener("pageshow", (event) => {
    each("form[data-sent]", (form) => delete form.dataset.sent);
    if (event.persisted) each("[data-captcha]", renew);
  });

  // "Send again" opens when the service would accept it.
  each("[data-countdown]", (button) => {
    const label = button.textContent;
    const end = Date.now() + button.dataset.countdown * 1000;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? button.dataset.wait.replace("{n}", left) : label;
      if (left > 0) setTimeout(tick, 500);
    };
    tick();
  });

  // The visitor's zone: for this page's moments now, and in a cookie for the pages the service writes next.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split("; ").includes("zone=" + zone)) {
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  }
  each("time[datetime]", (time) => {
    const moment = new Date(time.dateTime);
    if (isNaN(moment)) return;
    time.textContent = moment.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  });
  each("[data-select]", (input) => input.addEventListener("focus", () => input.select()));

  const first = document.querySelector("[aria-invalid=true]") || document.querySelector(".notice[role=alert][tabindex]");
  if (first) first.focus();
})();
