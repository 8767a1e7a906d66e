// How full the home is, in the Lab's status bar; a click measures anew.
//
// The server's side is geodes_datalab.server.home_usage.
import { french, language, translator } from "./language.js";

const NAME = "geodes-datalab-home";
const PAUSE = 60000; // milliseconds between two questions
const SOON = 5000; // while files are measured
const COLOURS = { high: "var(--jp-warn-color1)", full: "var(--jp-error-color1)" };
const FRENCH = {
  "Home: {usage}": "Dossier personnel : {usage}",
  "Space that your files take. Click to measure anew.": "Place que prennent vos fichiers. Cliquez pour mesurer à nouveau.",
  "Measured: {time}": "Mesuré : {time}",
  "Free on the volume: {free}": "Libre sur le volume : {free}",
  "Your home is full: delete files, or ask for more.":
    "Votre dossier personnel est plein : supprimez des fichiers, ou demandez plus de place.",
  "Your home is nearly full.": "Votre dossier personnel est presque plein.",
  "{used} of {limit}": "{used} sur {limit}",
  "more than {used}": "plus de {used}",
  "more than {used} of {limit}": "plus de {used} sur {limit}",
  "{used} of {limit} files": "{used} sur {limit} fichiers",
  "is being measured": "mesure en cours",
  "cannot be looked at: {reason}": "impossible de le lire : {reason}",
};

const tell = translator(FRENCH);

// size BYTES: "2.5 GB", or "2,5 Go".
const size = bytes => {
  const units = ["B", "kB", "MB"];
  while (units.length && bytes >= 1000) {
    bytes /= 1000;
    units.shift();
  }
  const told = units.length ? `${bytes.toFixed(0)} ${units[0]}` : `${bytes.toFixed(1)} GB`;
  return french() ? told.replace(".", ",").replace("B", "o") : told;
};

// usage TOLD: what the server's figures mean.
const usage = told => {
  if (told.error !== null) return tell("cannot be looked at: {reason}", { reason: told.error });
  if (told.files !== null) return tell("{used} of {limit} files", { used: told.files, limit: told.files_limit });
  if (told.used === null) return tell("is being measured");
  const used = size(told.used);
  if (!told.limit) return told.complete ? used : tell("more than {used}", { used });
  const sizes = { used, limit: size(told.limit) };
  return told.complete ? tell("{used} of {limit}", sizes) : tell("more than {used} of {limit}", sizes);
};

// title TOLD: what stands in the hint.
const title = told => {
  const lines = [tell("Space that your files take. Click to measure anew.")];
  if (told.measured) {
    const time = new Date(told.measured).toLocaleString(language() || undefined);
    lines.push(tell("Measured: {time}", { time }));
  }
  if (told.free !== null) lines.push(tell("Free on the volume: {free}", { free: size(told.free) }));
  if (told.level === "full") lines.push(tell("Your home is full: delete files, or ask for more."));
  else if (told.level === "high") lines.push(tell("Your home is nearly full."));
  return lines.join("\n");
};

const activate = shared => async (app, statusBar) => {
  const { PageConfig } = await shared("@jupyterlab/coreutils");
  if (PageConfig.getOption("geodesDatalabHome") !== "true") return;
  const { Widget } = await shared("@lumino/widgets");
  const { ServerConnection } = await shared("@jupyterlab/services");
  const settings = app.serviceManager.serverSettings;
  const url = `${settings.baseUrl}geodes-datalab/home?no_track_activity=1`;

  const node = document.createElement("button");
  node.className = "geodes-datalab-home";
  node.style.cssText = "background: none; border: none; font: inherit; color: inherit; cursor: pointer; padding: 0 4px";
  const item = new Widget({ node });

  const show = told => {
    node.textContent = tell("Home: {usage}", { usage: usage(told) });
    node.title = title(told);
    node.dataset.level = told.level;
    node.style.color = COLOURS[told.level] || "inherit";
  };
  let timer;
  const ask = async (method = "GET") => {
    clearTimeout(timer);
    let pause = PAUSE;
    try {
      if (method === "POST" || !document.hidden) {
        const reply = await ServerConnection.makeRequest(url, { method }, settings);
        if (reply.ok) {
          const told = await reply.json();
          show(told);
          if (told.measuring) pause = SOON;
        }
      }
    } catch {
      // The server comes and goes; the next question will tell.
    }
    timer = setTimeout(ask, pause);
  };
  node.addEventListener("click", () => ask("POST"));
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  statusBar.registerStatusItem(NAME, { item, align: "right", rank: 200 });
  app.restored.then(() => ask());
};

export const plugin = async shared => {
  const { IStatusBar } = await shared("@jupyterlab/statusbar");
  return { id: "geodes-datalab-home:usage", requires: [IStatusBar], activate: activate(shared) };
};
