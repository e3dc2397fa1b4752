"use strict";
// Everything is put on the page as text, never as markup: names and descriptions are the model's.
const at = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
};
const headers = (more = {}) => {
  const key = at("key").value.trim();
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
};
const rounded = (number) => (number === null ? "–" : Number(number.toPrecision(4)).toLocaleString("en"));
// Not in percent: a confidence is no probability.
const decimals = (number) => (number === null ? "–" : number.toFixed(2));

// Code is between backticks in descriptions.
const said = (text) => make("span", {}, ...text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part)));

let api = null;
const resolved = (schema) => (schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema);
// A type that null is allowed in is "any of" two.
const plain = (schema) => resolved((schema.anyOf || [schema]).find((each) => each.type !== "null") || schema);
const nullable = (schema) => (schema.anyOf || []).some((each) => each.type === "null");

function range(schema) {
  const { type, format, minimum, maximum, minLength, maxLength, items, enum: words } = schema;
  if (words) return words.join(" or ");
  if (format === "date-time") return "date and time";
  if (type === "array") return `list of ${items.$ref ? items.$ref.split("/").pop() : range(plain(items))}`;
  if (type === "string") return maxLength ? `text, ${minLength} to ${maxLength} characters` : "text";
  if (type !== "number" && type !== "integer") return type || "any of several";
  const kind = type === "integer" ? "integer" : "number";
  const low = minimum > -1e12 ? minimum : undefined, high = maximum < 1e12 ? maximum : undefined;
  const say = (number) => number.toLocaleString("en");
  if (low === undefined && high === undefined) return kind;
  if (high === undefined) return `${kind}, ${say(low)} or more`;
  if (low === undefined) return `${kind}, ${say(high)} or less`;
  return `${kind}, ${say(low)} to ${say(high)}`;
}

function table(titles, rows) {
  const head = make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}

function fields(schema, answer = false) {
  // In an answer everything is there that is not said to be left out.
  const required = new Set(answer ? [] : schema.required || []);
  return Object.entries(schema.properties).map(([name, field]) => {
    const must = required.has(name) ? make("span", { class: "must" }, "required") : null;
    const about = field.description || "";
    const text = nullable(field) && !/null/.test(about) ? [about.replace(/\.$/, ""), "may be null"].filter(Boolean).join("; ") : about;
    return make("tr", {}, make("td", {}, make("code", {}, name), must), make("td", { class: "range" }, range(plain(field))),
      make("td", {}, said(text)));
  });
}

function showFeatures() {
  const { Features, OrdersRow, EventsRow } = api.components.schemas;
  const rows = fields(Features);
  for (const must of rows.flatMap((row) => [...row.querySelectorAll(".must")])) must.remove();
  at("feature-table").replaceChildren(table(["Feature", "Takes", "What it is"], rows));
  const raw = OrdersRow || EventsRow, name = OrdersRow ? "orders" : "events";
  at("rows-about").textContent = raw
    ? `What an object in ${name} takes. What is left out is unknown.`
    : "This model is of customer tables: there are no raw rows that its features are made of.";
  at("row-table").replaceChildren(...(raw ? [table(["Field", "Takes", "What it is"], fields(raw))] : []));
}

function route(path, method, operation) {
  const parameters = (operation.parameters || []).map((each) => make("tr", {},
    make("td", {}, make("code", {}, each.name)), make("td", { class: "range" }, range(each.schema)), make("td", {}, said(each.description))));
  const answers = Object.entries(operation.responses).map(([status, answer]) => make("tr", {},
    make("td", {}, make("code", {}, status)), make("td", {}, Object.keys(answer.content || {}).join(", ")), make("td", {}, answer.description)));
  const success = operation.responses["200"].content["application/json"];
  const schema = success && resolved(success.schema);
  const members = schema && schema.properties ? [make("h3", {}, "Answer"), table(["Field", "Type", "What it is"], fields(schema, true))] : [];
  const nested = operation.operationId === "predict" ? ["Prediction", "Explanation", "Contribution"].flatMap((name) =>
    [make("h3", {}, name), table(["Field", "Type", "What it is"], fields(api.components.schemas[name], true))]) : [];
  return make("details", { class: "route" },
    make("summary", {}, make("span", { class: `method ${method}` }, method.toUpperCase()), make("code", {}, path), make("span", { class: "what" }, operation.summary)),
    make("div", {}, operation.description ? make("p", {}, said(operation.description)) : null,
      ...(parameters.length ? [make("h3", {}, "Parameters"), wide(table(["Name", "Takes", "What it is"], parameters))] : []),
      make("h3", {}, "Statuses"), wide(table(["Status", "Media type", "When"], answers)), ...[...members, ...nested].map(wide)));
}
const wide = (element) => (element.tagName === "TABLE" ? make("div", { class: "wide" }, element) : element);

function showRoutes() {
  const listed = api.tags.flatMap((tag) => {
    const mine = Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag.name)).map(([method, operation]) => route(path, method, operation)));
    return mine.length ? [make("h3", {}, `${tag.name}: ${tag.description}`), ...mine] : [];
  });
  at("route-list").replaceChildren(...listed);
}

// Numbers of a list stay on one line: a column of a thousand is not a thousand lines.
const written = (value) => JSON.stringify(value, null, 2).replace(/\[\s+((?:[^[\]{}]|"(?:\\.|[^"\\])*")*?)\s+\]/g,
  (_, inside) => `[${inside.replace(/\s*\n\s*/g, " ")}]`);

function showExamples() {
  const { examples } = api.paths["/predict"].post.requestBody.content["application/json"];
  const buttons = Object.values(examples).map((example) => {
    const button = make("button", { type: "button", "aria-pressed": "false" }, example.summary);
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      at("body").value = written(example.value);
    });
    return button;
  });
  at("forms").replaceChildren(...buttons);
  buttons[0].click();
}

const fact = (name, value) => make("div", {}, make("dt", {}, name), make("dd", {}, value));

function effects(explanation) {
  if (explanation.conditions.length) {
    const rule = explanation.conditions.map((each) =>
      `${each.at_least === null ? "" : `${rounded(each.at_least)} ≤ `}${each.feature}${each.below === null ? "" : ` < ${rounded(each.below)}`}`);
    return [make("p", { class: "why" }, `By a rule: ${rule.join(" and ")}.`)];
  }
  const shown = explanation.contributions.slice(0, 6);
  const most = Math.max(...shown.map((each) => Math.abs(each.contribution)), Number.MIN_VALUE);
  const grid = make("div", { class: "effects" });
  for (const each of shown) {
    const share = (Math.abs(each.contribution) / most) * 50;
    const bar = make("i", { class: each.contribution >= 0 ? "for" : "against" });
    bar.style.width = `${share}%`;
    if (each.contribution < 0) bar.style.marginLeft = `${50 - share}%`;
    grid.append(make("span", {}, each.feature), make("div", { class: "track" }, bar), make("span", { class: "number" }, rounded(each.contribution)));
  }
  const key = (kind, text) => make("span", {}, make("i", { class: kind }), text);
  return [make("p", { class: "why" }, "What separates this customer from the runner-up"), grid,
    make("div", { class: "legend" }, key("for", "to this segment"), key("against", "to the runner-up"))];
}

function card(prediction) {
  const { segment, runner_up: other } = prediction;
  return make("div", { class: "card" },
    make("p", { class: "who" }, `${prediction.customer_id ?? "customer without an id"}${prediction.as_of ? `, as of ${prediction.as_of.slice(0, 10)}` : ""}`),
    make("p", { class: "name" }, `${segment.name} `, make("small", {}, `segment ${segment.id}`)),
    make("dl", {}, fact("Confidence", decimals(prediction.confidence)), fact("Distance", rounded(prediction.distance)),
      fact("Outlier", prediction.outlier ? "yes" : "no")),
    other ? make("p", { class: "other" }, `Runner-up: ${other.name}`) : null,
    ...(prediction.explanation ? effects(prediction.explanation) : []));
}

function problem(told) {
  const list = (told.errors || []).map((each) => make("li", {}, make("code", {}, each.pointer || "the whole body"),
    make("span", {}, `${each.detail}${each.hint ? `; ${each.hint}` : ""}`)));
  return make("div", { class: "card problem" }, make("p", { class: "name" }, told.detail || told.title || "The service refused."),
    told.hint && !list.length ? make("p", {}, told.hint) : null, list.length ? make("ul", { class: "places" }, ...list) : null);
}

function show(answer, told, took) {
  const status = at("status");
  status.textContent = answer ? `${answer.status} ${answer.ok ? "OK" : told.code || ""}` : "no answer";
  status.className = `status ${answer && answer.ok ? "good" : "bad"}`;
  at("took").textContent = answer ? `${took} ms, there and back` : "";
  at("told").replaceChildren(...(answer && answer.ok ? told.predictions.slice(0, 10).map(card) : [problem(told)]));
  at("raw").hidden = !answer;
  at("json").textContent = written(told);
}

const address = () => `/predict${at("explain").checked ? "?explain=true" : ""}`;

async function send() {
  const button = at("send"), started = performance.now();
  button.disabled = true;
  try {
    const answer = await fetch(address(), { method: "POST", body: at("body").value, headers: headers({ "Content-Type": "application/json" }) });
    show(answer, await answer.json(), Math.round(performance.now() - started));
    if (answer.status === 401 || answer.status === 403) at("access").hidden = false;
  } catch (error) {
    show(null, { detail: "The service did not answer.", hint: String(error.message) }, 0);
  } finally {
    button.disabled = false;
  }
}

async function copy() {
  const quoted = at("body").value.replaceAll("'", "'\\''");
  const key = at("key").value.trim() ? ' -H "Authorization: Bearer $KEY"' : "";
  const command = `curl -s '${location.origin}${address()}' -H 'Content-Type: application/json'${key} -d '${quoted}'`;
  await navigator.clipboard.writeText(command);
  at("copy").textContent = "Copied";
  setTimeout(() => { at("copy").textContent = "Copy as curl"; }, 1500);
}

async function load() {
  try {
    const answer = await fetch("/openapi.json", { headers: headers() });
    const told = await answer.json();
    if (!answer.ok) {
      at("about").textContent = `${told.detail}. ${told.hint || ""}`;
      at("access").hidden = answer.status !== 401 && answer.status !== 403;
      return;
    }
    api = told;
  } catch (error) {
    at("about").textContent = "The service did not answer. Load the page again.";
    return;
  }
  at("title").textContent = api.info.title;
  at("about").textContent = `${api.info.description} Model ${api.info["x-model-version"]}.`;
  showFeatures();
  showRoutes();
  showExamples();
  at("content").hidden = false;
}

const query = () => { at("query").textContent = at("explain").checked ? "?explain=true" : ""; };
at("access").addEventListener("submit", (event) => { event.preventDefault(); load(); });
at("explain").addEventListener("change", query);
at("send").addEventListener("click", send);
at("copy").addEventListener("click", copy);
query();
load();
