const ANIMALS = [
  "Badger",
  "Crane",
  "Fox",
  "Hare",
  "Heron",
  "Lynx",
  "Marten",
  "Otter",
  "Owl",
  "Seal",
  "Swift",
];

/** How many lines the page keeps. */
const MAX_LINES = 200;

const query = new URLSearchParams(location.search);
const name = query.get("name") || ANIMALS[Math.floor(Math.random() * ANIMALS.length)];
const transports = query.has("transport") ? [query.get("transport")] : ["polling", "websocket"];

const socket = io({ transports, auth: { name }, reconnectionDelay: 200, reconnectionDelayMax: 2000 });
let pid;

const element = (id) => document.getElementById(id);

function make(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function showState(state) {
  element("state").textContent = state;
  element("state").dataset.state = state;
}

function showTransport() {
  element("transport").textContent = socket.io.engine.transport.name;
}

/** Adds a line to the conversation, and keeps its end in view if that is where the reader is. */
function add(line) {
  const list = element("messages");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(line);
  if (list.childElementCount > MAX_LINES) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

socket.on("connect", () => {
  showState("connected");
  showTransport();
  socket.io.engine.on("upgrade", showTransport);
});
socket.on("disconnect", () => showState("reconnecting"));
socket.on("connect_error", () => showState("reconnecting"));

socket.on("worker", (worker) => {
  element("worker").textContent = `${worker.number} (pid ${worker.pid})`;
  element("worker").style.setProperty("--slot", worker.number);
  if (pid && pid !== worker.pid)
    add(make("li", "note", `Back, on worker ${worker.number} (pid ${worker.pid})`));
  pid = worker.pid;
});

socket.on("there", (tabs) => {
  const numbers = [...new Set(tabs.map(({ worker }) => worker))].sort((a, b) => a - b);
  const groups = numbers.map((number) => {
    const names = tabs
      .filter(({ worker }) => worker === number)
      .map((tab) => (tab.id === socket.id ? `${tab.name} (you)` : tab.name));
    const group = make("div", "group", make("b", "", `Worker ${number}`), names.join(", "));
    group.style.setProperty("--slot", number);
    return group;
  });
  element("there").replaceChildren(...groups);
});

socket.on("said", (said) => {
  const own = said.from === socket.id;
  const by = make("span", "by", `${own ? "You" : said.name} · worker ${said.worker}`);
  const line = make("li", own ? "message own" : "message", by, make("p", "", said.text));
  line.style.setProperty("--slot", said.worker);
  add(line);
});

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (text) socket.emit("say", text);
  element("text").value = "";
});

document.title = `${name} – Chat`;
