const list = document.getElementById("messages");
const text = document.getElementById("text");

/** All messages up to this number are on the page. */
let since = 0;

const socket = io({
  auth: (send) => send({ since }),
  // What was said is sent again, in order, until the server has answered that it is stored.
  ackTimeout: 10_000,
  retries: Number.POSITIVE_INFINITY,
  reconnectionDelay: 200,
  reconnectionDelayMax: 2000,
});

/** Puts a message in its place. Two workers may store at the same time, so it may come just before an earlier one. */
function show(id, content) {
  let before = list.lastElementChild;
  while (before?.value > id) before = before.previousElementSibling;
  if (before?.value === id) return;

  const line = document.createElement("li");
  line.value = id;
  line.textContent = content;
  if (before) before.after(line);
  else list.prepend(line);
  for (let next = line; next?.value === since + 1; next = next.nextElementSibling) since++;
  list.lastElementChild.scrollIntoView();
}

socket.on("said", show);

const state = document.getElementById("state");
socket.on("connect", () => {
  state.textContent = socket.recovered ? "recovered" : "connected";
});
socket.on("disconnect", () => {
  state.textContent = "reconnecting";
});

/** Names the messages of this tab, so that one that is sent twice is stored once. */
const tab = crypto.getRandomValues(new Uint32Array(2)).join("-");
let said = 0;

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (text.value.trim()) socket.emit("say", text.value.trim(), `${tab}-${said++}`);
  text.value = "";
});
