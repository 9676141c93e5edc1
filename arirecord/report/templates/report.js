const read = (id) => JSON.parse(document.getElementById(id).textContent);

// Plots follow the colours of the page, and change with them.
const figures = read("figures-data");
const draw = () => {
  const ink = getComputedStyle(document.body).color;
  for (const [name, figure] of Object.entries(figures)) {
    const layout = { ...figure.layout, font: { ...figure.layout.font, color: ink } };
    Plotly.react(`plot-${name}`, figure.data, layout, { responsive: true, displaylogo: false });
  }
};
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

// Paging, sorting and search by DataTables, out of the page itself.
const code = new Blob([document.getElementById("table-code").textContent], { type: "text/javascript" });
const { jQuery, set_or_remove_dark_class } = await import(URL.createObjectURL(code));
set_or_remove_dark_class();
const { columns, rows, ladders } = read("calls-data");
const text = (value) => {
  const span = document.createElement("span");
  span.textContent = value ?? "";
  return span.innerHTML;
};
const shown = (name) => (value, kind) => {
  if (kind !== "display") return value ?? "";
  if (name === "call_id" && ladders[value]) return `<a href="#${ladders[value]}">${text(value)}</a>`;
  return text(typeof value === "boolean" ? (value ? "yes" : "no") : value);
};
const table = jQuery("#calls-table").DataTable({
  data: rows,
  columns: columns.map(({ name, title, about }) => ({ title, render: shown(name), name, className: about })),
  deferRender: true,
  pageLength: 25,
  order: [],
  autoWidth: false,
  searchDelay: 250,
  language: { search: "Search ", emptyTable: "no calls in the recording" },
});
columns.forEach(({ means }, place) => {
  table.column(place).header().title = means;
});
document.getElementById("disposition").addEventListener("change", ({ target }) => {
  const exactly = target.value ? `^${target.value}$` : "";
  table.column("disposition:name").search(exactly, true, false).draw();
});

// A link to a ladder opens it.
const open = () => {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (found instanceof HTMLDetailsElement) found.open = true;
  found?.scrollIntoView();
};
addEventListener("hashchange", open);
open();
