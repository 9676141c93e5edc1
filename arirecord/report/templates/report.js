// Data, libraries and ladders are in the page as compressed text.
const unpack = (id) => {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
};
const codeUrl = async (id) => URL.createObjectURL(new Blob([await unpack(id)], { type: "text/javascript" }));
if (!globalThis.DecompressionStream) {
  document.getElementById("old-browser").hidden = false;
  throw new Error("no DecompressionStream");
}
const { path, timezone, figures, columns, hidden, rows, plots, colors, buckets } = JSON.parse(await unpack("data"));
const place = Object.fromEntries([...columns.map(({ name }) => name), ...hidden].map((name, index) => [name, index]));
await import(await codeUrl("plotly-code"));
const { jQuery, set_or_remove_dark_class } = await import(await codeUrl("table-code"));
set_or_remove_dark_class();

// Filter: which rows are shown, in the table and in the plots of calls.
const form = document.getElementById("filter");
const fields = form.elements;
const toMs = (time) => (time ? Date.parse(`${time.replace(" ", "T")}Z`) : null);
place.ms = hidden.length + columns.length;
for (const row of rows) row.push(toMs(row[place.started_at]));
const digits = (number) => String(number ?? "").replace(/[^0-9*#a-z_]/gi, "");
const isShown = () => {
  const since = toMs(fields.since.value);
  const until = toMs(fields.until.value);
  const number = digits(fields.number.value);
  const disposition = fields.disposition.value;
  return (row) => {
    const at = row[place.ms];
    return (
      (since === null || at >= since) &&
      (until === null || (at !== null && at < until)) &&
      (!disposition || (row[place.disposition] ?? "open") === disposition) &&
      (!number ||
        ["caller_number", "dialled_exten", "called_number"].some((name) => digits(row[place[name]]).includes(number))) &&
      (!fields.problems.checked || row[place.problem] !== null)
    );
  };
};
const isFiltering = () =>
  Boolean(
    fields.since.value || fields.until.value || fields.disposition.value || fields.number.value || fields.problems.checked,
  );

// Plots of calls, made again of the rows that are shown.
const counted = (values) => {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((one, two) => one[1] - two[1]);
};
const quantile = (sorted, share) => {
  const position = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(position)] ?? 0, sorted[Math.ceil(position)] ?? 0];
  return low + (high - low) * (position % 1);
};
const iso = (ms) => new Date(ms).toISOString().replace("Z", "");
const bars = (pairs) => ({ x: pairs.map(([, n]) => n), y: pairs.map(([name]) => name), text: pairs.map(([, n]) => n) });
const remade = {
  calls_over_time(shown) {
    const times = shown.map((row) => row[place.ms]).filter((at) => at !== null);
    const span = times.reduce((most, at) => Math.max(most, at), -Infinity) - times.reduce((a, b) => Math.min(a, b), Infinity);
    const [size, length] = buckets.find(([seconds]) => span / seconds / 1000 <= 60) ?? buckets.at(-1);
    const data = Object.entries(colors).map(([name, color]) => {
      const mine = shown.filter((row) => row[place.ms] !== null && (row[place.disposition] ?? "open") === name);
      const pairs = counted(mine.map((row) => Math.floor(row[place.ms] / size / 1000) * size * 1000));
      pairs.sort((one, two) => one[0] - two[0]);
      return {
        type: "bar", name, marker: { color }, width: size * 900,
        x: pairs.map(([at]) => iso(at)), y: pairs.map(([, n]) => n),
      };
    });
    return { data: data.filter(({ x }) => x.length), title: `Calls begun, in buckets of ${length}` };
  },
  concurrency(shown) {
    const steps = [];
    for (const row of shown) {
      const start = row[place.ms];
      if (start === null || row[place.duration_s] === null) continue;
      const end = start + row[place.duration_s] * 1000;
      steps.push([start, 1, 0], [end, -1, 0]);
      if (row[place.setup_s] !== null) steps.push([start + row[place.setup_s] * 1000, 0, 1], [end, 0, -1]);
    }
    steps.sort((one, two) => one[0] - two[0]);
    let [open, up] = [0, 0];
    const points = []; // of many changes the highest of each interval, as Python draws them
    steps.forEach(([at, more, answered], index) => {
      open += more;
      up += answered;
      const interval = Math.floor((index * 1000) / Math.max(steps.length, 1000));
      const [, most, mostUp] = (points[interval] ??= [iso(at), 0, 0]);
      points[interval].splice(1, 2, Math.max(most, open), Math.max(mostUp, up));
    });
    const data = figures.concurrency.data.map((trace, index) => ({
      ...trace, x: points.map(([at]) => at), y: points.map((point) => point[index + 1]),
    }));
    return { data };
  },
  dispositions(shown) {
    const pairs = counted(shown.map((row) => row[place.disposition] ?? "open"));
    const marker = { color: pairs.map(([name]) => colors[name] ?? "#888888") };
    return { data: [{ ...figures.dispositions.data[0], ...bars(pairs), marker }] };
  },
  causes(shown) {
    const pairs = counted(shown.map((row) => row[place.cause]).filter((cause) => cause !== null)).slice(-12);
    return { data: [{ ...figures.causes.data[0], ...bars(pairs) }] };
  },
  lengths(shown) {
    const data = ["ring_s", "talk_s", "hold_s"].map((name, index) => {
      const values = shown.map((row) => row[place[name]]).filter((value) => value > 0).sort((a, b) => a - b);
      const width = Math.max(quantile(values, 0.99), 0.001) / 40;
      const pairs = counted(values.filter((value) => value <= width * 40).map((value) => Math.floor(value / width)));
      return {
        ...figures.lengths.data[index],
        x: pairs.map(([bin]) => (bin + 0.5) * width), y: pairs.map(([, n]) => (100 * n) / values.length),
      };
    });
    return { data };
  },
};
const draw = (shown) => {
  const ink = getComputedStyle(document.body).color;
  for (const [name, figure] of Object.entries(figures)) {
    if (shown && !plots.includes(name)) continue;
    const { data, title } = isFiltering() && remade[name] ? remade[name](shown ?? rows.filter(isShown())) : figure;
    const font = { ...figure.layout.font, color: ink };
    const layout = { ...figure.layout, font, modebar: { bgcolor: "transparent" } };
    if (title) layout.title = { ...layout.title, text: title };
    // On a phone there is room for three dates.
    if (innerWidth < 600) layout.xaxis = { ...layout.xaxis, nticks: Math.min(layout.xaxis.nticks ?? 3, 3) };
    Plotly.react(`plot-${name}`, data, layout, { responsive: true, displaylogo: false });
  }
};

// The table, by DataTables. Its first column opens the ladder.
const text = (value) => {
  const span = document.createElement("span");
  span.textContent = value ?? "";
  return span.innerHTML.replaceAll('"', "&quot;");
};
const cell = (name) => (value, kind) => {
  if (kind !== "display") return value ?? "";
  if (name === "call_id") return `<a href="#call=${text(encodeURIComponent(value))}">${text(value)}</a>`;
  if (/_s$/.test(name) && value !== null) return value.toFixed(1);
  if (name === "problem" && value) return `<span title="${text(value)}">${text(value.split(":")[0])}</span>`;
  return text(name === "started_at" && value ? value.slice(0, 19) : value);
};
let mask = null;
jQuery.fn.dataTable.ext.search.push((settings, searched, index) => mask === null || mask[index]);
const table = jQuery("#calls-table").DataTable({
  data: rows,
  columns: columns.map(({ name, title }) => ({
    title, name, render: cell(name), className: name, type: /_(s|count)$/.test(name) ? "num" : "string",
  })),
  deferRender: true,
  pageLength: 25,
  order: [],
  autoWidth: false,
  searchDelay: 250,
  language: { search: "Search the table ", emptyTable: "no calls in the recording" },
});
columns.forEach(({ means }, index) => {
  table.column(index).header().title = means;
});
const filter = () => {
  const test = isShown();
  mask = isFiltering() ? rows.map(test) : null;
  const shown = mask ? rows.filter((row, index) => mask[index]) : rows;
  const count = (number) => number.toLocaleString("en");
  document.getElementById("filtered").textContent = mask ? `${count(shown.length)} of ${count(rows.length)} calls` : "";
  table.draw();
  draw(shown);
};
let waiting;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(filter, 200);
});
form.addEventListener("reset", () => setTimeout(filter));
form.addEventListener("submit", (event) => event.preventDefault());
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());

// A click on a bar sets the filter to it.
const onClick = (name, set) =>
  document.getElementById(`plot-${name}`)?.on?.("plotly_click", ({ points: [point] }) => {
    set(point);
    filter();
  });
onClick("dispositions", ({ y }) => (fields.disposition.value = y));
onClick("calls_over_time", ({ x, data }) => {
  fields.since.value = iso(toMs(x)).slice(0, 19);
  fields.until.value = iso(toMs(x) + data.width / 0.9).slice(0, 19);
});

// A link to a call opens its ladder; one that is not in the page can be printed by the command.
const dialog = document.getElementById("ladder");
const content = document.getElementById("ladder-content");
const packOf = new Map(rows.map((row) => [row[place.call_id], row[place.pack]]));
const quoted = (word) => (/^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a link that was cut, or never encoded
  }
};
const open = async () => {
  const [, id] = /^#call=(.*)$/.exec(location.hash) ?? [];
  if (id === undefined) return dialog.close();
  const call = decoded(id);
  const pack = packOf.get(call) ?? null;
  if (pack === null) {
    const zone = timezone === "UTC" ? "" : ` --timezone ${timezone}`;
    const command = `arirecord explain ${quoted(path)} ${quoted(call.split(" on ")[0])}${zone}`;
    content.innerHTML = `<p>The ladder of this call is not in the page. This command prints it:</p>
      <p><code>${text(command)}</code> <button id="copy">Copy</button></p>`;
    document.getElementById("copy").onclick = () => navigator.clipboard.writeText(command);
  } else {
    content.innerHTML = JSON.parse(await unpack(`ladders-${pack}`))[call];
  }
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
};
dialog.addEventListener("close", () => {
  if (location.hash.startsWith("#call=")) history.replaceState(null, "", location.pathname + location.search);
});
addEventListener("hashchange", open);
open();
