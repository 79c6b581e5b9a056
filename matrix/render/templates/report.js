// Filters for long tables and, where the page holds the answers of all cells, other views of the
// map: change what it fixes. The page says everything of the study's own view without it.
const made = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

for (const region of document.querySelectorAll("[data-filter]")) {
  const total = region.querySelectorAll("tbody .name").length;
  if (total < 12) continue;
  const input = made("input", { type: "search", placeholder: "part of a name" });
  const count = made("output");
  region.before(made("label", { className: "filter" }, `Filter by ${region.dataset.filter}`, input, count));
  region.filterRows = (text) => {
    if (text !== undefined) input.value = text;
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let hits = 0;
    for (const body of region.querySelectorAll("tbody")) {
      let some = false;
      for (const row of body.rows) {
        let shown = false;
        const names = row.querySelectorAll("th .name");
        for (const name of names) {
          const text = `${name.textContent} ${name.dataset.words ?? ""}`.toLowerCase();
          const hit = words.every((word) => text.includes(word));
          name.classList.toggle("hit", hit && words.length > 0);
          shown ||= hit;
          hits += hit;
        }
        if (names.length) row.hidden = !shown;
{% if top.heat_map and top.heat_map.folded %}
        for (const more of row.querySelectorAll("details")) more.open = Boolean(more.querySelector(".hit"));
{% endif %}
        some ||= shown;
      }
      body.hidden = !some;
    }
    count.textContent = words.length ? `${hits} of ${total}` : "";
    return input.value;
  };
  input.addEventListener("input", () => {
    region.filterRows();
    region.dispatchEvent(new Event("filtered"));
  });
}

const source = document.getElementById("answers");
if (source) {
  const data = JSON.parse(source.textContent);
  const region = document.querySelector("#map .map");
  const [answer, tiles] = [".answer span", ".tiles"].map((name) => document.querySelector(`#answer ${name}`));
  const own = [region, answer, tiles].map((element) => [element, [...element.childNodes]]);
  const signs = region.classList.contains("signs");
  const names = new Map([...region.querySelectorAll(".name")].map((name) => [name.textContent, name]));
  const order = Object.keys(data.meanings);
  const rank = (leaf) => (leaf ? order.indexOf(leaf[0]) : order.length);
  const number = new Map(data.axes.map(([name], at) => [name, at]));
  const chosen = new Map();

  const look = (cell) => {
    let node = 0;
    for (let at = 0; at < cell.length; at++) {
      node = data.layers[at][node]?.[cell[at]] ?? -1;
      if (node < 0) return null;
    }
    return data.leaves[node];
  };
  const answers = () => {
    const base = data.usual.map((option, at) => chosen.get(at) ?? option);
    return data.rows.map(([label, place], declared) => {
      const leaves = data.columns.map(([, there]) => {
        const cell = [...base];
        for (const [at, option] of [...place, ...there]) cell[at] = option;
        return look(cell);
      });
      const ranks = leaves.map(rank);
      const counted = data.counted ?? ranks.indexOf(Math.min(...ranks));
      return { label, leaves, beside: [ranks[counted], ...ranks.sort((a, b) => a - b), declared], leaf: leaves[counted] };
    });
  };

  // Neighbouring columns with equal cells are drawn as one, as in the study's own view.
  const absorb = (node, other) => {
    node.at.push(...other.at);
    node.children?.forEach((child, index) => absorb(child, other.children[index]));
  };
  const merged = (nodes, below) => {
    const result = [];
    for (const node of nodes) {
      const last = result.at(-1);
      if (last?.key !== node.key) result.push(node);
      else {
        last.labels.push(...node.labels);
        absorb(last, node);
      }
    }
    for (const node of result) {
      node.labels = [...new Set(node.labels)];
      node.all = below && result.length === 1 && node.labels.length > 1;
    }
    return result;
  };
  const columns = (rows, members, level) => {
    const nodes = [];
    for (const at of members) {
      const label = data.columns[at][0][level];
      if (level + 1 === data.suffixes.length) {
        nodes.push({ labels: [label], at: [at], span: 1, key: rows.map(({ leaves }) => `${leaves[at]}`).join(";") });
      } else if (nodes.at(-1)?.labels[0] === label) nodes.at(-1).at.push(at);
      else nodes.push({ labels: [label], at: [at] });
    }
    for (const node of nodes) {
      if (node.span) continue;
      node.children = merged(columns(rows, node.at, level + 1), true);
      node.span = node.children.reduce((sum, child) => sum + child.span, 0);
      node.key = node.children.map((child) => `${child.labels}|${child.key}`).join("/");
    }
    return nodes;
  };

  const badge = (verdict, ...inner) => made("span", { className: `badge ${verdict}` }, ...(inner.length ? inner : [verdict]));
  const cell = (leaf) => {
    if (!leaf) return made("td", { className: "gap" }, "–", made("span", { className: "unseen" }, " no such cell"));
    const [verdict, causes] = leaf;
    const href = causes.length ? `#cause-${causes[0]}` : "#legend";
    return made("td", { className: verdict }, made("a", { href }, made("span", {}, verdict)));
  };
  const drawMap = (rows) => {
    let level = merged(columns(rows, data.columns.keys(), 0), false);
    const head = made("thead");
    for (const [depth, suffix] of data.suffixes.entries()) {
      const line = made("tr");
      if (!depth) line.append(made("th", { scope: "col", rowSpan: data.suffixes.length }, region.dataset.filter));
      const isLast = depth + 1 === data.suffixes.length;
      for (const { all, at, labels, span } of level) {
        const className = isLast && at.includes(data.counted) ? "counted" : "";
        const text = all ? "all" : labels.join(", ") + suffix;
        line.append(made("th", { scope: span > 1 ? "colgroup" : "col", colSpan: span, className }, text));
      }
      head.append(line);
      if (!isLast) level = level.flatMap(({ children }) => children);
    }
    const table = made("table", {}, head);
    let group = null;
{% if top.heat_map and top.heat_map.folded %}
    const alike = new Map();
{% endif %}
    for (const { label, leaves, leaf } of rows) {
      const verdict = leaf?.[0];
      if (!group || group.verdict !== verdict) {
        group = { verdict, body: made("tbody", { id: `map-${verdict ?? "gap"}` }) };
        const meaning = verdict ? data.meanings[verdict] : "no such cell with these options";
        const count = rows.filter((row) => row.leaf?.[0] === verdict).length;
        const said = made("span", {}, ...(verdict ? [badge(verdict), " "] : []), `${count}: ${meaning}`);
        group.body.append(made("tr", { className: "group" }, made("th", { scope: "rowgroup", colSpan: level.length + 1 }, said)));
        table.append(group.body);
      }
      const name = names.get(label)?.cloneNode(true) ?? made("span", { className: "name" }, label);
{% if top.heat_map and top.heat_map.folded %}
      // Rows that are equal in every cell are one, as in the study's own view.
      const key = `${verdict}: ${leaves.join(";")}`;
      const same = alike.get(key);
      if (same) {
        same.more ??= same.name.parentNode.appendChild(made("details", {}, made("summary")));
        same.more.append(same.count++ ? ", " : "", name);
        same.more.firstChild.textContent = `and ${same.count} alike`;
        continue;
      }
      alike.set(key, { name, count: 0 });
{% endif %}
      const line = made("tr", {}, made("th", { scope: "row" }, name), ...level.map(({ at }) => cell(leaves[at[0]])));
      group.body.append(line);
    }
    region.classList.toggle("signs", level.length > 12);
    region.replaceChildren(table);
  };
  const drawTop = (rows, changed) => {
    const isOther = ({ label }) => data.cpus && /[+=]/.test(label);
    const having = (verdict) => rows.filter(({ leaf }) => leaf?.[0] === verdict);
    tiles.replaceChildren(...order.map((verdict) => {
      const found = having(verdict);
      const others = found.filter(isOther).length;
      const inner = badge(verdict, made("b", {}, `${found.length - others}`), ` ${verdict}`);
      if (!found.length) return made("li", { className: "zero" }, inner);
      const beside = others ? [" ", made("small", {}, `+ ${others}`)] : [];
      return made("li", {}, made("a", { href: `#map-${verdict}` }, inner, ...beside));
    }));
    const found = having(data.alarm);
    const said = ["With ", made("code", {}, changed.join(", ")), ": ", made("code", {}, data.check)];
    if (data.alarm) {
      const heads = data.columns[data.counted]?.[0].map((label, at) => label + data.suffixes[at]);
      const where = heads ? ` in the column ${heads.join(", ")}` : "";
      const listed = found.slice(0, 8).map(({ label }) => label).join(", ");
      const more = found.length > 8 ? ` and ${found.length - 8} more` : "";
      said.push(` is ${data.alarm} in ${found.length} of ${rows.length} rows${where}`);
      if (found.length) said.push(` (${listed}${more})`);
      data.causes.forEach((statement, at) => {
        const mine = found.filter(({ leaf }) => leaf[1].includes(at + 1)).length;
        if (mine) said.push("; ", made("a", { href: `#cause-${at + 1}` }, statement), `: ${mine}`);
      });
      const somewhere = rows.filter(({ leaves }) => leaves.some((leaf) => leaf?.[0] === data.alarm));
      const beside = somewhere.length - found.length;
      if (beside) said.push(`; in other columns in ${beside} more`);
    } else said.push(` says yes in ${having(data.wanted).length} of ${rows.length} rows`);
    const unknown = having("unknown").length;
    answer.replaceChildren(...said, unknown ? `; unknown in ${unknown}.` : ".");
  };

  // What is copied is what `matrix view` writes: of the study's own view as it stands in the page,
  // of another one with `--show worst` and every axis set that the table fixes.
  const copied = data.copied;
  const option = (at) => data.axes[at][1][chosen.get(at) ?? data.usual[at]];
  const fixed = (mark, usual) => {
    const pairs = copied.fixed.map((axis) => {
      const at = number.get(axis);
      const text = usual ? data.axes[at][1][data.usual[at]] : option(at);
      return `${mark}${axis}=${text.includes(",") ? `"${text}"` : text}${mark}`;
    });
    return `Fixed: ${pairs.join(", ")}.`;
  };
  const wrapped = (text, first, rest) => {
    const lines = [];
    let line = first;
    for (const word of text.split(" ")) {
      const begun = line !== (lines.length ? rest : first);
      if (begun && line.length + 1 + word.length > 72) {
        lines.push(line);
        line = rest + word;
      } else line += begun ? ` ${word}` : word;
    }
    return [...lines, line];
  };
  const plainRows = () => {
    const rows = answers().map(({ label, leaves }) => ({ label, leaves: leaves.map((leaf) => leaf && leaf[0]) }));
    const titled = (nodes, level, above) => nodes.flatMap(({ all, at, labels, children }) => {
      const texts = [...above, all ? "all" : labels.join(", ") + data.suffixes[level]];
      return children ? titled(children, level + 1, texts) : [{ at: at[0], title: texts.join(": ") }];
    });
    const heads = titled(merged(columns(rows, data.columns.keys(), 0), false), 0, []);
    const groups = new Map();
    for (const { label, leaves } of rows) {
      const key = leaves.join(";");
      if (!groups.has(key)) groups.set(key, { labels: [], leaves });
      groups.get(key).labels.push(label);
    }
    return { heads, groups: [...groups.values()] };
  };
  const gaps = (groups) => (groups.some(({ leaves }) => leaves.includes(null)) ? " –: no such cell, whatever the other options." : "");
  const forMail = () => {
    if (!chosen.size) return copied.mail;
    const { heads, groups } = plainRows();
    const lines = wrapped(copied.said.replace(fixed("", true), () => fixed("", false)) + gaps(groups), "", "");
    lines.push("");
    for (const { labels, leaves } of groups) {
      lines.push(...wrapped(labels.join(copied.between), "", "  "));
      const told = new Map();
      for (const { at, title } of heads) told.set(leaves[at] ?? "–", [...(told.get(leaves[at] ?? "–") ?? []), title]);
      for (const [verdict, titles] of told) {
        const where = told.size > 1 ? titles.join("; ") : "all columns";
        lines.push(...wrapped(`${verdict}: ${where}`, "  ", "    "));
      }
    }
    return `${copied.head}\n\n${lines.join("\n")}\n`;
  };
  const escaped = (text) => text.replace(/[\\`*_{}[\]<>#|~]/g, (sign) => `\\${sign}`);
  const asMarkdown = () => {
    if (!chosen.size) return copied.markdown;
    const { heads, groups } = plainRows();
    const row = (cells) => `| ${cells.join(" | ")} |`;
    const lines = [row([region.dataset.filter, ...heads.map(({ title }) => escaped(title))]), row(["---", ...heads.map(() => "---")])];
    for (const { labels, leaves } of groups) lines.push(row([labels.map(escaped).join(copied.between), ...heads.map(({ at }) => leaves[at] ?? "–")]));
    return `${copied.headMarkdown.replace(fixed("`", true), () => fixed("`", false))}${gaps(groups)}\n\n${lines.join("\n")}\n`;
  };
  const asCsv = () => {
    const field = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [[copied.rowTitle, ...copied.levels, ...copied.fixed, "verdict", "cells"]];
    const there = copied.fixed.map((axis) => option(number.get(axis)));
    for (const { labels: rows, leaves } of plainRows().groups) {
      for (const row of rows) {
        data.columns.forEach(([labels], at) => leaves[at] && lines.push([row, ...labels, ...there, leaves[at], "1"]));
      }
    }
    return lines.map((line) => `${line.map(field).join(",")}\r\n`).join("");
  };
  const shown = made("textarea", { className: "copied", readOnly: true, hidden: true, rows: 12, ariaLabel: "Copied text" });
  const say = made("output", { className: "muted" });
  const copy = (text, what) => {
    shown.value = text;
    shown.hidden = false;
    shown.select();
    // Without leave to write there, the text is selected for the reader's own key.
    const done = navigator.clipboard?.writeText(text) ?? Promise.reject();
    done.then(() => (say.textContent = `Copied ${what}.`), () => (say.textContent = `Selected ${what}: copy it.`));
  };
  const button = (title, act) => {
    const pressed = made("button", { type: "button" }, title);
    pressed.addEventListener("click", act);
    return pressed;
  };
  if (copied.mail) {
    region.before(made("p", { className: "copy" },
      button("Copy for mail", () => copy(forMail(), "for a mail")),
      button("Copy as Markdown", () => copy(asMarkdown(), "as Markdown")),
      button("Download CSV", () => {
        const link = made("a", { href: URL.createObjectURL(new Blob([asCsv()], { type: "text/csv" })), download: "view.csv" });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      }),
      say,
    ), shown);
  }

  const note = made("output", { className: "muted" });
  const reset = made("button", { type: "button", hidden: true }, "as the study has it");
  const selects = new Map();
  const show = () => {
    const changed = [...chosen].map(([at, option]) => `${data.axes[at][0]}=${data.axes[at][1][option]}`);
    for (const [at, select] of selects) select.selectedIndex = chosen.get(at) ?? data.usual[at];
    reset.hidden = !changed.length;
    if (changed.length) {
      const rows = answers().sort((a, b) => {
        const at = a.beside.findIndex((value, index) => value !== b.beside[index]);
        return a.beside[at] - b.beside[at];
      });
      drawMap(rows);
      drawTop(rows, changed);
    } else {
      for (const [element, nodes] of own) element.replaceChildren(...nodes);
      region.classList.toggle("signs", signs);
    }
    region.filterRows?.();
  };
  const keep = () => {
    const fragment = new URLSearchParams([...chosen].map(([at, option]) => [data.axes[at][0], data.axes[at][1][option]]));
    const text = region.filterRows?.();
    if (text) fragment.set("q", text);
    history.replaceState(null, "", `${fragment}` ? `#${fragment}` : location.pathname + location.search);
  };
  const choose = (at, option) => {
    if (option === data.usual[at]) chosen.delete(at);
    else chosen.set(at, option);
  };
  const read = () => {
    if (!location.hash.includes("=")) return;
    chosen.clear();
    const ignored = [];
    let text = "";
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      const at = number.get(name);
      const option = selects.has(at) ? data.axes[at][1].indexOf(value) : -1;
      if (option >= 0) choose(at, option);
      else if (name === "q") text = value;
      else ignored.push(`${name}=${value}`);
    }
    note.textContent = ignored.length ? `No options of this view, ignored: ${ignored.join(", ")}` : "";
    region.filterRows?.(text);
    show();
  };

  for (const chip of document.querySelectorAll("#map [data-axis]")) {
    const at = number.get(chip.dataset.axis);
    const [title, value] = [chip.firstChild.textContent.trim(), chip.querySelector("b")];
    const select = made("select", { ariaLabel: title }, ...data.axes[at][1].map((option) => made("option", {}, option)));
    select.selectedIndex = data.usual[at];
    select.addEventListener("change", () => {
      choose(at, select.selectedIndex);
      show();
      keep();
    });
    selects.set(at, select);
    value.replaceWith(select);
  }
  reset.addEventListener("click", () => {
    chosen.clear();
    show();
    keep();
  });
  document.querySelector("#map .chips")?.append(made("li", {}, reset));
  document.querySelector("#map .chips")?.after(note);
  region.addEventListener("filtered", keep);
  addEventListener("hashchange", read);
  read();
}
