// Keeps the list up to date: asks for the next message, which is answered when it is there, and takes over the new list.
"use strict";

const live = document.getElementById("live");
const list = () => document.getElementById("list");

function say(text, lost) {
  live.hidden = false;
  live.textContent = text;
  live.classList.toggle("lost", lost);
}

async function refresh() {
  const page = await (await fetch(location.href)).text();
  const fresh = new DOMParser().parseFromString(page, "text/html");
  const chosen = document.activeElement?.getAttribute("href");
  const scrolled = list().scrollTop;
  list().replaceWith(fresh.getElementById("list"));
  list().scrollTop = scrolled;
  if (chosen) list().querySelector(`a[href="${CSS.escape(chosen)}"]`)?.focus();
  if (!location.pathname.startsWith("/messages/")) document.title = fresh.title;
}

async function watch() {
  say("Live", false);
  for (;;) {
    try {
      const answer = await fetch(`/api/messages/next?after=${list().dataset.last}&timeout=55`);
      if (answer.status === 200) await refresh();
      else if (answer.status !== 204) throw new Error(answer.statusText);
      if (live.textContent !== "Live" || answer.status === 200) say("Live", false);
    } catch {
      say("The sandbox has stopped", true);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

if (list()) watch();
