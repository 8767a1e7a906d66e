// How full the home is, in the Lab's status bar; a click measures anew.
//
// The server's side is geodes_datalab.server.home_usage.
const NAME = "geodes-datalab-home";
const PAUSE = 60000; // milliseconds between two questions
const SOON = 5000; // while files are measured
const COLOURS = { high: "var(--jp-warn-color1)", full: "var(--jp-error-color1)" };
const FRENCH = {
  "Home: ": "Dossier personnel : ",
  "Space that your files take. Click to measure anew.": "Place que prennent vos fichiers. Cliquez pour mesurer à nouveau.",
  "Measured: ": "Mesuré : ",
  "Free on the volume: ": "Libre sur le volume : ",
  "Your home is full: delete files, or ask for more.":
    "Votre dossier personnel est plein : supprimez des fichiers, ou demandez plus de place.",
  "Your home is nearly full.": "Votre dossier personnel est presque plein.",
  "more than ": "plus de ",
  " of ": " sur ",
  " files": " fichiers",
  "is being measured": "mesure en cours",
  "the home cannot be looked at: ": "impossible de le lire : ",
};

const french = () => document.documentElement.lang.startsWith("fr");
// tell TEXT: in the language of the Lab.
const tell = text => (french() && FRENCH[text]) || text;
// count TEXT: what the server says of sizes and files, in that language.
const COUNTS = ["the home cannot be looked at: ", "more than ", " of ", " files", "is being measured"];
const count = text => size(COUNTS.reduce((said, word) => said.replaceAll(word, tell(word)), text));
// size TEXT: "2.5 GB" is "2,5 Go" there.
const size = text => (french() ? text.replace(/(\d+)(?:\.(\d+))? ([kMG]?)B\b/g, sized) : text);
const sized = (_, whole, part, unit) => `${whole}${part ? `,${part}` : ""} ${unit}o`;

const gigabytes = bytes => size(`${(bytes / 1e9).toFixed(1)} GB`);

// title TOLD: what stands in the hint.
const title = told => {
  const lines = [tell("Space that your files take. Click to measure anew.")];
  if (told.measured) lines.push(`${tell("Measured: ")}${new Date(told.measured).toLocaleString(document.documentElement.lang.replace("_", "-") || undefined)}`);
  if (told.free !== null) lines.push(`${tell("Free on the volume: ")}${gigabytes(told.free)}`);
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
    node.textContent = `${tell("Home: ")}${count(told.text)}`;
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
